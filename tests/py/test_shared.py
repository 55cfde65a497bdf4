"""Folders in which several users may write: nobody can make another one suffer."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from beside import FREE, PACKAGE, rescued, write

from exactrace import datafolder

NOBODY = 65534
PROGRAM = """\
import sys
def work(n):
    for i in range(n):
        n += 1
work(100)
print("ready", flush=True)
sys.stdin.readline()
"""
needs_file = pytest.mark.skipif(FREE, reason="without the GIL, counts are in memory")


class Python:
    """The interpreter under test, where all users can start it."""

    def __init__(self, place: Path) -> None:
        """place: a folder in which it and the package are seen."""
        name = os.path.basename(os.path.realpath(sys.executable))
        self._program = str(place / "python" / "bin" / name)
        self._variables = {
            **os.environ,
            "PYTHONPATH": str(place / "package"),
            "LD_LIBRARY_PATH": str(place / "python" / "lib"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(
        self, folder: Path, *arguments: str, user: int, **variables: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._program, *arguments],
            cwd=folder,
            env={**self._variables, **variables},
            user=user,
            group=user,
            extra_groups=[],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, *arguments: str, user: int) -> tuple[int, str, str]:
        """Run exactrace as that user: status, stdout, stderr."""
        with self.start(folder, "-m", "exactrace", *arguments, user=user) as process:
            out, error = process.communicate()
        return process.returncode, out, error

    @contextlib.contextmanager
    def waiting(self, folder: Path, *, user: int) -> Iterator[int]:
        """Give the number of a program that has counted, and now waits for us."""
        write(folder, "prog.py", PROGRAM)
        options = ("-m", "exactrace", "run", "-q", "-d", "data", "prog.py")
        with self.start(folder, *options, user=user) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()
            try:
                yield process.pid
            finally:
                process.communicate("\n")
        assert process.returncode == 0


@pytest.fixture(scope="module")
def python() -> Iterator[Python]:
    """Give an interpreter for all users; skip where we cannot be two users.

    It may lie in a folder that only root may enter, so it is mounted elsewhere, too.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can be two users")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        sources = {"python": sys.base_prefix, "package": PACKAGE}
        mounted = []
        try:
            for target, source in sources.items():
                (place / target).mkdir()
                command = ["mount", "--bind", source, str(place / target)]
                if subprocess.run(command, check=False).returncode != 0:
                    pytest.skip("nothing may be mounted here")
                mounted.append(place / target)
            yield Python(place)
        finally:
            for path in mounted:
                subprocess.run(["umount", str(path)], check=True)


@pytest.fixture
def shared() -> Iterator[Path]:
    """Give a folder in which all users may write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


# --- exactrace top


@needs_file
@pytest.mark.parametrize("by", ["folder", "process"])
@pytest.mark.parametrize("owner", [NOBODY, 0])
def test_root_watches_the_programs_of_all_users(
    python: Python, shared: Path, owner: int, by: str
) -> None:
    with python.waiting(shared, user=owner) as process:
        target = "data" if by == "folder" else str(process)
        status, out, error = python.run(
            shared, "top", "--once", "--json", target, user=0
        )
    assert (status, error) == (0, "")
    rows = {row["line"]: row["hits"] for row in json.loads(out)["rows"]}
    assert rows[4] == 100


@needs_file
@pytest.mark.parametrize("by", ["folder", "process"])
def test_users_watch_their_own(python: Python, shared: Path, by: str) -> None:
    with python.waiting(shared, user=NOBODY) as process:
        target = "data" if by == "folder" else str(process)
        status, out, error = python.run(
            shared, "top", "--once", "--json", target, user=NOBODY
        )
    assert (status, error) == (0, "")
    assert json.loads(out)["processes"] == [process]


@needs_file
@pytest.mark.parametrize("by", ["folder", "process"])
@pytest.mark.parametrize("owner", [0, NOBODY - 1])
def test_who_may_not_watch_is_told_so(
    python: Python, shared: Path, owner: int, by: str
) -> None:
    with python.waiting(shared, user=owner) as process:
        target = "data" if by == "folder" else str(process)
        done = python.run(shared, "top", "--once", target, user=NOBODY)
    assert done[:2] == (1, "")
    assert done[2].count("\n") == 1
    assert "Permission denied" in done[2]


# --- Files and links of others


def count_as(python: Python, folder: Path, user: int) -> tuple[int, str, str]:
    """Run a program of one line, with its counts added to those in `data`."""
    write(folder, "one.py", "print(1)\n")
    options = ("-q", "--append", "-d", "data")
    return python.run(folder, "run", *options, "one.py", user=user)


def results_of(folder: Path) -> int:
    """Return the sum of the counts in a folder's files."""
    data = str(folder / "data")
    results, _, said = datafolder.read(data, datafolder.files(data))
    assert said == []
    return sum(results.counts.values())


@pytest.fixture
def open_data(shared: Path) -> Path:
    """Give a folder of counts in which all users may write."""
    (shared / "data").mkdir()
    (shared / "data").chmod(0o777)
    return shared / "data"


def test_users_share_a_folder_and_count_each_for_themselves(
    python: Python, shared: Path, open_data: Path
) -> None:
    for _ in range(2):
        for user in (0, NOBODY, NOBODY - 1):
            assert count_as(python, shared, user) == (0, "1\n", "")
    owners = [path.stat().st_uid for path in open_data.glob("*.xt")]
    assert sorted(owners) == [0, NOBODY - 1, NOBODY]
    assert {path.stat().st_mode & 0o777 for path in open_data.glob("*.xt")} == {0o600}
    assert results_of(shared) == 2  # root's own


