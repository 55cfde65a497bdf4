"""Counts are there when the process is not: it counts in a file."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from beside import FREE, MONITORED, NO_PROBES, PACKAGE, rescued, run, write

from exactrace import datafolder
from exactrace.results import CoverageResults
from exactrace.tracer import ENGINES

pytestmark = pytest.mark.skipif(FREE, reason="without the GIL, counts are in memory")
ENGINES_HERE = ENGINES if MONITORED else ("settrace",)

# Keeps a tally of its own in a mapped file, and kills itself at the tick whose number
# it is given, after it has written down which functions are running.
PROGRAM = """\
import collections, json, mmap, os, struct, sys

last, signal, tally_path, stack_path = sys.argv[1:]
file = open(tally_path, "r+b")
tally = mmap.mmap(file.fileno(), 0)
ticks = 0

def tick():
    global ticks
    ticks += 1
    frame = sys._getframe(1)
    at = 8 * frame.f_lineno
    tally[at : at + 8] = struct.pack("<q", struct.unpack("<q", tally[at : at + 8])[0] + 1)
    if ticks == int(last):
        names = []
        while frame is not None:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        with open(stack_path, "w") as stack:
            json.dump(names, stack)
        if int(signal) == 0:
            os._exit(0)
        os.kill(os.getpid(), int(signal))
    return True

def loop(n):
    tick()
    for i in range(n):
        tick()
        if i % 3 == 0:
            tick()
            continue
        while tick() and i % 5:
            i += 1
            tick()
        tick()
    tick()

def recursive(n):
    tick()
    if n:
        tick()
        recursive(n - 1)
        tick()
    else:
        tick()

def raises(n):
    try:
        tick()
        if n % 2:
            tick()
            raise ValueError(n)
        tick()
    except ValueError:
        tick()
    finally:
        tick()

def numbers(n):
    for i in range(n):
        tick()
        yield i
    tick()

class Context:
    def __enter__(self):
        tick()
    def __exit__(self, *error):
        tick()
        return True

def consume(n):
    with Context():
        tick()
        for i in numbers(n):
            tick()
            if i == 4:
                tick()
                break
    tick()
    with Context():
        tick()
        {}[n]
    return [tick() for i in range(n)]

def main():
    for k in range(12):
        tick()
        loop(k)
        recursive(k % 5)
        raises(k)
        consume(k)
    tick()

main()
tick()
"""
TICKS = 990  # more than it has: then it comes to its end


def tallies(path: Path) -> dict[int, int]:
    """Return the program's own tally, by line."""
    data = path.read_bytes()
    numbers = (
        int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)
    )
    return {line: n for line, n in enumerate(numbers) if n}


def killed_at(
    folder: Path, tick: int, *options: str, by: int = signal.SIGKILL
) -> tuple[CoverageResults, dict[int, int], list[str], list[str]]:
    """Run the program until a tick. Returns what was counted, its own tally, the
    functions that were running, and what was said of the file.
    """
    write(folder, "prog.py", PROGRAM)
    tally, stack, data = folder / "tally", folder / "stack", folder / "data"
    tally.write_bytes(bytes(8 * 200))
    arguments = [str(tick), str(int(by)), str(tally), str(stack)]
    status, _, error = run(
        [
            *("-m", "exactrace", "run", "-q", "-d", str(data), *options),
            *("prog.py", *arguments),
        ],
        folder,
    )
    assert status == -by, (status, error)
    names = datafolder.files(str(data))
    results, read, said = datafolder.read(str(data), names)
    assert read >= names
    assert len(names) == 1
    datafolder.remove(str(data), names)
    return results, tallies(tally), json.loads(stack.read_text()), said


def function_of(line: int) -> str:
    """Return the name of the function that a line of the program is in."""
    for number in range(line, 0, -1):
        text = PROGRAM.splitlines()[number - 1]
        if text[:1] not in (" ", "") or text.startswith("    def "):
            return text.split("(")[0].split()[1] if "def " in text else "<module>"
    raise AssertionError(line)


