"""The HTML report, as a parser reads it."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES, PLACED, check_gold, run, write
from hypothesis import given
from hypothesis import strategies as st

from exactrace import CoverageResults
from exactrace.reports import highlight
from exactrace.reports import html as site
from exactrace.reports.model import Branch, FileReport, file_reports

known = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)


PROGRAM = """\
def grün(n):
    ä = "ö"; return 1 if ä and n > 5 else "<b>&amp;"

def never(n):
    for each in n: never(each)

def use():  # pragma: no cover
    return grün(9)

for n in range(10):
    grün(n)
use()
"""


class Page(html.parser.HTMLParser):
    """What a page holds: tags with their attributes, and rows of cells of text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[tuple[dict[str, str | None], list[str]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append((dict(attributes), []))
        elif tag in ("td", "th"):
            self.rows[-1][1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.rows.append(({}, []))

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1][1]:
            self.rows[-1][1][-1] += data

    def line(self, number: int) -> tuple[str, str, str, str]:
        """(classes, hits, state, source) of a line of a source."""
        for attributes, cells in self.rows:
            if attributes.get("id") == f"L{number}":
                _, hits, state, content = cells
                return attributes["class"] or "", hits, state, content.rstrip("\n")
        raise LookupError(number)

    def values(self, tag: str, attribute: str) -> list[str]:
        return [
            attributes[attribute] or ""
            for name, attributes in self.tags
            if name == tag and attribute in attributes
        ]


@pytest.fixture
def pages(folder: Path) -> dict[str, Page]:
    """The pages on a program that has run, by the beginnings of their names."""
    write(folder, "program.py", PROGRAM)
    arguments = ["run", "-q", "--branch", "--calls", "program.py"]
    run(["-m", "exactrace", *arguments], folder)
    status, out, error = run(["-m", "exactrace", "html", "-o", "site"], folder)
    assert (status, error) == (0, "")
    assert out.startswith("site/index.html: ")
    return {
        path.name.partition("_")[0].partition(".")[0]: Page(path)
        for path in (folder / "site").glob("*.html")
    }


@PLACED
@pytest.mark.parametrize("name", ["index", "program"])
def test_pages_are_as_in_the_gold_files(
    folder: Path, pages: dict[str, Page], name: str
) -> None:
    """With the number that stands for a path left out of the names of pages."""
    (path,) = (folder / "site").glob(f"{name}*.html")
    content = path.read_text(encoding="utf-8").replace(str(folder), "/project")
    check_gold(f"{name}.html", re.sub(r"_py_[0-9a-f]{12}", "_py", content))


def test_each_line_has_its_hits_and_what_is_wrong_with_it(
    pages: dict[str, Page],
) -> None:
    page = pages["program"]
    assert page.line(5)[:3] == ("m", "0", "missing")
    assert "for each in " in page.line(5)[3]  # what is decided is marked within
    assert page.line(6) == ("", "", "", "")
    assert page.line(8)[:3] == ("x", "1", "excluded")
    classes, hits, _, _ = page.line(2)
    assert (classes.split()[0], hits) == ("h8", "11")


@known
def test_branches_stand_before_what_decides(pages: dict[str, Page]) -> None:
    page = pages["program"]
    classes, _, state, content = page.line(2)
    assert (classes.split(), state) == (["h8", "p"], "partial")
    assert content == '    ä = "ö"; return 1 if 11|0ä and 5|6n > 5 else "<b>&amp;"'
    titles = page.values("span", "title")
    assert "true 11, false 0: never false in 11 tests" in titles
    assert "true 5, false 6" in titles


@known
def test_functions_have_their_calls_and_callers(pages: dict[str, Page]) -> None:
    page = pages["program"]
    rows = [cells for _, cells in page.rows if len(cells) == 3][1:]
    assert [row[:2] for row in rows] == [["11", "grün"], ["0", "never"]]
    callers = " ".join(rows[0][2].split())
    assert (
        callers
        == "10 \N{MULTIPLICATION SIGN} <module> program.py:1 1 \N{MULTIPLICATION SIGN} use program.py:7"
    )
    assert page.line(1)[3] == "def grün(n): 11 calls"


def test_the_index_lists_the_files_and_the_hottest_lines(
    pages: dict[str, Page],
) -> None:
    rows = [cells for _, cells in pages["index"].rows]
    file = next(cells for cells in rows if cells[0].strip() == "program.py")
    total = next(cells for cells in rows if cells[0].startswith("total (1 file)"))
    last = [[cell.split()[-1] for cell in cells[1:6]] for cells in (file, total)]
    assert last[0] == last[1]
    hot = [
        [cell.strip() for cell in cells] for cells in rows if "program.py:2" in cells
    ]
    assert [cells[0] for cells in hot] == ["11"]


def test_all_links_lead_somewhere_in_the_site(
    folder: Path, pages: dict[str, Page]
) -> None:
    found = {path.name for path in (folder / "site").iterdir()}
    ids = {
        name: set(Page(folder / "site" / name).values("tr", "id")) | {"main"}
        for name in found
        if name.endswith(".html")
    }
    links = 0
    for page in pages.values():
        own = next(
            name for name in ids if page.rows == Page(folder / "site" / name).rows
        )
        for tag, attribute in (("a", "href"), ("link", "href"), ("script", "src")):
            for value in page.values(tag, attribute):
                if value == "data:,":
                    continue
                name, _, anchor = value.partition("#")
                assert (name or own) in found
                assert not anchor or anchor in ids[name or own]
                links += 1
    assert links > 20


def test_written_again_it_is_the_same(folder: Path, pages: dict[str, Page]) -> None:
    def content() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (folder / "site").iterdir()}

    before = content()
    run(["-m", "exactrace", "html", "-o", "site"], folder)
    assert content() == before
    assert before[".gitignore"] == b"*\n"
    assert len(pages) == 2


def test_pages_of_files_that_are_gone_are_removed(folder: Path) -> None:
    """But nothing that is not ours."""
    site_of = ["-m", "exactrace", "html", "-o", "site"]
    for name in ("one", "two"):
        write(folder, f"{name}.py", "x = 1\n")
        assert run(["-m", "exactrace", "run", "-q", f"{name}.py"], folder)[0] == 0
        write(folder, "site/mine_0123456789ab.html", "<p>mine\n")
        assert run(site_of, folder)[0] == 0
    pages = {path.name.partition("_")[0] for path in (folder / "site").glob("*_*.html")}
    assert pages == {"mine", "two"}


def test_without_jinja_there_is_one_line(folder: Path) -> None:
    write(folder, "five.py", "x = 1\n")
    write(folder, "jinja2.py", "raise ImportError\n")
    run(["-m", "exactrace", "run", "-q", "five.py"], folder)
    status, out, error = run(["-m", "exactrace", "html"], folder)
    assert (status, out) == (1, "")
    assert error == (
        "exactrace: the HTML report needs Jinja2: pip install 'exactrace[html]'\n"
    )


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    write(folder, "five.py", "x = 1\n")
    run(["-m", "exactrace", "run", "-q", "five.py"], folder)
    status, _, error = run(["-m", "exactrace", "html", "-o", "five.py"], folder)
    assert status == 1
    assert error.startswith("exactrace: cannot write the site to 'five.py': ")
    assert len(error.splitlines()) == 1


def test_a_file_without_a_source_has_a_page_that_says_so(tmp_path: Path) -> None:
    results = CoverageResults({(str(tmp_path / "gone.py"), 3): 2})
    files, total = site.write(results, site.Settings(), (), str(tmp_path / "site"))
    assert (files, total.hits) == (1, 2)
    (path,) = (tmp_path / "site").glob("*gone_py_*.html")
    assert "no source: No such file or directory" in path.read_text()


def test_nothing_is_written_for_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    assert site.write(CoverageResults(), site.Settings(), (), str(folder))[0] == 0
    assert not folder.exists()


# --- What a hostile source or name could do ---------------------------------------

# Beside any letter those that mean something to HTML or to us.
letters = st.one_of(
    st.sampled_from("<>&\"'\0\x1b\r\n\\#/-!abxf \t{}%\u2028\u202e"),
    st.characters(),
)


class Text(html.parser.HTMLParser):
    """The text of a piece of HTML, and its tags."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []
        self.tags: set[tuple[str, ...]] = set()
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag not in ("tr", "td"):  # need not be closed
            self.open.append(tag)
        self.tags.add((tag, *(name for name, _ in attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def visible(text: str) -> str:
    return highlight._CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


@given(st.text(letters))
def test_highlighting_changes_no_text_and_each_line_is_complete(source: str) -> None:
    lines = highlight.lines(source)
    assert len(lines) == source.count("\n") + 1
    for line, expected in zip(lines, source.split("\n"), strict=True):
        parsed = Text(line)
        assert parsed.open == []
        assert parsed.tags <= {("span", "class")}
        assert parsed.text == visible(expected)


tokens = st.lists(
    st.sampled_from(
        [
            "if",
            "is",
            "f",
            "rb",
            "1",
            ".",
            "é",
            "'",
            '"""',
            "\\",
            "\n",
            " ",
            "@",
            "#",
            "(",
        ]
    )
)


