"""Printing with the options that the standard module has not: a program, and what
must come out.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from beside import PACKAGE, run, write

import exactrace

COLON = ":  " if sys.version_info >= (3, 13) else ": "

HALF = """\
def half(n):
    return n / 2
class C:
    def m(self):
        x = half(3)
        return x
print("out")
C().m()
"""
HALF_TRACED = """\
 --- modulename: half, funcname: <module>
half.py(1):  def half(n):
half.py(3):  class C:
 --- modulename: half, funcname: C
half.py(3):  class C:
half.py(4):      def m(self):
half.py(7):  print("out")
half.py(8):  C().m()
 --- modulename: half, funcname: m
half.py(5):          x = half(3)
 --- modulename: half, funcname: half
half.py(2):      return n / 2
half.py(6):          return x
"""


def ours(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    # setuptools has an import hook on some installations.
    command = ["-m", "exactrace", "--trace", "--ignore-module", "_distutils_hack"]
    return run([*command, *arguments], folder, **variables)


def printed(text: str) -> str:
    """What is printed, in the style of this version's standard module."""
    return text.replace("):  ", f"){COLON}")


def lines_of(folder: Path, source: str, *arguments: str) -> list[str]:
    """The numbers of the lines that are printed of a program, as they come, with
    the names of functions before theirs.
    """
    write(folder, "prog.py", source)
    status, out, err = ours(folder, "--trace-file", "lines", *arguments, "prog.py")
    assert (status, out, err) == (0, "", "")
    shown = []
    for line in (folder / "lines").read_text().splitlines():
        if line.startswith(" --- "):
            shown.append(line.rpartition(" ")[2])
        else:
            shown.append(line.partition("(")[2].partition(")")[0])
    return shown


# --trace-file


def test_lines_go_to_the_file_and_output_stays_the_programs_own(folder: Path) -> None:
    write(folder, "half.py", HALF)
    write(folder, "lines", "what was there before")
    assert ours(folder, "--trace-file", "lines", "half.py") == (0, "out\n", "")
    assert (folder / "lines").read_text() == printed(HALF_TRACED)


def test_the_file_holds_what_is_printed_without_it(folder: Path) -> None:
    # In 3.12 and older the standard module leaves lines without source open.
    write(folder, "many.py", "import json, pprint\npprint.pformat(vars(json))\n")
    file = str(folder.parent / "lines")  # the folders of modules do not change
    for _ in range(2):
        _, out, _ = ours(folder, "many.py")
    ours(folder, "--trace-file", file, "--trace-imports", "always", "many.py")
    text = Path(file).read_text()
    assert len(text) > 100_000
    if sys.version_info >= (3, 13):
        assert text == out
    else:
        assert text.replace("\n", "") == out.replace("\n", "")


def test_a_file_that_cannot_be_written_is_one_line_before_the_program(
    folder: Path,
) -> None:
    write(folder, "half.py", HALF)
    for name in (".", "no/such"):
        status, out, err = ours(folder, "--trace-file", name, "half.py")
        assert (status, out) == (1, "")
        assert err.startswith(f"exactrace: --trace-file '{name}': ")
        assert len(err.splitlines()) == 1


def test_a_program_that_is_not_there_leaves_the_file_alone(folder: Path) -> None:
    write(folder, "lines", "precious")
    assert ours(folder, "--trace-file", "lines", "none.py")[0] == 1
    assert (folder / "lines").read_text() == "precious"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("sys.exit(3)", 3),
        ("1 / 0", 1),
        ("os._exit(4)", 4),
        ("os.abort()", -signal.SIGABRT),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(5)'])", 5),
        ("os.execlp(sys.executable, sys.executable, '-c', 'raise SystemExit(6)')", 6),
        ("signal.raise_signal(signal.SIGINT)", -signal.SIGINT),
        ("threading.Thread(target=os._exit, args=(7,)).start(); time.sleep(9)", 7),
    ],
)
def test_no_line_is_lost_however_the_program_ends(
    folder: Path, end: str, status: int
) -> None:
    write(folder, "end.py", f"import os, signal, sys, threading, time\n{end}\n")
    assert ours(folder, "--trace-file", "lines", "end.py")[0] == status
    assert printed(f"end.py(2):  {end}\n") in (folder / "lines").read_text()


