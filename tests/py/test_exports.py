"""Counts for other tools: what is written is read back by readers of their own."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES, PLACED, check_gold, run, write
from hypothesis import given
from hypothesis import strategies as st

import exactrace
from exactrace import CoverageResults
from exactrace.reports import callgraph, callgrind, cobertura, dot, lcov
from exactrace.reports.model import Branch, FileReport

PROGRAM = """\
def even(n):
    return True if n % 2 == 0 else False

def never(n):
    for each in n:
        never(each)

def use():
    for n in range(10):
        even(n)
    return [lambda: n]

use()
"""
known = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)


def exported(folder: Path, *arguments: str) -> str:
    """Return what a command writes of a run of the program."""
    write(folder, "prog.py", PROGRAM)
    options = ("--branch", "--calls", "-q", "-d", "data")
    assert run(["-m", "exactrace", "run", *options, "prog.py"], folder)[0] == 0
    command, *rest = arguments
    status, out, error = run(["-m", "exactrace", command, "-d", "data", *rest], folder)
    assert (status, error) == (0, "")
    return out


@known
@pytest.mark.parametrize(
    ("gold", "arguments"),
    [
        ("tracefile.info", ["lcov"]),
        ("cobertura.xml", ["xml"]),
        pytest.param("counts.json", ["json", "--pretty"], marks=PLACED),
        ("callgrind.out", ["callgrind"]),
        ("calls.dot", ["dot"]),
    ],
)
def test_exports_are_as_in_the_gold_files(
    folder: Path, gold: str, arguments: list[str]
) -> None:
    text = exported(folder, *arguments).replace(str(folder), "/project")
    text = text.replace(f"exactrace {exactrace.__version__}", "exactrace VERSION")
    text = text.replace(f'"{exactrace.__version__}"', '"VERSION"')
    check_gold(gold, re.sub(r' timestamp="\d+"', ' timestamp="0"', text))


def records(text: str) -> dict[str, list[str]]:
    """Return the values of a tracefile with one file, by key."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key, []).append(value)
    return found


@known
def test_lcov_has_hits_of_lines_functions_and_sides(folder: Path) -> None:
    text = exported(folder, "lcov")
    assert text.splitlines()[-1] == "end_of_record"
    found = records(text)
    assert found["SF"] == [str(folder / "prog.py")]
    lines = dict(map(int, value.split(",")) for value in found["DA"])  # type: ignore[misc]
    assert lines == {1: 1, 2: 10, 4: 1, 5: 0, 6: 0, 8: 1, 9: 11, 10: 10, 11: 1, 13: 1}
    assert (found["LF"], found["LH"]) == (["10"], ["8"])
    assert found["FN"] == ["1,even", "4,never", "8,use"]
    assert found["FNDA"] == ["10,even", "0,never", "1,use"]
    assert (found["FNF"], found["FNH"]) == (["3"], ["2"])
    assert found["BRDA"] == [
        "2,0,0,5",
        "2,0,1,5",
        "5,0,0,-",
        "5,0,1,-",
        "9,0,0,10",
        "9,0,1,1",
    ]
    assert (found["BRF"], found["BRH"]) == (["6"], ["4"])


@known
def test_cobertura_has_hits_and_conditions(folder: Path) -> None:
    root = ET.fromstring(exported(folder, "xml"))
    assert root.tag == "coverage"
    assert root.attrib["lines-valid"] == "10"
    assert root.attrib["lines-covered"] == "8"
    assert root.attrib["branches-valid"] == "6"
    assert root.attrib["branches-covered"] == "4"
    assert root.findtext("sources/source") == str(folder)
    (one,) = root.iter("class")
    assert one.attrib["filename"] == "prog.py"
    lines = {
        int(line.attrib["number"]): int(line.attrib["hits"])
        for line in one.iterfind("lines/line")
    }
    assert lines == {1: 1, 2: 10, 4: 1, 5: 0, 6: 0, 8: 1, 9: 11, 10: 10, 11: 1, 13: 1}
    said = {
        line.attrib["number"]: line.attrib["condition-coverage"]
        for line in one.iterfind("lines/line[@branch='true']")
    }
    assert said == {"2": "100% (2/2)", "5": "0% (0/2)", "9": "100% (2/2)"}
    methods = {each.attrib["name"]: each for each in one.iter("method")}
    assert methods.keys() == {"even", "never", "use"}
    rates = {name: each.attrib["line-rate"] for name, each in methods.items()}
    assert rates == {"even": "1", "never": "0", "use": "1"}
    assert [line.attrib["hits"] for line in methods["use"][0]] == ["11", "10", "1"]


