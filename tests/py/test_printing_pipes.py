"""Lines that go to a pipe which nobody reads just now."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
import tty
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from beside import PACKAGE, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

SHARE = """\
import mmap, signal, threading
file = open("count", "r+b")
count = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
"""
# Counts the rounds of a loop where others can read it.
WORK = f"""{SHARE}
def work():
    i = 0
    while True:
        i += 1
        count[0] = i
"""
MAIN = WORK + "work()\n"
FORK = """\
import os
def handle(*_):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    open("forked", "w").close()
signal.signal(signal.SIGUSR1, handle)
work()
"""
SHORT = WORK.replace("True", "i < rounds")
END = SHORT + "rounds = 300\nwork()\n"
FAIL = SHORT + "rounds = 1500\nwork()\n1 / 0\n"  # more than the buffer takes
THREAD = WORK + "threading.Thread(target=work).start()\nthreading.Event().wait()\n"


class Printing:
    """A program whose lines go to a pipe that holds no more than a page."""

    def __init__(self, folder: Path, source: str, *command: str) -> None:
        write(folder, "prog.py", source)
        (folder / "count").write_bytes(bytes(8))
        os.mkfifo(folder / "pipe")
        self.pipe = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self.pipe, True)
        fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, 4096)
        with (folder / "count").open("rb") as file:
            self._count = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
        self.errors = (folder / "errors").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, *command, "prog.py"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": PACKAGE},
            stderr=self.errors,
        )

    def wait_until_full(self) -> None:
        while not self.is_waiting():
            assert self.process.poll() is None

    def count(self) -> int:
        """What the program has counted."""
        return int.from_bytes(self._count[:8], sys.byteorder)

    def is_waiting(self) -> bool:
        """Whether no thread can go on, as one has filled the pipe."""
        held = array("i", [0])
        fcntl.ioctl(self.pipe, termios.FIONREAD, held)
        if held[0] == 0:
            return False
        tasks = Path("/proc", str(self.process.pid), "task").iterdir()
        try:
            stats = [(task / "stat").read_text() for task in tasks]
        except (FileNotFoundError, ProcessLookupError):
            return False  # a thread has ended
        return {stat.rpartition(") ")[2][0] for stat in stats} == {"S"}

    def read(self) -> str:
        """What is still printed."""
        parts = iter(lambda: os.read(self.pipe, 4096), b"")
        return b"".join(parts).decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.errors.close()
        os.close(self.pipe)


@pytest.fixture
def options() -> list[str]:
    return []


@pytest.fixture
def waiting(folder: Path, source: str, options: list[str]) -> Iterator[Printing]:
    command = ["-m", "exactrace", "--trace", "--trace-file", "pipe", *options]
    command += ["--only-module", "prog"]
    with contextlib.closing(Printing(folder, source, *command)) as printing:
        printing.wait_until_full()
        yield printing


def rounds(text: str) -> int:
    """How many rounds of the loop were printed: all of their lines, once."""
    assert text.endswith("\n")
    numbers = re.findall(r"^prog\.py\(([789])\): ", text, re.MULTILINE)
    assert numbers == (["7", "8", "9"] * len(numbers))[: len(numbers)]
    return numbers.count("9")


@pytest.mark.parametrize("source", [MAIN, THREAD, END], ids=["main", "thread", "end"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_what_was_printed_before_a_deadly_signal_is_there(
    waiting: Printing, name: str
) -> None:
    made = waiting.count()
    waiting.process.send_signal(getattr(signal, name))
    found = rounds(waiting.read())
    assert waiting.process.wait() == -getattr(signal, name)
    assert made <= found <= waiting.count() + 1


EXEC = END + "import os\nos.execv('/bin/sleep', ['sleep', '60'])\n"


@pytest.mark.parametrize("source", [EXEC])
def test_a_program_may_be_ended_before_it_becomes_another(waiting: Printing) -> None:
    waiting.process.send_signal(signal.SIGTERM)
    assert rounds(waiting.read().partition("prog.py(13)")[0]) == 300
    assert waiting.process.wait() == -signal.SIGTERM


ALARMS = """\
import operator
signal.signal(signal.SIGALRM, operator.is_)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
work()
"""


@pytest.mark.parametrize("source", [WORK + ALARMS])
def test_timers_do_not_end_the_wait(waiting: Printing) -> None:
    made = waiting.count()
    waiting.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)  # a reader that comes late
    assert rounds(waiting.read()) >= made
    assert waiting.process.wait() == -signal.SIGHUP


@pytest.mark.parametrize("source", [f"x = {'y' * 200000!r}\n"])
def test_a_long_line_is_there_as_a_whole(waiting: Printing, source: str) -> None:
    waiting.process.send_signal(signal.SIGHUP)
    assert waiting.read().endswith(source)
    assert waiting.process.wait() == -signal.SIGHUP


@pytest.mark.parametrize("source", [FAIL])
@pytest.mark.parametrize("options", [["--trace-last", "5000"]])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_last_lines_are_shown_once(waiting: Printing, name: str) -> None:
    """Although a signal ends the program while they are."""
    waiting.process.send_signal(getattr(signal, name))
    text = waiting.read()
    assert text.count("exactrace: the last ") == 1
    assert rounds(text.partition("prog.py(12)")[0]) == 1500
    assert text.count("prog.py(12)") == 1
    assert waiting.process.wait() == -getattr(signal, name)


@pytest.mark.parametrize("source", [MAIN])
def test_what_was_printed_before_an_interrupt_is_there(waiting: Printing) -> None:
    made = waiting.count()
    waiting.process.send_signal(signal.SIGINT)
    assert rounds(waiting.read()) >= made
    assert waiting.process.wait() == -signal.SIGINT
    waiting.errors.seek(0)
    assert waiting.errors.read().endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize(("source", "name"), [(THREAD, "SIGTERM"), (MAIN, "SIGHUP")])
def test_a_program_can_be_ended_while_nobody_reads(
    waiting: Printing, name: str
) -> None:
    waiting.process.send_signal(getattr(signal, name))
    assert waiting.process.wait() == -getattr(signal, name)


@pytest.mark.parametrize("source", [WORK + FORK])
def test_a_program_may_fork_while_nobody_reads(waiting: Printing, folder: Path) -> None:
    made = waiting.count()
    waiting.process.send_signal(signal.SIGUSR1)
    while not (folder / "forked").exists():
        assert waiting.process.poll() is None
    waiting.process.send_signal(signal.SIGTERM)
    assert made <= rounds(waiting.read()) <= waiting.count() + 1
    assert waiting.process.wait() == -signal.SIGTERM


TIMED = f"""{SHARE}
def handle(*_):
    count[0] = 0
    raise TimeoutError