def test_what_ends_the_process_looks_as_ever_and_comes_back(folder: Path) -> None:
    write(
        folder,
        "look.py",
        """\
        import inspect, os, pickle, posix
        for f in (os._exit, os.execv, os.execve):
            print(f.__name__, f.__module__, inspect.signature(f), type(f))
            print(getattr(posix, f.__name__) is f, f.__doc__.splitlines()[0])
            print(f, pickle.loads(pickle.dumps(f)) is f)
        for f in (os._exit, os.execv):
            try:
                f("x", 1, 2, 3)
            except TypeError as error:
                print(error)
        """,
    )
    plain = run(["look.py"], folder)
    assert ours(folder, "--trace-file", "lines", "look.py") == plain
    before = os._exit, os.execv, os.execve
    exactrace.Trace(0, 1, trace_file=folder / "lines").runfunc(str)
    assert (os._exit, os.execv, os.execve) == before


@pytest.mark.parametrize("options", [(), ("--count", "--children", "-C", "covers")])
def test_nothing_is_lost_by_a_signal_that_others_wait_for(
    folder: Path, options: tuple[str, ...]
) -> None:
    write(folder, "end.py", "import os\nx = 1\nos.kill(os.getpid(), 15)\n")
    only = ["--only-module", "end"]
    status, _, err = ours(folder, *options, "--trace-file", "lines", *only, "end.py")
    assert (status, err) == (-15, "")
    assert printed("end.py(3):  os.kill(") in (folder / "lines").read_text()
    status, _, err = ours(folder, *options, "--trace-last", "9", *only, "end.py")
    assert status == -15
    assert err.startswith("exactrace: the last ")
    assert printed("end.py(2):  x = 1") in err


def test_a_forked_child_writes_nothing_a_second_time(folder: Path) -> None:
    write(
        folder,
        "fork.py",
        """\
        import os
        before = 1
        if os.fork() == 0:
            child = 1
        else:
            os.wait()
            parent = 1
        """,
    )
    assert ours(folder, "--trace-file", "lines", "fork.py")[0] == 0
    text = (folder / "lines").read_text()
    order = ["before =", "os.fork()", "child =", "os.wait()", "parent ="]
    assert [1] * 5 == [text.count(part) for part in order]
    # The child's lines are there when it has ended, whole.
    assert sorted(order, key=text.find) in (
        order,
        [*order[:2], "os.wait()", "child =", "parent ="],
    )


def test_multiprocessing_writes_the_lines_of_all(folder: Path) -> None:
    write(
        folder,
        "pool.py",
        """\
        import multiprocessing
        def work(n):
            return n + 1
        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            children = [context.Process(target=work, args=(n,)) for n in range(3)]
            for child in children:
                child.start()
            for child in children:
                child.join()
        """,
    )
    status, _, err = ours(
        folder, "--trace-file", "lines", "--only-function", "work", "pool.py"
    )
    assert (status, err) == (0, "")
    text = (folder / "lines").read_text()
    assert text.count("return n + 1") == 3


def test_a_program_that_closes_all_files_is_printed_on(folder: Path) -> None:
    write(
        folder,
        "daemon.py",
        """\
        import os
        os.closerange(3, 1000)
        for number in range(3, 200):
            fd = os.open("own", os.O_CREAT | os.O_WRONLY)
        after = 1
        """,
    )
    assert ours(folder, "--trace-file", "lines", "daemon.py")[0] == 0
    assert (folder / "own").read_text() == ""
    assert "after = 1\n" in (folder / "lines").read_text()


def test_a_change_of_directory_changes_nothing(folder: Path) -> None:
    write(folder, "away.py", "import os\nos.mkdir('d')\nos.chdir('d')\nlast = 1\n")
    assert ours(folder, "--trace-file", "lines", "away.py")[0] == 0
    assert "last = 1\n" in (folder / "lines").read_text()
    assert not (folder / "d/lines").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_full_disk_ends_the_printing_and_not_the_program(folder: Path) -> None:
    write(folder, "long.py", "for i in range(9999):\n    i\nprint('end')\n")
    status, out, err = ours(folder, "--trace-file", "/dev/full", "long.py")
    assert (status, out) == (0, "end\n")
    assert "exactrace could not record everything: OSError(28" in err


