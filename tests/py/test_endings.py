"""A program under us beside the same program under Python alone: how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from beside import NO_HIDING, PACKAGE, check_program, check_same, run, write


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('text')", 1),
        ("raise SystemExit", 0),
        ("raise SystemExit(None)", 0),
        ("raise SystemExit([1, 2])", 1),
        ("def f():\n    1 / 0\nf()", 1),
        ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    {}['x']", 1),
        ("x = = 1", 1),
        ("raise OSError(2, 'mine')", 1),
        ("import sys\nsys.excepthook = lambda *a: print('hook', a[0])\n1 / 0", 1),
        ("import sys\nsys.excepthook = lambda *a: 1 / 0\n{}['x']", 1),
        ("import no_such_module", 1),
        ("raise ExceptionGroup('g', [ValueError(1), TypeError(2)])", 1),
    ],
)
def test_the_end_of_a_program_is_as_in_python(
    folder: Path, source: str, status: int
) -> None:
    write(folder, "end.py", source + "\n")
    assert check_same(folder, "end.py")[0] == status


def test_an_interrupt_ends_the_process_by_the_signal(folder: Path) -> None:
    write(folder, "stop.py", "import signal\nsignal.raise_signal(signal.SIGINT)\n")
    assert check_same(folder, "stop.py")[0] == -signal.SIGINT


def test_results_are_written_after_an_exception_and_an_interrupt(folder: Path) -> None:
    for end in ("1 / 0", "import signal; signal.raise_signal(signal.SIGINT)"):
        write(folder, "end.py", f"x = 1\n{end}\n")
        _, out, _ = run(["-m", "exactrace", "-c", "-s", "-C", "c", "end.py"], folder)
        assert "100" in out
        assert (folder / "c/end.cover").read_text().startswith("    1: x = 1\n")
        (folder / "c/end.cover").unlink()


def test_threads_that_outlive_the_main_program_are_counted(folder: Path) -> None:
    write(
        folder,
        "late.py",
        """\
        import threading
        go = threading.Event()
        def late():
            go.wait()
            for i in range(1000):
                i + 1
        threading.Thread(target=late).start()
        threading.Timer(0, go.set).start()
        """,
    )
    run(["-m", "exactrace", "-c", "-C", "c", "late.py"], folder)
    assert " 1000:         i + 1\n" in (folder / "c/late.cover").read_text()


def test_an_idle_thread_pool_does_not_hang(folder: Path) -> None:
    write(
        folder,
        "pool.py",
        """\
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        print(pool.submit(int, "3").result())
        """,
    )
    assert check_same(folder, "pool.py")[1] == "3\n"


def test_exit_handlers_and_finalizers_run(folder: Path) -> None:
    write(
        folder,
        "last.py",
        """\
        import atexit
        class Last:
            def __del__(self):
                print("finalizer")
        atexit.register(print, "handler")
        last = Last()
        print("end")
        """,
    )
    assert check_same(folder, "last.py")[1] == "end\nhandler\nfinalizer\n"


def test_output_and_messages_come_in_the_order_of_python(
    folder: Path, start: tuple[list[str], str]
) -> None:
    for end in ("sys.exit('text')", "1 / 0", "sys.exit(2)"):
        source = f"""\
            import sys, threading
            main = threading.main_thread()
            def late():
                main.join()
                print("late")
            threading.Thread(target=late).start()
            print("early")
            {end}
            """
        check_program(folder, start, source, merged=True)


@pytest.mark.parametrize(
    "value",
    [
        "SystemExit(-1)",
        "SystemExit(256)",
        "SystemExit(True)",
        "SystemExit('')",
        "SystemExit(1, 2)",
        "SystemExit(b'x')",
        "type('S', (SystemExit,), {'code': property(lambda self: 1 / 0)})(5)",
        "type('S', (SystemExit,), {'__str__': lambda self: 'mine', 'code': []})()",
        "SystemExit('\\udcff')",
        "GeneratorExit",
        "KeyboardInterrupt('by hand')",
        "type('K', (KeyboardInterrupt,), {})",
        "BaseExceptionGroup('g', [SystemExit(3)])",
        "type('B', (Exception,), {'__str__': lambda self: 1 / 0})",
    ],
)
def test_odd_exceptions_end_the_process_as_in_python(folder: Path, value: str) -> None:
    write(folder, "odd.py", f"raise {value}\n")
    check_same(folder, "odd.py")
    check_same(folder, "-m", "odd")


def test_an_exit_status_that_is_too_large_is_cut(folder: Path) -> None:
    # Python 3.13 and older also complain, at a later and unrelated place.
    write(folder, "large.py", "raise SystemExit(2**70)\n")
    plain = run(["large.py"], folder)
    assert run(["-m", "exactrace", "run", "-q", "large.py"], folder)[0] == plain[0]


@NO_HIDING
@pytest.mark.parametrize(
    "hook",
    [
        "sys.excepthook = lambda *_: sys.exit(4)",
        "sys.excepthook = lambda *_: sys.exit('text')",
        "sys.excepthook = lambda *_: traceback.print_stack()",
        "sys.excepthook = lambda *_: print(sys.excepthook.__name__, sys.last_value)",
        "sys.excepthook = lambda: None",
        "sys.excepthook = None",
        "del sys.excepthook",
        "sys.stderr = None",
        "atexit.register(lambda: print(sys.last_value, sys.last_traceback.tb_next))",
    ],
)
def test_hooks_for_exceptions_work_as_in_python(folder: Path, hook: str) -> None:
    source = f"import atexit, sys, traceback\n{hook}\n1 / 0\n"
    write(folder, "hook.py", source)
    check_same(folder, "hook.py")


def test_results_are_written_although_a_hook_exits(folder: Path) -> None:
    source = "import sys\nsys.excepthook = lambda *_: sys.exit(4)\n1 / 0\n"
    write(folder, "hook.py", source)
    status, _, _ = run(["-m", "exactrace", "-c", "-C", "c", "hook.py"], folder)
    assert status == 4
    assert "    1: 1 / 0\n" in (folder / "c/hook.cover").read_text()


def test_an_interrupt_while_threads_are_waited_for_ends_the_wait(
    folder: Path,
) -> None:
    write(
        folder,
        "wait.py",
        """\
        import atexit, os, signal, sys, threading
        main = threading.main_thread()
        never, ending = threading.Event(), threading.Event()
        def late():
            main.join()
            print("late", flush=True)
            os.kill(os.getpid(), signal.SIGINT)
            # One that comes just before the wait begins does not wake it.
            while not ending.wait(1):
                os.kill(os.getpid(), signal.SIGINT)
            never.wait()
        threading.Thread(target=late).start()
        atexit.register(os._exit, 7)
        atexit.register(print, "handler", flush=True)
        atexit.register(ending.set)
        sys.exit(5)
        """,
    )
    plain = run(["wait.py"], folder)
    ours = run(["-m", "exactrace", "run", "-q", "wait.py"], folder)
    assert plain[:2] == ours[:2] == (7, "late\nhandler\n")
    # Where exactly the signal arrives is the system's affair.
    assert "KeyboardInterrupt" in plain[2]
    assert "KeyboardInterrupt" in ours[2]
    assert PACKAGE not in ours[2]
    assert "exactrace/" not in ours[2].replace(sys.base_prefix, "")


def test_an_interrupt_while_results_are_written_costs_one_line(folder: Path) -> None:
    write(
        folder,
        "drive.py",
        """\
        import signal
        from exactrace.runner import Program
        outcome = Program.from_string("print('ran')", []).run(exec)
        outcome.exit(lambda: signal.raise_signal(signal.SIGINT))
        """,
    )
    status, out, error = run(["drive.py"], folder)
    assert (status, out) == (-signal.SIGINT, "ran\n")
    assert error.splitlines() == ["exactrace: interrupted, not all was written"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_output_that_cannot_be_written_gives_the_status_of_python(
    folder: Path,
) -> None:
    for source in ("print(1)", "print(1); 1 / 0", "import sys; print(1); sys.exit(3)"):
        ends = []
        for ours in ([], ["-m", "exactrace", "run", "-q"]):
            with Path("/dev/full").open("w") as full:
                done = subprocess.run(
                    [sys.executable, *ours, "-c", source],
                    cwd=folder,
                    env={**os.environ, "PYTHONPATH": PACKAGE},
                    stdout=full,
                    stderr=subprocess.PIPE,
                    check=False,
                )
            ends.append((done.returncode, done.stderr))
        assert ends[0] == ends[1]


@NO_HIDING
def test_exit_handlers_see_the_module_as_in_python(folder: Path) -> None:
    source = "import atexit\natexit.register(lambda: print(list(globals())))\n"
    for end in ("", "raise SystemExit", "1 / 0"):
        write(folder, "last.py", source + end)
        check_same(folder, "last.py")
        check_same(folder, "-m", "last")


@NO_HIDING
def test_finalizers_run_in_the_order_of_python(folder: Path) -> None:
    source = """\
        import atexit, sys, threading
        class Last:
            def __init__(self, name):
                self.name = name
            def __del__(self):
                print("del", self.name)
        first, _second = Last("first"), Last("second")
        ring = [Last("ring")]
        ring.append(ring)
        sys.kept = Last("kept by sys")
        atexit.register(print, "handler")
        def f():
            local = Last("local")
            END
        f()
        """
    for end in ("pass", "raise SystemExit(3)", "raise ValueError"):
        write(folder, "last.py", source.replace("END", end))
        check_same(folder, "last.py")
        check_same(folder, "-m", "last")


def test_a_prompt_after_the_program_has_its_names(folder: Path) -> None:
    for end in ("", "1 / 0", "raise SystemExit(3)"):
        write(folder, "name.py", f"name = 'value'\n{end}\n")
        _, out, _ = check_same(
            folder, "name.py", stdin=b"print(name, __name__)\n", options=("-i",)
        )
        assert "value __main__" in out


@pytest.mark.parametrize("options", [["-c", "-m"], ["-l"], ["-T"]])
def test_threads_that_threads_start_later_are_traced(
    folder: Path, options: list[str]
) -> None:
    write(
        folder,
        "late.py",
        """\
        import threading
        def second():
            for i in range(1000):
                i + 1
        def first():
            threading.main_thread().join()
            threading.Thread(target=second).start()
        threading.Thread(target=first).start()
        """,
    )
    arguments = ["-m", "exactrace", *options, "-C", "c", "late.py"]
    status, out, _ = run(arguments, folder)
    assert status == 0
    if "-c" in options:
        assert " 1000:         i + 1\n" in (folder / "c/late.cover").read_text()
    else:
        assert "late" in out
        assert "second" in out
