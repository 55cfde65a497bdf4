"""Whose lines are printed of the threads of a program: those that `threading`
starts, those that `_thread` does, and those that run already.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from beside import FREE, MONITORED, run, write

BY_HAND = """\
import _thread
def work(n):
    x = n
    done.release()
done = _thread.allocate_lock()
done.acquire()
_thread.start_new_thread(work, (3,))
done.acquire()
"""


def lines_of(text: str, name: str) -> list[str]:
    """The sources of the lines of a file that were printed, without indentation."""
    pattern = rf"^(?:\[\d+\] )?{re.escape(name)}\(\d+\): +(.*)$"
    return re.findall(pattern, text, re.MULTILINE)


@pytest.mark.parametrize("start", ["start_new_thread(", "start_new("])
@pytest.mark.parametrize("options", [[], ["--trace-file", "lines"]])
def test_threads_that_thread_starts_are_printed(
    folder: Path, start: str, options: list[str]
) -> None:
    write(folder, "hand.py", BY_HAND.replace("start_new_thread(", start))
    command = ["-m", "exactrace", "--trace", *options, "hand.py"]
    status, out, err = run(command, folder)
    assert (status, err) == (0, "")
    text = (folder / "lines").read_text() if options else out
    assert {"x = n", "done.release()"} <= set(lines_of(text, "hand.py"))
    assert " --- modulename: hand, funcname: work\n" in text


@pytest.mark.skipif(
    sys.version_info < (3, 13), reason="start_joinable_thread() is new in 3.13"
)
@pytest.mark.parametrize(
    "arguments", ["work", "function=work", "function=work, handle=h"]
)
def test_joinable_threads_are_printed(folder: Path, arguments: str) -> None:
    source = f"""\
        import _thread
        def work():
            x = 1
        h = _thread._ThreadHandle()
        h = _thread.start_joinable_thread({arguments})
        h.join()
        """
    write(folder, "join.py", source)
    status, out, err = run(["-m", "exactrace", "--trace", "join.py"], folder)
    assert (status, err) == (0, "")
    assert "x = 1" in lines_of(out, "join.py")


def test_threads_of_threading_are_printed_from_where_they_were(folder: Path) -> None:
    source = """\
        import threading
        def work():
            x = 1
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """
    write(folder, "prog.py", source)
    _, text, _ = run(["-m", "exactrace", "--trace", "prog.py"], folder)
    # As in the standard module, which has _bootstrap_inner() set a trace function.
    assert " --- modulename: threading, funcname: run\n" in text
    assert "funcname: _bootstrap" not in text
    assert set(lines_of(text, "prog.py")) == {
        "import threading",
        "def work():",
        "x = 1",
        "thread = threading.Thread(target=work)",
        "thread.start()",
        "thread.join()",
    }


def test_threads_that_thread_starts_are_counted_with_what_is_printed(
    folder: Path,
) -> None:
    write(folder, "hand.py", BY_HAND)
    command = ["-m", "exactrace", "-t", "-c", "-C", "covers", "hand.py"]
    assert run(command, folder)[0] == 0
    assert "    1:     x = n\n" in (folder / "covers/hand.cover").read_text()


@pytest.mark.parametrize("engine", ["settrace", "probe"])
def test_all_engines_count_threads_that_thread_starts(
    folder: Path, engine: str
) -> None:
    source = f"""\
        import _thread, exactrace
        def main():
            done = _thread.allocate_lock()
            done.acquire()
            def work():
                for i in range(1000):
                    x = i
                done.release()
            _thread.start_new_thread(work, ())
            done.acquire()
        tracer = exactrace.Trace(1, 0, engine="{engine}")
        tracer.runfunc(main)
        print(tracer.results().counts[__file__, 7])
        """
    write(folder, "count.py", source)
    status, out, err = run(["count.py"], folder)
    assert (status, out, err) == (0, "1000\n", "")


FAILING = """\
import _thread, sys
begun = []
def work():
    begun.append(1)
    END
def hook(arguments):
    found = arguments.object is work or repr(work) in (arguments.err_msg or "")
    print("hook", found, arguments.exc_type, file=sys.stderr)
    sys.__unraisablehook__(arguments)
if HOOK:
    sys.unraisablehook = hook
_thread.start_new_thread(work, ())
while not begun or _thread._count():
    pass