def test_a_pipe_without_a_reader_ends_the_printing_and_not_the_program(
    folder: Path,
) -> None:
    write(folder, "long.py", "for i in range(9999):\n    i\nprint('end')\n")
    os.mkfifo(folder / "pipe")
    command = [sys.executable, "-m", "exactrace", "-t", "--trace-file", "pipe"]
    process = subprocess.Popen(
        [*command, "long.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    (folder / "pipe").open().close()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"end\n")
    assert b"BrokenPipeError" in err


def test_strange_names_and_texts_are_written(folder: Path) -> None:
    name = os.fsdecode(b"odd-\xff.py")
    (folder / name).write_text("x = 'äö\U0001f600'\n", encoding="utf-8")
    assert ours(folder, "--trace-file", "lines", name, LC_ALL="C")[0] == 0
    last = (folder / "lines").read_bytes().splitlines()[-1]
    assert last == b"odd-\xff.py(1)" + COLON.encode() + "x = 'äö\U0001f600'".encode()


def test_a_time_stamp_begins_each_line(folder: Path) -> None:
    write(folder, "half.py", HALF)
    ours(folder, "--timing", "--trace-file", "lines", "half.py")
    lines = (folder / "lines").read_text().splitlines()
    assert len(lines) == len(HALF_TRACED.splitlines())
    for line in lines:
        float(line.partition(" ")[0])


def test_runs_of_one_tracer_follow_each_other_in_the_file(folder: Path) -> None:
    tracer = exactrace.Trace(0, 1, trace_file=folder / "lines")
    for _ in range(2):
        tracer.runctx("x = 1", {"__file__": "mine.py"})
        expected = (folder / "lines").read_text().splitlines()
    assert len(expected) == 4
    del tracer
    assert (folder / "lines").read_text().splitlines() == expected


def test_lines_are_counted_as_well(folder: Path) -> None:
    write(folder, "half.py", HALF)
    plain = ours(folder, "-c", "-C", "plain", "half.py")
    done = ours(
        folder, "-c", "-C", "c", "--trace-file", "lines", "--only-lines",
        "half.py:2", "--max-depth", "9", "half.py"
    )  # fmt: skip
    assert (plain[0], done[:2]) == (0, (0, "out\n"))
    cover = (folder / "plain/half.cover").read_text()
    assert (folder / "c/half.cover").read_text() == cover
    assert len((folder / "lines").read_text().splitlines()) == 2


def test_a_part_of_a_program_is_printed(folder: Path) -> None:
    write(
        folder,
        "part.py",
        """\
        import exactrace
        def inner():
            return 1
        def outer(tracer):
            tracer.start()
            inner()
            tracer.stop()
            return 2
        outer(exactrace.Trace(0, 1, trace_file="all"))
        outer(exactrace.Trace(0, 1, trace_file="two", max_depth=2))
        """,
    )
    assert run(["part.py"], folder)[0] == 0
    for name, expected in (("all", "6 3 7"), ("two", "6 7")):
        numbers = [
            line.partition("(")[2].partition(")")[0]
            for line in (folder / name).read_text().splitlines()
        ]
        assert " ".join(filter(None, numbers)) == expected


def test_a_trace_function_that_is_set_by_hand_prints(folder: Path) -> None:
    write(
        folder,
        "hand.py",
        """\
        import exactrace, sys
        def f(n):
            return n
        tracer = exactrace.Trace(0, 1, trace_file="lines", only_functions=["f"])
        sys.settrace(tracer.globaltrace)
        f(1)
        sys.settrace(None)
        """,
    )
    assert run(["hand.py"], folder) == (0, "", "")
    assert printed("hand.py(3):      return n\n") in (folder / "lines").read_text()


def test_a_block_is_printed(folder: Path) -> None:
    write(
        folder,
        "block.py",
        """\
        import exactrace
        def f(n):
            return n
        with exactrace.tracing(trace=True, trace_file="lines", trace_calls=True):
            f(1)
        """,
    )
    assert run(["block.py"], folder) == (0, "", "")
    lines = (folder / "lines").read_text().splitlines()
    assert (
        lines[1:5]
        == printed(
            "block.py(5):      f(1)\n   --> block.f(n=1)\n"
            "  block.py(3):      return n\n   <-- block.f returns 1\n"
        ).splitlines()
    )


# Filters

CALLS = """\
import helper
class A:
    def f(self):
        return self.g()
    def g(self):
        return helper.h()
def f():
    def inner():
        return A().f()
    return inner()
f()
"""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("f", "f 8 10 f 4"),
        ("A.f", "f 4"),
        ("A.*", "f 4 g 6"),
        ("f.*", "inner 9"),
        ("A.g,inner", "inner 9 g 6"),
        ("g*", ""),
        ("h", "h 4"),
        ("A", "A 2 3 5"),
    ],
)
def test_functions_are_selected_by_name(
    folder: Path, names: str, expected: str
) -> None:
    write(folder, "helper.py", "\n\ndef h():\n    return 1\n")
    shown = lines_of(folder, CALLS, "--only-function", names)
    assert " ".join(shown) == expected


