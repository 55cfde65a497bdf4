"""`exactrace show`, `json`, `diff` and `growth`, and files given to --file."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from beside import run
from hypothesis import given
from hypothesis import strategies as st
from test_datafile import content, some_results

from exactrace import (
    CoverageResults,
    Trace,
    countsfile,
    datafile,
    datafolder,
    growing,
    jsonreport,
)

DOCS = Path(__file__).parents[2] / "docs"


def command(folder: Path, *arguments: object) -> tuple[int, str, str]:
    return run(["-m", "exactrace", *map(str, arguments)], folder)


def write(folder: Path, name: str, **parts: Any) -> str:
    results = CoverageResults(parts.pop("counts", {}))
    for part, value in parts.items():
        setattr(results, part, value)
    datafolder.write(str(folder / name), results, "run")
    return name


def the_file(folder: Path) -> Path:
    (name,) = datafolder.files(str(folder))
    return folder / name


ALL = {
    "counts": {("a.py", 1): 3, ("a.py", 2): 4_000, ("b\x1b[2J.py", 7): 1},
    "calls": {("a.py", 1, "<module>"): 1, ("a.py", 2, "f"): 50},
    "call_graph": {(None, ("a.py", 1, "<module>")): 1},
    "branches": {("a.py", (2, 2, 4, 9), "bool"): {True: 30, False: 20}},
}

# --- show ---------------------------------------------------------------------


def test_show_tells_what_a_file_holds(tmp_path: Path) -> None:
    write(tmp_path, "data", **ALL)
    status, out, error = command(
        tmp_path, "show", "data", "--lines", "--branches", "--functions"
    )
    assert (status, error) == (0, "")
    assert "format: counts file of exactrace, version 1" in out
    assert re.search(r"^ +4 +3 +3 +72 +good +lines$", out, re.MULTILINE)
    for said in ("2  files", "4,004  hits of lines", "51  calls", "1  branches"):
        assert said in out
    assert "4,000  a.py:2\n" in out
    assert "   50  a.py:2 f\n" in out
    assert "   20  a.py:2:4 bool False\n" in out
    assert "b\\x1b[2J.py:7" in out
    assert "\x1b" not in out


def test_show_lists_notes(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(9)]
    datafolder.write(str(tmp_path / "data"), CoverageResults(), "run", names)
    some = command(tmp_path, "show", "data")[1]
    assert "  stands for n0\n" in some
    assert "... and 4 more" in some
    assert "  stands for n8\n" in command(tmp_path, "show", "--notes", "data")[1]


def test_show_reads_pickles(tmp_path: Path) -> None:
    countsfile.save(tmp_path / "pickled", {("a.py", 1): 5}, {}, {})
    status, out, _ = command(tmp_path, "show", "pickled")
    assert status == 0
    assert "format: pickle" in out
    assert "5  hits of lines" in out


def test_show_says_of_every_cut_and_flip_what_it_can(tmp_path: Path) -> None:
    write(tmp_path, "data", **ALL)
    data = the_file(tmp_path / "data").read_bytes()
    cuts = [data[:length] for length in (0, 5, 20, 40, 79, 300, len(data) - 1)]
    flips = [
        data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        for at in (0, 8, 12, 15, 16, 23, 24, 45, 55, 60, 70, len(data) - 3)
    ]
    (tmp_path / "bad").mkdir()
    for number, damaged in enumerate(cuts + flips):
        (tmp_path / "bad" / f"{number:02}.xt").write_bytes(damaged)
    status, out, error = command(tmp_path, "show", "bad")
    assert (status, error) == (1, "")
    assert out.count("cannot be read: ") == len(cuts + flips)
    assert "the header says" in out
    assert " cut off " in out
    assert " damaged " in out


@pytest.mark.parametrize("name", ["none", "empty"])
def test_show_names_what_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    status, out, error = command(tmp_path, "show", name)
    assert (status, out) == (1, "")
    assert error.startswith("exactrace: ")
    assert repr(name) in error


# --- json ---------------------------------------------------------------------


def documented() -> dict[str, set[str]]:
    """Return the keys of each object that docs/json.md tells of."""
    objects: dict[str, set[str]] = {}
    name = ""
    for line in (DOCS / "json.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            name = line.removeprefix("## ").strip("`")
        found = re.match(r"\| `(\w+)` \|", line)
        if found:
            objects.setdefault(name, set()).add(found[1])
    return objects


def check_keys(document: dict[str, Any]) -> None:
    known = documented()
    assert document.keys() == known["The document"]
    assert document["meta"].keys() == known["meta"]
    assert document["totals"].keys() == {"files"} | known["summary"]
    functions = [*document["functions_called"]]
    for entry in document["callers"]:
        assert entry.keys() == known["callers"]
        functions += entry.values()
    assert all(entry.keys() == known["functions_called"] for entry in functions)
    for entry in document["call_graph"]:
        assert entry.keys() == known["call_graph"]
    for entry in document["files"].values():
        assert entry.keys() == known["files"]
        assert entry["summary"].keys() == known["summary"]
        assert all(each.keys() == known["branches"] for each in entry["branches"])
        assert all(each.keys() == known["functions"] for each in entry["functions"])


def strict(schema: Any) -> Any:
    """Return a schema that allows no keys but those that it knows."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(part) for key, part in schema.items()}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


