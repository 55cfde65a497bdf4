"""--trace-last: what a program that dies leaves behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from beside import run, write
from test_printing import ours, printed


def head(count: int, total: int) -> str:
    return f"exactrace: the last {count} of {total} lines:\n"


def test_the_last_lines_are_printed_before_the_traceback(folder: Path) -> None:
    write(folder, "die.py", "for i in range(99):\n    i\nx = 1\nx / 0\n")
    plain = run(["die.py"], folder)
    status, out, err = ours(folder, "--trace-last", "3", "die.py")
    assert (status, out) == plain[:2]
    lines = "die.py(1):  for i in range(99):\ndie.py(3):  x = 1\ndie.py(4):  x / 0\n"
    assert err.startswith(head(3, 202) + printed(lines) + "Traceback")


@pytest.mark.parametrize(
    "end", ["", "sys.exit(3)", "sys.exit('text')", "os._exit(4)", "quit()"]
)
def test_nothing_is_printed_if_the_program_ends_by_itself(
    folder: Path, end: str
) -> None:
    write(folder, "end.py", f"import os, sys\nprint('out', flush=True)\n{end}\n")
    plain = run(["end.py"], folder)
    assert ours(folder, "--trace-last", "3", "end.py") == plain


@pytest.mark.parametrize(
    "name", ["SEGV", "BUS", "FPE", "ILL", "ABRT", "TERM", "HUP", "QUIT", "ALRM"]
)
@pytest.mark.parametrize("file", [False, True])
def test_the_last_lines_are_printed_when_a_signal_kills(
    folder: Path, name: str, *, file: bool
) -> None:
    source = f"import os, signal\nos.kill(os.getpid(), signal.SIG{name})\nx = 1\n"
    write(folder, "die.py", source)
    plain = run(["die.py"], folder)
    assert plain[0] == -getattr(signal, f"SIG{name}")
    expected = head(2, 3) + printed("".join(
        f"die.py({number}):  {line}\n"
        for number, line in enumerate(source.splitlines()[:2], 1)
    ))  # fmt: skip
    more = ["--only-module", "die"]
    if file:
        more += ["--trace-file", "lines"]
    done = ours(folder, "--trace-last", "2", *more, "die.py")
    assert done == (plain[0], "", "" if file else expected)
    if file:
        assert (folder / "lines").read_text() == expected


def test_faulthandler_speaks_as_well(folder: Path) -> None:
    for early in ([], ["-X", "faulthandler"]):
        source = "faulthandler._sigsegv()\n" if early else "faulthandler.enable()\n"
        write(
            folder, "die.py", f"import faulthandler\n{source}faulthandler._sigsegv()\n"
        )
        plain = run([*early, "die.py"], folder)
        command = [*early, "-m", "exactrace", "-t", "--trace-last", "99", "die.py"]
        status, out, err = run(command, folder)
        assert (status, out) == plain[:2]
        assert status == -signal.SIGSEGV
        assert "Fatal Python error: Segmentation fault" in err
        assert printed("die.py(1):  import faulthandler\n") in err


def test_a_stack_that_has_run_out_shows_the_last_lines(folder: Path) -> None:
    write(
        folder,
        "deep.py",
        """\
        import faulthandler
        before = 1
        faulthandler._stack_overflow()
        """,
    )
    plain = run(["deep.py"], folder)
    status, _, err = ours(folder, "--trace-last", "9", "deep.py")
    assert status == plain[0]
    if status < 0:
        assert "before = 1\n" in err


def test_a_program_keeps_the_signals_that_it_takes(folder: Path) -> None:
    write(
        folder,
        "take.py",
        """\
        import os, signal, sys
        print(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGSEGV))
        old = signal.signal(signal.SIGTERM, lambda *_: print("mine"))
        print(old)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGHUP)
        """,
    )
    assert ours(folder, "--trace-last", "3", "take.py") == run(["take.py"], folder)


def test_a_signal_that_a_program_has_given_back_shows_the_last_lines(
    folder: Path,
) -> None:
    write(
        folder,
        "back.py",
        """\
        import os, signal
        signal.signal(signal.SIGTERM, lambda *_: None)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        """,
    )
    options = ["--trace-last", "1", "--only-module", "back"]
    status, _, err = ours(folder, *options, "back.py")
    assert status == -signal.SIGTERM
    assert err.endswith(printed("back.py(5):  os.kill(os.getpid(), signal.SIGTERM)\n"))


def test_a_child_that_is_killed_at_once_has_no_last_lines(folder: Path) -> None:
    """Those that it has are its parent's, as long as the fork is not over."""
    write(
        folder,
        "fork.py",
        """\
        import os, signal
        for _ in range(50):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            os.kill(pid, signal.SIGTERM)
            assert os.waitpid(pid, 0)[1] == signal.SIGTERM
        """,
    )
    options = ["--trace-last", "9", "--only-module", "fork"]
    status, _, err = ours(folder, *options, "fork.py")
    assert status == 0
    assert "pid = os.fork()" not in err