def test_modules_are_selected_with_those_below_them(folder: Path) -> None:
    source = "import pkg.sub\nimport pkgs\npkg.sub.f()\n"
    write(folder, "pkg/__init__.py", "x = 1\n")
    write(folder, "pkg/sub.py", "\n\ndef f():\n    return 1\n")
    write(folder, "pkgs.py", "\n\n\n\n\ny = 1\n")
    none = "<module>"
    sub = [none, "3", "f", "4"]
    assert sub == lines_of(folder, source, "--only-module", "pkg.sub")
    assert [none, "1", *sub] == lines_of(folder, source, "--only-module", "pkg")
    main = [none, "1", "2", "3"]
    assert main == lines_of(folder, source, "--only-module", "__main__")
    assert main == lines_of(folder, source, "--only-module", "prog")
    both = lines_of(folder, source, "--only-module", "pkgs,prog")
    assert [none, "1", "2", none, "6", "3"] == both


def test_lines_are_selected_by_file(folder: Path) -> None:
    source = "x = 1\nx = 2\nx = 3\nfor x in range(2):\n    pass\nx = 6\n"
    (folder / "sub").mkdir()
    for name in ("prog.py", "./prog.py", f"{folder.name}/prog.py", "sub/../prog.py"):
        shown = lines_of(folder, source, "--only-lines", f"{name}:2-3,6-")
        known = "" if "/" in name and folder.name in name else "<module> 2 3 6"
        assert " ".join(shown) == known
    full = f"{folder}/prog.py:2"
    write(folder, "start.py", f"import runpy; runpy.run_path({f'{folder}/prog.py'!r})")
    ours(folder, "--trace-file", "lines", "--only-lines", full, "start.py")
    assert len((folder / "lines").read_text().splitlines()) == 2
    twice = ["--only-lines", "prog.py:1", "--only-lines", "prog.py:5"]
    assert lines_of(folder, source, *twice) == ["<module>", "1", "5", "5"]
    assert lines_of(folder, source, "--only-lines", "rog.py:1") == []


def test_a_header_comes_before_the_first_selected_line_of_a_call(folder: Path) -> None:
    source = "def f(n):\n    if n:\n        return 1\n    return 0\nf(0)\nf(1)\nf(1)\n"
    shown = lines_of(folder, source, "--only-lines", "prog.py:3")
    assert shown == ["f", "3", "f", "3"]


def test_depth_counts_what_is_not_ignored(folder: Path) -> None:
    source = """\
        import helper
        def f(n):
            if n:
                f(n - 1)
        helper.call(f, 3)
        """
    write(folder, "helper.py", "def call(f, n):\n    f(n)\n")
    f = ["f", "3", "4"]
    ignore = ["--ignore-module", "helper"]
    main = ["<module>", "1", "2", "5"]
    assert main == lines_of(folder, source, *ignore, "--max-depth", "1")
    assert main + f == lines_of(folder, source, *ignore, "--max-depth", "2")
    assert main + f + f == lines_of(folder, source, *ignore, "--max-depth", "3")
    shown = lines_of(folder, source, "--max-depth", "3")
    assert [*main, "call", "2", *f] == [*shown[:2], *shown[4:]]


