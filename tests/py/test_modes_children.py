"""--children with the modes that print and list: what runs in other processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from beside import PACKAGE, write
from beside import run as run_as_it_is
from test_children import FRAME, STARTS

from exactrace import children
from exactrace.printing import Printing

HIDDEN = ["--ignore-dir", f"$prefix:{PACKAGE}:{sys.prefix}:{sys.base_prefix}"]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def as_new(text: str) -> str:
    """Return what was printed as 3.13 and later do."""
    if sys.version_info >= (3, 13):
        return text
    return re.sub(r"(?m)^(.*\.py\(\d+\)): ", r"\1:  ", text)


def run(arguments: list[str], folder: Path, **variables: str) -> tuple[int, str, str]:
    status, out, error = run_as_it_is(arguments, folder, **variables)
    return status, as_new(out), as_new(error)


def program(start: str) -> str:
    parent = textwrap.dedent(start).strip().splitlines()
    return FRAME.replace(
        'exec(compile(PARENT, "<parent>", "exec"))', "\n    ".join(parent)
    )


def by_process(lines: str) -> dict[str, str]:
    """Return what each process has printed: "" is the first."""
    found: dict[str, str] = {}
    for line in lines.splitlines(keepends=True):
        assert line.endswith("\n")
        number, text = "", line
        if line.startswith("["):
            number, _, text = line[1:].partition("] ")
            assert number.isdecimal()
        found[number] = found.get(number, "") + text
    return found


# What work() of FRAME prints, wherever it runs.
WORK = " --- modulename: prog, funcname: work\n" + "".join(
    f"prog.py({number}):  {line}\n"
    for number, line in [
        *[(3, "    for i in range(7):"), (4, "        i += 1")] * 7,
        (3, "    for i in range(7):"),
        (5, '    with open("worked", "w"): pass'),
    ]
)


@LINUX
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_each_way_to_start_a_child_prints(folder: Path, start: str) -> None:
    source = program(start)
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "-t", "--children", *HIDDEN, "prog.py"]
    with (folder / "lines").open("w") as out:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": PACKAGE},
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, "")
    # The import system's lines are the first process's, as in the standard module.
    lines = "".join(
        line
        for line in as_new((folder / "lines").read_text()).splitlines(keepends=True)
        if "<frozen " not in line and "module" + "name: <" not in line
    )
    found = by_process(lines)
    assert "funcname: main\n" in found.pop("")
    assert sum(text.count(WORK) for text in found.values()) == 1


def test_children_print_to_the_same_file(folder: Path) -> None:
    write(folder, "prog.py", program(STARTS["subprocess"]))
    command = ["-m", "exactrace", "-t", "--children", "--trace-file", "lines"]
    done = run([*command, *HIDDEN, "prog.py"], folder)
    assert done == (0, "", "")
    lines = as_new((folder / "lines").read_text())
    found = by_process(lines)
    assert "funcname: main\n" in found.pop("")
    (child,) = found.values()
    assert WORK in child


@LINUX
def test_what_children_print_is_not_in_what_the_program_reads(folder: Path) -> None:
    source = """\
        import subprocess, sys
        if sys.argv[1:]:
            print("out")
            print("err", file=sys.stderr)
            sys.exit(3)
        done = subprocess.run([sys.executable, __file__, "x"], capture_output=True)
        print(done.returncode, done.stdout, done.stderr)
        """
    write(folder, "prog.py", source)
    said = "3 b'out\\n' b'err\\n'\n"
    assert run(["prog.py"], folder) == (0, said, "")
    command = ["-m", "exactrace", "-t", "--children", *HIDDEN]
    status, out, error = run([*command, "prog.py"], folder)
    assert (status, error) == (0, "")
    assert said in out
    assert '] prog.py(3):      print("out")\n' in out
    done = run([*command, "--trace-last", "2", "prog.py"], folder)
    assert done == (0, said, "")


@LINUX
def test_lines_of_many_processes_are_whole(folder: Path) -> None:
    """All write to one pipe, and to one file, at the same time."""
    source = """\
        import os
        def work(n):
            for i in range(2000):
                n += i
        pids = []
        for n in range(8):
            pid = os.fork()
            if pid == 0:
                work(n)
                os._exit(0)
            pids.append(pid)
        work(0)
        for pid in pids:
            os.waitpid(pid, 0)
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "-t", "--children", *HIDDEN]
    for file in ([], ["--trace-file", "lines"]):
        status, out, error = run([*command, *file, "prog.py"], folder)
        assert (status, error) == (0, "")
        found = by_process(as_new((folder / "lines").read_text()) if file else out)
        assert len(found) == 9
        for text in found.values():
            assert text.count("prog.py(4):          n += i\n") == 2000
            assert text.count("prog.py(3):      for i in range(2000):\n") == 2001


