"""Compares engines on random programs until the time is over.

    python tests/random/hunt.py --seconds 60 --seed 1 --save FOLDER

Ends with status 1 at the first difference, having printed its seed and what
differs, and saved the program, whole and made small; or if no program ran.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
import time

import programs
import runs
import shrink

HERE = os.path.dirname(os.path.abspath(__file__))


class Worker:
    """A process that compares; it may die of a program, and is replaced then."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.process: subprocess.Popen[str] | None = None

    def ask(self, source: str, engines: tuple[str, ...]) -> list[str]:
        """The differences; the death of the process is one."""
        if self.process is None:
            command = [sys.executable, "-P", os.path.join(HERE, "runs.py")]
            command[1:1] = ["-X", "faulthandler"]
            paths = [HERE, *filter(None, [os.environ.get("PYTHONPATH")])]
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(self.timeout, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps([source, engines]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            late.cancel()
        if answer:
            return list(json.loads(answer))
        self.close()
        return [f"died: the process ended with status {process.returncode}"]

    def compare(self, source: str, engines: tuple[str, ...]) -> list[str] | None:
        """The differences, or None if Python itself cannot run the program."""
        found = self.ask(source, engines)
        if found and found[0].startswith("died"):
            for _ in range(3):  # it may depend on what ran before
                if self.ask(source, ()):
                    return None
        return found

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def smaller(
    worker: Worker,
    source: str,
    found: list[str],
    engines: tuple[str, ...],
    seconds: float,
) -> str:
    """The program made small, while the first difference stays of its kind."""
    kind = found[0].split(":")[0]

    def fails(text: str) -> bool:
        ask = worker.compare if kind == "died" else worker.ask
        answer = ask(text, engines)
        return any(each.split(":")[0] == kind for each in answer or [])

    return shrink.shrink(source, fails, seconds) if fails(source) else source


def save(folder: str, name: str, source: str, found: list[str]) -> str:
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
        file.writelines(f"# {line}\n" for line in found)
    return path


class Hunt:
    """The state that the workers' threads share, guarded by `lock`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.engines = tuple(options.engine or runs.ENGINES)
        self.lock = threading.Lock()
        self.next_seed = options.seed
        self.done = self.skipped = 0
        self.end = time.monotonic() + options.seconds
        self.failed: queue.Queue[tuple[int, str, list[str]]] = queue.Queue()

    def run(self) -> None:
        """Compare program after program, in one process."""
        worker = Worker(self.options.timeout)
        try:
            while time.monotonic() < self.end and self.failed.empty():
                with self.lock:
                    seed, self.next_seed = self.next_seed, self.next_seed + 1
                source = programs.program(seed)
                found = worker.compare(source, self.engines)
                if found:
                    self.failed.put((seed, source, found))
                with self.lock:
                    self.done += 1
                    self.skipped += found is None
                    if self.done % 10 == 0 and sys.stderr.isatty():
                        print(f"\r{self.state()} ", end="", file=sys.stderr, flush=True)
        finally:
            worker.close()

    def state(self) -> str:
        return (
            f"{self.done} programs (from seed {self.options.seed}), "
            f"{self.skipped} that Python itself does not survive"
        )

    def report(self, seed: int, source: str, found: list[str]) -> None:
        print(f"seed {seed}: {len(found)} differences", *found[:20], sep="\n")
        folder = self.options.save
        if not folder:
            return
        print(save(folder, f"seed{seed}.py", source, found))
        worker = Worker(min(5, self.options.timeout))  # a cut may make it endless
        try:
            text = smaller(worker, source, found, self.engines, self.options.shrink)
            again = worker.compare(text, self.engines) or found
        finally:
            worker.close()
        print(save(folder, f"seed{seed}-small.py", text, again), text, sep="\n")


def main() -> int:
    """Hunt; the exit status says whether there was a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the first program")
    parser.add_argument("--engine", action="append", choices=runs.ENGINES)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=60, help="for one program")
    parser.add_argument("--shrink", type=float, default=120, help="seconds for it")
    parser.add_argument("--save", help="folder for programs that show a difference")
    hunt = Hunt(parser.parse_args())
    threads = [threading.Thread(target=hunt.run) for _ in range(hunt.options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"\r{hunt.state()}")
    if hunt.skipped == hunt.done:
        print("no program ran: see what `python -P tests/random/runs.py` says")
        return 1
    if hunt.failed.empty():
        print("no difference")
        return 0
    while not hunt.failed.empty():
        hunt.report(*hunt.failed.get())
    return 1


if __name__ == "__main__":
    sys.exit(main())