signal.signal(signal.SIGUSR1, handle)
try:
    while True:
        count[0] += 1
except TimeoutError:
    print("out of time")
"""


@pytest.mark.parametrize("source", [TIMED])
def test_printing_goes_on_when_a_handler_raises(waiting: Printing) -> None:
    waiting.process.send_signal(signal.SIGUSR1)
    while waiting.count() > 0:
        assert waiting.process.poll() is None
    assert "print(" in waiting.read().splitlines()[-1]
    assert waiting.process.wait() == 0


THREADS = f"""{SHARE}
begin, turn = threading.Event(), threading.Event()
def handle(*_):
    count[0] = 1
    begin.set()
    turn.wait()
def work():
    begin.wait()
    for i in range(2000):
        if i == 10:
            turn.set()
signal.signal(signal.SIGUSR1, handle)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for i in range(4000):
    i += 1
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("source", [THREADS])
def test_threads_may_print_while_one_that_waits_handles_a_signal(
    waiting: Printing,
) -> None:
    waiting.process.send_signal(signal.SIGUSR1)
    while waiting.count() == 0:
        assert waiting.process.poll() is None
    text = waiting.read()
    assert waiting.process.wait() == 0
    lines = re.sub(r"(?m)^ --- modulename: prog, funcname: .*\n", "", text).splitlines()
    numbers = [line.partition(":")[0] for line in lines]
    assert set(numbers) == {
        f"prog.py({number})"
        for number, line in enumerate(THREADS.splitlines(), 1)
        if line and number not in (7, 8, 9)  # while a line is printed, none is
    }
    counted = {n: numbers.count(f"prog.py({n})") for n in (12, 13, 19)}
    assert counted == {12: 2 * 2001, 13: 2 * 2000, 19: 4001}


