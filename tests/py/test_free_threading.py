"""Without the GIL: threads that run at the same time are counted exactly."""

from __future__ import annotations

import contextlib
import io
import os
import sysconfig
import threading
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from beside import ENGINES, FREE, MONITORED, NO_PROBES, run, write

import exactrace
from exactrace.cli import report

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(
    not FREE, reason="this interpreter has a GIL: no two threads run at the same time"
)
THREADS = 8
TSAN = "-fsanitize=thread" in (sysconfig.get_config_var("PY_CFLAGS") or "")

# What each line runs in work(30): 30 rounds, 10 of them raise, 20 go on; the
# generator yields 30 times and is run to its end.
WORK = """\
def numbers(n):
    for i in range(n):
        yield i
def work(n):
    total = 0
    for i in numbers(n):
        if i % 2:
            total += 1
        elif i % 4 == 0: total += 2
        try:
            if i % 3 == 0:
                raise ValueError
            total += 3
        except ValueError:
            total -= 1
        finally:
            total += 0
    while total > 0: total -= 1
    return (lambda: total)()
"""
TOTAL = 15 + 16 + 60 - 10  # of line 18: how often its loop runs
HITS = {2: 31, 3: 30, 5: 1, 6: 31, 7: 30, 8: 15, 9: 15, 10: 30, 11: 30, 12: 10, 13: 20}
HITS |= {14: 10, 15: 10, 17: 30, 18: TOTAL, 19: 2}


def module(text: str, name: str = "F") -> dict[str, Any]:
    space: dict[str, Any] = {"__file__": name, "__name__": name}
    exec(compile(text, name, "exec"), space)
    return space


def lines(counts: dict[tuple[str, int], int], name: str = "F") -> dict[int, int]:
    return {line: hits for (file, line), hits in sorted(counts.items()) if file == name}


def times(hits: dict[int, int], factor: int) -> dict[int, int]:
    return {line: count * factor for line, count in hits.items()}