SCHEMA = json.loads((DOCS / "json.schema.json").read_text(encoding="utf-8"))
check_schema = fastjsonschema.compile(strict(SCHEMA))


def test_the_schema_refuses_what_is_not_documented(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text("def f(): pass\nf()\n")
    assert command(tmp_path, "run", "-q", "--calls", "prog.py")[0] == 0
    document = json.loads(command(tmp_path, "json")[1])
    check_schema(document)
    (entry,) = document["files"].values()
    entry["summary"]["hits"] = -1
    with pytest.raises(fastjsonschema.JsonSchemaException, match="hits"):
        check_schema(document)
    entry["summary"]["hits"] = 1
    entry["more"] = 1
    with pytest.raises(fastjsonschema.JsonSchemaException, match="more"):
        check_schema(document)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], ["m.py", "prog.py"]),
        (["m.py"], ["m.py"]),
        (["--omit", "m.py"], ["prog.py"]),
        (["--source", "."], ["m.py", "never.py", "prog.py"]),
    ],
)
def test_json_of_some_files(
    tmp_path: Path, arguments: list[str], shown: list[str]
) -> None:
    text = "def f():\n    if f:\n        return 1\n"
    (tmp_path / "m.py").write_text(text)
    (tmp_path / "never.py").write_text("if 1:  # pragma: no cover\n    x = 1\ny = 2\n")
    (tmp_path / "prog.py").write_text("import m\nm.f()\n")
    assert command(tmp_path, "run", "-q", "--calls", "prog.py")[0] == 0
    status, out, error = command(tmp_path, "json", *arguments)
    assert (status, error) == (0, "")
    document = json.loads(out)
    check_schema(document)
    assert list(document["files"]) == [str(tmp_path / name) for name in shown]
    assert document["totals"]["files"] == len(shown)
    called = {edge["called"]["file"] for edge in document["call_graph"]}
    assert called <= document["files"].keys()
    if "never.py" in shown:
        entry = document["files"][str(tmp_path / "never.py")]
        assert (entry["lines"], entry["missing"]) == ({}, [3])


def read_back(document: dict[str, Any]) -> CoverageResults:
    results = CoverageResults()
    for name, entry in document["files"].items():
        for line, hits in entry["lines"].items():
            results.counts[name, int(line)] = hits
        for line, contexts in entry["contexts"].items():
            for context, hits in contexts.items():
                results.contexts[context, name, int(line)] = hits
        for function in entry["functions"]:
            key = name, function["line"], function["name"]
            results.calls[key] = function["calls"]
        for branch in entry["branches"]:
            ends = ("line", "end_line", "column", "end_column")
            place: Any = tuple(branch[end] for end in ends)
            sides = {True: branch["true"], False: branch["false"]}
            results.branches[name, place, branch["kind"]] = {
                side: hits for side, hits in sides.items() if hits is not None
            }

    def entered(part: dict[str, Any]) -> tuple[str, int, str]:
        return part["file"], part["line"], part["name"]

    def listed(part: dict[str, Any]) -> tuple[str, str | None, str]:
        return part["file"], part["module"], part["name"]

    for edge in document["call_graph"]:
        caller = None if edge["caller"] is None else entered(edge["caller"])
        results.call_graph[caller, entered(edge["called"])] = edge["calls"]
    for part in document["functions_called"]:
        results.calledfuncs[listed(part)] = 1
    for part in document["callers"]:
        results.callers[listed(part["caller"]), listed(part["called"])] = 1
    return results


