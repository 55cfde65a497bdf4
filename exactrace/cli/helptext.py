"""Help in the width of the terminal."""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any


class Formatter(argparse.HelpFormatter):
    """As its base, which loads `shutil`, and with it modules for compression, for no
    more than a width: half a megabyte each time that options are defined.
    """

    def __init__(self, prog: str, **wanted: Any) -> None:
        wanted.setdefault("width", _columns() - 2)
        super().__init__(prog, **wanted)


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        if sys.__stdout__ is not None:
            return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        pass  # no terminal
    return 80
