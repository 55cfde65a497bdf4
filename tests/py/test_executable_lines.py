"""The lines of a source that can run, against the standard module's answers."""

from __future__ import annotations

import marshal
import os
import random
import sys
import tokenize
import trace
import warnings
from pathlib import Path
from typing import Any

import pytest

import exactrace
from exactrace import _native

LIBRARY = Path(os.__file__).parent


def library_files(step: int) -> list[Path]:
    """Return every step-th file of the standard library that compiles."""
    found = sorted(LIBRARY.rglob("*.py"))
    return [path for path in found if "site-packages" not in path.parts][::step]


def compile_quietly(text: str) -> Any:
    """Compile a text; None if it does not compile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(text, "a.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return None


def read_text(path: Path) -> str | None:
    """Return the text of a source file; None if it does not decode."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):
        return None


def check_file(path: Path) -> bool:
    """Compare all answers for a file. False if it does not compile."""
    text = read_text(path)
    code = None if text is None else compile_quietly(text)
    if text is None or code is None:
        return False
    with open(path, "rb") as file:
        encoding, _ = tokenize.detect_encoding(file.readline)
    name = str(path)
    strings = trace._find_strings(name, encoding)  # type: ignore[attr-defined]
    assert exactrace._find_strings(name, encoding) == strings, path
    lines = trace._find_lines(code, strings)  # type: ignore[attr-defined]
    assert exactrace._find_lines(code, strings) == lines, path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert exactrace._find_executable_linenos(name) == lines, path
    check_compiled(code, lines, strings, path)
    return True


def check_compiled(
    code: Any, lines: dict[Any, int], strings: dict[int, int], path: Path
) -> None:
    """Compare what C finds in a code object, and in it as a compiled file."""
    in_code = _native.code_lines(code, 10**6)
    assert _native.code_lines(bytes(16) + marshal.dumps(code), 10**6) == in_code, path
    without = {line for line in in_code if line not in strings}
    if sys.version_info < (3, 13):
        without.discard(None)
    assert without == set(lines), path


@pytest.mark.parametrize("part", range(8))
def test_library_files_have_the_lines_of_the_standard_module(part: int) -> None:
    files = library_files(40)[part::8]
    assert sum(map(check_file, files)) > 1


TEXTS = [
    "",
    "\n",
    "'doc'",
    "'doc'\n\n\nx = 1\n",
    "# c\n'no'\n",
    "def f():\n    # c\n\n    '''a\n    b'''\n    return 1\n",
    "class A:\n\t'tab'\n\tdef f(self):\n\t\tr'raw'\n",
    "if 1:\n    'a' 'b'\nelse:\n    ('no')\n",
    "if 1:\n    'a' + \\\n    'b'\n",
    "if 1:\n    'a\\\nb'\n",
    "if 1:\n    b'bytes'\n    u'no'\n",
    "if 1:\n    f'f'\n",
    "if 1:\n    fr'''f\n{1}'''\n",
    "x = f'{1:{2}}' 'a'\nif x:\n  'y'\n",
    "x = f'{{{1}}}'\nif x:\n  'y'\n",
    "x = f'\\N{DIGIT ONE}{1!r:>{3}}'\nif x:\n  'y'\n",
    "x = rf'\\{1}'\nif x:\n  'y'\n",
    "x = f'''{1\n}\n'''\nif x:\n  'y'\n",
    "x = 1 if 1 else'a'\nif x:\n  'y'\n",
    "x = [\n'no',\n  'no']\nif x:\n  'y'\n",
    "if 1:\n    x = 1\n\\\n    y = 2\n    'no or yes'\n",
    "if 1:\n    \\\n'joined'\n",
    "\\\n'joined'\n",
    "\f'doc'\n",
    "\f\n'no'\n",
    "if 1:\n  \f  'y'\n",
    "async def f():\n  'y'\n  async with x:\n    'y'\n",
    "match 1:\n  case 1:\n    'y'\n",
    "x = lambda: 'no'\n@x\ndef f():\n  'y'\n",
    "if 1:\n  'y'; 'no'\n  'no'\n",
    "if 1: 'no'\n",
    "ä = 'ö\tü'\ndef ß():\n    '''ä\n    '''\n",
]
NEW_TEXTS = [
    "x = {'b': 1}\ny = f'{x['b']}'\nif y:\n  'y'\n",
    "x = f'{f'{f'{'}'}'}'}'\nif x:\n  'y'\n",
    "x = f'{'''}'''}'\nif x:\n  'y'\n",
    "x = f'''{\n1 # }'''\n}'''\nif x:\n  'y'\n",
    "x = f'{1:{'>'}{5}}'\nif x:\n  'y'\n",
    "x = f'{(lambda y: {1: 2})(3)[1]:d}'\nif x:\n  'y'\n",
    "x = f'{'a' if 1 else'b'}'\nif x:\n  'y'\n",
]
if sys.version_info >= (3, 12):
    TEXTS += NEW_TEXTS
if sys.version_info >= (3, 14):
    TEXTS += ["if 1:\n  t'no'\n", "x = t'{'a'}'\nif x:\n  rt'no'\n  'no'\n"]