def check(results: CoverageResults, tally: dict[int, int], stack: list[str]) -> None:
    """Compare with the program's tally, line by line."""
    counts = {
        line: n
        for (name, line), n in results.counts.items()
        if name.endswith("prog.py")
    }
    unsure = {
        line: off
        for (name, line), off in results.unsure.items()
        if name.endswith("prog.py")
    }
    text = PROGRAM.splitlines()
    assert sum(tally.values()) > 0
    for line, ticks in tally.items():
        if "[tick()" in text[line - 1] or "while" in text[line - 1]:
            continue  # a line with other events than its ticks
        running = stack.count(function_of(line))
        high, low = unsure.get(line, (0, 0))
        difference = counts.get(line, 0) - ticks
        assert -low * running <= difference <= high * running, (
            (line, text[line - 1]),
            (counts.get(line, 0), ticks),
            stack,
        )


def moments(count: int) -> list[int]:
    """Return random numbers of ticks, the same each time."""
    return random.Random(count).sample(range(1, 700), count)


@pytest.mark.parametrize("tick", moments(200))
def test_what_was_counted_outlives_sigkill(folder: Path, tick: int) -> None:
    results, tally, stack, said = killed_at(folder, tick)
    check(results, tally, stack)
    assert len(said) == 1
    assert "was ended before it could write its counts" in said[0]


@pytest.mark.parametrize("engine", ENGINES_HERE)
@pytest.mark.parametrize("tick", moments(20))
def test_so_it_does_with_branches_and_calls(
    folder: Path, tick: int, engine: str
) -> None:
    options = () if engine == "settrace" else ("--branch",)
    results, tally, stack, _ = killed_at(
        folder, tick, "--engine", engine, "--calls", *options
    )
    check(results, tally, stack)
    entered = {name: n for (_, _, name), n in results.calls.items()}
    assert entered["tick"] == tick
    by_caller = sum(
        n for (_, called), n in results.call_graph.items() if called[2] == "tick"
    )
    assert by_caller == tick
    assert bool(results.branches) == bool(options)


@pytest.mark.parametrize("tick", moments(20))
@pytest.mark.parametrize("by", [signal.SIGSEGV, signal.SIGABRT])
def test_and_other_signals(folder: Path, tick: int, by: int) -> None:
    results, tally, stack, _ = killed_at(folder, tick, by=by)
    check(results, tally, stack)


@pytest.mark.parametrize("engine", ENGINES_HERE)
@pytest.mark.parametrize("tick", moments(20))
def test_after_an_exit_on_the_spot_all_is_exact(
    folder: Path, tick: int, engine: str
) -> None:
    results, tally, stack, said = killed_at(folder, tick, "--engine", engine, by=0)
    check(results, tally, stack)
    assert (results.unsure, said) == ({}, [])


def test_a_program_that_ends_leaves_no_such_file(folder: Path) -> None:
    write(folder, "prog.py", "print(1)\n")
    done = run(["-m", "exactrace", "run", "-q", "-d", "data", "prog.py"], folder)
    assert done == (0, "1\n", "")
    (name,) = datafolder.files(str(folder / "data"))
    results, _, said = datafolder.read(str(folder / "data"), [name])
    assert said == []
    assert list(results.counts.values()) == [1]


CHILDREN = """
import os, signal, sys
def work(n):
    for i in range(n):
        pass
work(10)
pid = os.fork()
if pid == 0:
    work(20)
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(pid, 0)
work(40)
"""


def test_a_forked_child_that_is_killed_is_counted_once(folder: Path) -> None:
    write(folder, "prog.py", CHILDREN)
    status, _, said = run(
        ["-m", "exactrace", "run", "-q", "-d", "data", "prog.py"], folder
    )
    assert status == 0
    assert said.count("was ended before it could write its counts") == 1
    (name,) = datafolder.files(str(folder / "data"))
    results, _, _ = datafolder.read(str(folder / "data"), [name])
    counts = {line: n for (_, line), n in results.counts.items()}
    assert counts[5] == 10 + 20 + 40
    assert counts[4] == 11 + 21 + 41
    assert counts[8] == 2
    assert counts[6] == 1


