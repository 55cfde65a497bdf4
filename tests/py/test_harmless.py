"""What goes wrong around us must not reach the program, nor cost results."""

from __future__ import annotations

import io
import queue
import signal
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from beside import ENGINES, run, write

import exactrace


def compiled(source: str, name: str = "/program.py") -> tuple[Any, dict[str, Any]]:
    return compile(source, name, "exec"), {"__file__": name}


FREES_TOOLS = """\
import sys
if hasattr(sys, "monitoring"):
    for tool in range(6):
        sys.monitoring.free_tool_id(tool)
"""


@pytest.mark.parametrize("options", [["-c"], ["-l"], ["-T"]])
@pytest.mark.parametrize(
    "source",
    [
        "class E:\n    write = flush = lambda *a: 0\nimport sys\nsys.stderr = E()\n",
        "import sys\nsys.stderr.close()\n",
        "import sys\nsys.stdout.close()\n",
        "import sys\nsys.stdout = sys.stderr = None\n",
        "import builtins\nbuiltins.print = None\n",
        "import warnings\nwarnings.simplefilter('error')\n",
        FREES_TOOLS,
    ],
)
def test_the_counts_file_is_written_whatever_the_program_breaks(
    folder: Path, source: str, options: list[str]
) -> None:
    write(folder, "breaks.py", source)
    run(["-m", "exactrace", *options, "-f", "F", "-C", "c", "breaks.py"], folder)
    assert (folder / "F").stat().st_size > 30


def test_a_status_of_the_program_survives_a_failing_report(folder: Path) -> None:
    write(folder, "three.py", "import sys\nsys.exit(3)\n")
    arguments = ["-m", "exactrace", "run", "-o", "no/such/folder", "three.py"]
    status, _, error = run(arguments, folder)
    assert status == 3
    assert "cannot write the report" in error


class AlarmError(Exception):
    pass


class Loud(io.StringIO):
    """A stream written in Python, on which a signal arrives."""

    def write(self, text: str) -> int:
        if "x = 5" in text:
            signal.raise_signal(signal.SIGALRM)
        return super().write(text)


def test_what_a_signal_handler_raises_reaches_the_program(tmp_path: Path) -> None:
    def handler(number: int, frame: object) -> None:
        raise AlarmError

    script = tmp_path / "script.py"
    script.write_text("".join(f"x = {i}\n" for i in range(9)))
    code, namespace = compiled(script.read_text(), str(script))
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with redirect_stdout(Loud()), pytest.raises(AlarmError):
            exactrace.Trace(count=0, trace=1).runctx(code, namespace)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_interleaved_runs_leave_no_hook_behind() -> None:
    first, second = exactrace.Trace(trace=0), exactrace.Trace(trace=0)
    begun, ended = threading.Event(), threading.Event()

    def inner() -> None:
        begun.set()
        ended.wait(60)

    thread = threading.Thread(target=first.runfunc, args=(inner,))
    thread.start()
    begun.wait(60)

    def end_the_first() -> None:
        ended.set()
        thread.join(60)

    second.runfunc(end_the_first)
    assert threading.gettrace() is None


def test_a_nested_run_does_not_change_who_called() -> None:
    tracer = exactrace.Trace(countcallers=1)
    code, namespace = compiled(
        "def key(x):\n    tracer.runfunc(inner)\n    return x\n"
        "def inner():\n    pass\nsorted([0, 1], key=key)\n"
    )
    namespace["tracer"] = tracer
    tracer.runctx(code, namespace, namespace)
    callers = {caller[2] for caller, callee in tracer._callers if callee[2] == "key"}
    assert callers == {"<module>"}


