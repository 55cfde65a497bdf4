"""Our own counts file, and the folder of such files."""

from __future__ import annotations

import os
import random
import re
import stat
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactrace import CoverageResults, _native, datafile, datafolder, merging
from exactrace.cli import report
from exactrace.countsfile import CountsFileError

FORMAT = Path(__file__).parents[2] / "docs" / "counts-file-format.md"

texts = st.text(max_size=8) | st.just("/d\udcfcr.py")
numbers = st.integers(0, 2**60)
lines = st.integers(0, 2**31)
entered = st.tuples(texts, lines, texts)
functions = st.tuples(texts, st.none() | texts, texts)
columns = st.none() | lines
places = st.tuples(lines, lines, columns, columns)
kinds = st.sampled_from(["bool", "none", "for", "except"])
sides = st.dictionaries(st.booleans(), numbers, min_size=1)


@st.composite
def some_results(draw: Any) -> CoverageResults:
    results = CoverageResults(
        draw(st.dictionaries(st.tuples(texts, lines), numbers, max_size=5)),
        dict.fromkeys(draw(st.sets(functions, max_size=3)), 1),
        callers=dict.fromkeys(
            draw(st.sets(st.tuples(functions, functions), max_size=3)), 1
        ),
    )
    results.calls = draw(st.dictionaries(entered, numbers, max_size=3))
    edges = st.tuples(st.none() | entered, entered)
    results.call_graph = draw(st.dictionaries(edges, numbers, max_size=3))
    branches = st.tuples(texts, places, kinds)
    results.branches = draw(st.dictionaries(branches, sides, max_size=3))
    in_context = st.tuples(texts, texts, lines)
    results.contexts = draw(st.dictionaries(in_context, numbers, max_size=3))
    return results


def content(results: CoverageResults) -> tuple[Any, ...]:
    return (
        results.counts,
        results.calls,
        results.call_graph,
        results.calledfuncs,
        results.callers,
        results.branches,
        results.contexts,
    )


def merged(*parts: CoverageResults) -> CoverageResults:
    total = CoverageResults()
    for part in parts:
        total.update(part)
    return total


def loaded(data: bytes) -> tuple[CoverageResults, dict[str, str]]:
    content = datafile.loads(data)
    assert content is not None
    return content


def through_a_file(results: CoverageResults) -> CoverageResults:
    return loaded(datafile.dumps(results, {}))[0]


@given(some_results(), st.dictionaries(texts, texts, max_size=3))
def test_what_is_written_is_read(
    results: CoverageResults, about: dict[str, str]
) -> None:
    again, notes = loaded(datafile.dumps(results, about))
    assert content(again) == content(results)
    assert notes == about


@given(some_results(), some_results(), some_results())
def test_merging_depends_on_no_order(
    a: CoverageResults, b: CoverageResults, c: CoverageResults
) -> None:
    one = merged(through_a_file(merged(a, b)), c)
    other = merged(c, through_a_file(merged(b, a)))
    assert content(one) == content(other)
    assert content(merged(a, merged(b, c))) == content(one)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("counts", {("a", 1): 2**63}, "counts[('a', 1)]"),
        ("counts", {("a", 1): -1}, "below zero"),
        ("counts", {("a", "1"): 1}, "counts[('a', '1')]"),
        ("counts", {(1, 1): 1}, "1 is no string"),
        ("counts", {"a": 1}, "counts['a']"),
        ("counts", {("a", 1): 1.5}, "1.5 cannot be kept"),
        ("calls", {("a", 1): 1}, "calls[('a', 1)]"),
        ("call_graph", {None: 1}, "call_graph[None]"),
        ("callers", {"name": 1}, "callers['name']"),
    ],
)
def test_what_no_file_can_hold_is_named(name: str, value: Any, message: str) -> None:
    results = CoverageResults()
    setattr(results, name, value)
    with pytest.raises(CountsFileError, match=re.escape(message)):
        datafile.dumps(results, {})


def rows(*numbers: int) -> array[int]:
    return array("q", numbers)


