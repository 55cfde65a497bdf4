"""`%%exactrace` in IPython and Jupyter: runs a cell and shows how often its lines ran.

`%load_ext exactrace` makes it known.
"""

from __future__ import annotations

import argparse
import linecache
import shlex
from typing import Any

from exactrace import calls, compat, source
from exactrace.context import tracing
from exactrace.reports import text


def load(shell: Any) -> None:
    """Make the magic known to an IPython shell."""

    def exactrace(line: str, cell: str) -> None:
        _run(shell, line, cell)

    exactrace.__doc__ = _parser().format_help()
    shell.register_magic_function(exactrace, "cell")


class _Parser(argparse.ArgumentParser):
    def exit(self, status: int = 0, message: str | None = None) -> Any:
        raise _UsageError((message or "").strip())


class _UsageError(Exception):
    pass


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="%%exactrace",
        description="Run the cell, and show it with the count of each line.",
        add_help=False,
    )
    parser.add_argument(
        "--calls",
        action="store_true",
        help="list also how often each function was called, and by which",
    )
    return parser


def _run(shell: Any, line: str, cell: str) -> None:
    try:
        settings = _parser().parse_args(shlex.split(line))
    except _UsageError as error:
        print(error)
        return
    with tracing(calls=settings.calls) as tracer:
        shell.run_cell(cell)
    results = tracer.results()
    filename = _find(shell.transform_cell(cell), {name for name, _ in results.counts})
    if filename is None:
        print("exactrace: no line of the cell ran")
        return
    hits = {at: n for (name, at), n in results.counts.items() if name == filename}
    print(_annotated(cell, filename, hits), end="")
    if settings.calls:
        print("\n" + calls.table(results), end="")


def _find(cell: str, names: set[str]) -> str | None:
    """Return the name under which the shell has compiled a cell."""
    for name in names:
        if "".join(linecache.getlines(name)).strip() == cell.strip():
            return name
    return None


def _annotated(cell: str, filename: str, hits: dict[int, int]) -> str:
    """Return the cell with the hits of each line."""
    found = source.Source(filename, filename, None, cell.encode(), None)
    pragma = compat.PRAGMA_NOCOVER
    try:
        listing, _, _ = source.annotate(found, cell, hits, pragma)
    except source.COMPILE_ERRORS:  # it has magics of its own, or awaits
        listing, _, _ = source.annotate_hits(cell, hits)
    return text.aligned(listing.decode())
