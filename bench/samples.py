# SPDX-License-Identifier: Apache-2.0
"""Samples: many outcomes per (row, tool), taken in interleaved rounds."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from children import Outcome

BARE = "bare"


class Samples:
    """The outcomes of each tool on each row, and why some have none."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str], list[Outcome]] = {}
        self.failures: dict[tuple[str, str], str] = {}

    def take(
        self,
        part: str,
        rows: Sequence[str],
        tools: Sequence[str],
        rounds: int,
        measure: Callable[[str, str], Outcome],
        same_output: Container[str] | None = None,
    ) -> None:
        """Call measure(row, tool) for all, `rounds` times over.

        Each round goes through the tools from another one on, so that none
        always comes after the same other. A pair that failed is not tried
        again. Nor does one count that printed something else than the row's
        first tool did; same_output: the tools that this holds for (None: all).
        """
        progress = Progress(part, rounds * len(rows) * len(tools))
        printed: dict[str, str] = {}
        for number in range(rounds):
            shift = number % len(tools)
            for row in rows:
                for tool in [*tools[shift:], *tools[:shift]]:
                    progress.step(f"{row}, {tool}, round {number + 1} of {rounds}")
                    if (row, tool) in self.failures:
                        continue
                    outcome = measure(row, tool)
                    if outcome.failure:
                        self._fail(row, tool, outcome.failure)
                        continue
                    if same_output is None or tool in same_output:
                        expected = printed.setdefault(row, outcome.output)
                        if outcome.output != expected:
                            self._fail(row, tool, "printed something else")
                            continue
                    self._outcomes.setdefault((row, tool), []).append(outcome)
        progress.end()

    def _fail(self, row: str, tool: str, reason: str) -> None:
        self.failures[row, tool] = reason
        self._outcomes.pop((row, tool), None)

    def last(self, row: str, tool: str) -> Outcome | None:
        """Return the latest outcome, or None if it failed."""
        outcomes = self._outcomes.get((row, tool))
        return outcomes[-1] if outcomes else None

    def cpu(self, row: str, tool: str) -> float | None:
        """Return the median of the CPU times in seconds, or None if it failed."""
        outcomes = self._outcomes.get((row, tool))
        return statistics.median(o.cpu for o in outcomes) if outcomes else None

    def peak(self, row: str, tool: str) -> float | None:
        """Return the median of the peaks of memory in KiB, or None if it failed."""
        outcomes = self._outcomes.get((row, tool))
        return statistics.median(o.peak for o in outcomes) if outcomes else None

    def ratio(self, row: str, tool: str, base: str = BARE) -> float | None:
        """Return the time of a tool as a multiple of another's, or None."""
        time = self.cpu(row, tool)
        base_time = self.cpu(row, base)
        return time / base_time if time is not None and base_time else None

    def whole_ratio(self, row: str, tool: str) -> float | None:
        """Return the time of a tool's whole process as a multiple of the bare one's."""
        ours, bare = (self._outcomes.get((row, name)) for name in (tool, BARE))
        if not ours or not bare:
            return None
        times = [
            statistics.median(o.whole for o in outcomes) for outcomes in (ours, bare)
        ]
        return times[0] / times[1]

    def as_json(self) -> dict[str, dict[str, object]]:
        """Return all times and failures as {row: {tool: ...}}."""
        result: dict[str, dict[str, object]] = {}
        for (row, tool), outcomes in self._outcomes.items():
            result.setdefault(row, {})[tool] = {
                "cpu": [round(o.cpu, 6) for o in outcomes],
                "whole": [round(o.whole, 6) for o in outcomes],
                "peak": [o.peak for o in outcomes],
                "events": outcomes[-1].events,
            }
        for (row, tool), reason in self.failures.items():
            result.setdefault(row, {})[tool] = {"failed": reason}
        return result


def geometric_mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of those that are there, or None if none is."""
    present = [value for value in values if value is not None]
    return statistics.geometric_mean(present) if present else None


class Progress:
    """A line on stderr that says how far a part is: only on a terminal."""

    def __init__(self, part: str, total: int) -> None:
        self._part = part
        self._total = total
        self._done = 0
        self._shown = sys.stderr.isatty()

    def step(self, text: str) -> None:
        if self._shown:
            share = 100 * self._done // max(1, self._total)
            line = f"{self._part}: {share:3}% {text}"[:78]
            print(f"\r{line:78}", end="", file=sys.stderr, flush=True)
        self._done += 1

    def end(self) -> None:
        if self._shown:
            print(f"\r{'':78}\r", end="", file=sys.stderr, flush=True)