# Bodies that run straight are counted when other code begins, or looks.
STRAIGHT = """\
import os
import part
x = 1
{between}
os.kill(os.getpid(), 9)
y = 2
"""
PART = "a = 1\nb = 2\nclass C:\n    c = 3\n    d = 4\n"


@pytest.mark.parametrize("engine", ENGINES_HERE)
@pytest.mark.parametrize(
    ("between", "certain"),
    [
        ("y = 1", False),
        ("(lambda: None)()", True),
        ("os.path.join('a', 'b')", True),
        ("os.kill(os.getpid(), signal.SIGUSR1)", False),
    ],
)
def test_bodies_that_run_straight_are_counted_or_said_to_be_unsure(
    folder: Path, between: str, certain: bool, engine: str
) -> None:
    write(folder, "part.py", PART)
    source = STRAIGHT.format(between=between).replace("import os", "import os, signal")
    write(folder, "prog.py", source)
    options = ("-q", "-d", "data", "--engine", engine, "--dump-signal", "USR1")
    run(["-m", "exactrace", "run", *options, "prog.py"], folder)
    data = str(folder / "data")
    results, _, _ = datafolder.read(data, datafolder.files(data))
    true = {("part.py", line): 1 for line in range(1, 6)}
    true["part.py", 3] = 2  # the statement, and the body of the class
    true |= {("prog.py", line): 1 for line in range(1, 6)}
    true["prog.py", 4] += "lambda" in between
    true["prog.py", 6] = 0
    for (name, line), hits in true.items():
        key = str(folder / name), line
        high, low = results.unsure.get(key, (0, 0))
        counted = results.counts.get(key, 0)
        assert counted - high <= hits <= counted + low, (key, counted, high, low)
        if certain and (name, line) < ("prog.py", 4):
            assert (counted, high, low) == (hits, 0, 0)
    assert {line for name, line in results.unsure if name.endswith("part.py")} <= (
        set() if certain else set(range(1, 6))
    )


# A body with a loop is followed by events, and rewritten in its midst if it goes on.
LOOPED = """\
import os
hits = dict.fromkeys(range(20), 0)
for i in range(3000):
    a = i
    if i % 2:
        b = 1
    try:
        if i == {last}:
            os.kill(os.getpid(), 9)
        if i % 5 == 3:
            int("no")
    except ValueError:
        c = 1
after = 1
"""


def looped_hits(last: int) -> Counter[int]:
    """Return what the lines of LOOPED have had when the process is killed."""
    hits = Counter({1: 1, 2: 1, 3: last + 1, 9: 1})
    for i in range(last + 1):
        hits.update([4, 5, 7, 8] + [6] * (i % 2))
        if i < last:
            hits.update([10] + [11, 12, 13] * (i % 5 == 3))
    return hits


@pytest.mark.parametrize("engine", ENGINES_HERE)
@pytest.mark.parametrize("last", [0, 1, 2, 9, 40, 121, 122, 200, 2900])
def test_a_body_in_a_loop_is_counted_as_far_as_it_came(
    folder: Path, last: int, engine: str
) -> None:
    write(folder, "prog.py", LOOPED.format(last=last))
    options = ("-q", "-d", "data", "--engine", engine)
    run(["-m", "exactrace", "run", *options, "prog.py"], folder)
    data = str(folder / "data")
    results, _, _ = datafolder.read(data, datafolder.files(data))
    true = looped_hits(last)
    for line in range(1, 15):
        key = str(folder / "prog.py"), line
        high, low = results.unsure.get(key, (0, 0))
        counted = results.counts.get(key, 0)
        assert counted - high <= true[line] <= counted + low, (line, counted, high, low)
        assert max(high, low) <= 1


