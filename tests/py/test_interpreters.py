"""Sub-interpreters: each counts what it runs, in parallel, and results add up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from beside import run, write

from exactrace.cli import report
from exactrace.tracer import ENGINES

# What makes an interpreter differs from version to version. From 3.12 on each has a
# GIL of its own.
COMMON = """
    import sys, threading
    if sys.version_info >= (3, 14):
        from concurrent import interpreters
        def run(code):
            one = interpreters.create()
            one.exec(code)
            one.close()
    else:
        if sys.version_info >= (3, 13):
            import _interpreters
        else:
            import _xxsubinterpreters as _interpreters
        def run(code):
            one = _interpreters.create()
            failed = _interpreters.run_string(one, code)
            assert not failed, failed
            _interpreters.destroy(one)
"""
INNER = """
import sys, exactrace
sys.path.insert(0, {folder!r})
import worker
tracer = exactrace.Trace(count=1, trace=0, calls=True, engine={engine!r})
assert tracer.runfunc(worker.work, {n}) == {n}
results = tracer.results()
lines = [n for (file, _), n in sorted(results.counts.items()) if file.endswith("er.py")]
assert lines == [1, {n} + 1, {n}, 1], lines
assert [hits for (_, _, name), hits in results.calls.items() if name == "work"] == [1]
"""
WORKER = """\
    def work(n):
        total = 0
        for i in range(n):
            total += 1
        return total
    """


@pytest.mark.parametrize("engine", ENGINES)
def test_interpreters_in_parallel_count_for_themselves(
    folder: Path, engine: str
) -> None:
    write(folder, "worker.py", WORKER)
    codes = [
        INNER.format(folder=str(folder), engine=engine, n=n) for n in (1, 50, 2000)
    ]
    source = (
        COMMON
        + f"""
    for _ in range(2):
        threads = [threading.Thread(target=run, args=(code,)) for code in {codes!r}]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    print("done")
    """
    )
    write(folder, "prog.py", source)
    assert run(["prog.py"], folder)[:2] == (0, "done\n")


def test_interpreters_of_a_traced_program_are_traced(folder: Path) -> None:
    write(folder, "worker.py", WORKER)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import worker\n"
    code += "worker.work(7)"
    source = (
        COMMON
        + f"""
    import worker
    worker.work(2)
    thread = threading.Thread(target=run, args=({code!r},))
    thread.start()
    run({code!r})
    thread.join()
    """
    )
    write(folder, "prog.py", source)
    done = run(["-m", "exactrace", "run", "-q", "--calls", "prog.py"], folder)
    assert done == (0, "", "")
    results = report.read(os.environ["EXACTRACE_DATA"])
    lines = {
        line: hits
        for (name, line), hits in results.counts.items()
        if name.endswith("worker.py") and line
    }
    calls = {name: hits for (_, _, name), hits in results.calls.items()}
    assert calls["work"] == 3
    assert lines == {1: 3, 2: 3, 3: 19, 4: 16, 5: 3}


def test_interpreters_in_parallel_print_for_themselves(folder: Path) -> None:
    """What one looks at, its threads, is not that of another, which runs meanwhile."""
    write(folder, "worker.py", WORKER)
    codes = [
        f"""
import sys, exactrace
sys.path.insert(0, {str(folder)!r})
import worker
for i in range(20):
    name = "lines-{number}-%d" % i
    exactrace.Trace(0, 1, trace_file=name).runfunc(worker.work, 30)
"""
        for number in range(3)
    ]
    source = (
        COMMON
        + f"""
    threads = [threading.Thread(target=run, args=(code,)) for code in {codes!r}]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    """
    )
    write(folder, "prog.py", source)
    assert run(["prog.py"], folder) == (0, "", "")
    texts = [path.read_text() for path in folder.glob("lines-*")]
    assert len(texts) == 60
    assert {text.count("total += 1") for text in texts} == {30}
    assert {text.count("worker.py(") for text in texts} == {63}
