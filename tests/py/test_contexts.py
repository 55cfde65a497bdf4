"""What was counted in each context, against a simple twin: the differences of whole
counts, as the trace function of sys.settrace() has them."""

from __future__ import annotations

import contextlib
import copy
import random
import threading
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from beside import ENGINES, FREE, MONITORED

import exactrace
from exactrace.contextlog import COLUMNS, ContextLog
from exactrace.results import CoverageResults

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "/program.py"
FILES = (FILE, "/side0.py", "/side1.py")
PROGRAM = """\
def loop(n):
    total = 0
    for i in range(n):
        if i % 3 and i != 4:
            total += i
        else:
            total -= 1
    return total

def risky(n):
    try:
        if n % 2:
            raise ValueError(n)
        return [1, 2][n]
    except ValueError:
        n += 1
    finally:
        n -= 1
    return n

def raises(n):
    return 1 // n

def steps(n):
    try:
        for i in range(n):
            try:
                yield i
            except KeyError:
                pass
    finally:
        loop(1)

def waits(ready, event):
    ready.set()
    event.wait()
    return 1

def halfway(n, note):
    for i in range(n):
        if i == 1:
            note()
        try:
            raises(i)
        except ZeroDivisionError:
            note()

def straight(note):
    a = 1
    note()
    b = a
    note()
    return b

def recursive(n):
    return n if n < 1 else recursive(n - 1) + 1

def make(n):
    def inner(x):
        return x + n if x else n
    return inner

class Plain:
    a = 1
    def method(self):
        return [x for x in range(3) if x]
"""
SIDE = """\
a = 1
b = [a,
     2]
def fresh(x):
    while x:
        x -= 1
    return x
fresh(2)
"""


class Play:
    """A program that does this and that, the same for the same seed."""

    def __init__(self, seed: int, note: Callable[[], object]) -> None:
        self.random = random.Random(seed)
        self.note = note
        self.space: dict[str, Any] = {"__file__": FILE, "__name__": "program"}
        self.generators: list[Any] = []
        self.threads: list[tuple[threading.Thread, threading.Event]] = []
        self.inner: Any = None
        self.acts = [
            getattr(self, name) for name in sorted(dir(self)) if name.startswith("do_")
        ]

    def run(self, contexts: int) -> None:
        exec(compile(PROGRAM, FILE, "exec"), self.space)
        self.note()
        for _ in range(contexts):
            for act in self.random.sample(self.acts, self.random.randrange(4)):
                act(self.random.randrange(5))
            self.note()
        while self.threads:
            self.do_end_thread(0)
        while self.generators:  # else the collector would, in the midst of another
            self.do_close(0)
        self.note()

    def do_loop(self, n: int) -> None:
        self.space["loop"](n)

    def do_risky(self, n: int) -> None:
        with contextlib.suppress(IndexError):
            self.space["risky"](n)

    def do_raises(self, n: int) -> None:
        with contextlib.suppress(ZeroDivisionError):
            self.space["raises"](n % 2)

    def do_begin_generator(self, n: int) -> None:
        self.generators.append(self.space["steps"](n))

    def do_next(self, _: int) -> None:
        for each in self.generators:
            next(each, None)

    def do_throw(self, n: int) -> None:
        if self.generators:
            with contextlib.suppress(StopIteration, KeyError, OSError):
                self.generators[-1].throw([KeyError, OSError][n % 2])

    def do_close(self, _: int) -> None:
        if self.generators:
            self.generators.pop(0).close()

    def do_begin_thread(self, _: int) -> None:
        ready, event = threading.Event(), threading.Event()
        work = self.space["waits"]
        thread = threading.Thread(target=work, args=(ready, event))
        thread.start()
        ready.wait()
        # On the line that waits: only then are all lines before it counted.
        while not event._cond._waiters:  # type: ignore[attr-defined]
            pass
        self.threads.append((thread, event))

    def do_end_thread(self, _: int) -> None:
        if self.threads:
            thread, event = self.threads.pop()
            event.set()
            thread.join()

    def do_halfway(self, n: int) -> None:
        self.space["halfway"](n, self.note)

    def do_straight(self, _: int) -> None:
        # No probe is behind the first: what is left shows by the frame alone.
        self.space["straight"](self.note)

    def do_recursive(self, n: int) -> None:
        self.space["recursive"](n)

    def do_make(self, n: int) -> None:
        self.inner = self.space["make"](n)

    def do_inner(self, n: int) -> None:
        if self.inner is not None:
            self.inner(n)

    def do_plain(self, _: int) -> None:
        self.space["Plain"]().method()

    def do_body(self, n: int) -> None:
        # Each time anew: its code is freed when it has run.
        code = compile(SIDE, f"/side{n % 2}.py", "exec")
        exec(code, {"__file__": FILE, "__name__": "program"})

    def do_far(self, n: int) -> None:
        code = compile("x = 1\ny = 2\n" + "z = 3\n" * n, FILE, "exec")
        far = code.replace(co_firstlineno=(1 << 22) - 1)
        exec(far, {"__file__": FILE, "__name__": "program"})