def test_last_lines_get_into_no_file_of_the_program(folder: Path) -> None:
    write(
        folder,
        "own.py",
        """\
        import os, signal
        os.closerange(3, 300)
        own = os.open("own", os.O_CREAT | os.O_WRONLY)
        for number in range(100, 110):
            os.dup2(own, number)
        os.kill(os.getpid(), signal.SIGHUP)
        """,
    )
    options = ["--trace-last", "9", "--trace-file", "lines", "--only-module", "own"]
    assert ours(folder, *options, "own.py")[0] == -signal.SIGHUP
    assert (folder / "own").read_bytes() == b""
    assert "os.kill(" in (folder / "lines").read_text()


def test_signals_come_back_when_the_run_has_ended(folder: Path) -> None:
    write(
        folder,
        "after.py",
        """\
        import exactrace, os, signal
        exactrace.Trace(0, 1, trace_last=3).runfunc(str)
        os.kill(os.getpid(), signal.SIGTERM)
        """,
    )
    assert run(["after.py"], folder) == (-signal.SIGTERM, "", "")


def test_a_signal_in_another_thread_shows_the_last_lines(folder: Path) -> None:
    write(
        folder,
        "other.py",
        """\
        import os, signal, threading, time
        def work():
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        threading.Thread(target=work).start()
        time.sleep(20)
        """,
    )
    status, _, err = ours(folder, "--trace-last", "5", "other.py")
    assert status == -signal.SIGTERM
    assert "signal.pthread_kill(" in err


def test_the_exception_of_a_function_shows_its_last_lines(folder: Path) -> None:
    write(
        folder,
        "api.py",
        """\
        import exactrace
        def f():
            x = 1
            return x / 0
        tracer = exactrace.Trace(0, 1, trace_last=1)
        for _ in range(2):
            try:
                tracer.runfunc(f)
            except ZeroDivisionError:
                pass
        """,
    )
    text = head(1, 3) + printed("api.py(4):      return x / 0\n")
    assert run(["api.py"], folder) == (0, "", text + text)


def test_last_lines_whose_showing_was_interrupted_are_gone(folder: Path) -> None:
    write(
        folder,
        "interrupts.py",
        """\
        import sys
        class Output:
            def write(self, text):
                sys.stderr = sys.__stderr__
                raise KeyboardInterrupt
        """,
    )
    write(
        folder,
        "api.py",
        """\
        import exactrace, interrupts, sys
        def f():
            x = 1
            return x / 0
        tracer = exactrace.Trace(0, 1, trace_last=2, only_modules=["api"])
        sys.stderr = interrupts.Output()
        for _ in range(2):
            try:
                tracer.runfunc(f)
            except ZeroDivisionError:
                pass
        """,
    )
    lines = "api.py(3):      x = 1\napi.py(4):      return x / 0\n"
    assert run(["api.py"], folder) == (0, "", head(2, 3) + printed(lines))


def test_a_forked_child_has_last_lines_of_its_own(folder: Path) -> None:
    write(
        folder,
        "fork.py",
        """\
        import os, signal
        before = 1
        if os.fork() == 0:
            child = 1
            os.kill(os.getpid(), signal.SIGTERM)
        os.wait()
        """,
    )
    options = ["--trace-last", "9", "--only-module", "fork"]
    status, _, err = ours(folder, *options, "fork.py")
    assert status == 0
    assert err.startswith("exactrace: the last 2 of 2 lines:\n")
    assert "before" not in err