def some_report(name: str) -> FileReport:
    report = FileReport(name, f"/{name}", name, {1: 2, 3: 0})
    report.statements = {1: 2, 3: 0}
    report.branches = [Branch(1, 1, 0, 4, "bool", {True: 2, False: 0})]
    report.calls = {(1, name): 2}
    return report


@given(st.text(min_size=1))
def test_any_name_can_stand_in_xml(name: str) -> None:
    root = ET.fromstring("".join(cobertura.write([some_report(name)])).encode())
    (one,) = root.iter("class")
    unfit = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    assert one.attrib["filename"] == re.sub(unfit, "\ufffd", name)


@given(st.text(min_size=1))
def test_names_in_lcov_stay_in_their_line(name: str) -> None:
    if "\n" in name or "\r" in name:
        with pytest.raises(lcov.UnfitError, match="line break"):
            list(lcov.write([some_report(name)]))
        return
    text = "".join(lcov.write([some_report(name)]))
    assert text.split("\n")[1] == f"SF:/{name}"
    assert text.count("\n") == len(text.split("\n")) - 1


NAMES = st.text(min_size=1)
COUNTS = st.integers(0, 2**70)
LINE_NUMBERS = st.integers(1, 50)
SIDES = st.fixed_dictionaries({True: COUNTS, False: COUNTS})


@given(
    st.dictionaries(LINE_NUMBERS, COUNTS),
    st.lists(st.tuples(LINE_NUMBERS, SIDES)),
    st.dictionaries(st.tuples(LINE_NUMBERS, NAMES), COUNTS),
)
def test_what_lcov_is_given_can_be_read_back(
    lines: dict[int, int],
    sides: list[tuple[int, dict[bool, int]]],
    calls: dict[tuple[int, str], int],
) -> None:
    report = FileReport("a b", "/a b", "a b", lines)
    report.statements = lines
    report.branches = [
        Branch(line, line, place, None, "bool", taken)
        for place, (line, taken) in enumerate(sides)
    ]
    report.calls = {key: hits for key, hits in calls.items() if key[1][-1] != ">"}
    text = "".join(lcov.write([report]))
    keys = r"(TN|SF|FN|FNDA|FNF|FNH|BRDA|BRF|BRH|DA|LF|LH):.*|end_of_record"
    assert all(re.fullmatch(keys, line) for line in text.split("\n")[:-1])
    found = records(text)
    assert found["SF"] == ["/a b"]
    read = [tuple(map(int, value.split(","))) for value in found.get("DA", [])]
    assert dict(read) == lines
    assert len(read) == len(lines) == int(found["LF"][0])
    blocks: dict[tuple[int, int], dict[bool, int]] = {}
    for value in found.get("BRDA", []):
        line, block, side, hits = value.split(",")
        place = blocks.setdefault((int(line), int(block)), {})
        place[side == "0"] = 0 if hits == "-" else int(hits)
    per_line: dict[int, list[dict[bool, int]]] = {}
    for (line_, _), taken in blocks.items():
        per_line.setdefault(line_, []).append(taken)
    expected: dict[int, list[dict[bool, int]]] = {}
    for line_, taken in sides:
        expected.setdefault(line_, []).append(taken)
    assert per_line == expected
    hits_of = [int(value.partition(",")[0]) for value in found.get("FNDA", [])]
    assert sorted(hits_of) == sorted(report.calls.values())
    starts = [int(value.partition(",")[0]) for value in found.get("FN", [])]
    assert starts == sorted(line for line, _ in report.calls)


