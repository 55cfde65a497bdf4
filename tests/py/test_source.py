"""Reading the source that counts belong to."""

from __future__ import annotations

import codecs
import importlib.util
import marshal
import os
import py_compile
import tokenize
import zipfile
from pathlib import Path

import pytest

from exactrace import source

TEXT = "def f():\n    return 1\n"


def lines_of(path: Path) -> set[int | None]:
    """Return the lines of a source file that can run, without line 0."""
    found = source.read(str(path))
    text, _ = source.decode(found.data)
    return set(source.executable_lines(found, text)) - {0, None}


def write_pyc(path: Path, text: str, stamp: bytes, flags: int = 0) -> None:
    """Write the compiled file of `path`, but with the code of some text."""
    target = Path(importlib.util.cache_from_source(str(path)))
    target.parent.mkdir(exist_ok=True)
    code = marshal.dumps(compile(text, str(path), "exec"))
    head = importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little")
    target.write_bytes(head + stamp + code)


def stamp_of(path: Path) -> bytes:
    """Return time and size of a file as a compiled file holds them."""
    status = path.stat()
    numbers = int(status.st_mtime), status.st_size
    return b"".join((n & 0xFFFFFFFF).to_bytes(4, "little") for n in numbers)


def test_a_relative_name_is_found_where_counting_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = source.read("a.py", str(tmp_path))
    assert found.data == TEXT.encode()
    assert found.path == str(tmp_path / "a.py")
    assert found.filename == "a.py"


def test_a_relative_name_is_found_in_the_current_directory_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    found = source.read("a.py", str(tmp_path / "elsewhere"))
    assert found.path == str(tmp_path / "a.py")


@pytest.mark.parametrize("name", ["none.py", "a.py/b.py", "folder", "x" * 5000])
def test_a_missing_file_raises_what_open_raises(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=name[:9]) as expected:
        open(name, "rb")
    with pytest.raises(OSError, match=name[:9]) as error:
        source.read(name, str(tmp_path))
    assert (type(error.value), str(error.value)) == (
        type(expected.value),
        str(expected.value),
    )


def test_an_impossible_name_is_an_os_error() -> None:
    with pytest.raises(OSError, match="null"):
        source.read("a\0b.py")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(OSError, match="Not a regular file"):
        source.read(str(tmp_path / "pipe.py"))


def test_a_file_in_an_archive_is_read(tmp_path: Path) -> None:
    archive = tmp_path / "lib.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("pkg/mod.py", TEXT)
    found = source.read(str(archive / "pkg" / "mod.py"))
    assert found.data == TEXT.encode()
    assert found.archive == str(archive)
    with pytest.raises(OSError, match=r"none\.py"):
        source.read(str(archive / "pkg" / "none.py"))


def test_a_damaged_archive_holds_no_source(tmp_path: Path) -> None:
    archive = tmp_path / "lib.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mod.py", TEXT * 100)
    data = bytearray(archive.read_bytes())
    data[40:60] = b"?" * 20
    archive.write_bytes(data)
    with pytest.raises(OSError, match=r"mod\.py"):
        source.read(str(archive / "mod.py"))


SOURCES = [
    b"",
    b"x = 1",
    b"x = 1\n",
    "x = 'ä€😀'\n".encode(),
    b"# -*- coding: latin-1 -*-\nx = '\xe4'\n",
    b"#!/usr/bin/python\n# vim: set fileencoding=iso-8859-15 :\nx = '\xa4'\n",
    b"\n# coding: cp1252\nx = '\x80'\n",
    b"# coding: utf-8\nx = 1\n",
    b"# coding: ascii\nx = 1\n",
    b"# coding: shift_jis\nx = '\x83\x65'\n",
    codecs.BOM_UTF8 + "x = 'ä'\n".encode(),
    codecs.BOM_UTF8 + b"# coding: utf-8\nx = 1\n",
    b"x = 1\n\n# coding: latin-1\n",
    b"x = 'coding: latin-1'\n",
    b"a\r\nb\rc\n\r\n\r",
    b"# coding: latin-1\r\nx = '\xe4'\r\n",
    b"a\x0cb\x1cc\xc2\x85d\xe2\x80\xa8e\n",
]


@pytest.mark.parametrize("data", SOURCES)
def test_text_and_encoding_are_those_of_tokenize(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(data)
    with tokenize.open(path) as file:
        assert source.decode(data) == (file.read(), file.encoding)


@pytest.mark.parametrize(
    "data",
    [
        b"x = '\xe4'\n",
        b"x = 1\n\n\nx = '\xff'\n",
        b"# coding: nonsense\n",
        codecs.BOM_UTF8 + b"# coding: latin-1\n",
        b"# coding: ascii\nx = '\xe4'\n",
        b"# coding: rot13\nx = 1\n",
        b"# coding: undefined\nx = 1\n",
    ],
)
def test_what_tokenize_cannot_decode_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(source.DECODE_ERRORS):
        source.decode(data)
    path = tmp_path / "a.py"
    path.write_bytes(data)
    with pytest.raises(source.DECODE_ERRORS), tokenize.open(path) as file:
        file.read()


def test_lines_come_from_a_compiled_file_that_is_fresh(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT + "\n" * 5)
    write_pyc(path, "\n\n\nx = 1\n", stamp_of(path))
    assert lines_of(path) == {4}


@pytest.mark.parametrize("flags", [0b01, 0b11])
def test_a_compiled_file_may_hold_the_hash_of_its_source(
    flags: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT + "\n" * 5)
    stamp = importlib.util.source_hash(path.read_bytes())
    write_pyc(path, "\n\n\nx = 1\n", stamp, flags)
    assert lines_of(path) == {4}
    path.write_text(TEXT)
    assert lines_of(path) == {1, 2}


def test_a_stale_compiled_file_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    for index in range(8):
        stamp = bytearray(stamp_of(path))
        stamp[index] ^= 1
        write_pyc(path, "\n\n\nx = 1\n", bytes(stamp))
        assert lines_of(path) == {1, 2}


def test_a_compiled_file_of_another_version_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    write_pyc(path, "\n\n\nx = 1\n", stamp_of(path))
    target = Path(importlib.util.cache_from_source(str(path)))
    data = target.read_bytes()
    target.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert lines_of(path) == {1, 2}


def test_a_damaged_compiled_file_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    target = Path(py_compile.compile(str(path)) or "")
    data = target.read_bytes()
    for length in range(len(data)):
        target.write_bytes(data[:length])
        assert lines_of(path) == {1, 2}
    target.write_bytes(data[:16] + b"?" * 100)
    assert lines_of(path) == {1, 2}