# Frames are noted where a function is first called, here while an exception is held
# up; then it goes on, out of the frame that was noted.
RAISED_ON = {
    "finally": """\
try:
    int("x")
finally:
    fresh()
""",
    "finally in finally": """\
try:
    try:
        int("x")
    finally:
        fresh()
finally:
    print()
""",
    "raise": """\
try:
    int("x")
except KeyError as error:
    print(error)
except ValueError as error:
    fresh()
    raise
""",
    "with": """\
with Manager():
    int("x")
""",
}
AROUND = """\
import os, sys

def fresh():
    return 1

class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        fresh()

def passed_on():
{body}
    return 2

def main():
    try:
        passed_on()
    except ValueError:
        pass
    if len(sys.argv) > 1:
        os.kill(os.getpid(), 9)

main()
"""


@pytest.mark.parametrize("engine", ENGINES_HERE)
@pytest.mark.parametrize("way", RAISED_ON)
def test_a_noted_frame_that_an_exception_is_raised_out_of(
    folder: Path, way: str, engine: str
) -> None:
    body = textwrap.indent(RAISED_ON[way], "    ").rstrip()
    write(folder, "prog.py", AROUND.format(body=body))
    counted = {}
    for killed in ((), ("killed",)):
        used = engine if killed else "settrace"
        data = folder / f"data{len(killed)}"
        options = ("-q", "-d", str(data), "--engine", used)
        run(["-m", "exactrace", "run", *options, "prog.py", *killed], folder)
        results, _, _ = datafolder.read(str(data), datafolder.files(str(data)))
        counted[bool(killed)] = {
            line: (n, results.unsure.get((name, line), (0, 0)))
            for (name, line), n in results.counts.items()
            if name.endswith("prog.py")
        }
    kill = (
        AROUND.format(body=body).splitlines().index("        os.kill(os.getpid(), 9)")
    )
    assert len(counted[False]) > 15
    for line, (true, _) in counted[False].items():
        n, (high, low) = counted[True].get(line, (0, (0, 0)))
        assert n - high <= true <= n + low, (line, true, n, high, low)
    assert counted[True][kill + 1][0] == 1


@pytest.mark.parametrize(
    "ends", ["os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 15)", "os._exit(0)"]
)
def test_a_process_that_is_traced_alone_is_as_safe(folder: Path, ends: str) -> None:
    write(folder, "prog.py", CHILDREN + ends)
    options = ("-q", "-d", "data", "--no-children")
    run(["-m", "exactrace", "run", *options, "prog.py"], folder)
    data = str(folder / "data")
    (name,) = datafolder.files(data)
    results, _, said = datafolder.read(data, [name])
    assert len(said) == ("9" in ends)
    counts = {line: n for (_, line), n in results.counts.items()}
    assert counts[5] == 10 + 40
    assert counts[4] == 11 + 41