def in_threads(count: int, function: Callable[..., object], *args: object) -> None:
    """Call it in so many threads, which begin at the same time."""
    barrier = threading.Barrier(count)
    failures = []

    def body() -> None:
        barrier.wait()
        try:
            function(*args)
        except BaseException as failure:
            failures.append(failure)
            raise

    threads = [threading.Thread(target=body) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def tracer(engine: str | None = None, **options: Any) -> exactrace.Trace:
    return exactrace.Trace(trace=0, engine=engine, **options)


def test_importing_and_counting_leaves_the_gil_off(folder: Any) -> None:
    write(folder, "program.py", "import sys\nprint(sys._is_gil_enabled())\n")
    status, output, error = run(
        ["-W", "error", "-m", "exactrace", "--count", "--missing", "program.py"], folder
    )
    assert (status, error) == (0, "")
    assert output.splitlines()[0] == "False"


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_that_run_at_once_are_counted_exactly(engine: str) -> None:
    space = module(WORK)
    counting = tracer(engine)

    def calls() -> None:
        for _ in range(200):
            space["work"](30)

    counting.runfunc(in_threads, THREADS, calls)
    assert lines(counting.counts) == times(HITS, THREADS * 200)


@pytest.mark.parametrize("engine", ENGINES)
def test_hundreds_of_short_threads_are_counted_exactly(engine: str) -> None:
    space = module(WORK)
    counting = tracer(engine)

    def many() -> None:
        for _ in range(25):
            in_threads(16, space["work"], 30)

    counting.runfunc(many)
    assert lines(counting.counts) == times(HITS, 400)


@pytest.mark.parametrize("engine", ENGINES)
def test_code_that_threads_see_first_at_once_is_counted_exactly(engine: str) -> None:
    counting = tracer(engine)
    rounds = 60
    spaces = [module(WORK, f"F{i}") for i in range(rounds)]

    def each() -> None:
        for space in spaces:
            space["work"](30)
            barrier.wait()

    barrier = threading.Barrier(4)
    counting.runfunc(in_threads, 4, each)
    for i in range(rounds):
        assert lines(counting.counts, f"F{i}") == times(HITS, 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_that_define_and_drop_functions_are_counted(engine: str) -> None:
    text = """\
def outer(n):
    made = [lambda x=i: x + 1 for i in range(n)]
    def inner():
        yield from (f() for f in made)
    class Local:
        def method(self):
            return sum(inner())
    return Local().method()
"""
    space = module(text)
    counting = tracer(engine)

    def calls() -> None:
        for _ in range(100):
            space["outer"](5)

    once = tracer("settrace")
    once.runfunc(space["outer"], 5)
    counting.runfunc(in_threads, 4, calls)
    assert lines(once.counts)[8] == 1
    assert lines(counting.counts) == times(lines(once.counts), 400)


@pytest.mark.parametrize("engine", ENGINES)
def test_counts_can_be_read_while_threads_run(engine: str) -> None:
    space = module(WORK)
    counting = tracer(engine)
    readings = []

    def calls() -> None:
        for _ in range(300):
            space["work"](30)

    def reads() -> None:
        threads = [threading.Thread(target=calls) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            readings.append(Counter(lines(counting.counts)))

    counting.runfunc(reads)
    assert lines(counting.counts) == times(HITS, 4 * 300)
    for before, after in pairwise(readings):
        assert before <= after


@pytest.mark.parametrize("engine", ENGINES)
def test_several_threads_can_read_counts(engine: str) -> None:
    space = module(WORK)
    counting = tracer(engine)

    def calls() -> None:
        for _ in range(30):
            space["work"](30)
            assert counting.counts

    counting.runfunc(in_threads, THREADS, calls)
    assert lines(counting.counts) == times(HITS, THREADS * 30)


@pytest.mark.parametrize("engine", ENGINES)
def test_sessions_begin_and_end_while_threads_run(engine: str) -> None:
    """What runs beside a session need not be a part of it: only that it is safe."""
    background, space = module(WORK, "B"), module(WORK)
    stop = threading.Event()

    def runs() -> None:
        while not stop.is_set():
            background["work"](30)

    threads = [threading.Thread(target=runs) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            counting = tracer(engine)
            counting.start()
            space["work"](30)
            counting.stop()
            assert lines(counting.counts) == HITS
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_session_ends_while_its_threads_run(engine: str) -> None:
    space = module(WORK)

    def session() -> None:
        stop = threading.Event()
        done = threading.Semaphore(0)
        counting = tracer(engine)

        def runs() -> None:
            while not stop.is_set():
                space["work"](30)
                done.release()

        threads = [threading.Thread(target=runs) for _ in range(3)]

        def begin() -> None:
            for thread in threads:
                thread.start()
            for _ in range(30):
                done.acquire()

        try:
            counting.runfunc(begin)
            assert lines(counting.counts)[5] >= 30
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    for _ in range(10):
        session()


def test_each_thread_may_have_a_tracer_of_its_own() -> None:
    """With the trace function: it sees only its own thread, and new ones."""
    space = module(WORK)
    results = []

    def one() -> None:
        counting = tracer("settrace")
        for _ in range(20):
            counting.runfunc(space["work"], 30)
        results.append(lines(counting.counts))

    in_threads(THREADS, one)
    assert results == [times(HITS, 20)] * THREADS


def test_threads_may_share_one_tracer() -> None:
    space = module(WORK)
    counting = tracer("settrace")

    def one() -> None:
        for _ in range(20):
            counting.runfunc(space["work"], 30)

    in_threads(THREADS, one)
    assert lines(counting.counts) == times(HITS, THREADS * 20)


@pytest.mark.parametrize("engine", ENGINES)
def test_generators_that_go_from_thread_to_thread_are_counted(engine: str) -> None:
    text = """\
def numbers(n):
    for i in range(n):
        try:
            yield i
        finally:
            i = 0
"""
    space = module(text)
    counting = tracer(engine)

    def passes() -> None:
        generators = [space["numbers"](20) for _ in range(6)]
        queue = list(generators) * 21
        lock = threading.Lock()
        busy = {id(generator): threading.Lock() for generator in generators}

        def takes() -> None:
            while True:
                with lock:
                    if not queue:
                        return
                    generator = queue.pop()
                with busy[id(generator)]:
                    next(generator, None)

        in_threads(4, takes)

    counting.runfunc(passes)
    assert lines(counting.counts) == {2: 126, 3: 120, 4: 120, 6: 120}


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_branches_and_calls_of_parallel_threads_are_exact(engine: str) -> None:
    space = module(WORK)
    counting = tracer(engine, branch=True)
    once = tracer(engine, branch=True)
    once.runfunc(space["work"], 30)
    counting.runfunc(
        in_threads, THREADS, lambda: [space["work"](30) for _ in range(50)]
    )
    factor = THREADS * 50

    def of(results: Any) -> tuple[Any, Any]:
        sides = {
            place: dict(taken)
            for place, taken in results.branches.items()
            if place[0] == "F"
        }
        return sides, {k: v for k, v in results.calls.items() if k[0] == "F"}

    one_sides, one_calls = of(once.results())
    sides, calls = of(counting.results())
    assert lines(counting.counts) == times(HITS, factor)
    assert sides == {
        place: {side: count * factor for side, count in taken.items()}
        for place, taken in one_sides.items()
    }
    assert calls == {place: count * factor for place, count in one_calls.items()}


def test_lines_that_threads_print_at_once_are_whole(folder: Any) -> None:
    path = write(folder, "printed.py", WORK)
    space: dict[str, Any] = {"__file__": str(path), "__name__": "printed"}
    exec(compile(WORK, str(path), "exec"), space)
    printing = exactrace.Trace(trace=1, count=1)
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(output):
        printing.runfunc(in_threads, THREADS, space["work"], 30)
    output.flush()
    printed = output.buffer.getvalue().decode()  # type: ignore[attr-defined]
    found = Counter(text for text in printed.splitlines() if "printed.py(" in text)
    source = WORK.splitlines()
    assert found == {
        f"printed.py({line}):  {source[line - 1]}".rstrip("\n"): hits * THREADS
        for line, hits in HITS.items()
    }
    assert lines(printing.counts, str(path)) == times(HITS, THREADS)


FUNCTIONS = "\n".join(
    f"def f{i}(n):\n    return n and f{(i + 1) % 200}(n - 1)" for i in range(200)
)


def test_functions_that_threads_call_at_once_are_listed() -> None:
    space = module(FUNCTIONS)
    listing = tracer(countfuncs=1)
    listing.runfunc(in_threads, THREADS, space["f0"], 250)
    names = [name for file, _, name in listing.results().calledfuncs if file == "F"]
    assert sorted(names) == sorted(f"f{i}" for i in range(200))


def test_callers_of_threads_that_run_at_once_are_tracked() -> None:
    space = module(FUNCTIONS)
    tracking = tracer(countcallers=1)
    tracking.runfunc(in_threads, THREADS, space["f0"], 250)
    pairs = {
        (caller[2], callee[2])
        for caller, callee in tracking.results().callers
        if callee[0] == caller[0] == "F"
    }
    assert pairs == {(f"f{i}", f"f{(i + 1) % 200}") for i in range(200)}


@pytest.mark.parametrize("count", [0, 1])
def test_calls_that_threads_make_at_once_are_counted_exactly(count: int) -> None:
    """There are more pairs of functions than the cache in front of the dicts holds."""
    step = "n and f{}(n - 1)"
    space = module(
        "\n".join(
            f"def f{i}(n):\n    return {step.format((i * 7 + 1) % 1200)}"
            for i in range(1200)
        )
    )
    counting = tracer(count=count, countfuncs=1 - count, calls=True)

    def work() -> None:
        for i in range(1200):
            space[f"f{i}"](2)

    counting.runfunc(in_threads, THREADS, work)
    results = counting.results()
    called = Counter(i for first in range(1200) for i in chain(first))
    assert {
        name: hits for (file, _, name), hits in results.calls.items() if file == "F"
    } == {f"f{i}": hits * THREADS for i, hits in called.items()}
    graph = Counter(pair for first in range(1200) for pair in pairwise(chain(first)))
    assert {
        (caller[2], callee[2]): hits
        for (caller, callee), hits in results.call_graph.items()
        if caller is not None and caller[0] == callee[0] == "F"
    } == {(f"f{i}", f"f{j}"): hits * THREADS for (i, j), hits in graph.items()}


def chain(first: int) -> list[int]:
    """Return which functions run one below the other."""
    second = (first * 7 + 1) % 1200
    return [first, second, (second * 7 + 1) % 1200]


@pytest.mark.parametrize("options", [{}, {"trace_calls": True, "trace_vars": True}])
def test_lines_that_threads_put_into_a_file_at_once_are_whole(
    folder: Any, options: dict[str, bool]
) -> None:
    path = write(folder, "printed.py", WORK)
    space: dict[str, Any] = {"__file__": str(path), "__name__": "printed"}
    exec(compile(WORK, str(path), "exec"), space)
    target = folder / "lines.txt"
    printing = exactrace.Trace(trace=1, count=1, trace_file=target, **options)
    printing.runfunc(in_threads, THREADS, lambda: [space["work"](30) for _ in range(9)])
    source = WORK.splitlines()
    found = Counter(
        text.strip()
        for text in target.read_text().splitlines()
        if "printed.py(" in text
    )
    assert found == {
        f"printed.py({line}):  {source[line - 1]}".strip(): hits * THREADS * 9
        for line, hits in HITS.items()
    }
    assert lines(printing.counts, str(path)) == times(HITS, THREADS * 9)


def test_the_last_lines_of_threads_that_run_at_once_are_whole(folder: Any) -> None:
    source = WORK + (
        "import threading\n"
        "threads = [threading.Thread(target=work, args=(90,)) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "raise SystemError\n"
    )
    write(folder, "program.py", source)
    options = ["--trace", "--trace-last", "5000", "--only-module", "__main__"]
    status, _, error = run(["-m", "exactrace", *options, "program.py"], folder)
    assert status == 1
    assert "exactrace: the last 5000 of" in error
    texts = source.splitlines()
    whole = {f"program.py({n}):  {text}" for n, text in enumerate(texts, 1)}
    last = [text for text in error.splitlines() if text.startswith("program.py(")]
    assert len(last) > 4000
    assert set(last) <= whole


@pytest.mark.skipif(TSAN, reason="ThreadSanitizer hangs in forks of many threads")
def test_a_fork_in_the_midst_of_parallel_threads_can_read_its_counts(
    folder: Any,
) -> None:
    source = WORK + (
        "import os, threading\n"
        "def loop():\n"
        "    while not ended: work(30)\n"
        "ended = []\n"
        "threads = [threading.Thread(target=loop) for _ in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for _ in range(20):\n"
        "    child = os.fork()\n"
        "    if child == 0: os._exit(work(30))\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "ended.append(1)\n"
        "for thread in threads: thread.join()\n"
    )
    write(folder, "program.py", source)
    command = ["-W", "ignore", "-m", "exactrace", "run", "-q", "--calls", "program.py"]
    assert run(command, folder) == (0, "", "")
    results = report.read(os.environ["EXACTRACE_DATA"])
    hits = {line: n for (file, line), n in results.counts.items() if "program" in file}
    assert hits[28] == 20 + 20
    assert hits[29] == 20
    # Each call of the children is there, and each round of the threads.
    (calls,) = (n for key, n in results.calls.items() if key[2] == "work")
    assert hits[5] == calls
    assert {line: hits[line] for line in HITS if line != 19} == {
        line: n * calls for line, n in HITS.items() if line != 19
    }


@pytest.mark.skipif(MONITORED, reason="there are probes without the GIL, too")
def test_debug_says_that_there_are_no_probes(folder: Any) -> None:
    write(folder, "program.py", "for i in range(3): pass\n")
    command = ["-m", "exactrace", "run", "-q", "--debug", "program.py"]
    status, _, error = run(command, folder)
    assert status == 0
    assert error.splitlines() == [
        "exactrace: counted by engine settrace: all code objects",
        "exactrace: no probes or events: this Python has no GIL",
    ]


def test_trouble_in_one_thread_waits_for_no_run_that_begins_in_another(
    folder: Any,
) -> None:
    """Who begins a run holds what is the run's, and here waits for the other."""
    write(
        folder,
        "prog.py",
        """\
        import exactrace, sys, threading
        failing, begun, ran = (threading.Event() for _ in range(3))
        class Out:
            def write(self, text):
                begun.set()
                failing.wait()
                raise OSError("full")
            def flush(self): pass
        class Slow(exactrace.Trace):
            wait = False
            def _plan(self):
                if self.wait:
                    failing.set()
                    ran.wait()
                return super()._plan()
        def f():
            ran.set()
        tracer = Slow(count=0, trace=1)
        stdout, sys.stdout = sys.stdout, Out()
        thread = threading.Thread(target=tracer.runfunc, args=(f,))
        thread.start()
        begun.wait()
        tracer.wait = True
        tracer.runfunc(f)
        print("ended", file=stdout)
        """,
    )
    status, out, error = run(["prog.py"], folder)
    assert (status, out) == (0, "ended\n")
    assert "OSError('full')" in error
