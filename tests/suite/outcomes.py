"""What became of the tests of a module: read from a journal, and compared."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# What differs between two runs of one test by chance.
_BY_CHANCE = [
    (re.compile(r"\b0x[0-9a-fA-F]+"), "0x"),
    (re.compile(r"/tmp[a-z0-9_]{8}\b"), "/tmp"),
    (re.compile(r"(test_python_worker_|@test_)\d+"), r"\1"),
]
Counts = Counter[tuple[str, int]]  # (file, line) -> hits
WHOLE = "(the whole module)"


@dataclass
class Outcomes:
    """What became of each test of a run, in the order in which they ran."""

    tests: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # tracebacks, to be shown
    ended: str = ""  # "" if the run came to its end, else how it ended
    seconds: float = 0.0
    counted: tuple[int, int, int] = (0, 0, 0)  # lines, hits, lines of the module
    counts: Counts = field(default_factory=Counter)

    @property
    def summary(self) -> str:
        """How many tests there were of each outcome."""
        kinds = Counter(re.split(r"[:,]", text)[0] for text in self.tests.values())
        return ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())


def read_journal(path: Path, folder: str) -> Outcomes:
    """Read what a driver wrote that ran in the folder."""
    found = Outcomes()
    parts: dict[str, list[str]] = {}
    last, ended = "", False
    text = path.read_text(errors="replace") if path.exists() else ""
    for line in text.splitlines():
        try:
            kind, *rest = json.loads(line)
        except ValueError:  # killed while it wrote
            continue
        if kind == "end":
            ended = True
        elif kind == "counted":
            found.counted = (rest[0], rest[1], rest[2])
        else:
            name = steady(str(rest[0]), folder)
            last = name
            if kind == "start":
                parts.setdefault(name, [])
            elif kind == "test":
                outcome = _outcome(rest[1:], folder)
                parts.setdefault(name, []).append(outcome)
                if len(rest) > 3:
                    found.texts[name] = rest[3]
            elif kind == "stop" and rest[1]:
                parts.setdefault(name, []).append(f"{rest[1]} subtests passed")
    found.tests = {
        name: ", ".join(outcomes) or "did not end" for name, outcomes in parts.items()
    }
    if not ended:
        found.ended = f"ended in {last or 'its import'}"
    return found


def _outcome(fields: list[str], folder: str) -> str:
    kind, *details = fields
    # Of an exception its type counts; its text may have anything in it.
    return f"{kind}: {steady(details[0], folder)}" if details else kind


def steady(text: str, folder: str) -> str:
    """Return a text without what differs between two runs by chance."""
    text = text.replace(folder, "")
    for pattern, replacement in _BY_CHANCE:
        text = pattern.sub(replacement, text)
    return text


@dataclass
class Difference:
    """A test that did not become the same bare and counted."""

    test: str
    bare: list[str]
    counted: list[str]

    @property
    def stays(self) -> bool:
        """Whether no counted run had the outcome of any bare run."""
        return not set(self.bare) & set(self.counted)

    @property
    def only_counted(self) -> bool:
        """Whether all bare runs agree, so that it varies under counting alone."""
        return len(set(self.bare)) == 1

    def __str__(self) -> str:
        return (
            f"{self.test}: bare {_listed(self.bare)}; counted {_listed(self.counted)}"
        )


def _listed(outcomes: Iterable[str]) -> str:
    return " | ".join(
        f"{text} ({number}x)" if number > 1 else text
        for text, number in Counter(outcomes).items()
    )


def compare(bare: list[Outcomes], counted: list[Outcomes]) -> list[Difference]:
    """Return the tests whose outcomes are not one and the same in all runs.

    If there are none, also the order of the tests is compared.
    """
    runs = [*bare, *counted]
    names = list(dict.fromkeys(name for run in runs for name in run.tests))
    absent = "not there"
    found = []

    def add(name: str, ones: list[str], others: list[str]) -> None:
        if len({*ones, *others}) > 1:
            found.append(Difference(name, ones, others))

    add(
        WHOLE, [r.ended or "ended" for r in bare], [r.ended or "ended" for r in counted]
    )
    if found and found[0].stays:
        return found  # what did not come to run says no more
    for name in names:
        ones = [run.tests.get(name, absent) for run in bare]
        others = [run.tests.get(name, absent) for run in counted]
        add(name, ones, others)
    if not found:
        orders = [list(run.tests) for run in runs]
        shown = [f"order {orders.index(order) + 1}" for order in orders]
        add("(the order of the tests)", shown[: len(bare)], shown[len(bare) :])
    return found
