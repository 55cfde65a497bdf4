"""The standard module with a fault, to show that a comparison would find it.

The environment variable PLANTED_FAULT names the fault.
"""

import os
import sys
import trace
from trace import *  # noqa: F403
from typing import Any

__all__ = trace.__all__
FAULTS = (
    "count",
    "missing line",
    "listing",
    "no listing",
    "trace line",
    "function",
    "caller",
    "summary",
    "message",
    "status",
)
_fault = os.environ.get("PLANTED_FAULT")
_results = trace.Trace.results
_write_file = trace.CoverageResults.write_results_file


def results(self: trace.Trace) -> trace.CoverageResults:
    """Return the results, one of them wrong."""
    found = _results(self)
    for key in sorted(found.counts):
        if key[1] == 1 and _fault == "count":
            found.counts[key] += 1
        if key[1] == 1 and _fault == "missing line":
            del found.counts[key]
    if found.calledfuncs and _fault == "function":
        found.calledfuncs.popitem()
    if found.callers and _fault == "caller":
        found.callers.popitem()
    return found


def write_results_file(self: Any, path: str, *rest: Any) -> tuple[int, int]:
    """Write a listing, or not quite."""
    if _fault == "no listing":
        return 1, 1
    hits, lines = _write_file(self, path, *rest)
    if _fault == "listing":
        with open(path, "a") as file:
            file.write(" ")
    return (hits, lines + 1) if _fault == "summary" else (hits, lines)


if _fault:
    trace.Trace.results = results  # type: ignore[method-assign]
    trace.CoverageResults.write_results_file = write_results_file  # type: ignore[assignment]


def main() -> None:
    """Run the command line of the standard module."""
    if _fault == "message":
        print("one line more", file=sys.stderr)
    if _fault == "trace line":
        print("one line more")
    trace.main()
    if _fault == "status":
        sys.exit(1)


if __name__ == "__main__":
    main()