@LINUX
def test_sigterm_may_come_while_a_line_is_put_out(folder: Path) -> None:
    """What such a child has printed is there, once, in whole lines."""
    source = """\
        import fcntl, os, signal
        def work():
            while True:
                one = 1
                two = 2
                os.write(here, b"x")
        for _ in range(60):
            there, here = os.pipe()
            fcntl.fcntl(here, fcntl.F_SETPIPE_SZ, 4096)  # then it waits
            pid = os.fork()
            if pid == 0:
                work()
            for _ in range(20):
                os.read(there, 1)
            os.kill(pid, signal.SIGTERM)
            assert os.waitpid(pid, 0)[1] == signal.SIGTERM
            os.close(there)
            os.close(here)
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "-t", "--children", "--trace-file", "lines"]
    assert run([*command, *HIDDEN, "prog.py"], folder) == (0, "", "")
    found = by_process(as_new((folder / "lines").read_text()))
    del found[""]
    assert len(found) == 60
    loop = [
        f"prog.py({number}):          {line}"
        for number, line in [
            (4, "one = 1"),
            (5, "two = 2"),
            (6, 'os.write(here, b"x")'),
        ]
    ]
    for text in found.values():
        _, _, said = text.partition("funcname: work\n")
        lines = [line for line in said.splitlines() if "while" not in line]
        assert len(lines) >= 3 * 20
        assert lines == (loop * len(lines))[: len(lines)]


def test_last_lines_of_a_child_that_fails(folder: Path) -> None:
    source = """\
        import subprocess, sys
        if sys.argv[1:]:
            {}["x"]
        subprocess.run([sys.executable, __file__, "x"])
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "-t", "--children", "--trace-last", "1"]
    status, out, error = run([*command, *HIDDEN, "prog.py"], folder)
    assert (status, out) == (0, "")
    assert error.startswith("Traceback")
    first, line = error.splitlines()[-2:]
    assert first.startswith("exactrace: the last 1 of 4")
    assert line.endswith('] prog.py(3):      {}["x"]')


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_functions_of_children_are_listed(folder: Path, start: str) -> None:
    write(folder, "prog.py", program(start))
    command = ["-m", "exactrace", "-lT", "--children", *HIDDEN, "prog.py"]
    status, out, error = run(command, folder)
    # A server of multiprocessing may live on.
    said = [line for line in error.splitlines() if "is running" not in line]
    assert said == [], error
    assert status == 0
    name = "filename: prog.py, modulename: prog, funcname: "
    assert f"{name}work\n" in out
    assert out.count(f"{name}<module>\n") == 1
    # What is left out calls it in some.
    left_out = "multiprocessing" in start or "import prog" in start
    assert ("prog.work\n" in out) == (not left_out)
    assert "trace.Trace.runctx -> prog.<module>\n" in out


