"""Random programs: every engine counts what the trace function counts."""

from __future__ import annotations

import sys

import pytest
import random_programs

pytestmark = pytest.mark.filterwarnings("ignore")
ENGINES = ("event", "probe") if sys.version_info >= (3, 12) else ("settrace",)


@pytest.mark.parametrize("seed", range(40))
def test_no_engine_counts_differently(seed: int) -> None:
    assert random_programs.differences(seed, ENGINES) == []


def test_a_seed_always_makes_the_same_program() -> None:
    assert random_programs.program(7) == random_programs.program(7)
    assert random_programs.program(7) != random_programs.program(8)


def test_a_difference_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = random_programs.run

    def wrong(source: str, engine: str | None, **options: object) -> object:
        counts, rest = true(source, engine, **options)
        if engine is None:
            counts[max(counts)] += 1
        return counts, rest

    monkeypatch.setattr(random_programs, "run", wrong)
    assert random_programs.differences(1, (None,))
