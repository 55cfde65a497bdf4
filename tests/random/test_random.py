"""Random programs: all that counts, counts the same.

`python tests/random/hunt.py --seconds 3600 --jobs 2` looks for longer.
"""

from __future__ import annotations

from typing import Any

import programs
import pytest
import runs
import shrink

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("seed", range(50))
def test_engines_count_what_the_standard_module_and_the_events_say(seed: int) -> None:
    assert runs.differences(programs.program(seed)) == []


def test_a_seed_always_makes_the_same_program() -> None:
    assert programs.program(7) == programs.program(7)
    assert programs.program(7) != programs.program(8)


def test_a_wrong_count_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = runs.under

    def wrong(source: str, engine: str, **options: bool) -> runs.Run:
        run = true(source, engine, **options)
        counts: dict[Any, int] = run.lines
        counts[max(counts)] += 1
        return run

    monkeypatch.setattr(runs, "under", wrong)
    found = runs.differences("a = 1\nb = 2\n", ("settrace",))
    assert found == [
        "settrace: ('/random/program.py', 2): 1 expected, got 2",
    ]


def test_a_program_that_does_something_else_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = runs.under

    def wrong(source: str, engine: str, **options: bool) -> runs.Run:
        return true(source.replace("say(1)", "say(2)"), engine, **options)

    monkeypatch.setattr(runs, "under", wrong)
    found = runs.differences("say(1)\n", ("settrace",))
    assert found == ["settrace: said something else: ([1], [2])"]


def test_a_failing_program_is_made_small() -> None:
    source = "a = 1\nif a:\n    b = 2\n    c = 3\nd = 4\n"
    small = shrink.shrink(source, lambda text: "c = 3" in text, 20)
    assert small.split() == ["c", "=", "3"]
