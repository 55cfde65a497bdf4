"""Processes below a traced one: each counts, and nothing is counted twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from beside import MONITORED, PACKAGE, check_same, rescued, run, write

from exactrace import children
from exactrace.cli import report
from exactrace.tracer import ENGINES

ENGINES_HERE = ENGINES if MONITORED else ("settrace",)


def hits(folder: Path, name: str = "prog.py") -> dict[int, int]:
    """Return the counts by line in the folder of the last run."""
    results = report.read(os.environ["EXACTRACE_DATA"])
    return {
        line: n
        for (file, line), n in results.counts.items()
        if file.endswith(name) and line
    }


def counted(
    folder: Path, source: str, *options: str, status: int = 0
) -> dict[int, int]:
    """Run a program, and return the counts by line."""
    write(folder, "prog.py", source)
    done = run(["-m", "exactrace", "run", "-q", *options, "prog.py"], folder)
    assert done[0] == status, done
    assert done[2] == "", done
    return hits(folder)


def test_children_are_traced_by_this_installation(folder: Path) -> None:
    """All that follows needs the .pth file that is installed with the package."""
    said = run(
        ["-c", "import sys; print('exactrace' in sys.modules)"],
        folder,
        EXACTRACE_CHILDREN=children.Settings(str(folder / "data")).to_text(),
    )
    assert said == (0, "True\n", "")
    assert run(["-c", "import sys; print('exactrace' in sys.modules)"], folder) == (
        0,
        "False\n",
        "",
    )


STARTS = {
    "fork and _exit": """
        pid = os.fork()
        if pid == 0:
            work()
            os._exit(0)
        os.waitpid(pid, 0)
        """,
    "fork and the end of the program": """
        pid = os.fork()
        if pid == 0:
            work()
        else:
            os.waitpid(pid, 0)
        """,
    "fork and sys.exit": """
        pid = os.fork()
        if pid == 0:
            work()
            sys.exit(3)
        assert os.waitpid(pid, 0)[1] == 3 << 8
        """,
    "fork and an exception": """
        pid = os.fork()
        if pid == 0:
            sys.stderr = open(os.devnull, "w")
            work()
            1 / 0
        assert os.waitpid(pid, 0)[1] == 1 << 8
        """,
    "fork and execv": """
        pid = os.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, __file__, "child"])
        os.waitpid(pid, 0)
        """,
    "work and execve": """
        pid = os.fork()
        if pid == 0:
            work()
            os.execve(sys.executable, ["python", "-c", ""], dict(os.environ))
        os.waitpid(pid, 0)
        """,
    "an execv that fails": """
        pid = os.fork()
        if pid == 0:
            try:
                os.execvp("there-is-no-such-program", ["x"])
            except FileNotFoundError:
                work()
            os._exit(0)
        os.waitpid(pid, 0)
        """,
    "posix_spawn": """
        arguments = [sys.executable, __file__, "child"]
        os.waitpid(os.posix_spawn(sys.executable, arguments, os.environ), 0)
        """,
    "subprocess": """
        import subprocess
        subprocess.run([sys.executable, __file__, "child"], check=True)
        """,
    "subprocess of an import": """
        import subprocess
        code = "import prog; prog.work()"
        subprocess.run([sys.executable, "-c", code], check=True)
        """,
    "subprocess of a shell": """
        import subprocess
        subprocess.run(f"{sys.executable} {__file__} child", shell=True, check=True)
        """,
    "a process of multiprocessing by fork": """
        import multiprocessing
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
        """,
    "a process of multiprocessing by spawn": """
        import multiprocessing
        process = multiprocessing.get_context("spawn").Process(target=work)
        process.start()
        process.join()
        """,
    "a process of multiprocessing by a fork server": """
        import multiprocessing
        process = multiprocessing.get_context("forkserver").Process(target=work)
        process.start()
        process.join()
        """,
    "a pool that is torn down": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(3) as pool:
            pool.apply(work)
        """,
    "an executor": """
        from concurrent.futures import ProcessPoolExecutor
        import multiprocessing
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            pool.submit(work).result()
        """,
    "a child of a child": """
        import subprocess
        code = f"import os; os.system('{sys.executable} {__file__} child')"
        subprocess.run([sys.executable, "-c", code], check=True)
        """,
    "a child that is asked to end": """
        import signal
        pid = os.fork()
        if pid == 0:
            work()
            signal.pause()
        while not os.path.exists("worked"):
            pass
        os.kill(pid, signal.SIGTERM)
        assert os.waitpid(pid, 0)[1] == signal.SIGTERM
        """,
    "a child in a session of its own": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                work()
                os._exit(0)
            os.wait()
            os._exit(0)
        os.wait()
        """,
}
FRAME = """\
import os, sys
def work():
    for i in range(7):
        i += 1
    with open("worked", "w"): pass