def test_the_depth_of_a_generator_is_that_of_whoever_runs_it(folder: Path) -> None:
    source = """\
        def g():
            yield 1
            yield 2
        def deep(it):
            return next(it)
        it = g()
        next(it)
        deep(it)
        """
    shown = lines_of(folder, source, "--max-depth", "2")
    assert ["<module>", "1", "4", "6", "7", "g", "2", "8", "deep", "5"] == shown


def test_threads_are_selected_by_name(folder: Path) -> None:
    source = """\
        import _thread, threading
        def work():
            x = 1
        for name in ("pool-1", "pool-2", "other"):
            thread = threading.Thread(target=work, name=name)
            thread.start()
            thread.join()
        work()
        """
    only = ["--only-function", "work"]
    assert len(lines_of(folder, source, *only)) == 8
    assert len(lines_of(folder, source, *only, "--thread", "main")) == 2
    assert len(lines_of(folder, source, *only, "--thread", "MainThread")) == 2
    assert len(lines_of(folder, source, *only, "--thread", "pool*")) == 4
    assert len(lines_of(folder, source, *only, "--thread", "pool-2")) == 2
    two = ["--thread", "other", "--thread", "main"]
    assert len(lines_of(folder, source, *only, *two)) == 4
    assert lines_of(folder, source, *only, "--thread", "none") == []


def test_the_import_system_is_left_out_with_options_alone(folder: Path) -> None:
    write(folder, "main.py", "import json\n")
    write(folder, "json.py", "x = 1\n")
    for _ in range(2):
        plain = ours(folder, "main.py")[1]
    assert "<frozen importlib" in plain
    short = printed(
        " --- modulename: main, funcname: <module>\nmain.py(1):  import json\n"
        " --- modulename: json, funcname: <module>\njson.py(1):  x = 1\n"
    )
    assert short == ours(folder, "--max-depth", "99", "main.py")[1]
    assert short == ours(folder, "--trace-imports", "never", "main.py")[1]
    deep = ours(folder, "--max-depth", "99", "--trace-imports", "always", "main.py")[1]
    assert "<frozen importlib" in deep
    assert ours(folder, "--trace-imports", "always", "main.py")[1] == plain


# Colours


def has_terminals() -> bool:
    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError:
        return False
    return True


NEEDS_TERMINAL = pytest.mark.skipif(not has_terminals(), reason="no terminals here")


def on_terminal(folder: Path, *arguments: str, **variables: str) -> str:
    """What is printed on a terminal."""
    script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    command = [sys.executable, "-m", "exactrace", "--trace", *arguments]
    out = run(["-c", script, *command], folder, TERM="xterm", **variables)[1]
    return out.replace("\r\n", "\n")


COLORED = """\
\033[1;36m --- modulename: one, funcname: <module>\033[0m
\033[2mone.py(1):\033[0m  x = 1
"""


@NEEDS_TERMINAL
def test_there_are_colours_on_a_terminal_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    write(folder, "one.py", "x = 1\n")
    colored = COLORED if COLON == ":  " else COLORED.replace("0m  x", "0m x")
    _, plain, _ = ours(folder, "one.py")
    assert "\033" not in plain
    assert on_terminal(folder, "one.py") == colored
    assert on_terminal(folder, "--color=never", "one.py") == plain
    assert on_terminal(folder, "one.py", NO_COLOR="1") == plain
    assert on_terminal(folder, "--color=always", "one.py", NO_COLOR="1") == colored
    assert ours(folder, "--color=always", "one.py")[1] == colored
    assert ours(folder, "--color=auto", "one.py")[1] == plain
    assert on_terminal(folder, "--trace-file", "lines", "one.py") == ""
    assert (folder / "lines").read_text() == plain
    assert on_terminal(folder, "--trace-file", "/dev/tty", "one.py") == colored


@NEEDS_TERMINAL
def test_what_the_program_puts_in_the_place_of_stdout_gets_no_colours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    source = """\
        import io, sys
        terminal, sys.stdout = sys.stdout, io.StringIO()
        x = 1
        text, sys.stdout = sys.stdout.getvalue(), terminal
        open("text", "w").write(text)
        """
    write(folder, "other.py", source)
    assert "\033" in on_terminal(folder, "--only-module", "other", "other.py")
    assert (folder / "text").read_text().startswith("other.py(3):")