@pytest.mark.parametrize("text", TEXTS)
def test_odd_texts_have_the_lines_of_the_standard_module(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.py"
    path.write_text(text, encoding="utf-8")
    assert check_file(path)


PREFIXES = ["", "r", "b", "Rb", "u", "f", "fR"]
PIECES = ["a", " ", "#", "{{", "}}", "\\\\", "\\'", '\\"', ":", "\\n", "ä", "\t"]
FIELDS = ["{1}", "{x!r}", "{1:>{2}}", "{ {1: 2}[1] }", "{x:%H:%M}", "{(lambda: 1)()}"]
NEW_FIELDS = ["{'a'}", '{"}"}', "{f'{1}'}", "{x['#']:{'>'}5}", "{'' if x else'b'}"]


def random_string(rng: random.Random) -> str:
    """Return a string literal; it need not compile."""
    prefix = rng.choice(PREFIXES)
    quotes = rng.choice(["'", '"', "'''", '"""'])
    pieces = [*PIECES, "\\\n"]
    if len(quotes) == 3:
        pieces = [*pieces, "\n", "\n  ", "'", '"']
    if "f" in prefix:
        pieces = pieces + FIELDS
        if sys.version_info >= (3, 12):
            pieces += NEW_FIELDS
    body = "".join(rng.choice(pieces) for _ in range(rng.randrange(5)))
    return prefix + quotes + body + quotes


def random_block(rng: random.Random, indent: str, depth: int) -> str:
    """Return some statements, many of them strings."""
    lines = []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(9)
        string = random_string(rng)
        if kind < 3:
            lines.append(indent + string)
        elif kind == 3:
            lines.append(f"{indent}x = [{string},\n{string}]")
        elif kind == 4:
            lines.append(rng.choice(["", "   ", "# c", indent + "# ' c", "\f"]))
        elif kind == 5:
            lines.append(f"{indent}x = 1 + \\\n  len({string}); {string}")
        elif depth < 3:
            inner = indent + rng.choice([" ", "    ", "\t"])
            head = rng.choice(["if x:", "def f():", "class A: # c", "if {1: 2}[1]:"])
            lines += [indent + head, random_block(rng, inner, depth + 1).rstrip("\n")]
            lines += [inner + "pass"]
        else:
            lines.append(indent + "pass")
    return "\n".join(lines) + "\n"


def test_random_texts_have_the_strings_of_the_standard_module(tmp_path: Path) -> None:
    rng = random.Random(3)
    path = tmp_path / "a.py"
    compared = 0
    for _ in range(1500):
        text = random_block(rng, "", 0)
        if compile_quietly(text) is None:
            continue
        path.write_text(text, encoding="utf-8")
        expected = trace._find_strings(str(path), "utf-8")  # type: ignore[attr-defined]
        assert _native.docstring_lines(text) == expected, text
        compared += 1
    assert compared > 300


def test_line_endings_of_other_systems_make_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    for newline in ("\r\n", "\r"):
        text = "def f():\n    '''a\n    b'''\n    return 1\n"
        path.write_bytes(text.replace("\n", newline).encode())
        assert exactrace._find_strings(str(path), "utf-8") == {2: 1, 3: 1}
        assert 4 in exactrace._find_executable_linenos(str(path))
        assert check_file(path)


def test_a_file_that_cannot_be_read_has_no_lines_and_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(tmp_path / "none.py")
    assert exactrace._find_executable_linenos(name) == {}
    ours = capsys.readouterr()
    trace._find_executable_linenos(name)  # type: ignore[attr-defined]
    assert ours == capsys.readouterr()


def test_a_file_that_does_not_compile_raises_syntax_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("def f(:\n")
    with pytest.raises(SyntaxError):
        exactrace._find_executable_linenos(str(path))


def test_lines_of_one_code_object_leave_out_those_of_nested_code() -> None:
    code = compile("def f():\n    return 1\n", "a.py", "exec")
    lines = exactrace._find_lines_from_code(code, {})
    assert lines == trace._find_lines_from_code(code, {})  # type: ignore[attr-defined]
    assert 2 not in lines
    assert 2 in exactrace._find_lines(code, {})


def test_a_code_object_with_a_broken_location_table_is_refused() -> None:
    code = compile("x = 1\n", "a.py", "exec").replace(co_linetable=b"\x01")
    with pytest.raises(ValueError, match="location table"):
        _native.code_lines(code, 10)


@pytest.mark.parametrize("data", [b"", bytes(16), bytes(16) + b"?", b"x" * 99])
def test_a_compiled_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="compiled file"):
        _native.code_lines(data, 10)


def test_lines_beyond_the_limit_are_left_out() -> None:
    code = compile("\n" * 50 + "x = 1\n", "a.py", "exec")
    assert 51 in _native.code_lines(code, 51)
    assert 51 not in _native.code_lines(code, 50)


@pytest.mark.parametrize(
    "path",
    ["a.py", "/x/a.b.py", "/x/.py", "a", "/x/y/", "", "/x/a.pyc", "a.b/c"],
)
def test_module_names_are_those_of_the_standard_module(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exactrace._modname(path) == trace._modname(path)  # type: ignore[attr-defined]
    for entries in (["/x"], ["/x", "/x/y"], ["/x/"], ["/"], ["/y"], []):
        monkeypatch.setattr(sys, "path", entries)
        expected = trace._fullmodname(path)  # type: ignore[attr-defined]
        assert exactrace._fullmodname(path) == expected


def test_a_path_that_is_an_entry_of_sys_path_has_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/x/app.zip", b"/x", Path("/x")])
    assert exactrace._fullmodname("/x/app.zip") == "x.app"


def test_an_empty_entry_of_sys_path_is_the_current_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [""])
    path = os.path.join(os.getcwd(), "pkg", "mod.py")
    assert exactrace._fullmodname(path) == "pkg.mod"
    assert exactrace._fullmodname(os.path.join("pkg", "mod.py")) == "pkg.mod"
