"""CoverageResults: equal to the standard module's, or better where that fails."""

from __future__ import annotations

import codecs
import importlib.util
import io
import linecache
import os
import pickle
import random
import sys
import trace
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from beside import run, write

import exactrace
from exactrace import _native
from exactrace.progress import Progress

PROGRAM = """\
'''A module.'''

def used(n):
\t\"\"\"Doc.\"\"\"
\tif n:
\t\treturn 'ä'\t# tab
\treturn 2  #pragma NO COVER

class A:
    def unused(self):
        return [1,
                2]
"""


class Report(dict[str, bytes]):
    """What a report wrote: a dict of the files, and the two streams."""

    stdout = ""
    stderr = ""


def report(
    module: Any, counts: Any, folder: Path, missing: bool = True, **options: Any
) -> Report:
    """Write a report with `module` and take away the files that are new."""
    linecache.clearcache()
    before = set(folder.rglob("*"))
    out, err = io.StringIO(), io.StringIO()
    names = ("calledfuncs", "callers", "infile", "outfile")
    given = {name: options.pop(name) for name in names if name in options}
    written = Report()
    with redirect_stdout(out), redirect_stderr(err):
        results = module.CoverageResults(counts, **given)
        results.write_results(missing, **options)
    written.stdout, written.stderr = out.getvalue(), err.getvalue()
    for path in set(folder.rglob("*")) - before:
        if path.is_file():
            written[str(path.relative_to(folder))] = path.read_bytes()
            path.unlink()
    return written


def check_equal(counts: Any, folder: Path, **options: Any) -> Report:
    """Write one report with each module; return it if both are equal."""
    expected = report(trace, dict(counts), folder, **options)
    ours = report(exactrace, dict(counts), folder, **options)
    assert ours == expected
    assert ours.stdout == expected.stdout
    assert ours.stderr == expected.stderr
    return ours


SOURCES = {
    "program": PROGRAM.encode(),
    "empty": b"",
    "newlines": b"\n\n\n",
    "no_final_newline": b"x = 1\ny = 2",
    "crlf": b"x = 1\r\ny = 2\r\n\r\nz = 3",
    "cr": b"x = 1\ry = 2\r",
    "form_feed": b"x = 1\n\x0cy\t= 2\n\x0c\nz = 3\n",
    "tabs": "if 1:\n\tä = '€\t😀\tx'\n\t\t# c\n".encode(),
    "latin_1": b"# coding: latin-1\nx = '\xe4\t\xe4'\n",
    "latin_9": b"# -*- coding: iso-8859-15 -*-\nx = '\xa4'\n",
    "bom": codecs.BOM_UTF8 + "x = 'ä'\ny = 2\n".encode(),
    "bom_and_cookie": codecs.BOM_UTF8 + b"# coding: utf-8\nx = 1\n",
    "shift_jis": b"# coding: shift_jis\nx = '\x83\x65\t.'\n",
    "separators": "x = 'a\x1c\x85\u2028b'\ny = 2\n".encode(),
    "pragma": b"def f():\n    x = 1  #pragma NO COVER\n    # pragma: no cover\n",
}