DUMPS = """
import os, signal
def work(n):
    for i in range(n):
        pass
work(10)
os.kill(os.getpid(), signal.SIGUSR1)
work(20)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_counts_after_a_dump_outlive_a_kill_too(folder: Path) -> None:
    write(folder, "prog.py", DUMPS)
    options = ("-q", "-d", "data", "--dump-signal", "USR1")
    status, _, _ = run(["-m", "exactrace", "run", *options, "prog.py"], folder)
    assert status == -signal.SIGKILL
    names = datafolder.files(str(folder / "data"))
    assert len(names) == 2
    results, _, _ = datafolder.read(str(folder / "data"), names)
    counts = {line: n for (_, line), n in results.counts.items()}
    assert counts[5] == 10 + 20
    assert counts[4] == 11 + 21
    assert counts[6] == 1


def test_a_report_beside_the_running_program(folder: Path) -> None:
    """The program waits for us: it stands still when we look."""
    source = """\
        import sys
        def work(n):
            for i in range(n):
                n += 1
        work(10)
        print("ready", flush=True)
        sys.stdin.readline()
        work(20)
        """
    write(folder, "prog.py", source)
    data = str(folder / "data")
    with subprocess.Popen(
        [sys.executable, "-m", "exactrace", "run", "-q", "-d", data, "prog.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        status, out, error = run(
            ["-m", "exactrace", "report", "-d", data, "-a"], folder
        )
        assert status == 0
        assert "10:         n += 1" in out
        assert f"process {process.pid} is running" in error
        again = run(["-m", "exactrace", "run", "-q", "-d", data, "-c", "1"], folder)
        assert again[0] == 0
        process.communicate("\n")
    assert process.returncode == 0
    results, _, said = datafolder.read(data, datafolder.files(data))
    assert said == []
    counts = {line: n for (_, line), n in results.counts.items()}
    assert counts[4] == 30


def test_files_are_for_their_owner_alone(folder: Path) -> None:
    killed = "import os; os.kill(os.getpid(), 9)"
    run(["-m", "exactrace", "run", "-q", "-d", "data", "-c", killed], folder)
    (name,) = datafolder.files(str(folder / "data"))
    path = folder / "data" / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700


def test_a_folder_that_is_removed_costs_the_program_nothing(folder: Path) -> None:
    source = """\
        import shutil, sys
        shutil.rmtree("data")
        for i in range(3000):
            exec(compile("def f(x):\\n    return x\\nf(1)", f"file{i}.py", "exec"))
        print("done")
        """
    write(folder, "prog.py", source)
    status, out, _ = run(
        ["-m", "exactrace", "run", "-q", "-d", "data", "prog.py"], folder
    )
    assert (status, out) == (0, "done\n")
    results, _, said = datafolder.read(
        str(folder / "data"), datafolder.files(str(folder / "data"))
    )
    assert said == []
    assert {n for (name, _), n in results.counts.items() if "file" in name} <= {1}
    lines = [n for (name, line), n in results.counts.items() if line == 4]
    assert lines == [3000]


def test_counts_of_another_version_are_refused_in_one_line(folder: Path) -> None:
    killed = "import os; os.kill(os.getpid(), 9)"
    run(["-m", "exactrace", "run", "-q", "-d", "data", "-c", killed], folder)
    (name,) = datafolder.files(str(folder / "data"))
    path = folder / "data" / name
    data = bytearray(path.read_bytes())
    data[48] += 1
    path.write_bytes(data)
    _, _, said = datafolder.read(str(folder / "data"), [name])
    assert len(said) == 1
    assert "only the version of exactrace that made it" in said[0]


FILLS = """
import os, resource, sys
limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
if sys.argv[1] == "limited":
    limit = 1_300_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
text = "".join(f"def f{i}(x):\\n    for y in x:\\n        y += 1\\n" for i in range(200))
text += "".join(f"f{i}([1])\\n" for i in range(200))
for k in range(80):
    names = {"__file__": f"gen{k}.py"}
    exec(compile(text, f"gen{k}.py", "exec"), names)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
print("done", flush=True)
if sys.argv[2:]:
    os.kill(os.getpid(), 9)
