"""How the counts of lines grow with the size of the input.

For each line, each of these functions of the size n is fitted to its counts y:
1, log n, n, n log n, n^2, n^3 and 2^n, as y = a + b f(n) with b > 0, by least squares
with the weights 1/y^2, so that errors are relative and small sizes count as much as
large ones. Counts have no noise: the function with the least growth is taken whose
relative error (root mean square) is within 0.1 %, or else the one with the least error.
Beside it stands the exponent k of the power law y = c n^k, the slope of the least-squares
line through (log n, log y): as in Goldsmith, Aiken and Wilkerson, "Measuring empirical
computational complexity", ESEC/FSE 2007, who fit it to the counts of blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exactrace.results import CoverageResults

FEWEST = 3  # different sizes
_GOOD = 1e-3  # relative error of a fit that no faster growth is to better
_EXACT = 1e-9  # where the arithmetic ends


def _exponential(size: float, largest: float) -> float:
    return math.pow(2.0, size - largest)  # scaled, so that it is a number


# From the least growth on. The second argument is the largest size.
CLASSES: dict[str, Callable[[float, float], float]] = {
    "constant": lambda _n, _largest: 1.0,
    "log n": lambda n, _largest: math.log(n),
    "n": lambda n, _largest: n,
    "n log n": lambda n, _largest: n * math.log(n),
    "n^2": lambda n, _largest: n**2,
    "n^3": lambda n, _largest: n**3,
    "2^n": _exponential,
}
_ORDER = {name: place for place, name in enumerate(CLASSES)}


@dataclass(frozen=True)
class Growth:
    """How the count of one line grows."""

    filename: str
    line: int
    counts: tuple[int, ...]  # in the order of the sizes
    kind: str  # one of CLASSES
    exponent: float  # of the power law
    error: float  # of the fit, relative

    @property
    def is_superlinear(self) -> bool:
        """Whether it grows faster than the size."""
        return _ORDER[self.kind] > _ORDER["n"]


def measure(runs: Sequence[CoverageResults], sizes: Sequence[int]) -> list[Growth]:
    """Return the growth of every line that ran, the fastest first.

    sizes: above 0, one for each run, rising.
    """
    lines = sorted({key for run in runs for key, hits in run.counts.items() if hits})
    found = []
    for filename, line in lines:
        counts = tuple(run.counts.get((filename, line), 0) for run in runs)
        kind, error = classify(sizes, counts)
        found.append(
            Growth(filename, line, counts, kind, exponent(sizes, counts), error)
        )
    return sorted(
        found,
        key=lambda one: (-_ORDER[one.kind], -one.exponent, -max(one.counts)),
    )


def classify(sizes: Sequence[int], counts: Sequence[int]) -> tuple[str, float]:
    """Return the class that describes the counts best, and its relative error."""
    largest = max(sizes)
    fits = []
    for name, function in CLASSES.items():
        values = [function(size, largest) for size in sizes]
        error = _error(values, counts, constant=name == "constant")
        if error is not None:
            fits.append((error, name))
    best = min(error for error, _ in fits)
    enough = max(best + _EXACT, _GOOD)
    return next((name, error) for error, name in fits if error <= enough)


def _error(
    values: Sequence[float], counts: Sequence[int], *, constant: bool
) -> float | None:
    """Return the relative error of the best a + b * value; None where that falls, or
    the values do not tell.
    """
    weights = [1 / max(count, 1) ** 2 for count in counts]
    total = sum(weights)
    mean_count = _dot(weights, counts) / total
    if constant:
        slope, offset = 0.0, mean_count
    else:
        mean = _dot(weights, values) / total
        spread = [value - mean for value in values]
        square = sum(w * s * s for w, s in zip(weights, spread, strict=True))
        if square == 0:
            return None
        slope = (
            sum(
                w * s * (count - mean_count)
                for w, s, count in zip(weights, spread, counts, strict=True)
            )
            / square
        )
        if slope <= 0:
            return None
        offset = mean_count - slope * mean
    squares = (
        w * (offset + slope * value - count) ** 2
        for w, value, count in zip(weights, values, counts, strict=True)
    )
    return math.sqrt(sum(squares) / len(counts))


def _dot(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(w * value for w, value in zip(weights, values, strict=True))


def exponent(sizes: Sequence[int], counts: Sequence[int]) -> float:
    """Return the slope of the least-squares line through (log size, log count), by
    the counts above 0; 0 if fewer than two sizes have one.
    """
    points = [
        (math.log(size), math.log(count))
        for size, count in zip(sizes, counts, strict=True)
        if count > 0
    ]
    if len({x for x, _ in points}) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points)