def test_a_function_first_called_at_the_recursion_limit_is_listed_later() -> None:
    code, namespace = compiled(
        "def late():\n    return 1\n"
        "def deep(n):\n    try:\n        deep(n + 1)\n    except RecursionError:\n"
        "        late()\n        raise\n"
        "try:\n    deep(0)\nexcept RecursionError:\n    pass\nlate()\n"
    )
    tracer = exactrace.Trace(countfuncs=1)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        with pytest.warns(RuntimeWarning, match="RecursionError"):
            tracer.runctx(code, namespace, namespace)
    finally:
        sys.setrecursionlimit(limit)
    assert ("/program.py", "program", "late") in tracer._calledfuncs


def test_a_path_object_may_be_the_file_of_a_module() -> None:
    tracer = exactrace.Trace(trace=0, ignoredirs=["/nowhere"])
    tracer.runctx(compile("x = 1", "/p.py", "exec"), {"__file__": Path("/p.py")})
    assert tracer.counts["/p.py", 1] == 1


def test_a_run_may_begin_while_a_thread_of_the_last_still_calls() -> None:
    """Begins runs while another thread is in the midst of noting functions."""
    tracer = exactrace.Trace(countfuncs=1)
    stop = threading.Event()

    def calls() -> None:
        while not stop.is_set():
            namespace: dict[str, Any] = {}
            exec("def f(): pass\nf()", namespace)

    thread = threading.Thread(target=calls)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        tracer.runfunc(thread.start)
        for _ in range(200):
            tracer.runfunc(len, "")
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def called(name: str) -> None:
    """Call a function of this name, made anew."""
    namespace: dict[str, Any] = {}
    exec(f"def {name}(): pass\n{name}()", namespace)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="calls have no events there")
def test_a_thread_that_is_first_met_after_its_run_is_not_traced() -> None:
    """Has the hook of a run's threads do its work when the run is over."""
    tracer = exactrace.Trace(countfuncs=1)
    hook = tracer.runfunc(threading.gettrace)
    seen = []

    def runs() -> None:
        sys.settrace(hook)
        called("late")
        seen.append(sys.gettrace())

    thread = threading.Thread(target=runs)
    thread.start()
    thread.join(60)
    assert seen == [None]
    assert "late" not in {name for _, _, name in tracer.results().calledfuncs}


def twice(number: int) -> int:
    """Run in threads that somebody traces."""
    return 2 * number


TRACED_BY_THEMSELVES = ["globaltrace", "globaltrace, once more", "a saved function"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("how", TRACED_BY_THEMSELVES)
@pytest.mark.parametrize("waits", [False, True], ids=["after it", "within it, too"])
def test_a_thread_that_traces_itself_goes_on_after_a_run(
    engine: str, how: str, waits: bool
) -> None:
    """The run may need no trace function; that of the thread is the program's."""
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    asked: queue.Queue[bool] = queue.Queue()
    done: queue.Queue[bool] = queue.Queue()

    def runs() -> None:
        sys.settrace(tracer.globaltrace)
        if how == "globaltrace, once more":
            twice(1)
            sys.settrace(tracer.globaltrace)
        elif how == "a saved function":
            twice(1)
            saved = sys.gettrace()
            sys.settrace(None)
            sys.settrace(saved)
        twice(2)
        done.put(True)
        while asked.get(timeout=60):
            twice(3)
            done.put(True)

    def ask() -> None:
        asked.put(True)
        done.get(timeout=60)

    thread = threading.Thread(target=runs)
    thread.start()
    done.get(timeout=60)
    tracer.runfunc(ask if waits else int)
    ask()
    ask()
    asked.put(False)
    thread.join(60)
    line = twice.__code__.co_firstlineno + 2
    hits = tracer.results().counts[__file__, line]
    assert hits == 3 + waits + (how != "globaltrace")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trace_function_of_this_thread_comes_back_after_a_run(engine: str) -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    before = sys.gettrace()
    sys.settrace(tracer.globaltrace)
    try:
        twice(1)
        tracer.runfunc(twice, 2)
        twice(3)
        tracer.start()
        tracer.stop()
        twice(4)
    finally:
        sys.settrace(before)
    line = twice.__code__.co_firstlineno + 2
    assert tracer.results().counts[__file__, line] == 4