@given(tokens.map("".join))
def test_highlighting_never_looks_for_a_token_within_a_word(source: str) -> None:
    parts = highlight._TOKEN.split(f"\n{source}")
    assert set(parts[::3]) == {""}
    assert all(parts[2::3][:-2])  # only the end, found once or twice, is empty


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("if iffy: x.is_a", "<span class=k>if</span> iffy: x.is_a"),
        ("a @ b\n @c.d", "a @ b\n<span class=o> @c.d</span>"),
        ("(a\n @ b)if c", "(a\n @ b)<span class=k>if</span> c"),
        ("x1 1.5e3 é1", "x1 <span class=n>1.5e3</span> é1"),
        ("rb'a'  xr'a'", "<span class=s>rb'a'</span>  xr<span class=s>'a'</span>"),
        ("'a\nb #c", "<span class=s>'a</span>\nb <span class=c>#c</span>"),
        ("'''a\nb", "<span class=s>'''a</span>\n<span class=s>b</span>"),
        ("1 < 2", "<span class=n>1</span> &lt; <span class=n>2</span>"),
    ],
)
def test_what_is_highlighted(source: str, shown: str) -> None:
    assert highlight.lines(source) == shown.split("\n")


@given(st.text(letters), st.lists(st.tuples(*[st.integers(0, 60)] * 2), max_size=5))
def test_rows_hold_the_source_whatever_it_is(
    source: str, places: list[tuple[int, int]]
) -> None:
    lines = source.removesuffix("\n").split("\n")
    report = FileReport("F", "/F", "F", {1: 3}, source, statements={1: 3})
    report.branches = [
        Branch(1 + line % len(lines), 99, column, None, "bool", {True: 1, False: 2})
        for line, column in places
    ]
    content = site.rows(report)
    parsed = Text(content)
    assert parsed.open == []
    shown = parsed.text.replace("1|2", "")
    for line in lines:
        # A column within a letter splits it.
        if line.isascii() and "1|2" not in line:
            assert visible(line).replace("\0", "\N{REPLACEMENT CHARACTER}") in shown
    assert {tag[0] for tag in parsed.tags} <= {"tr", "td", "a", "span", "i"}


