"""The lines of one counts file, read alone, beside all that is in it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactrace import CoverageResults, _native, countsfile, datafile, linesfile
from exactrace.cli import annotate, helptext, reading

COUNTS = st.dictionaries(
    st.tuples(st.sampled_from(["a.py", "b.py", "é\udc80"]), st.integers(-3, 2**31)),
    st.integers(0, 2**63 - 1),
)


def sample() -> CoverageResults:
    results = CoverageResults({("b", 1): 2, ("a", 2): 3, ("b", 7): 0})
    results.calledfuncs = {("b", None, "f"): 1}
    results.callers = {(("b", "b", "f"), ("a", "a", "g")): 1}
    results.calls = {("b", 1, "f"): 4}
    results.branches = {("b", (1, 1, 0, 4), "bool"): {True: 2, False: 0}}
    return results


def by_file(results: CoverageResults) -> dict[str, dict[int, int]]:
    counted = results._by_file()
    return {name: counted.hits(name) for name in counted.names}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alone.xt"


def test_it_has_the_lines_and_what_was_called(path: Path) -> None:
    path.write_bytes(datafile.dumps(sample(), {"note": "x"}))
    found = linesfile.read(str(path), follow=False)
    assert found is not None
    assert by_file(found) == {"a": {2: 3}, "b": {1: 2, 7: 0}}
    assert found._by_file().names == ["a", "b"]
    assert (found.calledfuncs, found.callers) == (
        sample().calledfuncs,
        sample().callers,
    )
    assert not hasattr(found, "counts")  # rather than wrong


@given(COUNTS)
def test_it_has_what_the_whole_file_has(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[tuple[str, int], int]
) -> None:
    path = tmp_path_factory.mktemp("counts") / "alone.xt"
    path.write_bytes(datafile.dumps(CoverageResults(counts), {}))
    found = linesfile.read(str(path), follow=False)
    assert found is not None
    assert by_file(found) == by_file(CoverageResults(counts))


def test_rows_of_one_line_add_up(path: Path) -> None:
    rows = b"".join(
        number.to_bytes(8, "little") for number in (0, 1, 2, 1, 1, 3, 0, 1, 40)
    )
    ends = b"".join(number.to_bytes(8, "little") for number in (1, 2))
    path.write_bytes(
        _native.pack_tables([(4, 3, rows), (99, 0, b"?"), (1, 0, b"ab"), (2, 1, ends)])
    )
    found = linesfile.read(str(path), follow=False)
    assert found is not None
    assert by_file(found) == {"a": {1: 42}, "b": {1: 3}}


def test_damage_is_left_to_who_can_tell_of_it(path: Path) -> None:
    whole = datafile.dumps(sample(), {})
    for place in range(len(whole)):
        path.write_bytes(
            whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :]
        )
        found = linesfile.read(str(path), follow=False)
        if found is not None:  # the damage is elsewhere
            assert by_file(found) == by_file(sample())
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert linesfile.read(str(path), follow=False) is None


@pytest.mark.parametrize(
    "sections",
    [
        [(4, 2, bytes(16))],  # other columns
        [(4, 3, bytes(24))],  # a name that is not there
        [(1, 0, b"a"), (2, 1, b"\1" + bytes(7)), (4, 3, bytes(16) + b"\xff" * 8)],
        [(1, 0, b"a"), (2, 1, b"\2" + bytes(7)), (4, 3, b"")],
        [(1, 0, b"\xff"), (2, 1, b"\1" + bytes(7)), (4, 3, b"")],
        [(4, 3, b""), (4, 3, b"")],
    ],
)
def test_what_no_file_may_hold_is_left_to_who_can_tell_of_it(
    path: Path, sections: list[tuple[int, int, bytes]]
) -> None:
    path.write_bytes(_native.pack_tables(sections))
    assert linesfile.read(str(path), follow=False) is None
    with pytest.raises(countsfile.CountsFileError):
        datafile.loads(path.read_bytes())


def test_links_are_followed_only_if_they_may_be(path: Path, tmp_path: Path) -> None:
    path.write_bytes(datafile.dumps(sample(), {}))
    link = tmp_path / "link.xt"
    link.symlink_to(path)
    assert linesfile.read(str(link), follow=False) is None
    assert linesfile.read(str(link), follow=True) is not None
    assert linesfile.read(str(tmp_path), follow=True) is None
    assert linesfile.read(str(tmp_path / "none"), follow=True) is None


def test_lines_are_those_of_a_file_a_folder_and_several_files(tmp_path: Path) -> None:
    folder = tmp_path / "counts"
    folder.mkdir()
    one, two = (folder / f"{name}-h-1-{name * 8}.xt" for name in "12")
    one.write_bytes(datafile.dumps(sample(), {}))
    for where in (one, folder):
        found = reading.lines(str(where))
        assert isinstance(found, linesfile.LineResults)
        assert by_file(found) == by_file(sample())
    two.write_bytes(one.read_bytes())
    assert by_file(reading.lines(str(folder))) == {"a": {2: 6}, "b": {1: 4, 7: 0}}


def test_a_damaged_file_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1-h-1-11111111.xt").write_bytes(b"\x89EXT\r\n\x1a\n damaged")
    assert by_file(reading.lines(str(tmp_path))) == {}
    assert "1-h-1-11111111.xt' is left out: " in capsys.readouterr().err


@pytest.mark.parametrize("columns", ["50", "120", ""])
def test_help_is_as_wide_as_that_of_its_base(
    monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    parser = annotate.build_parser("exactrace annotate")
    assert parser.formatter_class is helptext.Formatter
    shown = parser.format_help()
    parser.formatter_class = argparse.HelpFormatter
    assert shown == parser.format_help()