def ours(counts: dict[tuple[str, int], int]) -> Counter[tuple[str, int]]:
    """Return what the program did, without us."""
    return Counter({key: n for key, n in counts.items() if key[0] in FILES})


def new_tracer(engine: str, *, branch: bool = False) -> Any:
    return exactrace.Trace(
        count=1, trace=0, engine=engine, branch=branch, ignoremods=["threading"]
    )


Parts = list[Counter[tuple[str, int]]]


def by_difference(seed: int, contexts: int) -> Parts:
    """The twin."""
    tracer = new_tracer("settrace")
    parts: Parts = []
    before: Counter[tuple[str, int]] = Counter()

    def note() -> None:
        nonlocal before
        now = ours(dict(tracer.counts))
        parts.append(now - before)
        before = now

    play = Play(seed, note)
    tracer.start()
    play.run(contexts)
    tracer.stop()
    return parts


def by_context(tracer: Any, seed: int, contexts: int) -> tuple[Parts, ContextLog]:
    log = ContextLog()
    number = 0

    def note() -> None:
        nonlocal number
        # What is in no context must be in none.
        name = "" if number % 5 == 4 else str(number)
        tracer._end_context(log.numbers, log.parts, name)
        number += 1

    play = Play(seed, note)
    tracer.start()
    play.run(contexts)
    tracer.stop()
    parts: Parts = [Counter() for _ in range(number)]
    for (name, file, line), hits in log.as_dict().items():
        assert hits > 0
        parts[int(name)][file, line] += hits
    return [ours(part) for part in parts], log


# The trace function sees no branches.
WAYS = [(engine, False) for engine in ENGINES]
WAYS += [(engine, True) for engine in ENGINES if engine != "settrace"]


@pytest.mark.parametrize(("engine", "branch"), WAYS)
@pytest.mark.parametrize("seed", range(6))
def test_contexts_are_the_differences_of_counts(
    engine: str, branch: bool, seed: int
) -> None:
    expected = by_difference(seed, 40)
    tracer = new_tracer(engine, branch=branch)
    found, log = by_context(tracer, seed, 40)
    assert len(found) == len(expected)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one == (Counter() if number % 5 == 4 else other), number
    taken = ours(tracer._take()[0])
    assert taken == sum(expected, Counter())
    assert log.files() >= {FILE}


def play_plainly(tracer: Any, seed: int) -> Any:
    play = Play(seed, lambda: None)
    tracer.start()
    play.run(40)
    tracer.stop()
    return tracer.branches, tracer.calls


@pytest.mark.skipif(not MONITORED, reason="branches need sys.monitoring")
@pytest.mark.parametrize("engine", [each for each in ENGINES if each != "settrace"])
@pytest.mark.parametrize("seed", range(3))
def test_branches_and_calls_do_not_depend_on_contexts(engine: str, seed: int) -> None:
    def of_program(dicts: Any) -> list[dict[Any, Any]]:
        return [
            {key: hits for key, hits in each.items() if key[0] in FILES}
            for each in dicts
        ]

    expected = of_program(play_plainly(new_tracer(engine, branch=True), seed))
    tracer = new_tracer(engine, branch=True)
    by_context(tracer, seed, 40)
    found = of_program((tracer.branches, tracer.calls))
    assert any(sum(sides.values()) for sides in found[0].values())
    assert found == expected


@pytest.mark.skipif(not MONITORED, reason="settrace counts for one tracer only")
@pytest.mark.skipif(FREE, reason="without the GIL, tracers share no engine")
def test_tracers_beside_each_other_do_not_disturb_contexts() -> None:
    expected = by_difference(7, 40)
    before = new_tracer("probe")
    before.start()
    Play(8, lambda: before.counts).run(10)
    tracer = new_tracer("probe")
    found, _ = by_context(tracer, 7, 40)
    before.stop()
    assert [part for at, part in enumerate(found) if at % 5 != 4] == [
        part for at, part in enumerate(expected) if at % 5 != 4
    ]
    alone = by_difference(8, 10)
    whole = sum(alone, Counter()) + sum(expected, Counter())
    assert ours(before.counts) == whole


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_taken_is_in_no_context(engine: str) -> None:
    space: dict[str, Any] = {"__file__": FILE, "__name__": "program"}
    exec(compile(PROGRAM, FILE, "exec"), space)
    tracer = new_tracer(engine)
    log = ContextLog()
    tracer.start()
    space["loop"](2)
    tracer._end_context(log.numbers, log.parts, "a")
    space["loop"](3)
    first = ours(tracer._take()[0])
    space["loop"](5)
    tracer._end_context(log.numbers, log.parts, "b")
    space["loop"](7)
    tracer._end_context(log.numbers, log.parts, "a")
    tracer.stop()
    in_context = Counter(log.as_dict())
    assert in_context["a", FILE, 3] == 3 + 8
    assert in_context["b", FILE, 3] == 6
    assert first[FILE, 3] == 3 + 4
    assert ours(tracer.counts)[FILE, 3] == 6 + 8