def main():
    exec(compile(PARENT, "<parent>", "exec"))
if __name__ == "__main__":
    if sys.argv[1:] == ["child"]:
        work()
    else:
        main()
"""


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_each_way_to_start_a_child_counts(folder: Path, start: str) -> None:
    import textwrap

    parent = textwrap.dedent(start)
    source = FRAME.replace(
        'exec(compile(PARENT, "<parent>", "exec"))',
        "\n    ".join(parent.strip().splitlines()),
    )
    counts = counted(folder, source)
    first = source[: source.index("def work")].count("\n") + 1
    assert [counts.get(line) for line in range(first + 1, first + 4)] == [8, 7, 1]


def test_no_children_are_traced_if_that_is_not_wanted(folder: Path) -> None:
    source = FRAME.replace(
        'exec(compile(PARENT, "<parent>", "exec"))',
        "import subprocess; subprocess.run([sys.executable, __file__, 'child'])\n"
        "    if os.fork() == 0: work(); sys.exit()\n"
        "    os.wait()",
    )
    counts = counted(folder, source, "--no-children")
    assert counts[7] == 1
    assert 3 not in counts


def test_the_standard_command_line_counts_in_children_if_asked_to(
    folder: Path,
) -> None:
    source = """\
        import os, subprocess, sys
        def work():
            return 1
        if sys.argv[1:]:
            work()
            sys.exit()
        subprocess.run([sys.executable, __file__, "child"], check=True)
        if os.fork() == 0:
            work()
            os._exit(0)
        os.wait()
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "-c", "--ignore-dir", "$prefix"]
    (folder / "temporary").mkdir()
    for options, line in (
        ([], "           return 1"),
        (["--children"], "    2:     return 1"),
    ):
        done = run([*command, *options, "prog.py"], folder, TMPDIR="temporary")
        assert done == (0, "", "")
        assert (folder / "prog.cover").read_text().splitlines()[2] == line
    assert list((folder / "temporary").iterdir()) == []


def test_two_hundred_processes_below_one(folder: Path) -> None:
    source = """\
        import os, subprocess, sys
        def work(n):
            for i in range(n):
                pass
        pids = []
        for n in range(190):
            pid = os.fork()
            if pid == 0:
                work(n)
                os._exit(0)
            pids.append(pid)
        for pid in pids:
            assert os.waitpid(pid, 0)[1] == 0
        command = [sys.executable, "-c", "import prog2; prog2.work(5)"]
        started = [subprocess.Popen(command) for n in range(10)]
        assert not any(process.wait() for process in started)
        """
    write(folder, "prog2.py", "def work(n):\n    for i in range(n):\n        n += 1\n")
    counts = counted(folder, source)
    assert counts[4] == sum(range(190))
    assert counts[3] == sum(range(190)) + 190
    assert hits(folder, "prog2.py") == {1: 10, 2: 60, 3: 50}
    # All in one file.
    assert len(list(Path(os.environ["EXACTRACE_DATA"]).glob("*.xt"))) == 1


