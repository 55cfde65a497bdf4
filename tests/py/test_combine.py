"""Bringing counts files together: `exactrace combine`, and the sum in C."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import pytest
from beside import PACKAGE, run
from hypothesis import given
from hypothesis import strategies as st
from test_datafile import DAMAGED, STRINGS, a_result, content, merged, some_results

from exactrace import CoverageResults, _native, datafile, datafolder, merging
from exactrace.countsfile import CountsFileError
from exactrace.remap import PathMap
from exactrace.stored import StoredResults

results_lists = st.lists(some_results(), max_size=4)


def summed(*files: bytes, notes: dict[str, str] | None = None) -> bytes:
    total = _native.Merge()
    for data in files:
        assert total.add(data) is not None
    return total.dumps(notes or {})


def loaded(data: bytes) -> CoverageResults:
    read = datafile.loads(data)
    assert read is not None
    return read[0]


@given(results_lists)
def test_the_sum_is_that_of_the_twin_in_python(parts: list[CoverageResults]) -> None:
    files = [datafile.dumps(part, {}) for part in parts]
    assert content(loaded(summed(*files))) == content(merged(*parts))


@given(results_lists, st.randoms())
def test_equal_sums_have_equal_bytes(
    parts: list[CoverageResults], draw: random.Random
) -> None:
    files = [datafile.dumps(part, {}) for part in parts]
    whole = summed(*files)
    draw.shuffle(files)
    half = len(files) // 2
    assert summed(summed(*files[:half]), summed(*files[half:])) == whole


@given(some_results(), st.dictionaries(st.text(max_size=4), st.text(max_size=4)))
def test_notes_are_given_back(part: CoverageResults, notes: dict[str, str]) -> None:
    assert _native.Merge().add(datafile.dumps(part, notes)) == notes
    data = summed(datafile.dumps(part, {"other": "note"}), notes=notes)
    read = datafile.loads(data)
    assert read is not None
    assert read[1] == notes


@given(some_results(), st.lists(some_results(), max_size=3))
def test_renaming_is_that_of_the_twin_in_python(
    part: CoverageResults, others: list[CoverageResults]
) -> None:
    total = _native.Merge()
    for one in (part, *others):
        total.add(datafile.dumps(one, {}))
    expected: dict[tuple[str, int], int] = {}
    for (name, line), hits in merged(part, *others).counts.items():
        key = name[:1], line
        expected[key] = expected.get(key, 0) + hits
    total.rename({name: name[:1] for name in total.paths()})
    assert loaded(total.dumps({})).counts == expected
    assert all(len(name) < 2 for name in total.paths())


@pytest.mark.parametrize("sections", DAMAGED.values(), ids=DAMAGED)
def test_of_a_damaged_file_nothing_is_added(sections: Any) -> None:
    total = _native.Merge()
    total.add(datafile.dumps(a_result(1), {}))
    before = total.dumps({})
    with pytest.raises(ValueError, match="damaged counts file: byte"):
        total.add(_native.pack_tables(sections))
    assert total.dumps({}) == before


@pytest.mark.parametrize("seed", range(20))
def test_what_python_refuses_c_refuses_too(seed: int) -> None:
    draw = random.Random(seed)
    widths = {3: 2, 4: 3, 5: 8, 6: 4, 7: 7, 8: 3, 9: 6, 20: 4}
    verdicts = set()
    for _ in range(200):
        kind = draw.choice(list(widths))
        numbers = array("q", (draw.randint(-1, 1) for _ in range(2 * widths[kind])))
        strings = [(1, 0, b"aforx"), (2, 1, array("q", (1, 4)))]
        data = _native.pack_tables([*strings, (kind, widths[kind], numbers)])
        try:
            read = loaded(data)
        except CountsFileError:
            verdicts.add(False)
            with pytest.raises(ValueError, match="damaged"):
                _native.Merge().add(data)
        else:
            verdicts.add(True)
            assert content(loaded(summed(data))) == content(read)
    assert verdicts == {True, False}


def test_sections_of_later_versions_are_passed_over() -> None:
    sections = [*STRINGS, (4, 3, array("q", (0, 7, 5))), (99, 2, array("q", (1, 2)))]
    assert loaded(summed(_native.pack_tables(sections))).counts == {("a", 7): 5}


def test_a_sum_that_is_too_large_is_refused_in_any_order() -> None:
    files = [datafile.dumps(a_result(n), {}) for n in (2**63 - 1, 1, 5)]
    for order in (files, files[::-1]):
        with pytest.raises(ValueError, match="above 2"):
            summed(*order)
    assert loaded(summed(files[0])).counts == {("f", 1): 2**63 - 1}


def count_of(folder: Path) -> int | None:
    results, _, troubles = datafolder.read(str(folder), datafolder.files(str(folder)))
    assert troubles == []
    return results.counts.get(("f", 1))


def combine(folder: Path, *arguments: object) -> tuple[int, str, str]:
    command = ["-m", "exactrace", "combine", *map(str, arguments)]
    return run(command, folder, EXACTRACE_DATA="sum")


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for name, count in (("a", 1), ("b", 2), ("b", 4)):
        datafolder.write(str(tmp_path / name), a_result(count), "run")
    return tmp_path


def test_folders_become_one_file_and_are_emptied(parts: Path) -> None:
    status, out, error = combine(parts, "a", "b")
    assert (status, error) == (0, "")
    assert "3 files combined into 'sum/combined-" in out
    assert count_of(parts / "sum") == 7
    assert len(datafolder.files(str(parts / "sum"))) == 1
    assert datafolder.files(str(parts / "a")) == set()
    assert datafolder.files(str(parts / "b")) == set()


def test_with_keep_all_stays_and_nothing_is_counted_twice(parts: Path) -> None:
    for _ in range(3):
        assert combine(parts, "--keep", "a", "b", "a")[0] == 0
        assert count_of(parts / "sum") == 7
    assert count_of(parts / "a") == 1
    datafolder.write(str(parts / "b"), a_result(8), "run")
    assert combine(parts, "b")[0] == 0
    assert count_of(parts / "sum") == 15
    assert count_of(parts / "b") is None
    assert len(datafolder.files(str(parts / "sum"))) == 1


def test_the_order_makes_no_difference(parts: Path) -> None:
    assert combine(parts, "--keep", "-o", "one", "a", "b")[0] == 0
    assert combine(parts, "--keep", "--data", "other", "b", "a")[0] == 0
    contents = [
        (parts / folder / name).read_bytes()
        for folder in ("one", "other")
        for name in datafolder.files(str(parts / folder))
    ]
    assert len(contents) == 2
    assert contents[0] == contents[1]


def test_a_folder_that_has_the_data_folder_will_do(tmp_path: Path) -> None:
    datafolder.write(str(tmp_path / "host" / ".exactrace"), a_result(5), "run")
    assert combine(tmp_path, "host")[0] == 0
    assert count_of(tmp_path / "sum") == 5


def test_a_folder_is_combined_in_place(parts: Path) -> None:
    assert combine(parts, "-d", "b")[0] == 0
    assert count_of(parts / "b") == 6
    status, out, _ = combine(parts, "-d", "b")
    assert status == 0
    assert "nothing to combine" in out
    assert len(datafolder.files(str(parts / "b"))) == 1


def test_files_of_the_standard_module_are_added_and_stay(parts: Path) -> None:
    pickled = parts / "counts"
    CoverageResults({("f", 1): 10}, outfile=str(pickled))._save_counts()
    assert combine(parts, "a", pickled, "a/../counts")[0] == 0
    assert count_of(parts / "sum") == 11
    assert pickled.exists()


def test_files_that_others_have_named_are_counted_once(parts: Path) -> None:
    mine = parts / "sum" / "mine.xt"
    mine.parent.mkdir()
    mine.write_bytes(datafile.dumps(a_result(10), {}))
    assert combine(parts, "--keep", "a")[0] == 0
    assert count_of(mine.parent) == 11
    mine.write_bytes(datafile.dumps(a_result(100), {}))
    assert combine(parts, "a", mine)[0] == 0
    assert count_of(mine.parent) == 101
    assert len(datafolder.files(str(mine.parent))) == 1
    # Another one of that name is another one.
    mine.write_bytes(datafile.dumps(a_result(1000), {}))
    assert count_of(mine.parent) == 1101


def test_a_file_that_cannot_be_read_is_named_and_stays(parts: Path) -> None:
    bad = parts / "a" / "run-host-1-00000000.xt"
    bad.write_bytes(b"\x89EXT\r\n\x1a\n")
    status, out, error = combine(parts, "a", "b")
    assert status == 1
    assert "3 files combined" in out
    assert "00000000.xt' is left out: damaged counts file" in error
    assert bad.exists()
    assert count_of(parts / "sum") == 7


def test_sums_that_share_a_part_are_not_both_counted(parts: Path) -> None:
    assert combine(parts, "--keep", "-o", "one", "a", "b")[0] == 0
    assert combine(parts, "--keep", "-o", "other", "a")[0] == 0
    status, _, error = combine(parts, "one", "other")
    assert status == 1
    assert "a sum cannot be parted" in error
    assert count_of(parts / "sum") == 7


@pytest.mark.parametrize("copies", [1, 2])
def test_a_sum_and_copies_of_it_under_other_names_are_counted_once(
    parts: Path, copies: int
) -> None:
    assert combine(parts, "--keep", "-o", "one", "a", "b")[0] == 0
    (name,) = datafolder.files(str(parts / "one"))
    for number in range(copies):
        copy = parts / f"copy{number}.xt"
        copy.write_bytes((parts / "one" / name).read_bytes())
    given = [f"copy{number}.xt" for number in range(copies)]
    status, _, error = combine(parts, "one", *given)
    assert (status, error.count("a sum cannot be parted")) == (1, copies)
    assert count_of(parts / "sum") == 7


def test_combining_that_was_cut_short_counts_nothing_twice(parts: Path) -> None:
    # Killed when the sum was written, and the parts were not yet removed.
    names = datafolder.files(str(parts / "b"))
    inputs = [merging.Input(str(parts / "b" / name), name) for name in names]
    done = merging.merge(inputs)
    data = done.dumps(merging.stands_for(done.names))
    datafolder.write_bytes(str(parts / "sum"), data, "combined")
    assert combine(parts, "b", "a")[0] == 0
    assert count_of(parts / "sum") == 7
    assert datafolder.files(str(parts / "b")) == set()


def test_several_at_once_count_each_file_once(parts: Path) -> None:
    for n in range(40):
        datafolder.write(str(parts / f"c{n % 4}"), a_result(1), "run")
    command = [sys.executable, "-m", "exactrace", "combine", "-o", "sum"]
    environment = {**os.environ, "PYTHONPATH": PACKAGE}
    folders = ["a", "b", "c0", "c1", "c2", "c3"]
    running = [
        subprocess.Popen([*command, *folders], cwd=parts, env=environment)
        for _ in range(4)
    ]
    assert [process.wait() for process in running] == [0] * 4
    assert count_of(parts / "sum") == 47
    assert len(datafolder.files(str(parts / "sum"))) == 1


def test_runs_that_end_at_once_lose_nothing(folder: Path) -> None:
    (folder / "prog.py").write_text("x = 1\n")
    command = [sys.executable, "-m", "exactrace", "run", "-q", "--append", "prog.py"]
    environment = {**os.environ, "PYTHONPATH": PACKAGE, "EXACTRACE_DATA": "sum"}
    for _ in range(2):
        running = [
            subprocess.Popen(command, cwd=folder, env=environment) for _ in range(4)
        ]
        assert [process.wait() for process in running] == [0] * 4
    results, _, troubles = datafolder.read(
        str(folder / "sum"), datafolder.files(str(folder / "sum"))
    )
    assert troubles == []
    assert results.counts[str(folder / "prog.py"), 1] == 8


def test_paths_are_mapped_by_options_and_settings(tmp_path: Path) -> None:
    here = tmp_path / "src"
    for number, name in enumerate(
        ["/ci/build/app/m.py", "C:\\work\\app\\m.py", str(here / "m.py"), "/lib/x.py"]
    ):
        counts = {(name, 1): 10**number}
        datafolder.write(str(tmp_path / "data"), CoverageResults(counts), "run")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.exactrace.paths]\napp = ["src", "/ci/*/app", "D:/app"]\n'
    )
    work = tmp_path / "below"
    work.mkdir()
    status, out, _ = combine(
        work, "-d", tmp_path / "data", "--map", "C:/work/app=../src"
    )
    assert status == 0
    assert "2 source files renamed" in out
    results, _, _ = datafolder.read(
        str(tmp_path / "data"), datafolder.files(str(tmp_path / "data"))
    )
    assert results.counts == {(str(here / "m.py"), 1): 111, ("/lib/x.py", 1): 1000}


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("/ci", "/ci/a.py", "/here/a.py"),
        ("/ci/", "/ci/b/a.py", "/here/b/a.py"),
        ("/ci", "/cinema/a.py", None),
        ("/ci", "/x/ci/a.py", None),
        ("*/ci", "/x/y/ci/a.py", "/here/a.py"),
        ("*/ci", "ci/a.py", "/here/a.py"),
        ("/x/*/ci", "/x/y/ci/a.py", "/here/a.py"),
        ("/x/*/ci", "/x/y/z/ci/a.py", None),
        ("/x/**/ci", "/x/y/z/ci/a.py", "/here/a.py"),
        ("/x/job-?", "/x/job-1/a.py", "/here/a.py"),
        ("/x/job-?", "/x/job-12/a.py", None),
        ("/x.y", "/xay/a.py", None),
        ("C:\\ci", "C:\\ci\\b\\a.py", "/here/b/a.py"),
        ("/ci/a.py", "/ci/a.py", "/here"),
    ],
)
def test_patterns_of_paths(pattern: str, name: str, expected: str | None) -> None:
    rules = PathMap()
    rules.add(pattern, "/here")
    assert rules.apply(name) == (expected or name)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["none"], 1, "exactrace: there is no file or folder 'none' to combine"),
        ([], 1, "exactrace: there is no file or folder 'sum' to combine"),
        (["empty"], 1, "exactrace: there are no counts to combine"),
        (["--map", "x"], 2, "'x' is not OLD=NEW"),
        (["--map", "/=x"], 2, "'/=x' is not OLD=NEW"),
        (["-o", "file"], 2, "'file' is no folder"),
    ],
)
def test_bad_arguments_are_named(
    tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    done = combine(tmp_path, *arguments)
    assert done[0] == status
    assert message in done[2]


def test_what_a_process_is_counting_stays_with_it(parts: Path) -> None:
    (parts / "prog.py").write_text("print(1, flush=True)\ninput()\n")
    command = [sys.executable, "-m", "exactrace", "run", "-q", "-d", "c", "prog.py"]
    running = subprocess.Popen(
        command,
        cwd=parts,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"1\n"
    in_files = bool(datafolder.files(str(parts / "c")))
    status, out, error = combine(parts, "a", "c")
    assert status == 0
    assert "1 file combined" in out
    assert (f"stays: process {running.pid} is counting in it" in error) == in_files
    running.communicate(b"\n")
    assert running.returncode == 0
    assert combine(parts, "c")[0] == 0
    results = CoverageResults(infile=str(parts / "sum"))
    expected = {("f", 1): 1}
    expected |= {(str(parts / "prog.py"), line): 1 for line in (1, 2)}
    assert {key: results.counts[key] for key in expected} == expected


@pytest.mark.parametrize("length", [0, 5, 1 << 20])
def test_a_file_that_was_never_begun_holds_nothing(parts: Path, length: int) -> None:
    (parts / "a" / "run-host-1-00000000.xt").write_bytes(bytes(length))
    assert count_of(parts / "a") == 1
    assert combine(parts, "a")[0::2] == (0, "")
    assert count_of(parts / "sum") == 1


def test_ctrl_c_ends_without_a_traceback(parts: Path) -> None:
    program = (
        "import signal, sys\n"
        "from exactrace import cli, merging\n"
        "def merge(*arguments, **options):\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "merging.merge = merge\n"
        "cli.main(['combine', '-o', 'sum', 'a'])\n"
    )
    status, out, error = run(["-c", program], parts)
    assert (status, out, error) == (-signal.SIGINT, "", "")
    assert count_of(parts / "a") == 1


def test_a_bad_table_of_paths_is_named(parts: Path) -> None:
    (parts / "pyproject.toml").write_text('[tool.exactrace.paths]\napp = ["src"]\n')
    status, _, error = combine(parts, "a")
    assert status == 1
    assert "'paths' in [tool.exactrace] is to be a table" in error
    assert count_of(parts / "a") == 1


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    program = """
import resource, sys
from exactrace import _native, datafile
from exactrace.results import CoverageResults
counts = {(f"/some/module_{n % 50}.py", n): n for n in range(20_000)}
data = datafile.dumps(CoverageResults(counts), {})
total = _native.Merge()
def add(times):
    for _ in range(times):
        total.add(data)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
