# SPDX-License-Identifier: Apache-2.0
"""Child processes: started one after the other, each judged by what it left."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Outcome:
    """What one run gave. `failure` is empty, or says why the rest means nothing."""

    cpu: float = 0.0  # seconds
    whole: float = 0.0  # the same, of the whole process
    peak: int = 0  # KiB
    events: int = 0  # lines that were counted
    output: str = ""  # digest of what was printed
    lines: int = 0  # lines that were printed
    failure: str = ""


class Children:
    """Starts child processes in a folder of their own, with a clean environment."""

    def __init__(self, folder: Path, timeout: float) -> None:
        """folder: where children run and leave files. timeout: seconds for each."""
        self.folder = folder
        self._timeout = timeout
        self._record = folder / "record.json"
        self._printed = folder / "printed.txt"
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH")
        self._environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder),
        }

    def drive(self, tool: str, program: Path, scale: float) -> Outcome:
        """Run a program under a tool; the time is that of the run alone."""
        self._record.unlink(missing_ok=True)
        script = str(HERE / "driver.py")
        arguments = [script, tool, str(self._record), str(program), str(scale)]
        return self._with_record(self.start(arguments))

    def report(self, module: str, counts: Path, listings: Path) -> Outcome:
        """Write a report; the time is that of `write_results` alone."""
        self._record.unlink(missing_ok=True)
        script = str(HERE / "report_driver.py")
        arguments = [script, module, str(self._record), str(counts), str(listings)]
        return self._with_record(self.start(arguments))

    def start(self, arguments: list[str], **variables: str) -> Outcome:
        """Run Python with these arguments; the time is that of the whole process."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            with self._printed.open("wb") as printed:
                done = subprocess.run(
                    [sys.executable, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.PIPE,
                    cwd=self.folder,
                    env=self._environment | variables,
                    timeout=self._timeout,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            return Outcome(failure=f"took longer than {self._timeout:.0f} s")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else "no message"
            return Outcome(failure=f"exit status {done.returncode}: {reason}")
        text = self._printed.read_bytes()
        spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return Outcome(
            cpu=spent,
            whole=spent,
            output=hashlib.sha256(text).hexdigest(),
            lines=text.count(b"\n"),
        )

    def _with_record(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the time and memory that the child recorded."""
        if outcome.failure:
            return outcome
        try:
            record = json.loads(self._record.read_text(encoding="ascii"))
        except OSError:
            return Outcome(failure="ended before it recorded its time")
        return replace(outcome, **record)