@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize("name", SOURCES)
def test_a_listing_equals_that_of_the_standard_module(
    name: str, missing: bool, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.py"
    path.write_bytes(SOURCES[name])
    counts = {(str(path), line): 10**line for line in (0, 1, 3, 6, 99)}
    coverdir = str(tmp_path / "covers" / "deep")
    for options in ({}, {"coverdir": coverdir, "summary": True}, {"summary": True}):
        written = check_equal(counts, tmp_path, missing=missing, **options)
        assert len(written) == 1
    assert check_equal({(str(path), 99): 1}, tmp_path, missing=missing)


def test_library_files_have_the_listings_of_the_standard_module(
    tmp_path: Path,
) -> None:
    files = sorted(Path(os.__file__).parent.glob("*.py"))[::15]
    rng = random.Random(1)
    counts = {}
    for path in files:
        for line in range(1, path.read_bytes().count(b"\n"), rng.randrange(1, 9)):
            counts[str(path), line] = rng.randrange(10 ** rng.randrange(1, 8))
    written = check_equal(
        counts, tmp_path, coverdir=str(tmp_path / "covers"), summary=True
    )
    assert len(written) == len(files)
    assert written.stdout.count("\n") == len(files) + 1


@pytest.mark.parametrize("count", [0, -1, True, 2**63, -(2**70), 2.75])
def test_unusual_counts_are_printed_as_the_standard_module_does(
    count: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\ny = 2\n")
    check_equal({(str(path), 1): count}, tmp_path, summary=True)


def test_keys_of_unusual_types_are_counted(tmp_path: Path) -> None:
    class Name(str):
        __slots__ = ()

    path = tmp_path / "a.py"
    path.write_text("x = 1\ny = 2\nz = 3\n")
    check_equal({(Name(path), 1): 5, (str(path), 2.0): 6}, tmp_path)


def test_names_in_angle_brackets_have_no_listing(tmp_path: Path) -> None:
    counts = {("<string>", 1): 1, ("<frozen importlib._bootstrap>", 5): 2}
    assert check_equal(counts, tmp_path, summary=True) == {}


def test_the_name_of_a_compiled_file_means_its_source(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    written = check_equal({(str(tmp_path / "a.pyc"), 1): 4}, tmp_path)
    assert written["a.cover"] == b"    4: x = 1\n"


def test_functions_and_calls_are_printed_as_the_standard_module_does(
    tmp_path: Path,
) -> None:
    f, g, h = ("/b.py", "b", "f"), ("/b.py", "b", "A.g"), ("/a.py", "a", "h")
    written = check_equal(
        {},
        tmp_path,
        calledfuncs={f: 1, g: 1, h: 1},
        callers={(f, g): 1, (g, h): 1, (f, h): 1, (h, h): 1, (h, f): 1},
    )
    assert "functions called:" in written.stdout
    assert "  --> /a.py\n    b.A.g -> a.h" in written.stdout


def test_nothing_to_report_prints_nothing(tmp_path: Path) -> None:
    written = check_equal({}, tmp_path, summary=True)
    assert (written.stdout, written.stderr) == ("", "")


def test_a_listing_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "a.cover").mkdir()
    counts = {(str(tmp_path / "a.py"), 1): 1, (str(tmp_path / "b.py"), 1): 1}
    written = check_equal(counts, tmp_path, summary=True)
    assert "Could not open" in written.stderr
    assert list(written) == ["b.cover"]


def test_shares_are_rounded_as_the_standard_module_rounds_them() -> None:
    rng = random.Random(2)
    rows = []
    expected = ["lines   cov%   module   (path)"]
    for _ in range(3000):
        lines = rng.randrange(1, 10 ** rng.randrange(1, 7))
        hit = rng.randrange(lines + 1)
        rows.append(("m", hit, lines, "/ä\udc80"))
        expected.append(f"{lines:5d}   {hit / lines:.1%}   m   (/ä\udc80)")
    assert _native.summary(rows, True).splitlines() == expected
    expected[1:] = [
        "%5d   %3d%%   m   (/ä\udc80)" % (lines, int(100 * hit / lines))
        for _, hit, lines, _ in rows
    ]
    assert _native.summary(rows, False).splitlines() == expected


# The class itself


def test_the_counts_given_are_kept_and_the_others_copied() -> None:
    counts = {("a", 1): 1}
    functions: dict[Any, int] = {("a", "b", "c"): 1}
    calls: dict[Any, int] = {}
    results = exactrace.CoverageResults(counts, functions, callers=calls)
    assert results.counts is counts
    assert results.counter == counts
    assert results.counter is not counts
    assert results.calledfuncs == functions
    assert results.calledfuncs is not functions
    assert results.callers is not calls
    assert results.infile is None
    assert results.outfile is None
    assert exactrace.CoverageResults().counts == {}


def test_an_update_adds_counts_and_unites_the_rest() -> None:
    f, g = ("/a.py", "a", "f"), ("/a.py", "a", "g")
    results = exactrace.CoverageResults({("a", 1): 1}, {f: 1}, callers={(f, g): 7})
    other = exactrace.CoverageResults(
        {("a", 1): 2, ("b", 2): 3}, {g: 5}, callers={(g, f): 5}
    )
    results.update(other)
    assert results.counts == {("a", 1): 3, ("b", 2): 3}
    assert results.calledfuncs == {f: 1, g: 1}
    assert results.callers == {(f, g): 7, (g, f): 1}


def test_a_counts_file_is_written_and_added(tmp_path: Path) -> None:
    name = str(tmp_path / "counts")
    first = exactrace.CoverageResults({("<a>", 1): 2}, outfile=name)
    first.write_results()
    with open(name, "rb") as file:
        assert pickle.load(file) == ({("<a>", 1): 2}, {}, {})
    counts = {("<a>", 1): 3}
    again = exactrace.CoverageResults(counts, infile=name, outfile=name)
    assert again.counts == {("<a>", 1): 5}
    assert again.counter == {("<a>", 1): 3}


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_or_empty_counts_file_is_skipped(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(tmp_path / "counts")
    if content is not None:
        Path(name).write_bytes(content)
    exactrace.CoverageResults(infile=name)
    ours = capsys.readouterr().err
    trace.CoverageResults(infile=name)
    expected = capsys.readouterr().err
    assert ours.startswith(f"Skipping counts file {name!r}: ")
    if content is None:
        assert ours == expected


def test_a_counts_file_with_code_is_skipped_and_runs_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    name = tmp_path / "counts"
    name.write_bytes(pickle.dumps(Evil(), 1))
    results = exactrace.CoverageResults({("<a>", 1): 1}, infile=str(name))
    assert results.counts == {("<a>", 1): 1}
    assert "Skipping counts file" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_counts_that_cannot_be_saved_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(tmp_path / "none" / "counts")
    exactrace.CoverageResults({("<a>", 1): 1}, outfile=name).write_results()
    assert "Can't save counts files because" in capsys.readouterr().err


def test_results_can_be_pickled_and_subclassed() -> None:
    results = exactrace.CoverageResults({("a", 1): 1}, outfile="x")
    again = pickle.loads(pickle.dumps(results))
    assert type(again) is exactrace.CoverageResults
    assert again.counts == {("a", 1): 1}

    class Mine(exactrace.CoverageResults):
        extra = 1

    assert Mine({("a", 1): 1}).counts == {("a", 1): 1}


def test_a_file_written_by_hand_equals_that_of_the_standard_module(
    tmp_path: Path,
) -> None:
    lines = ["x\ty\n", "no newline", "a\rb\tc\n", "#pragma NO COVER\n", "z\n", ""]
    arguments: tuple[Any, ...] = (lines, {3: 1, 4: 1, 5: 1}, {1: 5, 2: 2**70})
    for encoding in (None, "utf-8-sig", "latin-1"):
        results = []
        for module in (trace, exactrace):
            path = str(tmp_path / module.__name__)
            results.append(
                module.CoverageResults().write_results_file(path, *arguments, encoding)
            )
        assert results[0] == results[1] == (2, 4)
        expected = (tmp_path / "trace").read_bytes()
        assert (tmp_path / "exactrace").read_bytes() == expected


# What programs override or replace


def hook_arguments(module: Any, counts: Any, folder: Path) -> list[Any]:
    """Return the arguments that an overridden write_results_file gets."""
    seen = []

    class Mine(module.CoverageResults):  # type: ignore[misc]
        def write_results_file(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
            seen.append((args, kwargs))
            return 3, 4

        def is_ignored_filename(self, filename: str) -> bool:
            return filename.endswith("ignored.py")

    out = io.StringIO()
    with redirect_stdout(out):
        Mine(counts).write_results(True, True, str(folder / "covers"))
    return [*seen, out.getvalue()]


def test_overridden_methods_get_what_the_standard_module_gives_them(
    tmp_path: Path,
) -> None:
    counts = {}
    for name, content in SOURCES.items():
        path = tmp_path / f"{name}.py"
        path.write_bytes(content)
        counts[str(path), 1] = 5
    counts[str(tmp_path / "ignored.py"), 1] = 1
    expected = hook_arguments(trace, counts, tmp_path)
    assert len(expected) == len(SOURCES) + 1
    assert hook_arguments(exactrace, counts, tmp_path) == expected


def test_a_method_replaced_in_the_object_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    results = exactrace.CoverageResults({(str(tmp_path / "a.py"), 1): 1})
    calls = []
    results.write_results_file = (  # type: ignore[method-assign]
        lambda *args: calls.append(args) or (0, 0)  # type: ignore[func-returns-value]
    )
    results.write_results()
    assert len(calls) == 1
    assert not (tmp_path / "a.cover").exists()


def test_a_replaced_finder_of_lines_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n# c\n")
    monkeypatch.setattr(exactrace, "_find_executable_linenos", lambda name: {2: 1})
    counts = {(str(tmp_path / "a.py"), 1): 1}
    written = report(exactrace, counts, tmp_path)
    assert written["a.cover"] == b"    1: x = 1\n>>>>>> # c\n"


def test_a_replaced_pragma_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2 # never\n")
    monkeypatch.setattr(exactrace, "PRAGMA_NOCOVER", "# never")
    written = report(exactrace, {(str(tmp_path / "a.py"), 1): 1}, tmp_path)
    assert written["a.cover"] == b"    1: x = 1\n       y = 2 # never\n"


# Where the standard module fails


def test_results_survive_a_change_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    results = exactrace.CoverageResults({("a.py", 1): 3})
    results._start_directory = str(tmp_path)
    results.write_results()
    assert (tmp_path / "a.cover").read_text() == "    3: x = 1\n"


def test_a_source_in_an_archive_is_listed_beside_the_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "lib.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("pkg/mod.py", "x = 1\ny = 2\n")
    name = str(archive / "pkg" / "mod.py")
    exactrace.CoverageResults({(name, 1): 3}).write_results(summary=True)
    listing = "    3: x = 1\n>>>>>> y = 2\n"
    assert (tmp_path / "pkg.mod.cover").read_text() == listing
    assert f"   pkg.mod   ({name})" in capsys.readouterr().out
    exactrace.CoverageResults({(name, 1): 3}).write_results(
        coverdir=str(tmp_path / "covers")
    )
    assert (tmp_path / "covers" / "pkg.mod.cover").read_text() == listing


def two_modules_of_one_name(folder: Path) -> dict[tuple[str, int], int]:
    """Make two files `mod.py`; return counts of theirs."""
    counts = {}
    for number, name in enumerate("ab", 1):
        (folder / name).mkdir()
        path = folder / name / "mod.py"
        path.write_text(f"{name} = {number}\n")
        counts[str(path), 1] = number
    return counts


def test_two_modules_of_one_name_are_both_listed_and_summarised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = two_modules_of_one_name(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b")])
    covers = str(tmp_path / "covers")
    written = report(exactrace, counts, tmp_path, summary=True, coverdir=covers)
    assert sorted(written.values()) == [b"    1: a = 1\n", b"    2: b = 2\n"]
    assert os.path.join("covers", "mod.cover") in written
    assert any(name.endswith(".b.mod.cover") for name in written)
    assert written.stdout.count("   mod   (") == 2


def test_two_files_of_one_name_in_a_folder_are_both_listed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "a.tpl").write_text("x = 2\n")
    counts = {(str(tmp_path / "a.py"), 1): 1, (str(tmp_path / "a.tpl"), 1): 2}
    written = report(exactrace, counts, tmp_path)
    assert written == {
        "a.cover": b"    1: x = 1\n",
        "a.tpl.cover": b"    2: x = 2\n",
    }


def test_one_file_under_two_names_is_listed_once_with_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2\n")
    monkeypatch.chdir(tmp_path)
    absolute = os.path.join(os.getcwd(), "a.py")
    counts = {("a.py", 1): 1, (absolute, 1): 2, (absolute, 2): 4}
    written = report(exactrace, counts, tmp_path, summary=True)
    assert written == {"a.cover": b"    3: x = 1\n    4: y = 2\n"}
    assert written.stdout.count("(a.py)") == 1


def test_a_missing_source_is_raised_after_all_else_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    counts = {
        (str(tmp_path / "gone.py"), 1): 1,
        (str(tmp_path / "a.py"), 1): 1,
        ("page.html", 3): 1,
        ("", 1): 1,
    }
    outfile = tmp_path / "counts"
    results = exactrace.CoverageResults(counts, outfile=str(outfile))
    with pytest.raises(FileNotFoundError, match=r"gone\.py"):
        results.write_results(True, True)
    assert (tmp_path / "a.cover").exists()
    assert outfile.exists()
    streams = capsys.readouterr()
    assert "100" in streams.out
    assert "Not printing coverage data for 'page.html': " in streams.err


def test_a_missing_source_can_be_passed_over_or_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(tmp_path / "gone.py")
    results = exactrace.CoverageResults({(name, 1): 1})
    results.write_results(True, True, ignore_missing_files=True)
    assert capsys.readouterr() == ("", "")
    results._write_results(False, True, None, "report")
    expected = f"Not printing coverage data for {name!r}: [Errno 2] "
    assert capsys.readouterr().err.startswith(expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<p>{{ name }}</p>\nmore\n", "Not showing missing lines of"),
        (b"x = 1\n\n\ny = '\xe4'\n", "Cannot decode"),
        (b"# coding: nonsense\nx = 1\n", "Cannot decode"),
        (b"# coding: rot13\nx = 1\n", "Cannot decode"),
        (b"# coding: undefined\nx = 1\n", "Cannot decode"),
        (b"x = 1\0\n", "Not showing missing lines of"),
    ],
)
def test_a_source_that_is_no_python_is_listed_with_its_counts(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(content)
    written = report(exactrace, {(str(path), 1): 7}, tmp_path, summary=True)
    lines = content.splitlines(keepends=True)
    margins = [b"    7: "] + [b"       "] * (len(lines) - 1)
    listing = b"".join(m + line for m, line in zip(margins, lines, strict=True))
    assert written == {"page.cover": listing}
    assert written.stderr.startswith(message)
    assert "page" in written.stdout


def test_a_folder_that_cannot_be_made_is_raised_after_all_else_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "file").write_text("")
    outfile = tmp_path / "counts"
    results = exactrace.CoverageResults(
        {(str(tmp_path / "a.py"), 1): 1}, outfile=str(outfile)
    )
    with pytest.raises(OSError, match="file"):
        results.write_results(coverdir=str(tmp_path / "file"))
    assert outfile.exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_reported_and_the_rest_written(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "a.cover").symlink_to("/dev/full")
    counts = {(str(tmp_path / "a.py"), 1): 1, (str(tmp_path / "b.py"), 1): 1}
    written = report(exactrace, counts, tmp_path)
    assert "Could not write" in written.stderr
    assert list(written) == ["b.cover"]


def test_names_that_stdout_cannot_encode_are_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    functions: dict[Any, int] = {("/ä.py", "ä", "f"): 1}
    exactrace.CoverageResults(calledfuncs=functions).write_results()
    stream.flush()
    assert b"filename: /\\xe4.py, modulename: \\xe4" in raw.getvalue()


# Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    now = iter(range(100))
    monkeypatch.setattr("exactrace.progress.monotonic", lambda: next(now))
    with Progress("listings", 3) as progress:
        for _ in range(3):
            progress.step()
    assert "\rlistings: 3/3" in stream.getvalue()
    assert stream.getvalue().endswith("\r" + " " * len("listings: 3/3") + "\r")


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_progress_is_not_shown_elsewhere(
    stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    now = iter(range(100))
    monkeypatch.setattr("exactrace.progress.monotonic", lambda: next(now))
    with Progress("listings", 3) as progress:
        progress.step()
        progress.clear()
    assert stream is None or stream.getvalue() == ""


def test_short_work_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("exactrace.progress.monotonic", lambda: 1.0)
    with Progress("listings", 3) as progress:
        progress.step()
    assert stream.getvalue() == ""


FAILING = """\
import sys, _testcapi, exactrace
tracer = exactrace.Trace(count=1, trace=0)
exec(compile("def f():\\n" + 100 * " a = 1\\n", "F", "exec"))
tracer.runfunc(f)
_testcapi.set_nomemory(int(sys.argv[1]), int(sys.argv[1]) + 1)
try:
    tracer.counts
except MemoryError:
    pass
finally:
    _testcapi.remove_mem_hooks()
counts = {line: n for (name, line), n in tracer.counts.items() if name == "F"}
assert len(tracer.counts) == len(list(tracer.counts))
assert counts == dict.fromkeys(range(2, 102), 1), counts
"""


@pytest.mark.skipif(
    importlib.util.find_spec("_testcapi") is None,
    reason="this Python comes without what fails allocations",
)
@pytest.mark.parametrize("number", range(1, 20))
def test_counts_are_whole_when_memory_fails_once(number: int, tmp_path: Path) -> None:
    write(tmp_path, "prog.py", FAILING)
    assert run(["prog.py", str(number)], tmp_path) == (0, "", "")