STRINGS = [(1, 0, b"abc"), (2, 1, rows(1, 3))]
DAMAGED = {
    "strings that overlap": [(1, 0, b"abc"), (2, 1, rows(2, 1))],
    "a string beyond the end": [(1, 0, b"abc"), (2, 1, rows(4))],
    "no UTF-8": [(1, 0, b"\xff"), (2, 1, rows(1))],
    "no such string": [*STRINGS, (4, 3, rows(2, 1, 1))],
    "a string below zero": [*STRINGS, (4, 3, rows(-1, 1, 1))],
    "a count below zero": [*STRINGS, (4, 3, rows(0, 1, -1))],
    "other columns": [*STRINGS, (4, 2, rows(0, 1))],
    "bytes for rows": [*STRINGS, (4, 0, b"x")],
    "a section twice": [*STRINGS, *STRINGS],
    "no such branch": [*STRINGS, (5, 8, rows(0, 1, 1, 1, 1, 1, 1, 1))],
}


@pytest.mark.parametrize("sections", DAMAGED.values(), ids=DAMAGED)
def test_damage_inside_is_found(sections: Any) -> None:
    with pytest.raises(CountsFileError):
        loaded(_native.pack_tables(sections))


def test_what_does_not_begin_so_is_none_of_ours() -> None:
    assert datafile.loads(b"") is None
    assert datafile.loads(b"\x89PNG\r\n\x1a\n" + bytes(40)) is None


def test_sections_of_later_versions_are_passed_over() -> None:
    sections = [*STRINGS, (4, 3, rows(0, 7, 5)), (99, 2, rows(1, 2)), (98, 0, b"new")]
    results, _ = loaded(_native.pack_tables(sections))
    assert results.counts == {("a", 7): 5}


@pytest.mark.parametrize("seed", range(20))
def test_random_numbers_end_in_counts_or_in_one_error(seed: int) -> None:
    random.seed(seed)
    widths = {3: 2, 4: 3, 5: 8, 6: 4, 7: 7, 8: 3, 9: 6}
    for _ in range(50):
        tables = [
            (kind, width, rows(*(random.randint(-2, 3) for _ in range(width))))
            for kind, width in widths.items()
            if random.random() < 0.5
        ]
        data = _native.pack_tables([*STRINGS, *tables])
        try:
            results, _ = loaded(data)
        except CountsFileError as error:
            assert "damaged" in str(error)
        else:
            assert content(through_a_file(results)) == content(results)


def hexdump() -> bytes:
    """Return the bytes of the example in the documentation."""
    text = FORMAT.read_text(encoding="utf-8")
    found = re.findall(r"^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", text, re.MULTILINE)
    assert [int(place, 16) for place, _ in found] == [16 * i for i in range(len(found))]
    return bytes.fromhex("".join(part for _, part in found))


def test_the_documented_example_is_a_file() -> None:
    results, about = loaded(hexdump())
    assert (results.counts, about) == ({("a.py", 1): 2, ("a.py", 2): 40}, {})
    assert datafile.dumps(CoverageResults(results.counts), {}) != b""


def table_below(text: str) -> list[list[str]]:
    """Return the rows of the documentation's first table behind this text."""
    documented = FORMAT.read_text(encoding="utf-8").split(text, 1)[1]
    lines = documented.split("\n\n", 2)[1].splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def header(name: str) -> str:
    path = Path(__file__).parents[2] / "core" / "store" / name
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "begins", "entries"),
    [
        ("signed in tables.", "with a header", 6),
        ("An entry of", "section table follows", 6),
    ],
)
def test_the_container_is_documented_as_its_header_says(
    text: str, begins: str, entries: int
) -> None:
    comment = header("tables.h").split(begins, 1)[1]
    rows = re.findall(r"^ \*\s+(\d+)  (u32|u64|magic)", comment, re.MULTILINE)
    sizes = {"u32": "4", "u64": "8", "magic": "8"}
    ours = [[at, sizes[kind]] for at, kind in rows[:entries]]
    assert [row[:2] for row in table_below(text) if row[1] != "40 each"] == ours


def test_the_file_of_a_process_is_documented_as_its_header_says() -> None:
    source = re.sub(r"/\*.*?\*/", "", header("journal.h"), flags=re.DOTALL)
    (fields,) = re.findall(r"\{([^{}]*)\} xt_journal_header;", source)
    ours, at = [], 0
    for width, many in re.findall(r"uint(\d+)_t \w+(?:\[(\d+)\])?;", fields):
        size = int(width) // 8 * int(many or 1)
        ours.append([str(at), str(size)])
        at += size
    assert at == 64
    assert [row[:2] for row in table_below("The header:")] == ours
    (kinds,) = re.findall(r"\{([^{}]*)\} xt_journal_kind;", source)
    count = len(re.findall(r"XT_JOURNAL_\w+", kinds))
    documented = [row[0] for row in table_below("Strings are numbered from 0")]
    assert documented == [str(kind) for kind in range(1, count + 1)]