def test_a_line_of_a_context_is_in_one_row() -> None:
    log = ContextLog()
    log.numbers = {"a": 0, "f": 1, "b": 2}
    one, other = array("q", (0, 1, 5, 3)), array("q", (0, 1, 5, 4, 0, 1, 6, 1))
    log.parts = {
        "a": [one.tobytes(), other.tobytes()],
        "b": [array("q", (2, 1, 5, 9)).tobytes()],
    }
    results, more = CoverageResults(), CoverageResults()
    results._add_contexts(log)
    assert sorted(zip(*[iter(log.rows())] * COLUMNS, strict=True)) == [
        (0, 1, 5, 7),
        (0, 1, 6, 1),
        (2, 1, 5, 9),
    ]
    assert log.files() == {"f"}
    more.contexts = {("a", "f", 5): 1, ("c", "f", 5): 1}
    more.update(results)
    assert more.contexts == {
        ("a", "f", 5): 8,
        ("a", "f", 6): 1,
        ("b", "f", 5): 9,
        ("c", "f", 5): 1,
    }
    assert results.contexts == log.as_dict()


class Refusing(dict[Any, int]):
    """Takes so many new keys, and then says no."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: Any, value: int) -> None:
        if len(self) == self.most:
            raise OSError
        super().__setitem__(key, value)


@pytest.mark.parametrize("most", range(12))
@pytest.mark.parametrize("engine", ENGINES)
def test_counts_that_cannot_be_taken_stay_in_their_contexts(
    engine: str, most: int
) -> None:
    space: dict[str, Any] = {"__file__": FILE, "__name__": "program"}
    tracer = new_tracer(engine)
    log = ContextLog()
    far = compile("x = 1\ny = 2\n", FILE, "exec").replace(co_firstlineno=1 << 22)
    counts = tracer.counts = Refusing(1 << 22)
    tracer.start()
    exec(compile(PROGRAM, FILE, "exec"), space)
    exec(far, space)
    tracer._end_context(log.numbers, log.parts, "a")
    space["loop"](2)
    counts.most = most
    refused = 0
    for _ in range(2):
        try:
            _ = tracer.counts
        except OSError:
            refused += 1
    tracer._end_context(log.numbers, log.parts, "b")
    counts.most = 1 << 22
    tracer.stop()
    assert refused == 2
    rows = [
        tuple(row)
        for part in log.parts["b"]
        for row in zip(*[iter(array("q", part))] * COLUMNS, strict=True)
        if list(log.numbers)[row[1]] == FILE
    ]
    assert len(rows) == len({row[:3] for row in rows})  # no line is there twice
    parts: dict[str, Counter[int]] = {"a": Counter(), "b": Counter()}
    for (name, file, line), hits in log.as_dict().items():
        if file == FILE:
            parts[name][line] += hits
    assert parts["a"][1] == parts["a"][1 << 22] == 1
    # Some of it may be in the counts already, which are then of none.
    loop = Counter({2: 1, 3: 3, 4: 2, 5: 1, 7: 1, 8: 1})
    assert parts["b"] <= loop
    whole = ours(tracer.counts)
    for (_, line), hits in whole.items():
        assert hits == parts["a"][line] + loop[line]
    assert {line for _, line in whole} >= {*parts["a"], *loop}


def test_shallow_copies_have_the_same_contexts() -> None:
    log = ContextLog()
    log.numbers = {"a": 0, "f": 1}
    log.parts = {"a": [array("q", (0, 1, 5, 3)).tobytes()]}
    results = CoverageResults()
    results._add_contexts(log)
    other = copy.copy(results)
    assert results.contexts == other.contexts == {("a", "f", 5): 3}


def test_rows_are_whole_after_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    log = ContextLog()
    log.numbers = {"a": 0, "f": 1, "b": 2}
    one = array("q", (0, 1, 5, 3)).tobytes()
    log.parts = {"b": [array("q", (2, 1, 5, 9)).tobytes()], "a": [one, one]}

    def interrupted(_: object) -> list[int]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("exactrace.contextlog._added_up", interrupted)
        with pytest.raises(KeyboardInterrupt):
            log.rows()
    assert log.as_dict() == {("b", "f", 5): 9, ("a", "f", 5): 6}
