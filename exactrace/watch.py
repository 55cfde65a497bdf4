"""Counts of processes that are running, read from the files in which they count.

Nothing is asked of the processes: their memory is the file (core/store/journal.h).
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from exactrace import countsfile, datafolder, merging
from exactrace.journal import Journal
from exactrace.reports import partial
from exactrace.results import CoverageResults

KINDS = ("lines", "functions", "branches")


class Row(NamedTuple):
    """Something that is counted."""

    file: str
    line: int
    name: str  # of a function; for a branch, what is asked and which side
    hits: int
    rate: float  # hits per second, since the sample before


class WatchError(Exception):
    """Why nothing can be watched, in one line."""


class Sample:
    """What was counted at one moment, all processes together."""

    def __init__(self, results: CoverageResults, processes: set[int]) -> None:
        self.at = time.monotonic()
        self.results = results
        self.processes = processes

    def _hits(self, kind: str) -> dict[tuple[str, int, str], int]:
        results = self.results
        if kind == "lines":
            return {(file, line, ""): n for (file, line), n in results.counts.items()}
        if kind == "functions":
            return {
                (file, line, name): n for (file, line, name), n in results.calls.items()
            }
        return {
            (file, place[0], partial.side_name(place, question, outcome)): n
            for (file, place, question), sides in results.branches.items()
            for outcome, n in sides.items()
        }

    def rows(self, kind: str, before: Sample | None) -> list[Row]:
        """Return what was counted, in no order, with the rates since `before`."""
        old = {} if before is None else before._hits(kind)
        seconds = 0.0 if before is None else self.at - before.at
        return [
            Row(
                *key, hits, max(hits - old.get(key, 0), 0) / seconds if seconds else 0.0
            )
            for key, hits in self._hits(kind).items()
        ]


class Watched:
    """Processes that count in files: those of a folder, or a single one."""

    def __init__(self, folder: str | None = None, process: int | None = None) -> None:
        """folder: of counts. process: the number of one that counts anywhere."""
        self._folder = folder
        self._process = process
        self._others: set[str] = set()  # files in which nothing will ever count

    def sample(self) -> Sample:
        """Return what they have counted until now; none, if none is running.

        Raises WatchError.
        """
        total = CoverageResults()
        processes: set[int] = set()
        failure: str = ""
        for path in self._paths():
            try:
                counting = self._read(path)
            except FileNotFoundError:
                continue  # it has just ended
            except OSError as error:
                failure = failure or f"cannot read {path!r}: {error.strerror}"
            except countsfile.CountsFileError as error:
                failure = failure or f"cannot read {path!r}: {error}"
            else:
                if counting is not None:
                    total.update(counting.results)
                    processes.add(counting.process)
        if failure and not processes:  # else it is of something else in the folder
            raise WatchError(failure)
        return Sample(total, processes)

    def _read(self, path: str) -> Journal | None:
        """Return what a file holds, if something that is watched counts in it. Raises
        OSError and CountsFileError.
        """
        if path in self._others:
            return None
        data = merging.read_bytes(path)
        counting = Journal.of(data)
        if counting is not None and self._is_of(counting):
            return counting
        if counting is not None or data[:8].strip(b"\0"):  # else it is being made
            self._others.add(path)
        return None

    def _is_of(self, journal: Journal) -> bool:
        if self._process is not None:
            return journal.process == self._process
        return journal.is_running()

    def _paths(self) -> list[str]:
        if self._folder is not None:
            try:
                names = datafolder.files(self._folder)
            except OSError as error:
                reason = error.strerror
                raise WatchError(f"cannot read {self._folder!r}: {reason}") from None
            return [os.path.join(self._folder, name) for name in sorted(names)]
        return self._mapped()

    def _mapped(self) -> list[str]:
        """Return the counts files that the process has in its memory."""
        try:
            with open(f"/proc/{self._process}/maps", "rb") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            raise WatchError(f"there is no process {self._process}") from None
        except OSError as error:
            reason = f"cannot look into process {self._process}: {error.strerror}"
            raise WatchError(reason) from None
        paths = {os.fsdecode(line.split(maxsplit=5)[-1]) for line in lines}
        return sorted(path for path in paths if path.endswith(datafolder.SUFFIX))