@given(some_results())
def test_json_holds_all_counts_as_documented(results: CoverageResults) -> None:
    again = json.loads("".join(jsonreport.write(results)))
    pretty = "".join(jsonreport.write(results, pretty=True))
    assert pretty == json.dumps(again, indent=2)
    assert content(read_back(again)) == content(results)
    check_schema(again)
    if results.counts:
        check_keys(again)


@pytest.mark.parametrize("pretty", [[], ["--pretty"]])
def test_json_of_a_run(tmp_path: Path, pretty: list[str]) -> None:
    source = "def f(n):\n    if n:\n        return 1\n    return 2\n\nf(0)\n"
    (tmp_path / "prog.py").write_text(source)
    assert command(tmp_path, "run", "-q", "--calls", "prog.py")[0] == 0
    status, out, error = command(tmp_path, "json", *pretty)
    assert (status, error) == (0, "")
    assert out.count("\n") == 1 or pretty
    document = json.loads(out)
    check_keys(document)
    entry = document["files"][str(tmp_path / "prog.py")]
    assert entry["lines"] == {"1": 1, "2": 1, "4": 1, "6": 1}
    assert entry["missing"] == [3]
    assert document["totals"]["hits"] == 4
    assert document["totals"]["lines_missing"] == 1
    assert command(tmp_path, "json", "-o", "out.json")[:2] == (0, "")
    assert json.loads((tmp_path / "out.json").read_text()) == document


# --- diff ---------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write(
        tmp_path,
        "a",
        counts={("m.py", 1): 10, ("m.py", 2): 100, ("m.py", 3): 50, ("n.py", 1): 1},
        calls={("m.py", 1, "f"): 10, ("m.py", 9, "gone"): 2},
        branches={("m.py", (2, 2, 0, 5), "bool"): {True: 40, False: 60}},
    )
    write(
        tmp_path,
        "b",
        counts={("m.py", 1): 10, ("m.py", 2): 105, ("m.py", 3): 40, ("n.py", 9): 1},
        calls={("m.py", 4, "f"): 11},
        branches={("m.py", (2, 2, 0, 5), "bool"): {True: 40, False: 61}},
    )
    return tmp_path


def test_diff_sorts_by_effect(two: Path) -> None:
    status, out, error = command(two, "diff", "a", "b")
    assert (status, error) == (0, "")
    rows = [line.split() for line in out.splitlines() if line]
    assert rows == [
        ["change", "%", "A", "B", "total"],
        ["-5", "-3.1%", "161", "156", "all", "hits"],
        ["-1", "-8.3%", "12", "11", "all", "calls"],
        ["+1", "+1.0%", "100", "101", "all", "sides", "taken"],
        ["change", "%", "A", "B", "lines"],
        ["-10", "-20.0%", "50", "40", "m.py:3"],
        ["+5", "+5.0%", "100", "105", "m.py:2"],
        ["-1", "gone", "1", "0", "n.py:1"],
        ["+1", "new", "0", "1", "n.py:9"],
        ["change", "%", "A", "B", "functions"],
        ["-2", "gone", "2", "0", "m.py:", "gone"],
        ["+1", "+10.0%", "10", "11", "m.py:", "f"],
        ["change", "%", "A", "B", "branches"],
        ["+1", "+1.7%", "60", "61", "m.py:2:0", "bool", "False"],
    ]


def test_diff_shows_the_top_of_what_is_asked_for(two: Path) -> None:
    out = command(two, "diff", "a", "b", "--only", "lines", "--top", "1")[1]
    assert "m.py:3" in out
    assert "m.py:2" not in out
    assert "... and 3 lines more" in out
    assert "functions" not in out
    whole = command(two, "diff", "a", "b", "--only", "lines", "--top", "0")[1]
    assert "n.py:9" in whole


