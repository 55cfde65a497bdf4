"""Random programs: every engine counts what the trace function counts."""

from __future__ import annotations

import sys

import branch_reference
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


@pytest.mark.skipif(
    sys.version_info < (3, 13),
    reason="until 3.12 much code is counted by events, which count no branches",
)
@pytest.mark.parametrize("seed", range(100, 130))
def test_branches_are_those_of_the_interpreter_s_events(seed: int) -> None:
    source = random_programs.program(seed)
    expected = branch_reference.branches(source, "/random.py")
    _, (_, tracer) = random_programs.run(source, "probe", branch=True)
    got = {
        (place, kind, outcome): hits
        for (filename, place, kind), outcomes in tracer.branches.items()
        for outcome, hits in outcomes.items()
        if filename == "/random.py" and kind != "except" and hits
    }
    assert got == expected