def test_a_fork_in_the_midst_of_threads(folder: Path) -> None:
    """Their frames end in the parent alone, wherever they stood."""
    source = """\
        import os, threading, warnings
        warnings.simplefilter("ignore")
        ready = threading.Barrier(6)
        go = threading.Event()
        def inner(n):
            if n == 2:
                ready.wait()
                go.wait()
            return n
        def outer():
            total = 0
            for n in range(5):
                total += inner(n)
                if total > 100:
                    return 0
            return total
        threads = [threading.Thread(target=outer) for n in range(5)]
        for thread in threads: thread.start()
        ready.wait()
        pid = os.fork()
        if pid == 0:
            outer_result = [inner(n) for n in (0, 1)]
            os._exit(0)
        os.waitpid(pid, 0)
        go.set()
        for thread in threads: thread.join()
        """
    counts = counted(folder, source)
    assert [counts[line] for line in (6, 7, 8, 9)] == [27, 5, 5, 27]
    assert [counts.get(line) for line in range(11, 17)] == [5, 30, 25, 25, None, 5]
    write(folder, "prog.py", source)
    run(["-m", "exactrace", "run", "-q", "--branch", "prog.py"], folder)
    assert hits(folder) == counts


def test_a_fork_while_other_threads_import(folder: Path) -> None:
    """Bodies of modules and classes end in the parent alone, too."""
    write(
        folder,
        "body.py",
        """\
        import prog
        a = 1
        class Inner:
            b = 2
            prog.meet()
            c = 3
        d = 4
        """,
    )
    source = """\
        import os, sys, threading, warnings
        warnings.simplefilter("ignore")
        sys.modules["prog"] = sys.modules["__main__"]
        ready, go = threading.Event(), threading.Event()
        def meet():
            ready.set()
            go.wait()
        thread = threading.Thread(
                target=__import__, args=("body",), daemon=True
            )
        thread.start()
        ready.wait()
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        go.set()
        thread.join()
        """
    counted(folder, source)
    assert hits(folder, "body.py") == {1: 1, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1, 7: 1}
    assert hits(folder)[13] == 1


@pytest.mark.parametrize("engine", ENGINES_HERE)
def test_a_child_looks_at_counts_that_began_in_the_parent(
    folder: Path, engine: str
) -> None:
    """What stands in a frame of a thread that is no more, has not ended."""
    write(
        folder,
        "body.py",
        """\
        import prog
        class Inner:
            for n in range(1):
                prog.meet()
            c = 3
        class Straight:
            prog.meet()
            d = 4
        """,
    )
    write(
        folder,
        "prog.py",
        f"""\
        import os, sys, threading, warnings, exactrace
        warnings.simplefilter("ignore")
        sys.modules["prog"] = sys.modules["__main__"]
        met, go = threading.Semaphore(0), threading.Semaphore(0)
        def meet():
            met.release()
            go.acquire()
        def child(lines):
            if os.fork() == 0:
                counts = tracer.results().counts
                got = {{at: n for (name, at), n in counts.items()
                       if name.endswith("body.py") and at}}
                if got != lines:
                    print(got, lines)
                os._exit(got != lines)
            assert os.wait()[1] == 0
        with exactrace.tracing(engine={engine!r}) as tracer:
            thread = threading.Thread(
                target=__import__, args=("body",), daemon=True
            )
            thread.start()
            met.acquire()
            child({{1: 1, 2: 2, 3: 1, 4: 1}})
            go.release()
            met.acquire()
            child({{1: 1, 2: 2, 3: 2, 4: 1, 5: 1, 6: 2, 7: 1}})
            go.release()
            thread.join()
            child({{1: 1, 2: 2, 3: 2, 4: 1, 5: 1, 6: 2, 7: 1, 8: 1}})
        """,
    )
    assert run(["prog.py"], folder) == (0, "", "")


def test_results_of_every_kind_come_from_children(folder: Path) -> None:
    source = """\
        import os
        def f(n):
            return 1 if n else 2
        def g():
            return f(0)
        g()
        if os.fork() == 0:
            g()
            f(1)
            os._exit(0)
        os.wait()
        """
    options = ["--branch"] * MONITORED
    counted(folder, source, "--calls", *options)
    results = report.read(os.environ["EXACTRACE_DATA"])
    calls = {name: n for (_, _, name), n in results.calls.items()}
    assert calls == {"<module>": 1, "f": 3, "g": 2}
    graph = {(a and a[2], b[2]): n for (a, b), n in results.call_graph.items()}
    assert graph == {
        (None, "<module>"): 1,
        ("<module>", "g"): 2,
        ("<module>", "f"): 1,
        ("g", "f"): 2,
    }
    if options:
        assert {True: 1, False: 2} in results.branches.values()