def test_diff_as_json_and_markdown(two: Path) -> None:
    out = command(two, "diff", "a", "b", "--format", "json", "--fail-over", "9")[1]
    document = json.loads(out)
    assert document["totals"]["lines"]["by"] == -5
    assert [entry["name"] for entry in document["functions"]] == [
        "m.py: gone",
        "m.py: f",
    ]
    assert [entry["name"] for entry in document["grown"]] == ["m.py: f"]
    out = command(two, "diff", "a", "b", "--format", "markdown")[1]
    assert "| change | % | A | B | lines |\n| ---: |" in out
    assert "| +5 | +5.0% | 100 | 105 | m.py:2 |\n" in out


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--fail-over", "10"], 0, ""),
        (["--fail-over", "9.9%"], 1, "m.py: f: 10 -> 11 (+10.0%)"),
        (["--fail-over", "5", "--only", "lines"], 0, ""),
        (["--fail-over", "4.9", "--only", "lines"], 1, "m.py:2: 100 -> 105 (+5.0%)"),
        (["--fail-over", "1", "--fail-on", "total"], 0, ""),
        (["--fail-over", "0", "--fail-on", "total"], 1, "all sides taken: 100 -> 101"),
    ],
)
def test_diff_is_a_gate(two: Path, options: list[str], status: int, said: str) -> None:
    done = command(two, "diff", "a", "b", *options)
    assert done[0] == status
    assert said in done[2]
    assert bool(done[2]) == bool(status)


def test_the_same_has_no_difference(two: Path) -> None:
    assert command(two, "diff", "a", "a", "--fail-over", "0") == (
        0,
        "no count has changed\n",
        "",
    )


def test_what_was_nothing_grew_over_any_limit(tmp_path: Path) -> None:
    write(tmp_path, "a", counts={("m.py", 1): 0})
    write(tmp_path, "b", counts={("m.py", 1): 1})
    assert command(tmp_path, "diff", "a", "b", "--fail-over", "1e300")[0] == 1


def test_diff_maps_paths(tmp_path: Path) -> None:
    write(tmp_path, "a", counts={("/old/m.py", 1): 5})
    write(tmp_path, "b", counts={("/new/m.py", 1): 5})
    out = command(tmp_path, "diff", "a", "b", "--map", "/old=/new")[1]
    assert out == "no count has changed\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["a"], 2, "required: B"),
        (["a", "none"], 1, "no counts in 'none'"),
        (["a", "b", "--fail-over", "x"], 2, "'x' is no number from 0 on"),
        (["a", "b", "--fail-over", "inf"], 2, "'inf' is no number from 0 on"),
        (["a", "b", "--top", "-1"], 2, "--top"),
        (["a", "b", "--fail-on", "total"], 2, "--fail-on needs --fail-over"),
    ],
)
def test_bad_arguments_of_diff_are_named(
    two: Path, arguments: list[str], status: int, message: str
) -> None:
    done = command(two, "diff", *arguments)
    assert done[:2] == (status, "")
    assert message in done[2]


# --- growth -------------------------------------------------------------------

SIZES = (10, 20, 40, 80, 160)