class Tracefile:
    """A small reader of LCOV, which knows nothing of who wrote it: by file, {line:
    hits}, the hits of the sides of branches by line, and {function: (line, hits)}.
    """

    def __init__(self, text: str) -> None:
        self.lines: dict[str, dict[int, int]] = {}
        self.sides: dict[str, dict[int, list[int]]] = {}
        self.functions: dict[str, dict[str, tuple[int, int]]] = {}
        file = ""
        for record in text.splitlines():
            key, _, value = record.partition(":")
            first, _, rest = value.partition(",")
            if key == "SF":
                file = value
                assert file not in self.lines
                self.lines[file], self.sides[file] = {}, {}
                self.functions[file] = {}
            elif key == "DA":
                self.lines[file][int(first)] = int(rest)
            elif key == "FN":
                self.functions[file][rest] = int(first), 0
            elif key == "FNDA":
                self.functions[file][rest] = self.functions[file][rest][0], int(first)
            elif key == "BRDA":
                hits = rest.split(",")[2]
                sides = self.sides[file].setdefault(int(first), [])
                sides.append(0 if hits == "-" else int(hits))


@known
def test_lcov_read_again_is_what_json_says(folder: Path) -> None:
    write(folder, "other.py", "def twice(x):\n    return x and x + x\n")
    write(folder, "prog.py", f"from other import twice\ntwice(0)\n{PROGRAM}")
    options = ["--branch", "-q", "-d", "data", "prog.py"]
    assert run(["-m", "exactrace", "run", *options], folder)[0] == 0
    for command, name in (("lcov", "out.info"), ("json", "out.json")):
        done = run(["-m", "exactrace", command, "-d", "data", "-o", name], folder)
        assert done == (0, "", "")
    read = Tracefile((folder / "out.info").read_text())
    said = json.loads((folder / "out.json").read_text())["files"]
    assert read.lines.keys() == {str(folder / name) for name in said}
    for name, file in said.items():
        path = str(folder / name)
        hits = {int(line): count for line, count in file["lines"].items()}
        missing = dict.fromkeys(file["missing"], 0)
        assert read.lines[path] == {
            line: count for line, count in (hits | missing).items() if line > 0
        }
        sides: dict[int, list[int]] = {}
        for branch in file["branches"]:
            taken = [branch["true"], branch["false"]]
            sides.setdefault(branch["line"], []).extend(taken)
        read_sides = {
            line: each for line, each in read.sides[path].items() if any(each)
        }
        assert read_sides == sides
        calls = {
            each["name"]: (each["line"], each["calls"]) for each in file["functions"]
        }
        called = {name: each for name, each in read.functions[path].items() if each[1]}
        assert called == {
            name: each for name, each in calls.items() if not name.endswith(">")
        }


def profile(text: str) -> tuple[dict[tuple[str, int], int], dict[tuple[str, str], int]]:
    """Return the hits by function and line, and the calls, of one file."""
    hits: dict[tuple[str, int], int] = {}
    calls: dict[tuple[str, str], int] = {}
    function = callee = ""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("fn="):
            function = line.removeprefix("fn=")
        elif line.startswith("cfn="):
            callee = line.removeprefix("cfn=")
        elif line.startswith("calls="):
            calls[function, callee] = int(line.removeprefix("calls=").split()[0])
            next(lines)
        elif line[:1].isdigit():
            number, count = map(int, line.split())
            hits[function, number] = count
    return hits, calls


def test_callgrind_has_lines_in_their_functions_and_calls(folder: Path) -> None:
    hits, calls = profile(exported(folder, "callgrind"))
    assert hits == {
        ("<module>", 1): 1,
        ("<module>", 4): 1,
        ("<module>", 8): 1,
        ("<module>", 13): 1,
        ("even", 2): 10,
        ("use", 9): 11,
        ("use", 10): 10,
        ("use", 11): 1,
    }
    assert calls == {("<module>", "use"): 1, ("use", "even"): 10}