def test_what_others_left_is_neither_read_nor_removed(
    python: Python, shared: Path, open_data: Path
) -> None:
    secret = shared / "secret.xt"
    assert count_as(python, shared, 0) == (0, "1\n", "")
    (name,) = datafolder.files(str(open_data))
    os.rename(open_data / name, secret)
    (open_data / "link.xt").symlink_to(secret)
    (open_data / "foreign.xt").write_bytes(secret.read_bytes())
    os.chown(open_data / "foreign.xt", NOBODY, NOBODY)
    os.chown(open_data / "link.xt", NOBODY, NOBODY, follow_symlinks=False)
    before = secret.read_bytes()
    assert count_as(python, shared, 0) == (0, "1\n", "")
    assert results_of(shared) == 1
    assert secret.read_bytes() == before
    assert (open_data / "link.xt").is_symlink()
    assert (open_data / "foreign.xt").read_bytes() == before


@pytest.mark.parametrize("kind", ["link", "held", "pipe"])
def test_a_lock_of_others_is_not_waited_for(
    python: Python, shared: Path, open_data: Path, kind: str
) -> None:
    """They could hold it for ever, or have led it to a file that is ours."""
    lock = open_data / ".lock"
    victim = shared / "victim"
    victim.write_text("as it was")
    with contextlib.ExitStack() as stack:
        if kind == "link":
            lock.symlink_to(victim)
        elif kind == "pipe":
            os.mkfifo(lock, 0o666)
            lock.chmod(0o666)
        else:
            lock.write_text("as it was")
            lock.chmod(0o666)
        os.chown(lock, NOBODY, NOBODY, follow_symlinks=False)
        if kind == "held":
            victim = lock
        held = stack.enter_context(open(victim, "r+"))
        fcntl.flock(held, fcntl.LOCK_EX)
        assert count_as(python, shared, 0) == (0, "1\n", "")
    assert results_of(shared) == 1
    assert victim.read_text() == "as it was"


def test_where_one_may_not_write_the_program_runs_and_its_counts_are_kept(
    python: Python, shared: Path, open_data: Path
) -> None:
    open_data.chmod(0o555)
    status, out, error = count_as(python, shared, NOBODY)
    assert (status, out, error.count("\n")) == (0, "1\n", 1)
    counts = rescued(error, ["Permission denied"]).counts
    assert list(counts.values()) == [1]


def test_a_link_of_another_user_is_no_folder_of_counts(
    python: Python, shared: Path
) -> None:
    (shared / "elsewhere").mkdir()
    (shared / "data").symlink_to("elsewhere")
    assert count_as(python, shared, 0) == (0, "1\n", "")
    (name,) = (path.name for path in (shared / "elsewhere").glob("*.xt"))
    os.chown(shared / "data", NOBODY, NOBODY, follow_symlinks=False)
    for arguments in (("run", "-d", "data", "-c", "1"), ("report", "-d", "data")):
        status, out, error = python.run(shared, *arguments, user=0)
        assert (status, out, error.count("\n")) == (1, "", 1)
        assert "'data'" in error or str(shared / "data") in error
        assert "it is a symbolic link of another user" in error
    assert (shared / "elsewhere" / name).exists()


@needs_file
@pytest.mark.parametrize("way", ["link", "copy"])
def test_a_file_that_was_put_in_place_of_ours_is_not_written_to(
    python: Python, shared: Path, open_data: Path, way: str
) -> None:
    """While a program counts, another user replaces its file; then it needs more."""
    program = """\
import sys
print("ready", flush=True)
sys.stdin.readline()
for k in range(40):
    text = "".join(f"def f{i}(x):\\n    for y in x:\\n        y += 1\\n" for i in range(200))
    text += "".join(f"f{i}([1])\\n" for i in range(200))
    exec(compile(text, f"gen{k}.py", "exec"), {"__file__": f"gen{k}.py"})
"""
    write(shared, "prog.py", program)
    victim = shared / "victim"
    victim.write_bytes(b"as it was")
    options = ("-m", "exactrace", "run", "-q", "-d", "data", "prog.py")
    with python.start(shared, *options, user=0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (ours,) = open_data.glob("*.xt")
        ours.unlink()
        if way == "link":
            ours.symlink_to(victim)
        else:
            ours.write_bytes(victim.read_bytes())
            os.chown(ours, NOBODY, NOBODY)
        _, error = process.communicate("\n")
    assert process.returncode == 0
    assert victim.read_bytes() == b"as it was"
    assert error.count("\n") == (sys.version_info >= (3, 12))  # there was no room
    results, _, _ = datafolder.read(str(open_data), datafolder.files(str(open_data)))
    hits = [n for (name, _), n in results.counts.items() if "gen" in name]
    assert sum(hits) == 40 * (200 * 2 + 200 * 3)


def test_a_killed_program_of_another_user_stays_theirs(
    python: Python, shared: Path, open_data: Path
) -> None:
    source = "import os\ndef f():\n    os.kill(os.getpid(), 9)\nf()\n"
    write(shared, "dies.py", source)
    status, _, _ = python.run(shared, "run", "-d", "data", "dies.py", user=NOBODY)
    assert status == -signal.SIGKILL
    left = set(open_data.glob("*.xt"))
    assert len(left) == (0 if FREE else 1)
    assert count_as(python, shared, 0) == (0, "1\n", "")
    assert left < set(open_data.glob("*.xt"))
    status, _, error = python.run(shared, "report", "-a", "-d", "data", user=NOBODY)
    assert (status, "was ended before it could write" in error) == (
        (1, False) if FREE else (0, True)
    )
