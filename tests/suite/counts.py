"""The standard library's tests under two engines: every count must be equal.

    python tests/suite/counts.py [OPTIONS] [MODULE...]

Each module of tests runs in two processes, counted by one engine in each; the
counts of all files are compared, of the tests, the standard library and whatever
else runs. The reference is the settrace engine, and the event engine where tests
do not leave the trace function alone (not_counted.py has these). If they differ, the reference runs once more, so that counts which
differ from run to run show. Ends with status 1 if a count differs and should not.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from exactrace.progress import Progress

sys.path.insert(0, str(Path(__file__).parent))  # also under -P

from not_counted import not_taken, reference_for
from outcomes import Counts, Outcomes
from processes import (
    ENGINES,
    Options,
    arguments_of,
    chosen_modules,
    options_of,
    run_once,
)

EQUAL, VARYING, DIFFERENT, FAILED = VERDICTS = (
    "equal",
    "varying",
    "different",
    "not ended",
)
MOST = 12  # counts that are shown of a module


@dataclass
class Comparison:
    """The counts of a module under both engines."""

    module: str
    lines: int = 0
    hits: int = 0
    seconds: tuple[float, float] = (0, 0)
    verdict: str = EQUAL
    wrong: list[str] = field(default_factory=list)


def differing(one: Counts, other: Counts) -> list[tuple[str, int]]:
    return sorted(key for key in one.keys() | other.keys() if one[key] != other[key])


def compare(module: str, reference: Options, tested: Options, timeout: float):
    """Run a module under both engines and compare."""
    first = run_once(module, reference, timeout)
    second = run_once(module, tested, timeout)
    found = Comparison(module, len(first.counts), sum(first.counts.values()))
    found.seconds = first.seconds, second.seconds
    if not first.counts or not second.counts:
        found.verdict = FAILED
        found.wrong = [run.ended or "ended" for run in (first, second)]
        return found
    wrong = differing(first.counts, second.counts)
    if wrong:
        again = run_once(module, reference, timeout)
        varying = set(differing(first.counts, again.counts))
        found.verdict = VARYING if varying else DIFFERENT
        found.wrong = shown(wrong, varying, first, second)
    return found


def shown(
    wrong: list[tuple[str, int]],
    varying: set[tuple[str, int]],
    first: Outcomes,
    second: Outcomes,
) -> list[str]:
    """Return lines on the counts that differ, and on tests that do."""
    files = Counter(filename for filename, _ in wrong)
    lines = [
        f"{'~' if key in varying else '!'} {key[0]}:{key[1]}: "
        f"reference {first.counts[key]}, tested {second.counts[key]}"
        for key in wrong[:MOST]
    ]
    if len(wrong) > MOST:
        lines.append(f"and more: {len(wrong)} in {dict(files.most_common(5))}")
    for test in first.tests.keys() | second.tests.keys():
        one, other = first.tests.get(test), second.tests.get(test)
        if one != other:
            lines.append(f"test {test}: reference {one}, tested {other}")
    return lines


def main() -> int:
    parser = arguments_of(__doc__ or "")
    parser.add_argument("--reference", choices=ENGINES, help="for all modules")
    arguments = parser.parse_args()
    tested = {**options_of(arguments), "keep": True}
    found = []
    modules = chosen_modules(arguments, not_taken())
    with Progress("modules", len(modules)) as progress:
        for module in modules:
            engine = arguments.reference or reference_for(module)
            reference = {**tested, "engine": engine, "branch": False}
            one = compare(module, reference, tested, arguments.timeout)
            found.append(one)
            progress.clear()
            if one.verdict != EQUAL:
                print(f"{module}: {one.verdict}")
                print(
                    "".join(f"    {line}\n" for line in one.wrong), end="", flush=True
                )
            progress.step()
            if arguments.write:
                content = {one.module: vars(one) for one in found}
                Path(arguments.write).write_text(json.dumps(content, indent=1))
    hits = sum(one.hits for one in found)
    seconds = [sum(one.seconds[k] for one in found) for k in (0, 1)]
    print(f"\n{len(found)} modules, {hits} hits of lines: ", end="")
    print(f"{seconds[0]:.0f} s under the reference, {seconds[1]:.0f} s tested")
    for verdict in VERDICTS:
        names = [one.module for one in found if one.verdict == verdict]
        print(f"{verdict:>10} {len(names):4}  ", end="")
        print("" if verdict == EQUAL else " ".join(names))
    return int(any(one.verdict in (DIFFERENT, FAILED) for one in found))


if __name__ == "__main__":
    sys.exit(main())
