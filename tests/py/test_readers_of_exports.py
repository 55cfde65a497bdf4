"""Exports as the programs show them that people open them with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path

import pytest
from beside import MONITORED, NO_PROBES, run, write
from test_exports import some_report

from exactrace import CoverageResults
from exactrace.reports import callgrind, cobertura, dot, lcov

pytestmark = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

ODD = 'sub dir/o&amp;d,d <"ü">.py'
PROGRAM = """\
import runpy

def even(n):
    return True if n % 2 == 0 else False

def never(n):
    for each in n:
        never(each)

class Thing:
    @property
    def value(self):
        return even(2)

    @value.setter
    def value(self, to):
        self.kept = to

def use():
    for n in range(10):
        even(n)
    for n in range(3):
        Thing().value = n
    return Thing().value

def again(n):
    if n:
        again(n - 1)

use()
again(5)
runpy.run_path(NAME)
"""
ODD_TEXT = """\
def twice(n):
    if n > 100:
        return 0
    while n < 10:
        n += 1
    return n or 3
twice(2)
"""
# By line, as the trace function of the interpreter counts; without those that cannot run.
HITS = {
    1: 1,
    3: 1,
    4: 11,
    6: 1,
    7: 0,
    8: 0,
    10: 2,
    11: 2,
    12: 2,
    13: 1,
    15: 2,
    16: 2,
    17: 3,
    19: 1,
    20: 11,
    21: 10,
    22: 4,
    23: 3,
    24: 1,
    26: 1,
    27: 6,
    28: 5,
    30: 1,
    31: 1,
    32: 1,
}
ODD_HITS = {1: 1, 2: 1, 3: 0, 4: 9, 5: 8, 6: 1, 7: 1}
# Sides in all, and those with hits.
SIDES, TAKEN = (2 + 2 + 2 + 2 + 2) + (2 + 2 + 2), (2 + 0 + 2 + 2 + 2) + (1 + 2 + 1)
CALLS = {
    ("<module>", "use"): 1,
    ("<module>", "again"): 1,
    ("<module>", "Thing"): 1,
    ("use", "even"): 10,
    ("use", "Thing.value@15"): 3,
    ("use", "Thing.value@11"): 1,
    ("Thing.value@11", "even"): 1,
    ("again", "again"): 5,
}
# What may have a meaning of its own in some format.
NAMES = (
    "a b", "a,b", "a:1", 'a"b', "a'b", "a\\b", "a\\nb", "a<b>c", "a&lt;b", "a%20b", "(1)",
    "-x", "#a", "=a", "a|b{c}", "a;b", "ü\N{SNOWMAN}", "a\tb", "\ud800", "a\x1b[31m", "$a`b`",
)  # fmt: skip


def needed(program: str) -> str:
    """Return the program, or skip the test that needs it."""
    if shutil.which(program) is None:
        said = f"{program} is not installed: tools/need-readers does it"
        if os.environ.get("EXACTRACE_NEEDS_READERS"):
            pytest.fail(said)
        pytest.skip(said)
    return program


def show(folder: Path, program: str, *arguments: str) -> str:
    """Return what a program prints, which must find nothing wrong."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [needed(program), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def counted(folder: Path) -> Path:
    """A folder with counts of the program."""
    write(folder, ODD, ODD_TEXT)
    write(folder, "prog.py", PROGRAM.replace("NAME", repr(ODD)))
    options = ["--branch", "--calls", "-q", "-d", "data"]
    assert run(["-m", "exactrace", "run", *options, "prog.py"], folder)[0] == 0
    return folder


def export(folder: Path, command: str, name: str) -> str:
    arguments = ["-m", "exactrace", command, "-d", "data", "-o", name]
    assert run([*arguments, "prog.py", "sub dir"], folder) == (0, "", "")
    return name


def test_lcov_sums_up_as_we_do(counted: Path) -> None:
    name = export(counted, "lcov", "out.info")
    options = ("--rc", "lcov_branch_coverage=1", "--summary")
    text = show(counted, "lcov", *options, name)
    found = {
        what: (int(part), int(whole))
        for what, part, whole in re.findall(r"(\w+)\.+: .*\((\d+) of (\d+) ", text)
    }
    hits = [*HITS.values(), *ODD_HITS.values()]
    assert found == {
        "lines": (len(hits) - hits.count(0), len(hits)),
        "functions": (6, 7),
        "branches": (TAKEN, SIDES),
    }


def test_genhtml_shows_the_hits_of_lines_functions_and_sides(counted: Path) -> None:
    name = export(counted, "lcov", "out.info")
    show(counted, "genhtml", "-q", "--branch-coverage", "-o", "site", name)
    (page,) = counted.glob("site/**/prog.py.gcov.html")
    text = unescape(re.sub("<[^>]*>", "", page.read_text()))
    # Number of the line, branches, hits, source.
    rows = re.findall(r"^ +(\d+) +(\[[-+# ]+\])? *: +(\d+) :", text, re.MULTILINE)
    assert {int(line): int(hits) for line, _, hits in rows} == HITS
    sides = {int(line): "".join(sides.split()) for line, sides, _ in rows if sides}
    assert sides == {4: "[++]", 7: "[##]", 20: "[++]", 22: "[++]", 27: "[++]"}
    (page,) = counted.glob("site/**/prog.py.func.html")
    text = re.sub(r"\s*<[^>]*>\s*", " ", unescape(page.read_text()))
    for function, hits in (("even", 11), ("never", 0), ("again", 6)):
        assert re.search(rf" {function} +{hits} ", text)
    (page,) = counted.glob("site/**/sub dir/*.gcov.html")
    assert page.name.startswith("o&amp;d,d ")


