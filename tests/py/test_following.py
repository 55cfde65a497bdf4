"""Plain printing follows what a program does with trace functions, as the standard
module does: whatever prints the lines.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from beside import MONITORED, run, write

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = {
    "the trace function is there, and goes": """\
        import sys
        print(sys.gettrace() is not None)
        def off():
            sys.settrace(None)
            x = 1
            return sys.gettrace()
        def after():
            y = 2
        print(off())
        after()
        """,
    "it is put back in a call": """\
        import sys
        def work():
            x = 1
        def away():
            work()
        def back(saved):
            sys.settrace(saved)
        def main():
            saved = sys.gettrace()
            sys.settrace(None); away(); back(saved)
        main()
        """,
    "threads have it, and lose it by themselves": """\
        import sys, threading
        def work(off):
            if off:
                sys.settrace(None)
            x = helper()
        def helper():
            return 1
        for off in (False, True, False):
            thread = threading.Thread(target=work, args=(off,))
            thread.start(), thread.join()
        """,
    "generators that were begun before and after": """\
        import sys
        def numbers():
            for i in range(4):
                yield i
        def step(it):
            return next(it)
        saved = sys.gettrace()
        sys.settrace(None); first = numbers(); next(first); sys.settrace(saved)
        second = numbers()
        step(first)
        step(second)
        sys.settrace(None); next(second); step(first); sys.settrace(saved)
        step(second)
        step(first)
        """,
}


# A trace function of ours loses the rest of the frame in which it is put back.
@pytest.mark.parametrize("name", PROGRAMS if MONITORED else list(PROGRAMS)[:3])
def test_it_prints_what_the_standard_module_does(folder: Path, name: str) -> None:
    write(folder, "prog.py", PROGRAMS[name])
    command = ["--trace", "--ignore-dir", "$prefix:$exec_prefix", "prog.py"]
    outputs = []
    for module in ("trace", "exactrace"):
        status, out, err = run(["-m", module, *command], folder)
        assert (status, err) == (0, "")
        assert "prog.py(" in out
        outputs.append(out)
    assert outputs[0] == outputs[1]


TAKEN = """\
    import sys
    seen = []
    def mine(frame, event, arg):
        seen.append((frame.f_code.co_name, event))
        return mine
    def work():
        x = 1
        return x
    def change():
        sys.settrace(mine)
        work()
        sys.settrace(None)
    work()
    change()
    work()
    print(seen)
    """


def test_one_that_takes_the_place_has_it(folder: Path) -> None:
    path = write(folder, "prog.py", TAKEN)
    command = ["-m", "exactrace", "--trace", "--ignore-dir", "$prefix:$exec_prefix"]
    status, out, err = run([*command, str(path)], folder)
    assert (status, err) == (0, "")
    assert out.endswith("\n" + run([str(path)], folder)[1])
    assert out.count("return x") == 1
    assert out.count("sys.settrace(mine)") == 1
    assert "sys.settrace(None)" not in out


OUTLIVING = """\
    import sys, threading
    import exactrace
    go, at_work = threading.Event(), threading.Event()
    def work():
        at_work.set()
        go.wait()
        for i in range(3):
            x = i
        end()
    def end():
        y = 2
    threads = []
    def main():
        threads.append(threading.Thread(target=work))
        threads[0].start()
        at_work.wait()
    tracer = exactrace.Trace(0, 1, ignoremods=["threading"])
    tracer.runfunc(main)
    # In one piece: the thread may print beside.
    sys.stdout.write(f"the run is over {sys.gettrace()}\\n")
    go.set()
    threads[0].join()
    print("the thread is gone")
    def idle(n):
        return n
    for n in range(1000):
        idle(n)
    if sys.version_info >= (3, 12):
        tools = [sys.monitoring.get_tool(n) for n in range(6)]
        print(tools == [None] * 6)
    """


def test_a_thread_that_outlives_the_run_is_printed_to_its_end(folder: Path) -> None:
    write(folder, "out.py", OUTLIVING)
    status, out, err = run(["out.py"], folder)
    assert (status, err) == (0, "")
    _, _, after = out.partition("the run is over None\n")
    printed, _, end = after.partition("the thread is gone\n")
    assert printed.count("x = i") == 3
    assert "y = 2" in printed
    assert end == "True\n" * (sys.version_info >= (3, 12))


@pytest.mark.skipif(not MONITORED, reason="there a trace function prints")
def test_code_that_is_left_out_has_no_events_of_lines(folder: Path) -> None:
    """That is why it is printed by events."""
    write(folder, "helper.py", "def helped():\n    x = 1\n    return x\n")
    source = """\
        import sys
        import helper
        import exactrace
        def main():
            helper.helped()
            tools = [n for n in range(6) if sys.monitoring.get_tool(n) == "exactrace"]
            events = sys.monitoring.get_events(tools[0])
            print(bool(events & sys.monitoring.events.LINE))
            print([
                bool(sys.monitoring.get_local_events(tools[0], f.__code__))
                for f in (helper.helped, main)
            ])
        exactrace.Trace(0, 1, ignoremods=["helper"]).runfunc(main)
        """
    write(folder, "events.py", source)
    status, out, err = run(["events.py"], folder)
    assert (status, err) == (0, "")
    lines = [line for line in out.splitlines() if "events.py(" not in line]
    assert [line for line in lines if "modulename" not in line] == [
        "False",
        "[False, True]",
    ]