@pytest.mark.parametrize(
    ("count", "kind"),
    [
        (lambda _n: 7, "constant"),
        (lambda n: n.bit_length(), "log n"),
        (lambda n: 3 * n + 2, "n"),
        (lambda n: n + n.bit_length() // 8, "n"),
        (lambda n: round(5 * n * math.log2(n)), "n log n"),
        (lambda n: n * n, "n^2"),
        (lambda n: n * (n - 1) // 2, "n^2"),
        (lambda n: n * n + 5 * n, "n^2"),
        (lambda n: n**3 - n, "n^3"),
        (lambda n: 2**n - 1, "2^n"),
    ],
)
def test_growth_is_told_by_the_counts(count: Any, kind: str) -> None:
    assert growing.classify(SIZES, [count(size) for size in SIZES])[0] == kind


@given(st.lists(st.integers(0, 10**18), min_size=3, max_size=6))
def test_any_counts_have_some_growth(counts: list[int]) -> None:
    sizes = [10**k for k in range(len(counts))]
    kind, error = growing.classify(sizes, counts)
    assert kind in growing.CLASSES
    assert math.isfinite(error)
    assert math.isfinite(growing.exponent(sizes, counts))


def test_the_exponent_is_that_of_the_power_law() -> None:
    counts = [6 * size**3 for size in SIZES]
    assert growing.exponent(SIZES, counts) == pytest.approx(3)


PROGRAM = """
import sys
items = list(range(int(sys.argv[1])))
for a in items:
    for b in items:
        pass
for a in items:
    pass
"""


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    (tmp_path / "prog.py").write_text(PROGRAM)
    for size in (10, 20, 40):
        data = f"n{size}"
        assert command(tmp_path, "run", "-q", "-d", data, "prog.py", size)[0] == 0
    return tmp_path


def test_growth_names_the_lines_of_a_program(grown: Path) -> None:
    runs = ("n40", "n10", "n20", "--sizes", "40,10,20")
    status, out, error = command(grown, "growth", *runs)
    assert (status, error) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["growth", "exponent", "n=10", "n=20", "n=40", "line"]
    assert rows[1] == ["n^2", "2.00", "100", "400", "1,600", "prog.py:6"]
    assert [row[-1] for row in rows[1:3]] == ["prog.py:6", "prog.py:5"]
    assert rows[4][:6] == ["2", "of", "7", "lines", "grow", "faster"]
    assert "prog.py:7" not in out
    assert "prog.py:7" in command(grown, "growth", *runs, "--all")[1]
    document = json.loads(command(grown, "growth", *runs, "--format", "json")[1])
    assert document["sizes"] == [10, 20, 40]
    assert [line["growth"] for line in document["lines"]] == ["n^2", "n^2"]
    assert document["lines"][0]["counts"] == [100, 400, 1600]
    out = command(grown, "growth", *runs, "--format", "markdown", "--top", "1")[1]
    assert "| n^2 | 2.00 | 100 | 400 | 1,600 | prog.py:6 |\n" in out
    assert "... and 1 lines more" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["n10", "n20", "--sizes", "1,2"], "at least 3 different sizes"),
        (["n10", "n20", "n40", "--sizes", "1,2,2"], "at least 3 different sizes"),
        (["n10", "n20", "n40", "--sizes", "1,2,x"], "no list of whole numbers"),
        (["n10", "n20", "n40", "--sizes", "0,2,3"], "no list of whole numbers"),
        (["n10", "n20", "--sizes", "1,2,3"], "3 sizes for 2 runs"),
        (["n10", "n20", "n40"], "--sizes"),
    ],
)
def test_bad_arguments_of_growth_are_named(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    status, out, error = command(tmp_path, "growth", *arguments)
    assert (status, out) == (2, "")
    assert message in error


# --- --file -------------------------------------------------------------------


def test_file_reads_our_own_files_and_folders(tmp_path: Path) -> None:
    write(tmp_path, "data", counts={("a.py", 1): 2})
    datafolder.write(str(tmp_path / "more"), CoverageResults({("a.py", 1): 5}), "run")
    one = the_file(tmp_path / "data")
    assert countsfile.load(one) == ({("a.py", 1): 2}, {}, {})
    assert CoverageResults(infile=str(tmp_path / "more")).counts == {("a.py", 1): 5}


def test_a_file_of_our_own_stays_one(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text("x = 1\n")
    write(tmp_path, "data", **ALL)
    one = the_file(tmp_path / "data")
    status, _, error = command(tmp_path, "--count", "--no-report", "-f", one, "prog.py")
    assert (status, error) == (0, "")
    read = datafile.loads(one.read_bytes())
    assert read is not None
    expected = {**ALL["counts"], ("prog.py", 1): 1}
    assert {key: read[0].counts[key] for key in expected} == expected
    assert read[0].branches == ALL["branches"]


def test_results_can_be_asked_for_again(tmp_path: Path) -> None:
    write(tmp_path, "data", **ALL)
    one = str(the_file(tmp_path / "data"))
    tracer = Trace(count=1, trace=0, infile=one, outfile=one)
    for _ in range(2):
        results = tracer.results()
        assert results.branches == ALL["branches"]
        assert results.calls == ALL["calls"]
        results._save_counts()
    assert content(CoverageResults(infile=one)) == content(results)


def test_a_folder_is_reported_on_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text("x = 1\n")
    write(tmp_path, "data", counts={(str(tmp_path / "prog.py"), 1): 5})
    before = the_file(tmp_path / "data").read_bytes()
    status, out, _ = command(tmp_path, "-r", "-s", "-f", "data", "-C", "covers")
    assert status == 0
    assert "    1   100" in out
    assert "    5: x = 1" in (tmp_path / "covers" / "prog.cover").read_text()
    assert the_file(tmp_path / "data").read_bytes() == before
    status, _, error = command(tmp_path, "--count", "-f", "data", "prog.py")
    assert status == 1
    assert "exactrace: --file 'data' is a folder" in error
