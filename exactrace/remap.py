"""Other names for counted files, when they were counted somewhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from exactrace import datafile, merging
from exactrace.results import CoverageResults


class PathMap:
    """Rules on where files lie here that lay elsewhere when they were counted."""

    def __init__(self) -> None:
        self._rules: list[tuple[re.Pattern[str], str]] = []

    def add(self, elsewhere: str, here: str) -> None:
        r"""Let what is below `elsewhere` count for what is below `here`, an absolute
        path.

        elsewhere: a folder or a file. In it `*` stands for any characters but a
        separator, `?` for one, and a part `**`, or a first part `*`, for any folders,
        or none. `\` and `/` are the same. Raises ValueError if it is empty.
        """
        pattern = _pattern(elsewhere)
        self._rules.append((pattern, here.rstrip(os.sep) or os.sep))

    def add_names(self, paths: Mapping[str, Iterable[str]], base: str) -> None:
        """Add a table: for each name a list of paths, of which the first is where
        the files are here, from the folder `base` on, and the others are what that
        was called elsewhere. Raises ValueError, naming the entry.
        """
        for name, (here, *others) in paths.items():
            target = os.path.normpath(os.path.join(base, here))
            for other in others:
                try:
                    self.add(other, target)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None

    def apply(self, filename: str) -> str:
        """Return the name of a file here: by the first rule that fits, or as it is."""
        plain = filename.replace("\\", "/")
        for pattern, here in self._rules:
            found = pattern.match(plain)
            if found is not None:
                rest = plain[found.end() :].strip("/").replace("/", os.sep)
                return os.path.join(here, rest) if rest else here
        return filename

    def renamed(self, filenames: Iterable[str]) -> dict[str, str]:
        """Return the new names of those files that get one."""
        names = {name: self.apply(name) for name in filenames}
        return {old: new for old, new in names.items() if old != new}

    def rename(self, results: CoverageResults) -> CoverageResults:
        """Return results with the new names; the same if there are none. Raises
        CountsFileError for results that no file can hold.
        """
        merged = merging.Merged()
        merged.sum.add(datafile.dumps(results, {}))
        names = self.renamed(merged.sum.paths())
        if not names:
            return results
        merged.sum.rename(names)
        return merged.results()


def _pattern(text: str) -> re.Pattern[str]:
    parts = text.replace("\\", "/").rstrip("/").split("/")
    if parts == [""]:
        raise ValueError(f"{text!r} is no path that files can lie below")
    pieces = []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**" or (part == "*" and place == 0 and not last):
            pieces.append("(?:.*/)?" if not last else ".*")
        else:
            pieces.append(_part_pattern(part) + ("" if last else "/"))
    return re.compile("".join(pieces) + r"(?=/|\Z)", re.DOTALL)


def _part_pattern(part: str) -> str:
    wild = {"*": "[^/]*", "?": "[^/]"}
    return "".join(wild.get(letter) or re.escape(letter) for letter in part)
