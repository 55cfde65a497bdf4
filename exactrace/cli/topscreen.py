"""The screen of `exactrace top`."""

from __future__ import annotations

import curses
import linecache
import time
from typing import TYPE_CHECKING

from exactrace import watch
from exactrace.cli import top

if TYPE_CHECKING:
    import argparse

KEYS = "l f b: lines functions branches  r h: sort  /: filter  Enter: look in  q: quit"
WAIT = 0.1  # seconds for a key


def run(watched: watch.Watched, settings: argparse.Namespace) -> str:
    """Show it until q, or until nothing runs any more. Returns what to say then."""
    return curses.wrapper(lambda window: _Screen(window, watched, settings).run())


class _Screen:
    """What is shown, and what was asked for."""

    def __init__(
        self,
        window: curses.window,
        watched: watch.Watched,
        settings: argparse.Namespace,
    ) -> None:
        self._window = window
        self._watched = watched
        self._kind: str = settings.by
        self._sort: str = settings.sort
        self._filter: str = settings.filter
        self._interval: float = settings.interval
        self._paused = False
        self._typing = False  # a filter
        self._chosen = 0  # row
        self._inside: tuple[str, int] | None = None  # file and line that are shown
        self._before: watch.Sample | None = None
        self._sample: watch.Sample | None = None
        self._rows: list[watch.Row] = []

    def run(self) -> str:
        curses.curs_set(0)
        self._window.timeout(int(WAIT * 1000))
        due = time.monotonic()
        while True:
            if not self._paused and time.monotonic() >= due:
                sample = self._watched.sample()
                if not sample.processes:
                    return (
                        "exactrace: it has ended: `exactrace report` shows its counts"
                    )
                self._before, self._sample = self._sample, sample
                due = time.monotonic() + self._interval
            self._draw()
            key = self._window.getch()
            if key != -1 and not self._press(key):
                return "exactrace: it goes on"

    # --- Keys

    def _press(self, key: int) -> bool:
        """Do what a key asks for. Returns False to leave."""
        if self._typing:
            self._type(key)
            return True
        letter = chr(key) if 0 < key < 128 else ""
        if letter == "q":
            if self._inside is None:
                return False
            self._inside = None
        elif letter in ("l", "f", "b") and letter:
            kinds = {kind[0]: kind for kind in watch.KINDS}
            self._kind, self._chosen, self._inside = kinds[letter], 0, None
        elif letter in ("r", "h") and letter:
            self._sort = "rate" if letter == "r" else "hits"
        elif letter == "p":
            self._paused = not self._paused
        elif letter == "/":
            self._typing, self._filter, self._inside = True, "", None
        elif key == 27:
            self._filter, self._inside = "", None
        elif key in (curses.KEY_ENTER, 10, 13):
            self._look_inside()
        else:
            self._move(key, letter)
        return True

    def _type(self, key: int) -> None:
        if key in (curses.KEY_ENTER, 10, 13):
            self._typing = False
        elif key == 27:
            self._typing, self._filter = False, ""
        elif key in (curses.KEY_BACKSPACE, 8, 127):
            self._filter = self._filter[:-1]
        elif 32 <= key < 127:
            self._filter += chr(key)
        self._chosen = 0

    def _move(self, key: int, letter: str) -> None:
        height = self._window.getmaxyx()[0] - 4
        step = {
            curses.KEY_UP: -1,
            curses.KEY_DOWN: 1,
            curses.KEY_PPAGE: -height,
            curses.KEY_NPAGE: height,
        }.get(key, {"k": -1, "j": 1}.get(letter, 0))
        if self._inside is not None:
            file, line = self._inside
            self._inside = file, max(1, line + step)
        else:
            last = max(0, len(self._rows) - 1)
            self._chosen = min(max(0, self._chosen + step), last)

    def _look_inside(self) -> None:
        if self._inside is not None:
            self._inside = None
        elif self._chosen < len(self._rows):
            row = self._rows[self._chosen]
            self._inside = row.file, row.line

    # --- Drawing

    def _put(self, y: int, text: str, look: int = 0) -> None:
        height, width = self._window.getmaxyx()
        if 0 <= y < height:
            # The last place of the screen cannot be written to.
            shown = text.expandtabs(4)[: width - 1].replace("\0", " ")
            self._window.addstr(y, 0, shown.encode("utf-8", "replace").decode(), look)

    def _draw(self) -> None:
        sample = self._sample
        if sample is None:
            return
        self._window.erase()
        count = len(sample.processes)
        what = (
            f"process {min(sample.processes)}" if count == 1 else f"{count} processes"
        )
        state = " (paused)" if self._paused else ""
        self._put(0, f"exactrace top: {what}{state}", curses.A_BOLD)
        if self._inside is None:
            self._draw_rows(sample)
        else:
            self._draw_source(sample, *self._inside)
        height = self._window.getmaxyx()[0]
        prompt = f"filter: {self._filter}_" if self._typing else KEYS
        self._put(height - 1, prompt, curses.A_DIM)
        self._window.refresh()

    def _draw_rows(self, sample: watch.Sample) -> None:
        rows = sample.rows(self._kind, self._before)
        self._rows = top.chosen(rows, self._sort, self._filter)
        height = self._window.getmaxyx()[0] - 4
        start = max(0, self._chosen - height + 1)
        if not rows and self._kind != "lines":
            self._put(2, f"{self._kind} are not counted: see --branch and --calls")
            return
        kept = f" with {self._filter!r}" if self._filter else ""
        title = f"{self._kind}{kept}, by {self._sort}"
        lines = top.table(self._rows[start : start + height], title).splitlines()
        self._put(1, lines[0], curses.A_UNDERLINE)
        for i, line in enumerate(lines[1:]):
            chosen = start + i == self._chosen
            self._put(2 + i, line, curses.A_REVERSE if chosen else 0)

    def _draw_source(self, sample: watch.Sample, file: str, line: int) -> None:
        hits = {
            row.line: row
            for row in sample.rows("lines", self._before)
            if row.file == file
        }
        height = self._window.getmaxyx()[0] - 4
        text = linecache.getlines(file)
        first = max(1, min(line - height // 2, len(text) - height + 1))
        self._put(1, f"{'hits':>14}  {'per second':>13}  {file}", curses.A_UNDERLINE)
        if not text:
            self._put(2, "its source is not here")
        for i in range(first, min(first + height, len(text) + 1)):
            row = hits.get(i)
            counted = " " * 29 if row is None else f"{row.hits:14,}  {row.rate:13,.0f}"
            look = curses.A_REVERSE if i == line else 0
            self._put(2 + i - first, f"{counted}  {i:5} {text[i - 1].rstrip()}", look)
