"""A line on the terminal that shows how far a long piece of work is."""

from __future__ import annotations

import sys
from time import monotonic

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_FIRST = 0.5  # seconds until the line appears
_NEXT = 0.1  # seconds between changes of it


class Progress:
    """Counts steps, and shows them if stderr is a terminal and they take long.

    Usable as a context manager; the line is gone at the end.
    """

    def __init__(self, what: str, total: int) -> None:
        """Begin. what: the name of the work. total: the number of its steps."""
        self._what = what
        self._total = total
        self._done = 0
        self._width = 0  # of what stands on the terminal now
        self._stream = sys.stderr
        self._shown = _is_terminal(self._stream)
        self._due = monotonic() + _FIRST

    def step(self) -> None:
        """Note that one step more is done."""
        self._done += 1
        if self._shown and monotonic() >= self._due:
            self._due = monotonic() + _NEXT
            line = f"{self._what}: {self._done}/{self._total}"
            self._write("\r" + line)
            self._width = len(line)

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._shown = False  # closed meanwhile

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()


def _is_terminal(stream: object) -> bool:
    """Whether a stream, which may be any object of the program's, is one."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