first = add(10)
print(add(500) - first)
"""
    status, out, error = run(["-c", program], Path("/"))
    assert (status, error) == (0, "")
    size = 24 * 20_000 // 1024
    assert int(out) < size  # KiB; 500 files were added


def test_a_sum_is_read_by_file_when_it_is_sorted() -> None:
    results = CoverageResults({("b", 2): 1, ("a", 9): 2, ("b", 1): 3})
    results.call_graph = {(None, ("a", 1, "f")): 4, (("a", 1, "f"), ("b", 1, "g")): 5}
    merge = _native.Merge()
    merge.add(datafile.dumps(results, {}))
    with pytest.raises(ValueError, match=r"sort\(\) comes first"):
        merge.rows(4)
    merge.sort()
    merge.sort()
    assert sorted(merge.names(4)) == ["a", "b"]
    assert merge.rows(4, "b") == [(1, 3), (2, 1)]
    assert merge.rows(4, "c") == merge.rows(5) == merge.names(5) == []
    assert sorted(merge.rows(4)) == [("a", 9, 2), ("b", 1, 3), ("b", 2, 1)]
    assert (None, -1, None, "a", 1, "f", 4) in merge.rows(7)
    for wrong in (
        lambda: merge.rows(3),
        lambda: merge.add(b""),
        lambda: merge.rename({}),
    ):
        with pytest.raises(ValueError, match=r"no rows are of kind 3|is being read"):
            wrong()
    for refused in (lambda: merge.rows(4, 5), lambda: merge.rows("4")):
        with pytest.raises(TypeError):
            refused()
    again, _ = datafile.loads(merge.dumps({})) or (None, None)
    assert again is not None
    assert again.counts == results.counts
    assert StoredResults(merge).call_graph == results.call_graph


def test_stored_results_are_those_that_were_kept(tmp_path: Path) -> None:
    results = CoverageResults({("b", 2): 1}, {("b", None, "f"): 1})
    results.callers = {(("b", None, "f"), ("b", "m", "g")): 1}
    results.branches = {("b", (1, 1, None, 4), "bool"): {True: 1, False: 2}}
    results.calls = {("b", 1, "f"): 3}
    results.contexts = {("test", "b", 2): 1}
    results.sources = {("b", "0" * 40)}
    results.unsure = {("b", 2): (1, 0)}
    datafolder.write(str(tmp_path), results, "x")
    stored = datafolder.read(str(tmp_path), datafolder.files(str(tmp_path)))[0]
    assert isinstance(stored, StoredResults)
    by_file = stored._by_file()
    assert (by_file.names, by_file.more_names) == (["b"], [])
    assert by_file.sides("b") == {((1, 1, None, 4), "bool"): {True: 1, False: 2}}
    for name in vars(results):
        assert getattr(stored, name) == getattr(results, name), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stored.nothing
    stored.counts["c", 1] = 1
    assert stored._by_file().names == ["b", "c"]
    stored.update(results)
    assert stored.counts["b", 2] == 2
