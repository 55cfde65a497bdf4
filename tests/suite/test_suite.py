"""Tests of the suite itself: that it takes enough, and finds what differs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # also under -P

from excluded import EXCLUDED, KNOWN, known_difference
from not_counted import BY_EVENT, NOT_COUNTED, not_taken
from outcomes import WHOLE, Outcomes, compare, read_journal
from processes import DRIVER, PACKAGE, all_modules, environment, run_once, steady_counts
from run import DIFFERENT, SAME, examine

ALWAYS = """
    test_sys_settrace test_monitoring test_dis test_inspect test_code test_generators
    test_coroutines test_exceptions
""".split()  # noqa: SIM905


def outcomes(**tests: str) -> Outcomes:
    return Outcomes(tests=tests)


def test_there_are_enough_modules() -> None:
    taken = [name for name in all_modules() if name not in EXCLUDED]
    assert len(taken) >= 300
    assert not set(ALWAYS) & set(EXCLUDED)
    counted = [name for name in all_modules() if name not in not_taken()]
    assert len(counted) >= 150


def test_each_module_left_out_has_one_reason() -> None:
    lists = (EXCLUDED, NOT_COUNTED, BY_EVENT)
    names = Counter(name for one in lists for name in one)
    assert [name for name, number in names.items() if number > 1] == []
    assert all(reason for one in lists for reason in one.values())
    assert all(known.reason for known in KNOWN)


def test_equal_runs_have_no_difference() -> None:
    run = outcomes(a="ok", b="skip: no")
    assert compare([run], [outcomes(a="ok", b="skip: no")]) == []


def test_a_test_that_always_differs_stays() -> None:
    bare = [outcomes(a="ok", b="ok")] * 3
    counted = [outcomes(a="ok", b="fail: AssertionError")] * 3
    (found,) = compare(bare, counted)
    assert found.test == "b"
    assert found.stays


def test_a_test_that_varies_is_flaky() -> None:
    bare = [outcomes(a="ok"), outcomes(a="fail: OSError"), outcomes(a="ok")]
    (found,) = compare(bare, [outcomes(a="ok")] * 3)
    assert not found.stays
    assert not found.only_counted


def test_a_test_that_varies_under_counting_alone_is_said_to() -> None:
    counted = [outcomes(a="ok"), outcomes(a="fail: OSError"), outcomes(a="ok")]
    (found,) = compare([outcomes(a="ok")] * 3, counted)
    assert not found.stays
    assert found.only_counted


def test_a_test_that_is_missing_differs() -> None:
    (found,) = compare([outcomes(a="ok", b="ok")], [outcomes(a="ok")])
    assert found.test == "b"
    assert found.stays


def test_another_order_differs() -> None:
    (found,) = compare([outcomes(a="ok", b="ok")], [outcomes(b="ok", a="ok")])
    assert found.stays


def test_a_run_that_does_not_end_differs() -> None:
    ended = outcomes(a="ok")
    (found,) = compare([ended], [Outcomes({"a": "ok"}, ended="ended in a")])
    assert found.test == WHOLE
    assert found.stays


def test_a_journal_tells_each_outcome(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    lines = [
        ["start", "a"],
        ["test", "a", "ok"],
        ["stop", "a", 0],
        ["start", "b"],
        ["test", "b (i=1)", "subtest fail", "AssertionError", "..."],
        ["stop", "b", 2],
        ["test", "c", "skip", f"in {tmp_path}/tmpabcdefgh at 0x1f"],
        ["end"],
    ]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_journal(journal, str(tmp_path))
    assert found.tests == {
        "a": "ok",
        "b": "2 subtests passed",
        "b (i=1)": "subtest fail: AssertionError",
        "c": "skip: in /tmp at 0x",
    }
    assert found.ended == ""


def test_a_journal_that_breaks_off_names_the_last_test(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text('["start", "a"]\n["test", "a"')
    found = read_journal(journal, str(tmp_path))
    assert found.tests == {"a": "did not end"}
    assert found.ended == "ended in a"


def test_counts_keep_no_names_made_by_chance() -> None:
    counts = {("/x/tmpabcdefgh/a.py", 1): 2, ("/x/tmpzyxwvuts/a.py", 1): 3}
    assert steady_counts(counts, "/x") == {("/tmp/a.py", 1): 5}


def test_a_known_difference_covers_its_engines_alone() -> None:
    test = "test.test_dis.DisTests.test_loop_quicken"
    assert known_difference("probe", test)
    assert known_difference("probe", test + "_more") is None
    assert known_difference("none", test) is None


@pytest.mark.parametrize("options", [{}, {"package": PACKAGE, "engine": None}])
def test_a_module_is_run(options: dict[str, object]) -> None:
    if options:
        options = {**options, "branch": False, "keep": True}
    found = run_once("test_colorsys", options, 100)
    assert found.ended == ""
    assert len(found.tests) >= 6
    assert all(outcome.startswith("ok") for outcome in found.tests.values())
    assert bool(found.counts) == bool(options)
    if options:
        assert any(name.endswith("/colorsys.py") for name, _ in found.counts)


# In place of exactrace: counts nothing, and breaks what it is told to.
PLANTED = """
import colorsys

class Trace:
    def __init__(self, **options):
        self.counts = {("x", 1): 1, (__import__("test").__path__[0] + "/test_colorsys", 1): 1}

    def runctx(self, cmd, globals, locals):
        %s
        exec(cmd, globals, locals)

    def results(self):
        return self
"""


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("pass", SAME),
        ("colorsys.rgb_to_yiq = lambda *rgb: (0, 0, 0)", DIFFERENT),
        ("__import__('os')._exit(3)", DIFFERENT),
    ],
)
def test_a_planted_fault_is_found(fault: str, verdict: str, tmp_path: Path) -> None:
    (tmp_path / "exactrace").mkdir()
    (tmp_path / "exactrace" / "__init__.py").write_text(PLANTED % fault)
    options = {"package": str(tmp_path), "engine": "planted", "branch": False}
    assert examine("test_colorsys", options, 100).verdict == verdict


def test_a_driver_notes_what_is_no_module(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, DRIVER, "test_that_is_not", str(tmp_path / "journal"), "{}"],
        env=environment(str(tmp_path)),
        check=True,
    )
    found = read_journal(tmp_path / "journal", str(tmp_path))
    assert found.tests == {"test_that_is_not": "not importable: ModuleNotFoundError"}
