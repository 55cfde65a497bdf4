"""Counts written while the program goes on: each is in one file, whenever it is
killed.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from beside import FREE, run, write

from exactrace import datafolder
from exactrace.results import CoverageResults

pytestmark = pytest.mark.skipif(
    FREE, reason="without the GIL, counts are in memory: a kill loses them"
)

# Our own functions, made to do something of the program's in their midst.
HOOKS = """\
import os, signal, sys, threading
from exactrace import children, datafolder

def work(n):
    for i in range(n):
        i += 1

def in_thread(n):
    thread = threading.Thread(target=work, args=(n,))
    thread.start()
    thread.join()

def once(owner, name, before=None, after=None):
    original = getattr(owner, name)
    def hooked(*args, **kwargs):
        setattr(owner, name, original)
        if before is not None:
            before()
        result = original(*args, **kwargs)
        if after is not None:
            after()
        return result
    setattr(owner, name, hooked)

def signal_ourselves():
    os.kill(os.getpid(), signal.SIGUSR1)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

work(1)
"""
BODY = 6  # `i += 1`


def ran(
    folder: Path, program: str, status: int = -signal.SIGKILL, *options: str
) -> tuple[CoverageResults, list[str], str]:
    """Run a program with all of the above. Returns what its files hold, what is said
    of them, and what it has said.
    """
    write(folder, "prog.py", HOOKS + program)
    data = str(folder / "data")
    done, _, error = run(
        [
            *("-m", "exactrace", "run", "-q", "-d", data, "--dump-signal", "USR1"),
            *(*options, "prog.py"),
        ],
        folder,
    )
    assert done == status, error
    names = datafolder.files(data)
    results, read, said = datafolder.read(data, names)
    assert read >= names
    return results, said, error


def body(results: CoverageResults) -> int:
    """Return how often the loop's body ran."""
    (hits,) = (n for (_, line), n in results.counts.items() if line == BODY)
    return hits


# Where in the midst of a dump the other threads run: (function, before or after).
MOMENTS = [
    ("children.Process", "_move", "before"),
    ("children.Process", "_move", "after"),
    ("children.Process", "_complete", "before"),
    ("children.Process", "_write", "before"),
    ("children.Process", "_write", "after"),
    ("datafolder", "remove", "after"),
]


@pytest.mark.parametrize("kill", ["at the end", "in the midst"])
@pytest.mark.parametrize(("owner", "name", "when"), MOMENTS)
def test_what_threads_count_during_a_dump_outlives_a_kill(
    folder: Path, owner: str, name: str, when: str, kill: str
) -> None:
    then = "die() if midst else None"
    program = f"""\
midst = {kill == "in the midst"}
once({owner}, {name!r}, {when}=lambda: (in_thread(20), {then}))
work(300)
signal_ourselves()
work(4000)
die()
"""
    results, _, _ = ran(folder, program)
    assert body(results) == 1 + 300 + 20 + (4000 if kill == "at the end" else 0)


@pytest.mark.parametrize(("owner", "name", "when"), MOMENTS)
def test_a_signal_during_a_dump_has_it_done_once_more(
    folder: Path, owner: str, name: str, when: str
) -> None:
    program = f"""\
once({owner}, {name!r}, {when}=lambda: (in_thread(20), signal_ourselves()))
work(300)
signal_ourselves()
work(4000)
die()
"""
    results, _, _ = ran(folder, program)
    assert body(results) == 1 + 300 + 20 + 4000


@pytest.mark.parametrize(("owner", "name", "when"), MOMENTS)
def test_an_exit_in_the_midst_of_a_dump_loses_nothing(
    folder: Path, owner: str, name: str, when: str
) -> None:
    program = f"""\
once({owner}, {name!r}, {when}=lambda: (in_thread(20), os._exit(3)))
work(300)
signal_ourselves()
"""
    results, _, _ = ran(folder, program, 3)
    assert body(results) == 1 + 300 + 20


@pytest.mark.parametrize("ends", ["die()", "sys.exit(0)", "os._exit(0)"])
def test_many_dumps_are_one_sum(folder: Path, ends: str) -> None:
    program = f"""\
for k in range(7):
    work(10 ** k)
    signal_ourselves()
{ends}
"""
    status = -signal.SIGKILL if ends == "die()" else 0
    results, _, _ = ran(folder, program, status)
    assert body(results) == 1 + 1111111


def test_a_forked_child_dumps_its_own(folder: Path) -> None:
    program = """\
work(10)
pid = os.fork()
if pid == 0:
    work(200)
    signal_ourselves()
    work(3000)
    die()
os.waitpid(pid, 0)
work(40000)
die()
"""
    results, said, _ = ran(folder, program)
    assert body(results) == 1 + 43210
    assert len(said) == 2


def test_where_no_new_file_can_be_made_counting_goes_on_in_memory(
    folder: Path,
) -> None:
    """The folder is taken away, and a file stands in its place."""
    program = """\
import shutil
work(10)
shutil.rmtree("data")
open("data", "w").close()
signal_ourselves()
work(200)
os.unlink("data")
signal_ourselves()
work(3000)
die()
"""
    results, said, error = ran(folder, program)
    assert body(results) == 3000 + 200
    assert len(said) == 1
    assert error.count("\n") == 1
    assert "the counts are in" in error
    elsewhere = error.split("'")[1]
    first, _, _ = datafolder.read(elsewhere, datafolder.files(elsewhere))
    datafolder.remove(elsewhere, datafolder.files(elsewhere))
    for left in Path(elsewhere).iterdir():
        left.unlink()
    os.rmdir(elsewhere)
    assert body(first) == 1 + 10


@pytest.mark.parametrize("ends", ["die()", "sys.exit(0)"])
def test_a_process_that_cannot_become_another_program_goes_on(
    folder: Path, ends: str
) -> None:
    program = f"""\
work(10)
try:
    os.execv("nowhere", ["nowhere"])
except FileNotFoundError:
    work(200)
try:
    os.execvpe("nowhere", ["nowhere"], {{"PATH": "here:there"}})
except FileNotFoundError:
    work(3000)
work(40000)
{ends}
"""
    status = -signal.SIGKILL if ends == "die()" else 0
    results, said, error = ran(folder, program, status)
    assert error == ""
    assert len(said) == (1 if ends == "die()" else 0)
    assert body(results) == 1 + 43210