def test_xml_is_what_the_dtd_declares(
    counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = export(counted, "xml", "out.xml")
    dtd = Path(__file__).with_name("coverage-04.dtd").as_uri()
    catalog = counted / "catalog.xml"
    catalog.write_text(
        '<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">'
        f'<system systemId="{cobertura.DTD}" uri="{dtd}"/></catalog>'
    )
    monkeypatch.setenv("XML_CATALOG_FILES", str(catalog))
    options = ("--nonet", "--noout", "--valid")
    odd = "".join(cobertura.write([some_report(each) for each in NAMES]))
    (counted / "odd.xml").write_text(odd, encoding="utf-8")
    show(counted, "xmllint", *options, "odd.xml")
    # A planted fault, so that this can be seen to fail.
    path = counted / "bad.xml"
    path.write_text((counted / name).read_text().replace(' signature=""', "", 1))
    with pytest.raises(AssertionError):
        show(counted, "xmllint", *options, "bad.xml")


def annotated(text: str, name: str) -> dict[int, int]:
    """Return the hits by line in what callgrind_annotate shows of a source."""
    _, _, part = text.partition(f"-- Auto-annotated source: {name}\n")
    content = part.partition("\n---")[0].partition("\n\n")[2].splitlines()
    lines = [line for line in content if "=>" not in line]
    margins = [line.split(None, 1)[0] if line.split() else "" for line in lines]
    return {
        number: int(margin.replace(",", ""))
        for number, margin in enumerate(margins, 1)
        if margin[:1].isdigit()
    }


def test_callgrind_annotate_shows_hits_and_calls(counted: Path) -> None:
    name = export(counted, "callgrind", "out.callgrind")
    options = ("--auto=yes", "--threshold=100", "--show-percs=no", "--tree=calling")
    text = show(counted, "callgrind_annotate", *options, name)
    assert annotated(text, "prog.py") == {
        line: hits for line, hits in HITS.items() if hits
    }
    assert annotated(text, ODD) == {
        line: hits for line, hits in ODD_HITS.items() if hits
    }
    whole = sum(HITS.values()) + sum(ODD_HITS.values())
    assert re.search(rf"^ +{whole} +PROGRAM TOTALS", text, re.MULTILINE)
    calls = {}
    caller = ""
    tree = text.partition("-- Auto-annotated")[0]
    for line in tree.splitlines():
        function = line.rpartition("py:")[2]
        if "  *  " in line:
            caller = function
        elif "  >  " in line and "prog.py" in line:
            called, _, times = function.partition(" (")
            calls[caller, called] = int(times.partition("x")[0])
    assert calls == CALLS


def test_graphviz_draws_functions_and_calls(counted: Path) -> None:
    name = export(counted, "dot", "out.dot")
    root = ET.fromstring(show(counted, "dot", "-Tsvg", name))
    svg = "{http://www.w3.org/2000/svg}"
    nodes: dict[str, list[str]] = {}
    edges: dict[str, list[str]] = {}
    for group in root.iter(f"{svg}g"):
        texts = ["".join(each.itertext()) for each in group.iterfind(f"{svg}text")]
        title = group.findtext(f"{svg}title", "")
        {"node": nodes, "edge": edges}.get(group.attrib["class"], {})[title] = texts
    assert ["Thing.value", "prog.py:15", "3 calls"] in nodes.values()
    assert ["twice", f"{ODD}:1", "1 call"] in nodes.values()
    drawn = {}
    for title, (hits,) in edges.items():
        ends = []
        for end in title.split("->"):
            function, place, _ = nodes[end]
            line = place.rpartition(":")[2]
            both = function == "Thing.value"
            ends.append(f"{function}@{line}" if both else function)
        drawn[ends[0], ends[1]] = int(hits)
    odd = drawn.pop(("<module>", "twice"))
    assert odd == 1
    assert drawn == CALLS


def test_names_that_mean_something_are_shown_as_they_are(folder: Path) -> None:
    results = CoverageResults()
    for number, name in enumerate(NAMES, 1):
        results.calls["/f.py", number, name] = number
        results.call_graph[("/f.py", 99, "main"), ("/f.py", number, name)] = number
    names = [re.sub(r"[\t\x1b\ud800]", "?", name) for name in NAMES]
    (folder / "out.dot").write_text("".join(dot.write(results, {"/f.py"})))
    svg = ET.fromstring(show(folder, "dot", "-Tsvg", "out.dot"))
    texts = {
        text.replace("\xa0", " ")
        for text in map("".join, map(ET.Element.itertext, svg.iter()))
    }
    assert set(names) <= texts
    report = some_report("f.py")
    report.calls = {(number, name): number for number, name in enumerate(NAMES, 1)}
    (folder / "out.info").write_text("".join(lcov.write([report])), encoding="utf-8")
    text = show(folder, "lcov", "--summary", "out.info")
    assert f"({len(names)} of {len(names)} functions)" in text
    report.name = "/f.py"
    profile = "".join(callgrind.write([report], results))
    (folder / "out.callgrind").write_text(profile, encoding="utf-8")
    options = ("--tree=calling", "--threshold=100", "--show-percs=no")
    text = show(folder, "callgrind_annotate", *options, "out.callgrind")
    for number, name in enumerate(names, 1):
        shown = f"./{name}" if name.startswith("(") else name
        assert f"/f.py:{shown} ({number}x)" in text