def a_result(n: int) -> CoverageResults:
    return CoverageResults({("f", 1): n})


def read(folder: Path) -> tuple[int | None, list[str]]:
    results, _, troubles = datafolder.read(str(folder), datafolder.files(str(folder)))
    return results.counts.get(("f", 1)), troubles


def test_files_of_a_folder_add_up(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    names = {datafolder.write(str(folder), a_result(n), "run") for n in (1, 2, 4)}
    assert len(names) == 3
    assert read(folder) == (7, [])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE((folder / name).stat().st_mode) for name in names}
    assert modes == {0o600}
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_merge_that_was_cut_short_counts_nothing_twice(tmp_path: Path) -> None:
    names = [datafolder.write(str(tmp_path), a_result(n), "run") for n in (1, 2)]
    total, merged_names, _ = datafolder.read(str(tmp_path), names)
    first = datafolder.write(str(tmp_path), total, "run", merged_names)
    assert read(tmp_path) == (3, [])
    # Merged once more, of which the first merge is a part.
    total, merged_names, _ = datafolder.read(
        str(tmp_path), datafolder.files(str(tmp_path))
    )
    assert merged_names == {*names, first}
    datafolder.write(str(tmp_path), total, "run", merged_names)
    assert read(tmp_path) == (3, [])
    datafolder.remove(str(tmp_path), [first, "no such file"])
    assert read(tmp_path) == (3, [])


def test_what_cannot_be_read_is_named_and_costs_nothing_else(tmp_path: Path) -> None:
    datafolder.write(str(tmp_path), a_result(5), "run")
    (tmp_path / "bad.xt").write_bytes(datafile.dumps(a_result(9), {})[:-1])
    (tmp_path / "empty.xt").write_bytes(b"")
    (tmp_path / "other.txt").write_text("not looked at")
    count, troubles = read(tmp_path)
    assert count == 5
    assert len(troubles) == 2
    assert "bad.xt' is left out: damaged counts file" in troubles[0]


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    name = datafolder.write(str(other), a_result(5), "run")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link.xt").symlink_to(other / name)
    os.mkfifo(folder / "pipe.xt")
    (folder / "folder.xt").mkdir()
    assert datafolder.files(str(folder)) == set()


def test_a_file_names_no_others_than_those_beside_it(tmp_path: Path) -> None:
    """Files for which another one stands are removed: it may be a hostile one."""
    outside = tmp_path / "outside.xt"
    outside.touch()
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "notes.txt").touch()
    names = ["../outside.xt", str(outside), "notes.txt", ".", "a\0.xt", "gone.xt"]
    hostile = datafile.dumps(a_result(5), merging.stands_for(names))
    (folder / "hostile.xt").write_bytes(hostile)
    results, merged, said = datafolder.read(str(folder), ["hostile.xt"])
    assert (merged, said) == ({"hostile.xt", "gone.xt"}, [])
    assert sum(results.counts.values()) == 5
    datafolder.remove(str(folder), [*merged, *names])
    assert outside.exists()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_file_in_which_nobody_began_to_count_goes_with_the_others(
    tmp_path: Path,
) -> None:
    """But not one that was made just now: somebody is about to."""
    folder = str(tmp_path)
    names = [datafolder.new_file(folder, "run") for _ in range(2)]
    for name in names:
        (tmp_path / name).write_bytes(bytes(1 << 20))
    os.utime(tmp_path / names[0], (1, 1))
    added = datafolder.write(folder, a_result(5), "run")
    results, merged, said = datafolder.read(folder, [*names, added])
    assert (merged, said) == ({names[0], added}, [])
    assert sum(results.counts.values()) == 5


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_in_a_shared_folder_files_of_others_are_left_out(tmp_path: Path) -> None:
    name = datafolder.write(str(tmp_path), a_result(5), "run")
    os.chown(tmp_path / name, 1234, 1234)
    tmp_path.chmod(0o755)
    assert datafolder.files(str(tmp_path)) == {name}
    tmp_path.chmod(0o1777)
    assert datafolder.files(str(tmp_path)) == set()


def test_report_reads_folders_files_and_pickles(tmp_path: Path) -> None:
    name = datafolder.write(str(tmp_path), a_result(5), "run")
    pickled = tmp_path / "pickled"
    CoverageResults({("f", 1): 6}, outfile=str(pickled))._save_counts()
    for path, count in ((tmp_path, 5), (tmp_path / name, 5), (pickled, 6)):
        assert report.read(str(path)).counts == {("f", 1): count}