def test_nothing_of_the_start_of_a_child_is_listed(folder: Path) -> None:
    source = """\
        import subprocess, sys
        def f(): pass
        if sys.argv[1:]:
            f()
        else:
            subprocess.run([sys.executable, "-S", "-c", ""])
            subprocess.run([sys.executable, __file__, "x"])
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "-lT", "--children", "prog.py"]
    status, out, error = run(command, folder)
    assert (status, error) == (0, "")
    lists = [line for line in out.splitlines() if "site" in line.split("(")[0]]
    assert [line for line in lists if "modulename: site," in line] == []
    assert "funcname: f\n" in out


def test_options_of_printing_come_back_from_their_items() -> None:
    options = {
        "only_modules": ["a", "b"],
        "only_functions": ["f"],
        "only_lines": ["x=y.py:3,10-20"],
        "only_threads": ["main"],
        "max_depth": 3,
        "last": None,
        "calls": True,
        "variables": True,
        "imports": None,
        "color": "always",
    }
    printing = Printing(file="/a=b", **options)  # type: ignore[arg-type]
    again = Printing.of_child(printing.items(), "/other")
    differing = {"_child", "_plain"}
    assert {
        name: value for name, value in vars(printing).items() if name not in differing
    } == {name: value for name, value in vars(again).items() if name not in differing}
    settings = children.Settings("/a", printing=printing.items(), start_time=1.5)
    text = settings.to_text()
    assert vars(children.Settings.from_text(text)) == vars(settings)


# How the program itself ends, and with what status.
ENDINGS = {
    "end": ("pass", 0),
    "os._exit": ("os._exit(5)", 5),
    "SIGTERM": ("os.kill(os.getpid(), 15)", -15),
    "SIGINT": ("os.kill(os.getpid(), 2)", -2),
    "execv": ("os.execv(sys.executable, ['python', '-c', 'exit(4)'])", 4),
    "execvp": ("os.execvp('sh', ['sh', '-c', 'exit 6'])", 6),
}
RUN_ON = """\
import os, subprocess, sys
def f(): return 1
def g(): return 2
f()
if os.fork() == 0:
    g()
    os._exit(0)
os.wait()
try:
    os.execvp("no-such-program", ["x"])
except FileNotFoundError:
    f()
"""


@LINUX
@pytest.mark.parametrize(("end", "status"), ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("with_children", [False, True])
def test_every_mode_reports_however_the_program_ends(
    folder: Path, end: str, status: int, *, with_children: bool
) -> None:
    write(folder, "prog.py", f"{RUN_ON}{end}\n")
    (folder / "temporary").mkdir()
    more = ["--children"] * with_children
    for options in (
        ["-c", "-s", "-C", "covers", "-f", "counts"],
        ["-l"],
        ["-T"],
        ["-t"],
        ["-t", "--trace-file", "lines"],
    ):
        command = ["-m", "exactrace", *options, *more, *HIDDEN, "prog.py"]
        done, out, error = run(command, folder, TMPDIR="temporary")
        assert done == status
        said = [line for line in error.splitlines() if "Skipping counts" not in line]
        assert said == [] or status == -2
        if "-c" in options:
            cover = (folder / "covers" / "prog.cover").read_text()
            # Each line of a function counts where it is defined, and where it runs.
            assert "    3: def f()" in cover
            calls = 2 if with_children else 1
            assert f"    {calls}: def g()" in cover
            assert out.splitlines()[0] == "lines   cov%   module   (path)"
            assert (folder / "counts").stat().st_size > 30
            (folder / "counts").unlink()
        elif "-l" in options:
            assert out.count("funcname: f\n") == 1
            assert out.count("funcname: g\n") == with_children
        elif "-T" in options:
            assert "prog.<module> -> prog.f\n" in out
            assert ("prog.<module> -> prog.g\n" in out) == with_children
        else:
            lines = as_new((folder / "lines").read_text()) if options[1:] else out
            assert f"prog.py({RUN_ON.count(chr(10)) + 1}):  {end}\n" in lines
    assert list((folder / "temporary").iterdir()) == []


DUMPED = """\
import os, signal, sys
def f(): return 1
def show(name):
    if os.path.exists(name):
        print("#", open(name).read().count("f()"))
