"""Branches of a file: which there are, and which sides were never taken."""

from __future__ import annotations

from exactrace import _native, source

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from exactrace.results import Branches

    # (line, end line, column, end column), kind: see CoverageResults.branches
    Place = tuple[tuple[int, int, int | None, int | None], str]

# What is said of a side that was not taken, by kind and outcome, with the hits of
# the other.
_NEVER = {
    ("bool", True): "never true in {:,} tests",
    ("bool", False): "never false in {:,} tests",
    ("none", True): "never None in {:,} tests",
    ("none", False): "always None in {:,} tests",
    ("for", True): "no round in {:,} loops",
    ("for", False): "never to its end in {:,} rounds",
}
_SHOWN = 40  # characters of the source that decides


# The same of a side that was taken.
_SIDES = {
    ("bool", True): "true",
    ("bool", False): "false",
    ("none", True): "None",
    ("none", False): "not None",
    ("for", True): "next item",
    ("for", False): "end",
    ("except", True): "exception",
}


def side_name(
    place: tuple[int, int, int | None, int | None], kind: str, outcome: bool
) -> str:
    """Return a short name for a side of a branch, with its column if known."""
    column = "" if place[2] is None else f"column {place[2] + 1}: "
    return f"{column}{_SIDES[kind, outcome]}"


class FileBranches:
    """The branches of one file: how often each side was taken.

    sides: {(place, kind): {outcome: hits}}; `total` of them there are, and
    `taken` of those have hits. Handlers of exceptions have no other side, so they
    are not among them.
    """

    def __init__(self, sides: dict[Place, dict[bool, int]], text: str) -> None:
        self.sides = sides
        self.total = sum(map(len, sides.values()))
        self.taken = sum(hits > 0 for each in sides.values() for hits in each.values())
        self._text = text

    def partial(self) -> list[str]:
        """Say what was decided, and always in the same way, by line."""
        lines = self._text.encode().splitlines() if self._text else []
        found = []
        for (place, kind), hits in sorted(self.sides.items(), key=_by_place):
            never = [outcome for outcome, times in hits.items() if not times]
            if len(never) != 1:
                continue
            (other,) = (times for times in hits.values() if times)
            said = _NEVER[kind, never[0]].format(other)
            found.append(f"{place[0]}: {_segment(lines, place)}{said}")
        return found


def by_file(branches: Branches) -> dict[str, dict[Place, dict[bool, int]]]:
    """Return {file: {(place, kind): {outcome: hits}}}, without handlers."""
    files: dict[str, dict[Place, dict[bool, int]]] = {}
    for (name, place, kind), hits in branches.items():
        if kind != "except":
            files.setdefault(name, {})[place, kind] = hits
    return files


def of_file(
    counted: dict[Place, dict[bool, int]], found: source.Source | None
) -> FileBranches:
    """Return the branches of a file: those that were counted, and, if its source is
    given, those that it has. Raises one of source.COMPILE_ERRORS.
    """
    sides: dict[Place, dict[bool, int]] = {}
    text = ""
    if found is not None:
        text, _ = source.decode(found.data)
        code = source.compile_text(found, text)
        for (_, place, kind), hits in _native.possible_branches(code).items():
            sides[place, kind] = hits
    for key, hits in counted.items():
        sides[key] = {**sides.get(key, {}), **hits}
    return FileBranches(sides, text)


def _by_place(item: tuple[Place, object]) -> tuple[int, ...]:
    place, _ = item[0]
    return tuple(-1 if number is None else number for number in place)


def _segment(lines: list[bytes], place: tuple[int, int, int | None, int | None]) -> str:
    """Return what stands at a place, and a colon; "" where that is not known."""
    line, end_line, column, end_column = place
    if column is None or end_column is None or not 0 < line <= len(lines):
        return ""
    whole = lines[line - 1]
    part = whole[column:end_column] if line == end_line else whole[column:]
    text = part.decode(errors="replace").strip()
    if line != end_line or len(text) > _SHOWN:
        text = text[: _SHOWN - 3].rstrip() + "..."
    return f"{text}: "