def test_colours_leave_nothing_out(folder: Path) -> None:
    write(folder, "main.py", "import json\n")
    write(folder, "json.py", "x = 1\n")
    for _ in range(2):
        plain = ours(folder, "main.py")[1]
    colored = ours(folder, "--color=always", "main.py")[1]
    for mark in ("1;36", "2", "0"):
        colored = colored.replace(f"\033[{mark}m", "")
    # Of 3.12 and older the standard module leaves lines without source open.
    assert colored.replace("\n", "") == plain.replace("\n", "")


# What cannot be


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-c", "--trace-file", "f"], "--trace-file needs -t/--trace"),
        (["-c", "--max-depth", "3"], "--max-depth needs -t/--trace"),
        (["-t", "--max-depth", "0"], "'0' is not a number from 1 to 1000000"),
        (["-t", "--max-depth", "x"], "'x' is not a number from 1 to 1000000"),
        (["-t", "--only-lines", "prog.py"], "must be FILE:RANGES, as in"),
        (["-t", "--only-lines", "prog.py:5-3"], "must be FILE:RANGES, as in"),
        (["-t", "--only-function", "a,,b"], "a name is empty in 'a,,b'"),
    ],
)
def test_options_that_cannot_be_cost_one_clear_line(
    folder: Path, arguments: list[str], message: str
) -> None:
    write(folder, "prog.py", "print('ran')\n")
    status, out, err = run(["-m", "exactrace", *arguments, "prog.py"], folder)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"only_lines": ["prog.py"]}, ValueError),
        ({"only_lines": [":3"]}, ValueError),
        ({"only_functions": "abc"}, TypeError),
        ({"only_modules": [""]}, ValueError),
        ({"only_threads": [3]}, TypeError),
        ({"max_depth": 0}, ValueError),
        ({"trace_last": 0}, ValueError),
        ({"trace_last": 10**7}, ValueError),
        ({"max_depth": "3"}, TypeError),
        ({"trace": 0, "max_depth": 3}, ValueError),
        ({"trace": 0, "trace_color": "always"}, ValueError),
        ({"trace_color": "yes"}, ValueError),
        ({"countfuncs": 1, "max_depth": 3}, ValueError),
        ({"trace_file": "no/such/file"}, FileNotFoundError),
        ({"trace_file": 3.5}, TypeError),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    folder: Path, options: dict, error: type[Exception]
) -> None:
    with pytest.raises(error):
        exactrace.Trace(**{"count": 0, "trace": 1, **options})


def test_hooks_of_ones_own_and_options_are_refused_together() -> None:
    tracer = exactrace.Trace(0, 1, max_depth=3)
    tracer.localtrace = lambda *_: None
    with pytest.raises(RuntimeError, match="leave one of them out"):
        tracer.runfunc(str)


def test_prefixes_of_the_standard_options_stay_what_they_are(folder: Path) -> None:
    write(folder, "prog.py", "x = 1\n")
    for prefix in ("--cou", "--li", "--track", "--trace", "--cov", "--ti", "--no"):
        tail = ["c"] if prefix == "--cov" else []
        more = ["-c"] if prefix in ("--cov", "--ti", "--no") else []
        done = run(["-m", "exactrace", *more, prefix, *tail, "prog.py"], folder)
        assert done[0] == 0, done


@pytest.mark.parametrize("options", [[], ["--trace-file", "lines"]])
def test_code_without_source_gets_the_one_that_linecache_is_given(
    folder: Path, options: list[str]
) -> None:
    source = """\
        import linecache
        code = compile("x = 1", "<made>", "exec")
        given = (6, None, ["y = 2\\n"], "<made>")
        exec(code)
        exec(code)
        linecache.cache["<made>"] = given
        exec(code)
        del linecache.cache["<made>"]
        exec(code)
        """
    write(folder, "made.py", source)
    status, out, err = ours(folder, *options, "made.py")
    assert (status, err) == (0, "")
    text = (folder / "lines").read_text() if options else out
    shown = re.findall(r"<made>\(1\)(.*?)(?:\n|made\.py|$)", text)
    assert [line.strip(": ") for line in shown] == ["", "", "y = 2", ""]