def test_dot_has_functions_and_calls(folder: Path) -> None:
    text = exported(folder, "dot")
    names = dict(re.findall(r'(f\d+) \[label="(\S+)\\nprog', text))
    edges = re.findall(r'(f\d+) -> (f\d+) \[label="(\d+)"\]', text)
    assert {(names[one], names[other], hits) for one, other, hits in edges} == {
        ("<module>", "use", "1"),
        ("use", "even", "10"),
    }
    assert "<module>" not in exported(folder, "dot", "--min-calls", "2")


@given(st.text(), st.text())
def test_names_in_graphs_and_profiles_end_nothing(file: str, name: str) -> None:
    results = CoverageResults()
    edge: Any = ((file, 1, name), (file, 2, name))
    results.call_graph[edge] = 3
    (((_, (path, _, _)), _),) = callgraph.by_path(results).items()
    graph = "".join(dot.write(results, {path}))
    quoted = r'"(?:[^"\\\n]|\\.)*"'
    rest = re.sub(quoted, "", graph)
    assert '"' not in rest
    assert re.fullmatch(
        r"digraph calls \{\n  rankdir=LR;\n  node \[shape=box\];\n"
        r"  f0 \[label=\];\n  f1 \[label=\];\n  f0 -> f1 \[label=\];\n\}\n",
        rest,
    )
    report = FileReport(file, path, "x", {1: 1})
    assert "".join(callgrind.write([report], results)).count("\n") == 15


@pytest.mark.parametrize("command", ["lcov", "xml", "callgrind", "dot"])
def test_a_file_is_written_as_a_whole_or_not_at_all(folder: Path, command: str) -> None:
    text = exported(folder, command)
    (folder / "out").write_text("before")
    arguments = ["-m", "exactrace", command, "-d", "data", "-o"]
    assert run([*arguments, "out"], folder) == (0, "", "")
    stamp = re.compile(r'timestamp="\d+"')
    assert stamp.sub("", (folder / "out").read_text()) == stamp.sub("", text)
    status, _, error = run([*arguments, "no/where"], folder)
    assert status == 1
    assert error.startswith("exactrace: cannot write ")
    assert sorted(path.name for path in folder.iterdir() if "out" in path.name) == [
        "out"
    ]


@pytest.mark.parametrize("command", ["lcov", "xml", "callgrind", "json"])
def test_what_is_no_file_is_written_to(folder: Path, command: str) -> None:
    text = exported(folder, command)
    arguments = ["-m", "exactrace", command, "-d", "data", "-o", "/dev/stdout"]
    status, out, error = run(arguments, folder)
    assert (status, error) == (0, "")
    stamp = re.compile(r'timestamp="\d+"')
    assert stamp.sub("", out) == stamp.sub("", text)
    assert os.path.islink("/dev/stdout")
    (folder / "real").write_text("")
    (folder / "link").symlink_to("real")
    assert run([*arguments[:-1], "link"], folder) == (0, "", "")
    assert (folder / "link").is_symlink()
    assert stamp.sub("", (folder / "real").read_text()) == stamp.sub("", text)


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (None, "no source: No such file or directory"),
        ("def", "the source does not compile: invalid syntax (prog.py, line 1)"),
        ("x = 1\n", "the source has changed: line 13 ran, it has 2"),
    ],
)
def test_exports_of_other_sources_say_so(
    folder: Path, content: str | None, trouble: str
) -> None:
    exported(folder, "lcov")
    (folder / "prog.py").unlink()
    if content is not None:
        write(folder, "prog.py", content)
    for command in ("lcov", "xml", "callgrind"):
        status, out, error = run(["-m", "exactrace", command, "-d", "data"], folder)
        assert (status, out != "") == (0, True)
        assert error == f"exactrace: prog.py: {trouble}\n"


@pytest.mark.parametrize("command", ["callgrind", "dot"])
def test_without_calls_there_is_a_word(folder: Path, command: str) -> None:
    write(folder, "prog.py", PROGRAM)
    run(["-m", "exactrace", "run", "-q", "-d", "data", "prog.py"], folder)
    status, out, error = run(["-m", "exactrace", command, "-d", "data"], folder)
    assert (status, out) == (1, "")
    assert "count them with `exactrace run --calls`" in error
