"""What was always decided in the same way, in words."""

from __future__ import annotations

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from exactrace.reports.exclusions import Place
    from exactrace.reports.model import Branch, FileReport

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
# The same of a side that was taken.
SIDES = {
    ("bool", True): "true",
    ("bool", False): "false",
    ("none", True): "None",
    ("none", False): "not None",
    ("for", True): "next item",
    ("for", False): "end",
    ("except", True): "exception",
}

_SHOWN = 40  # characters of the source that decides


def side_name(place: Place, kind: str, outcome: bool) -> str:
    """Return a short name for a side of a branch, with its column if known."""
    column = "" if place[2] is None else f"column {place[2] + 1}: "
    return f"{column}{SIDES[kind, outcome]}"


def said(branch: Branch) -> str:
    """Return in words what never happened at a partial branch; "" for another."""
    if not branch.partial:
        return ""
    ((never, _), (_, other)) = sorted(branch.outcomes.items(), key=lambda item: item[1])
    words = _NEVER[branch.kind, never].format(other)
    return words.removesuffix("s") if other == 1 else words


def lines(report: FileReport) -> list[str]:
    """Return a line on each partial branch of a file: "LINE: SOURCE: WORDS"."""
    partial = [branch for branch in report.branches or () if branch.partial]
    if not partial:
        return []
    text = (report.text or "").encode(errors="replace").split(b"\n")
    return [f"{each.line}: {_segment(text, each)}{said(each)}" for each in partial]


def _segment(text: list[bytes], branch: Branch) -> str:
    """Return what stands at a place, and a colon; "" where that is not known."""
    line, end_line = branch.line, branch.end_line
    column, end_column = branch.column, branch.end_column
    if column is None or end_column is None or not 0 < line <= len(text):
        return ""
    whole = text[line - 1]
    part = whole[column:end_column] if line == end_line else whole[column:]
    segment = part.decode(errors="replace").strip()
    if line != end_line or len(segment) > _SHOWN:
        segment = segment[: _SHOWN - 3].rstrip() + "..."
    return f"{segment}: "