@pytest.mark.parametrize("source", [THREAD])
def test_other_threads_run_while_one_waits(waiting: Printing, folder: Path) -> None:
    """The main thread handles a signal, for which it must run."""
    waiting.process.send_signal(signal.SIGINT)
    while "KeyboardInterrupt" not in (folder / "errors").read_text():
        assert waiting.process.poll() is None


QUIET = f"""{SHARE}
def handle(*_):
    count[0] += 1
    raise InterruptedError
signal.signal(signal.SIGUSR1, handle)
"""
DROPPED = """\
import exactrace, gc, quiet, threading, weakref
def work():
    while not quiet.count[0]:
        pass
def main():
    thread.start()
    threading.Event().wait()
thread = threading.Thread(target=work)
tracer = exactrace.Trace(count=0, trace=1, trace_file="pipe", only_modules=["prog"])
try:
    tracer.runfunc(main)
except InterruptedError:
    pass
found = weakref.ref(tracer)
del tracer
gc.collect()
quiet.count[0] = 3 if found() is None else 4
thread.join()
gc.collect()
assert found() is None
"""


def test_a_tracer_may_be_dropped_while_a_thread_waits(folder: Path) -> None:
    write(folder, "quiet.py", QUIET)
    with contextlib.closing(Printing(folder, DROPPED)) as printing:
        for interrupts in (0, 1):  # of main(), and of the end of the run
            while printing.count() != interrupts:
                assert printing.process.poll() is None
            printing.wait_until_full()
            printing.process.send_signal(signal.SIGUSR1)
        while printing.count() < 3:
            assert printing.process.poll() is None
        held = printing.count() == 4
        printing.read()
        assert printing.process.wait() == 0
        assert held


STOPS = f"""{SHARE}
import gc, exactrace
def handle(*_):
    global tracer
    tracer.stop()
    del tracer
    gc.collect()
    count[0] = 1
signal.signal(signal.SIGUSR1, handle)
def begin(**options):
    global tracer
    tracer = exactrace.Trace(0, 1, trace_file="pipe", only_modules=["prog"], **options)
    tracer.start()
"""


@pytest.mark.parametrize("options", ["", "calls=True"])
def test_a_handler_may_drop_the_tracer_whose_line_waits(
    folder: Path, options: str
) -> None:
    write(folder, "stops.py", STOPS)
    source = (
        f"import stops\nstops.begin({options})\nfor i in range(3000):\n    i += 1\n"
    )
    with contextlib.closing(Printing(folder, source)) as printing:
        printing.wait_until_full()
        printing.process.send_signal(signal.SIGUSR1)
        text = printing.read()
        assert printing.process.wait() == 0
        assert printing.count() == 1
        assert 0 < text.count("i += 1") < 3000


ELSEWHERE = FAIL.replace(
    "rounds = ",
    """\
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
rounds = """,
)


@pytest.mark.parametrize("source", [ELSEWHERE])
@pytest.mark.parametrize("options", [["--trace-last", "5000"]])
def test_another_thread_may_show_the_rest_of_the_last_lines(waiting: Printing) -> None:
    """As it has the signal, while the main thread shows them."""
    waiting.process.send_signal(signal.SIGHUP)
    waiting.process.send_signal(signal.SIGQUIT)
    text = waiting.read()
    assert text.count("exactrace: the last ") == 1
    assert rounds(text.partition("prog.py(14)")[0]) == 1500
    assert text.count("prog.py(14)") == 1
    assert waiting.process.wait() in (-signal.SIGHUP, -signal.SIGQUIT)


def test_lines_of_processes_on_a_terminal_are_whole(folder: Path) -> None:
    write(
        folder, "prog.py", "import os\nos.fork()\nfor i in range(3000):\n    i += 1\n"
    )
    terminal, slave = pty.openpty()
    tty.setraw(slave)
    options = ["--trace", "--children", "--color", "never", "--only-module", "prog"]
    process = subprocess.Popen(
        [sys.executable, "-m", "exactrace", *options, "prog.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        stdout=slave,
    )
    os.close(slave)
    text = ""
    with contextlib.suppress(OSError):  # nobody has it open any more
        while part := os.read(terminal, 512):
            text += part.decode()
    os.close(terminal)
    assert process.wait() == 0
    line = re.compile(r"(\[\d+\] )?(prog\.py\(\d\): .*| --- modulename: prog.*)")
    assert [found for found in text.splitlines() if not line.fullmatch(found)] == []
    assert text.count("prog.py(4):") == 2 * 3000