for wrong in ((), (1, ()), (work, 1), (work, (), 1)):
    try:
        _thread.start_new_thread(*wrong)
    except TypeError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("end", "hook"),
    [
        ("raise KeyError(1)", "True"),
        ("raise KeyError(1)", "False"),
        ("raise SystemExit(3)", "False"),
    ],
)
def test_how_such_a_thread_ends_looks_as_ever(
    folder: Path, end: str, hook: str
) -> None:
    write(folder, "fail.py", FAILING.replace("END", end).replace("HOOK", hook))
    program = str(folder / "fail.py")
    bare = run([program], folder)
    options = ["--trace-file", "lines", "--only-function", "work"]
    traced = run(["-m", "exactrace", "--trace", *options, program], folder)
    assert bare[0] == traced[0] == 0
    assert bare[1] == traced[1]
    addresses = r" at 0x[0-9a-f]+"
    assert re.sub(addresses, "", bare[2]) == re.sub(addresses, "", traced[2])
    assert ("hook True" in traced[2]) == (hook == "True")
    assert end in lines_of((folder / "lines").read_text(), "fail.py")


# Threads that run already.

RUNNING = """\
import sys, threading
import exactrace
go, at_work, done, end = (threading.Event() for _ in range(4))
def deep():
    at_work.set()
    go.wait()
    x = 1
def before():
    deep()
    y = 2
    deeper()
    done.set()
    end.wait()
    z = 3
    print(sys.gettrace())
def deeper():
    w = 4
thread = threading.Thread(target=before, name="before")
thread.start()
at_work.wait()
def work():
    go.set()
    done.wait()
RUN
end.set()
thread.join()
"""
BLOCK = """\
with exactrace.tracing(trace=True, OPTIONS) as tracer:
    work()
"""
CALL = """\
tracer = exactrace.Trace(0, 1, OPTIONS, ignoremods=["exactrace", "threading"])
tracer.runfunc(work)
"""


def run_running(folder: Path, run_by: str, options: str) -> tuple[str, str]:
    """What is printed of the lines, and what comes out otherwise."""
    source = RUNNING.replace("RUN", run_by.replace("OPTIONS", options))
    write(folder, "running.py", source)
    status, out, err = run(["running.py"], folder)
    assert (status, err) == (0, "")
    file = folder / "lines"
    return (file.read_text() if file.exists() else out), out


@pytest.mark.parametrize("run_by", [BLOCK, CALL])
@pytest.mark.parametrize("options", ['trace_file="lines"', 'only_threads=["before"]'])
def test_running_threads_are_printed_from_where_they_are(
    folder: Path, run_by: str, options: str
) -> None:
    text, out = run_running(folder, run_by, options)
    lines = lines_of(text, "running.py")
    assert [line for line in lines if line[1:3] == " ="] == ["x = 1", "y = 2", "w = 4"]
    assert ("go.set()" in lines) == ("only" not in options)
    assert out.endswith("None\n")  # the thread's trace function, afterwards


def test_a_block_without_options_prints_running_threads_as_it_counts_them(
    folder: Path,
) -> None:
    text, out = run_running(folder, BLOCK, "count=True")
    lines = [line for line in lines_of(text, "running.py") if line[1:3] == " ="]
    assert lines == ["x = 1", "y = 2", "w = 4"]
    assert out.endswith("None\n")


def test_a_run_without_options_prints_its_own_threads_alone(folder: Path) -> None:
    text, out = run_running(folder, CALL, "0")
    lines = lines_of(text, "running.py")
    assert [line for line in lines if line[1:3] == " ="] == []
    assert "go.set()" in lines
    assert out.endswith("None\n")


def test_calls_of_running_threads_are_printed_at_their_depth(folder: Path) -> None:
    options = 'trace_file="lines", trace_calls=True, only_threads=["before"]'
    text, _ = run_running(folder, CALL, options)
    begin = text.index("--> running.deeper()")
    lines = text[text.rindex("\n", 0, begin) + 1 :].splitlines()
    indent = lines[0].index("-->") - 1
    assert indent > 0
    assert lines[0] == " " * (indent + 1) + "--> running.deeper()"
    assert lines[1].startswith(" " * indent + "running.py(")
    assert lines[2] == " " * (indent + 1) + "<-- running.deeper returns None"