ENDINGS = {
    "os._exit": ("os._exit(5)", 5),
    "SIGTERM": ("os.kill(os.getpid(), 15)", -15),
    "SIGTERM in a sleep": (
        "threading.Timer(0, os.kill, (os.getpid(), 15)).start(); time.sleep(60)",
        -15,
    ),
    "execv": ("os.execv(sys.executable, ['python', '-c', 'exit(4)'])", 4),
}


@pytest.mark.parametrize(("ending", "status"), ENDINGS.values(), ids=ENDINGS)
def test_counts_are_kept_when_the_program_itself_ends_so(
    folder: Path, ending: str, status: int
) -> None:
    source = f"""\
        import os, sys, threading, time
        for i in range(3):
            i += 1
        {ending}
        """
    counts = counted(folder, source, status=status)
    assert counts == {1: 1, 2: 4, 3: 3, 4: 1}


def test_a_signal_has_the_counts_so_far_written(folder: Path) -> None:
    write(
        folder,
        "prog.py",
        """\
        import os, signal, subprocess, sys
        def report():
            command = [sys.executable, "-m", "exactrace", "report", "-a", "prog.py"]
            lines = subprocess.run(command, capture_output=True, text=True).stdout
            print([line for line in lines.split("\\n") if "work()" in line])
        def work(): pass
        work()
        os.kill(os.getpid(), signal.SIGUSR1)
        report()
        if os.fork() == 0:
            work()
            os.kill(os.getpid(), signal.SIGUSR1)
            os._exit(0)
        os.wait()
        work()
        os.kill(os.getpid(), signal.SIGUSR1)
        report()
        """,
    )
    command = ["-m", "exactrace", "run", "-q", "--no-children", "prog.py"]
    assert run(command, folder)[0] == -signal.SIGUSR1
    command[4:5] = ["--dump-signal", "usr1"]
    status, out, error = run(command, folder)
    assert (status, error) == (0, "")
    first, second = out.splitlines()
    assert "'    1: work()'" in first
    assert "work(): pass" in first
    assert "    2:     work()" not in first
    assert "    3: def" not in second
    assert ">>" not in second
    command[5] = "KILL"
    status, _, error = run(command, folder)
    assert status == 2
    assert "no signal 'KILL' that can be handled" in error


def test_a_program_sees_nothing_of_the_handler(folder: Path) -> None:
    write(
        folder,
        "prog.py",
        """\
        import _thread, asyncio, os, signal, sys, threading
        _thread.interrupt_main(signal.SIGTERM)
        print(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))
        import _signal
        print(os._exit, os.execv, os.execve, _signal.signal, _signal.getsignal)
        print(os._exit.__doc__, os._exit.__text_signature__)
        def handler(number, frame):
            print("handled", number)
        print(signal.signal(signal.SIGTERM, handler))
        os.kill(os.getpid(), signal.SIGTERM)
        _thread.interrupt_main(signal.SIGTERM)
        print(signal.signal(signal.SIGTERM, signal.SIG_IGN) is handler)
        os.kill(os.getpid(), signal.SIGTERM)
        print(signal.signal(signal.SIGTERM, signal.SIG_DFL))
        _thread.interrupt_main(signal.SIGTERM)
        print(signal.getsignal(signal.SIGTERM))
        for wrong in (("x",), (1, 2), (99, signal.SIG_DFL), (signal.SIGTERM, "x")):
            try:
                signal.signal(*wrong)
            except (TypeError, ValueError) as error:
                print(error)
        try:
            os._exit("x")
        except TypeError as error:
            print(error)
        async def main():
            loop = asyncio.get_running_loop()
            done = asyncio.Event()
            loop.add_signal_handler(signal.SIGTERM, done.set)
            os.kill(os.getpid(), signal.SIGTERM)
            await done.wait()
            loop.remove_signal_handler(signal.SIGTERM)
            print(signal.getsignal(signal.SIGTERM))
        asyncio.run(main())
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGTERM)
        """,
    )
    status, out, _ = check_same(folder, "prog.py")
    assert status == -signal.SIGTERM
    assert out.count("handled 15") == 2


