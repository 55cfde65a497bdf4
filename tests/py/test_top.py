"""A program that runs is watched, and takes no notice."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from beside import FREE, MONITORED, PACKAGE, run, write

PROGRAM = """\
import os, signal, sys
def work(n):
    for i in range(n):
        if i % 2:
            n += 1
work(100)
print("ready", flush=True)
if sys.argv[1:]:
    os.kill(os.getpid(), signal.SIGSTOP)
sys.stdin.readline()
"""
BRANCHES = MONITORED
needs_file = pytest.mark.skipif(FREE, reason="without the GIL, counts are in memory")


@contextlib.contextmanager
def waiting(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Give a program that has counted, and now waits for us."""
    write(folder, "prog.py", PROGRAM)
    options = ("--branch", "--calls", "-q", "-d", "data")
    with subprocess.Popen(
        [sys.executable, "-m", "exactrace", "run", *options, "prog.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.communicate("\n")
    assert process.returncode == 0


def top(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `exactrace top`."""
    command = ["-m", "exactrace", "top", "--interval", "0.05", *arguments]
    return run(command, folder)


def rows(folder: Path, *arguments: str) -> dict[tuple[int, str | None], int]:
    """Return what it says as JSON: hits by line and name."""
    status, out, error = top(folder, "--once", "--json", *arguments)
    assert (status, error) == (0, "")
    return {(row["line"], row["name"]): row["hits"] for row in json.loads(out)["rows"]}


@needs_file
def test_lines_functions_and_branches_are_as_they_were_counted(folder: Path) -> None:
    with waiting(folder) as process:
        for target in ("data", str(process.pid)):
            lines = rows(folder, target)
            assert lines[3, None] == 101
            assert lines[4, None] == 100
            assert lines[5, None] == 50
            assert rows(folder, target, "--by", "functions")[2, "work"] == 1
        if BRANCHES:
            sides = rows(folder, "data", "--by", "branches")
            # Which column a loop has differs between versions.
            found = {
                (line, name.split(": ")[1]): n
                for (line, name), n in sides.items()
                if name is not None and line < 6
            }
            assert found == {
                (3, "next item"): 100,
                (3, "end"): 1,
                (4, "true"): 50,
                (4, "false"): 50,
            }
        assert rows(folder, "data", "-n", "1") == {(3, None): 101}
        assert rows(folder, "data", "--filter", "PROG.py:5") == {(5, None): 50}
        status, out, _ = top(folder, "data", "--once")
        assert status == 0
        assert out.splitlines()[0].split() == ["hits", "per", "second", "lines"]
        assert out.splitlines()[1].split() == ["101", "0", "prog.py:3"]


@needs_file
def test_what_else_lies_in_the_folder_is_passed_over(folder: Path) -> None:
    with waiting(folder):
        data = folder / "data"
        (name,) = (path.name for path in data.glob("*.xt"))
        (data / "other.xt").write_bytes((data / name).read_bytes()[:100])
        (data / "made.xt").write_bytes(bytes(1 << 20))
        (data / "link.xt").symlink_to(data / name)
        os.mkfifo(data / "pipe.xt")
        assert rows(folder, "data")[4, None] == 100
    status, out, error = top(folder, "data", "--once")
    assert (status, out, error.count("\n")) == (1, "", 1)
    assert "other.xt': damaged counts file" in error


@needs_file
def test_a_program_that_is_stopped_is_watched_too(folder: Path) -> None:
    with waiting(folder, "stop") as process:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        assert rows(folder, "data")[4, None] == 100


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nowhere",), 1, "'nowhere' is neither a process nor a folder"),
        (("4194305",), 1, "there is no process 4194305"),
        ((".",), 1, "nothing that counts is running in '.'"),
        ((".", "--interval", "0"), 2, "invalid number greater than 0 value: '0'"),
        ((".", "-n", "many"), 2, "invalid number greater than 0 value: 'many'"),
    ],
)
def test_what_cannot_be_watched(
    folder: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = run(["-m", "exactrace", "top", "--once", *arguments], folder)
    assert done[0] == status
    assert done[1] == ""
    assert said in done[2]


def test_without_a_terminal_it_says_what_to_do(folder: Path) -> None:
    status, _, error = run(["-m", "exactrace", "top", "."], folder)
    assert status == 1
    assert "use --once or --json" in error


class Terminal:
    """What a program has on its terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._screen = pyte.Screen(100, 24)
        self._stream = pyte.ByteStream(self._screen)

    def press(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def wait_for(self, *texts: str) -> None:
        """Read until all these texts are there; at most a minute for each change."""
        while not all(text in "\n".join(self._screen.display) for text in texts):
            ready, _, _ = select.select([self._terminal], [], [], 60)
            assert ready, self._screen.display
            self._stream.feed(os.read(self._terminal, 65536))


@needs_file
def test_the_screen(folder: Path) -> None:
    with waiting(folder):
        ours, theirs = pty.openpty()
        environment = {
            **os.environ,
            "PYTHONPATH": PACKAGE,
            "TERM": "xterm",
            "LINES": "24",
            "COLUMNS": "100",
        }
        terminal = Terminal(ours)
        with subprocess.Popen(
            [sys.executable, "-m", "exactrace", "top", "data"],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as screen:
            os.close(theirs)
            terminal.wait_for("lines, by rate", "prog.py:3", "q: quit")
            terminal.press(b"f")
            terminal.wait_for("functions, by rate", "work")
            terminal.press(b"h")
            terminal.wait_for("functions, by hits")
            terminal.press(b"l\n")
            terminal.wait_for("for i in range(n):", "sys.stdin.readline()")
            terminal.press(b"q/")
            terminal.wait_for("filter: _")
            terminal.press(b"PY:5")
            terminal.wait_for("filter: PY:5_", "lines with 'PY:5', by hits")
            terminal.press(b"\nq")
            terminal.wait_for("it goes on")
            assert screen.wait() == 0
        os.close(ours)