f()
os.kill(os.getpid(), signal.SIGUSR1)
show("lines")
show("covers/prog.cover")
f()
print("end")
"""


def test_a_signal_has_the_reports_so_far_written_in_every_mode(folder: Path) -> None:
    write(folder, "prog.py", DUMPED)
    for options, expected in (
        (["-c", "-C", "covers"], "# 4\nend\n"),
        (["-l"], "funcname: f\n"),
        (["-T"], "prog.<module> -> prog.f\n"),
        (["-t", "--trace-file", "lines"], "# 3\nend\n"),
        (["-t", "--trace-last", "2"], "end\n"),
    ):
        for left in (folder / "lines", folder / "covers" / "prog.cover"):
            left.unlink(missing_ok=True)
        command = ["-m", "exactrace", *options, *HIDDEN]
        assert run([*command, "prog.py"], folder)[0] == -signal.SIGUSR1
        command += ["--dump-signal", "usr1"]
        status, out, error = run([*command, "prog.py"], folder)
        assert status == 0
        if options[0] in ("-l", "-T"):
            # Once when the signal comes, once at the end.
            assert out.count(expected) == 2
            assert out.index(expected) < out.index("end\n")
        else:
            assert out == expected
        if "--trace-last" in options:
            lines = error.splitlines()
            assert lines[0] == "exactrace: the last 2 of 8 lines:"
            assert lines[2] == "prog.py(7):  os.kill(os.getpid(), signal.SIGUSR1)"
        else:
            assert error == ""


def test_our_own_code_is_not_traced_when_it_runs_in_between(folder: Path) -> None:
    write(folder, "prog.py", RUN_ON + "os.kill(os.getpid(), 15)\n")
    for mode in ("-l", "-t", "-T"):
        command = ["-m", "exactrace", mode, "--children", "--dump-signal", "USR1"]
        _, out, _ = run([*command, "prog.py"], folder)
        assert "ending.py" not in out
        assert "modulename: ending" not in out
        assert "modulename: children" not in out
        assert "modulename: dropin" not in out


def test_printing_to_a_file_and_tracking_calls_go_together(folder: Path) -> None:
    write(folder, "prog.py", "def f(): return 1\nf()\n")
    command = ["-m", "exactrace", "-tT", "--trace-file", "lines", *HIDDEN]
    status, out, error = run([*command, "prog.py"], folder)
    assert (status, error) == (0, "")
    assert out.endswith("*** prog.py ***\n    prog.<module> -> prog.f\n")
    assert "funcname: f\n" in as_new((folder / "lines").read_text())


@LINUX
def test_a_child_has_the_signal_too(folder: Path) -> None:
    """What it has listed by then is in the reports, although it is killed."""
    source = """\
        import os, signal, subprocess, sys
        def f(): return 1
        if sys.argv[1:]:
            f()
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGKILL)
        subprocess.run([sys.executable, __file__, "x"])
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "-l", "--children", "--dump-signal", "USR1"]
    status, out, error = run([*command, *HIDDEN, "prog.py"], folder)
    assert (status, error) == (0, "")
    assert "funcname: f\n" in out


@LINUX
def test_a_child_that_outlives_the_first_process_says_that_it_prints_nothing(
    folder: Path,
) -> None:
    shared = "/proc/99999999/fd/100"
    settings = children.Settings(str(folder), printing=[], shared=shared)
    variables = {children.VARIABLE: settings.to_text()}
    status, out, error = run(["-c", "print(1)"], folder, **variables)
    assert (status, out) == (0, "1\n")
    assert error.count("\n") == 1
    assert "is not traced: [Errno 2] No such file or directory" in error


@pytest.mark.parametrize("more", [[], ["--children"]])
def test_what_cannot_become_another_program_is_reported_whole(
    folder: Path, more: list[str]
) -> None:
    """The file may be run, but is no program: only the attempt tells that."""
    bad = folder / "bad"
    bad.write_bytes(b"\0\1")
    bad.chmod(0o755)
    source = (
        "import os\ntry: os.execv('./bad', ['bad'])\nexcept OSError: pass\n"
        "for i in range(3):\n    x = i\nos._exit(0)\n"
    )
    write(folder, "prog.py", source)
    arguments = ["-m", "exactrace", "-c", "-C", "covers", *more, "prog.py"]
    assert run(arguments, folder) == (0, "", "")
    listing = (folder / "covers/prog.cover").read_text().splitlines()
    ran = ["    4: for i in range(3):", "    3:     x = i", "    1: os._exit(0)"]
    assert listing[-3:] == ran