def test_no_signal_is_lost_while_a_program_sets_handlers(folder: Path) -> None:
    write(
        folder,
        "prog.py",
        """\
        import os, signal
        def handler(number, frame):
            os._exit(7)
        print("ready", flush=True)
        while True:
            signal.signal(signal.SIGTERM, handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        """,
    )
    command = [sys.executable, "-m", "exactrace", "run", "-q", "prog.py"]
    environment = {**os.environ, "PYTHONPATH": PACKAGE}
    for _ in range(20):
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.terminate()
            assert process.wait() in (7, -signal.SIGTERM)


def test_a_handler_that_was_inherited_stays(folder: Path) -> None:
    write(
        folder,
        "prog.py",
        """\
        import os, signal
        print(signal.getsignal(signal.SIGTERM))
        os.kill(os.getpid(), signal.SIGTERM)
        print("alive")
        """,
    )
    command = "trap '' TERM; exec \"$0\" -m exactrace run -q prog.py"
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\nalive\n"


def test_a_damaged_variable_costs_one_line(folder: Path) -> None:
    for text in ("nonsense", "\x1e" * 5, "/tmp\x1er\x1enothing\x1e\x1e\x1e"):
        done = run(["-c", "print(1)"], folder, EXACTRACE_CHILDREN=text)
        assert done[:2] == (0, "1\n")
        assert done[2].count("\n") == 1
        assert "EXACTRACE_CHILDREN is damaged: unset it" in done[2]


def test_a_folder_that_cannot_be_written_costs_a_line_for_each_process(
    folder: Path,
) -> None:
    source = "import os\nif os.fork() == 0:\n  os._exit(0)\nos.wait()\n"
    path = str(write(folder, "prog.py", source))
    (folder / "file").write_text("")
    done = run(["-m", "exactrace", "run", "-q", "-d", "file/x", "prog.py"], folder)
    assert done[0] == 0
    counts = rescued(done[2], ["Not a directory"] * 2).counts
    assert sorted(counts.items()) == [((path, line), 1) for line in range(1, 5)]
    assert "Traceback" not in done[2]
    done = run(["-m", "exactrace", "run", "-q", "-d", "file", "prog.py"], folder)
    assert done[0] == 2
    assert "'file' is no folder" in done[2]


def test_settings_come_back_from_their_text() -> None:
    settings = children.Settings(
        "/a b/ü", ignoremods=["m"], ignoredirs=["/x", "/y"], branch=True, engine="event"
    )
    again = children.Settings.from_text(settings.to_text())
    assert vars(again) == vars(settings)


@pytest.mark.skipif(not MONITORED, reason="a thread has but one trace function")
def test_an_exactrace_below_another_counts_for_both(folder: Path) -> None:
    write(folder, "inner.py", "for i in range(4):\n    i += 1\n")
    source = """\
        import os, subprocess, sys
        command = [sys.executable, "-m", "exactrace", "run", "-q", "-d", "inner"]
        subprocess.run([*command, "inner.py"], check=True)
        """
    counted(folder, source)
    assert hits(folder, "inner.py") == {1: 5, 2: 4}
    inner = report.read(str(folder / "inner"))
    assert sorted(inner.counts.values())[-2:] == [4, 5]


def test_after_an_inner_run_children_are_the_outer_ones_again(folder: Path) -> None:
    source = """\
        import os, sys
        from exactrace import children
        texts = []
        outer, inner = (
            children.Process(children.Settings(os.path.abspath(name)))
            for name in ("outer", "inner")
        )
        for act in (outer.watch, inner.watch, inner.unwatch, outer.unwatch):
            act()
            texts.append(os.environ.get(children.VARIABLE))
        assert texts[0] != texts[1]
        print(texts[2] == texts[0], texts[3])
        """
    write(folder, "both.py", source)
    assert run(["both.py"], folder) == (0, "True None\n", "")