def test_runs_one_after_the_other_print_running_threads_each(folder: Path) -> None:
    source = """\
        import queue, threading
        import exactrace
        jobs, answers = queue.SimpleQueue(), queue.SimpleQueue()
        def serve():
            while (job := jobs.get()) is not None:
                answers.put(job())
        def first():
            return 1
        def second():
            return 2
        def third():
            return 3
        thread = threading.Thread(target=serve)
        thread.start()
        def ask(job):
            jobs.put(job)
            return answers.get()
        ask(first)
        tracer = exactrace.Trace(0, 1, trace_file="lines", only_threads=["Thread*"])
        tracer.runfunc(ask, first)
        ask(second)
        tracer.runfunc(ask, third)
        jobs.put(None)
        thread.join()
        """
    write(folder, "serve.py", source)
    assert run(["serve.py"], folder) == (0, "", "")
    lines = lines_of((folder / "lines").read_text(), "serve.py")
    assert [line for line in lines if "return" in line] == ["return 1", "return 3"]


@pytest.mark.parametrize("options", ['trace_file="lines"', 'only_threads=["*"]'])
def test_what_traces_a_running_thread_stays(folder: Path, options: str) -> None:
    source = """\
        import sys, threading
        import exactrace
        go, at_work = threading.Event(), threading.Semaphore(0)
        def mine(frame, event, arg):
            return mine
        def before():
            sys.settrace(mine)
            at_work.release()
            go.wait()
            print(sys.gettrace() is mine)
            sys.settrace(None)
        def untraced():
            at_work.release()
            go.wait()
            x = 1
        threads = [threading.Thread(target=f) for f in (before, untraced)]
        for thread in threads:
            thread.start()
        for thread in threads:
            at_work.acquire()
        def work():
            go.set()
            for thread in threads:
                thread.join()
        exactrace.Trace(0, 1, OPTIONS).runfunc(work)
        """
    write(folder, "other.py", source.replace("OPTIONS", options))
    status, out, err = run(["other.py"], folder)
    assert (status, err) == (0, "")
    assert "True\n" in out
    text = (folder / "lines").read_text() if "file" in options else out
    by_events = MONITORED and "file" in options
    lines = lines_of(text, "other.py")
    assert {"go.set()", "x = 1"} <= set(lines)
    assert ("sys.settrace(None)" in lines) == by_events


def test_runs_begin_and_end_while_other_threads_run(folder: Path) -> None:
    source = """\
        import threading
        import exactrace
        end = threading.Event()
        def busy():
            number = 0
            while not end.is_set():
                number += 1
                space = {"__file__": f"made{number % 50}.py"}
                exec(compile("def f(): pass\\nf()", "made.py", "exec"), space)
        threads = [threading.Thread(target=busy) for _ in range(3)]
        for thread in threads:
            thread.start()
        def work():
            return 1
        tracer = exactrace.Trace(0, 1, trace_file="lines")
        for _ in range(100):
            tracer.start()
            work()
            tracer.stop()
            tracer.runfunc(work)
        end.set()
        for thread in threads:
            thread.join()
        """
    write(folder, "busy.py", source)
    assert run(["busy.py"], folder) == (0, "", "")
    text = (folder / "lines").read_text()
    assert lines_of(text, "busy.py").count("return 1") == 200
    wholes = r" --- modulename: \w+, funcname: [\w<>]+|[\w<> ]+\.?\w*>?\(\d+\).*"
    assert [line for line in text.splitlines() if not re.fullmatch(wholes, line)] == []


@pytest.mark.skipif(
    FREE, reason="without the GIL code lives until the garbage collector comes"
)
def test_code_that_is_gone_is_kept_no_longer_than_need_be(folder: Path) -> None:
    source = """\
        import weakref
        import exactrace
        alive = set()
        def main():
            for number in range(5000):
                code = compile("x = 1", "made.py", "exec")
                alive.add(number)
                weakref.finalize(code, alive.discard, number)
                exec(code, {"__file__": __file__})
            return len(alive)
        tracer = exactrace.Trace(0, 1, trace_file="lines", ignoremods=["weakref"])
        print(tracer.runfunc(main) < 3000)
        print(len(alive))
        """
    write(folder, "gone.py", source)
    assert run(["gone.py"], folder) == (0, "True\n0\n", "")
    text = (folder / "lines").read_text()
    assert len(re.findall(r"^made\.py\(1\)", text, re.MULTILINE)) == 5000