@given(st.text(letters, min_size=1), st.text(letters))
def test_names_are_escaped_and_pages_named_harmlessly(name: str, other: str) -> None:
    environment = site._environment()
    page = site.page_name(f"/{name}", name)
    assert page.replace("_", "").replace(".html", "").isalnum()
    assert page.isascii()
    assert len(page) < 110
    assert (page == site.page_name(f"/{other}", name)) == (name == other)
    entry = site._Entry(name, page, site.Totals(), "1.0", name)
    called = [site._Called(name, 1, 1, [site._Caller(name, page, 1)])]
    content = environment.get_template("file.html").render(
        entry=entry,
        totals=entry.totals,
        with_branches=True,
        functions=called,
        rows="",
    )
    plain = environment.get_template("file.html").render(
        entry=site._Entry("x", page, site.Totals(), "1.0", "x"),
        totals=entry.totals,
        with_branches=True,
        functions=[site._Called("x", 1, 1, [site._Caller("x", page, 1)])],
        rows="",
    )
    assert _tags(content) == _tags(plain)


def _tags(content: str) -> list[str]:
    found: list[str] = []

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attributes: Any) -> None:
            found.append(tag)
            found.extend(name for name, _ in attributes)

        def handle_endtag(self, tag: str) -> None:
            found.append(f"/{tag}")

    Tags().feed(content)
    return found


def test_a_caller_that_is_not_in_scope_has_no_link(tmp_path: Path) -> None:
    one = write(tmp_path, "one.py", "def f(): pass\n")
    two = write(tmp_path, "two.py", "import one; one.f()\n")
    results = CoverageResults({(str(one), 1): 1, (str(two), 1): 1})
    called = (str(one), 1, "f")
    results.calls = {called: 5}
    results.call_graph = {((str(two), 1, "<module>"), called): 3, (None, called): 2}
    settings = site.Settings()
    for omit, links in ((), 1), (("*/two.py",), 0):
        settings.omit = omit
        site.write(results, settings, (), str(tmp_path / "site"))
        (path,) = (tmp_path / "site").glob("*one_py_*.html")
        page = Page(path)
        pages = [link for link in page.values("a", "href") if "two_py" in link]
        assert len(pages) == links
    assert [report.path for report in file_reports(results, settings)] == [str(one)]