"""
# The limit comes when the file to count in has its room.
LONG = """
import resource
for i in range(1000):
    i += 1
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
print("done", flush=True)
"""
# No more room than a limit gives is as a disk that is full: blocks cannot be had.
FULL = sys.version_info >= (3, 12)  # before, counts by line fit into the first blocks


@pytest.mark.skipif(not FULL, reason="3.11 keeps no code in the file: it stays small")
def test_where_there_is_no_room_only_the_protection_is_lost(folder: Path) -> None:
    write(folder, "prog.py", FILLS)
    options = ("-q", "-d", "data")
    status, out, error = run(
        ["-m", "exactrace", "run", *options, "prog.py", "limited"], folder
    )
    assert (status, out) == (0, "done\n")
    assert error.count("there was no room") == 1
    assert "had this process been killed, counts would have been lost" in error
    data = str(folder / "data")
    results, _, said = datafolder.read(data, datafolder.files(data))
    assert said == []
    hits = [n for (name, line), n in results.counts.items() if "gen" in name]
    assert sum(hits) == 80 * (200 * 2 + 200 * 3)
    status, out, _ = run(
        ["-m", "exactrace", "run", *options, "prog.py", "limited", "killed"], folder
    )
    assert (status, out) == (-9, "done\n")
    results, _, said = datafolder.read(data, datafolder.files(data))
    assert "there was no room for all of them: some are missing" in said[0]
    assert 0 < sum(results.counts.values()) < sum(hits)


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a file system with little room; skip where none may be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1300k", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(not FULL, reason="3.11 keeps no code in the file: it stays small")
def test_a_disk_that_is_full_costs_the_program_nothing(
    folder: Path, small_disk: Path
) -> None:
    write(folder, "prog.py", FILLS)
    data = str(small_disk / "data")
    options = ("-q", "-d", data)
    status, out, error = run(
        ["-m", "exactrace", "run", *options, "prog.py", "free"], folder
    )
    assert (status, out) == (0, "done\n")
    assert error.count("\n") == 1
    results = rescued(error, ["No space left on device"])
    hits = [n for (name, line), n in results.counts.items() if "gen" in name]
    assert sum(hits) == 80 * (200 * 2 + 200 * 3)


def test_what_may_only_be_read_costs_no_counts(folder: Path, small_disk: Path) -> None:
    write(folder, "prog.py", "print(1)\n")
    data = small_disk / "data"
    data.mkdir(mode=0o700)
    command = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(command, check=True)
    options = ("-q", "-d", str(data))
    status, out, error = run(["-m", "exactrace", "run", *options, "prog.py"], folder)
    assert (status, out, error.count("\n")) == (0, "1\n", 1)
    assert list(rescued(error, ["Read-only file system"]).counts.values()) == [1]


def test_where_no_folder_can_be_made_the_program_runs(folder: Path) -> None:
    write(folder, "prog.py", "print(1)\n")
    nowhere = "/proc/exactrace/data"  # not even root can
    options = ("-q", "-d", nowhere)
    status, out, error = run(["-m", "exactrace", "run", *options, "prog.py"], folder)
    assert (status, out, error.count("\n")) == (0, "1\n", 1)
    assert list(rescued(error, ["No such file"]).counts.values()) == [1]


@pytest.mark.skipif(not FULL, reason="3.11 keeps no code in the file: it stays small")
def test_what_cannot_be_written_stays_where_it_was_counted(folder: Path) -> None:
    """The file in which it counts has its room; one of its results would not."""
    write(folder, "prog.py", LONG)
    options = ("-q", "-d", "data")
    status, out, error = run(["-m", "exactrace", "run", *options, "prog.py"], folder)
    assert (status, out) == (0, "done\n")
    assert "the counts stay in the file that they were counted in" in error
    data = str(folder / "data")
    results, _, said = datafolder.read(data, datafolder.files(data))
    assert "was ended before it could write its counts" in said[0]
    hits = {line: n for (_, line), n in results.counts.items() if line}
    assert hits[3] == 1001
    assert hits[4] == 1000


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_frames_of_long_code_are_not_looked_for_without_end(folder: Path) -> None:
    """All that could be tried is the square of its length: then all is unsure."""
    size = 12000
    steps = "    if x > {0}:\n        y += 1\n"
    source = "import os\ndef f(x):\n    y = 0\n"
    source += "".join(steps.format(i) for i in range(size))
    source += "    os.kill(os.getpid(), 9)\n"
    source += "".join(steps.format(i) for i in range(size)) + f"f({size})\n"
    path = str(write(folder, "prog.py", source))
    options = ("-q", "-d", "data", "prog.py")
    assert run(["-m", "exactrace", "run", *options], folder)[0] == -signal.SIGKILL
    data = str(folder / "data")
    results, _, said = datafolder.read(data, datafolder.files(data))
    assert "lines can be off by one" in said[0]
    last = 3 + 2 * size + 1
    for line in range(3, 3 + 4 * size):
        high, low = results.unsure.get((path, line), (0, 0))
        counted = results.counts.get((path, line), 0)
        assert counted - high <= (line <= last) <= counted + low, line
