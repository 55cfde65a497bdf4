"""Reads the source that counts belong to, and finds the lines that can run."""

from __future__ import annotations

import errno
import os
import stat
import sys

from exactrace import _native

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable
    from types import CodeType
    from typing import TypeAlias, TypeVar

    Compiled: TypeAlias = CodeType | bytes
    T = TypeVar("T")

# What compiling some text can raise, beside SyntaxError.
COMPILE_ERRORS = (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError)

# What decoding a source by its declared encoding can raise.
DECODE_ERRORS = (SyntaxError, UnicodeError, LookupError)

_BOM = b"\xef\xbb\xbf"


class Source:
    """The bytes of one source file, and where they are from."""

    def __init__(
        self,
        filename: str,
        path: str,
        archive: str | None,
        data: bytes,
        status: os.stat_result | None,
    ) -> None:
        """filename: the name that counts have. path: absolute; for a file in
        an archive, as if that were a folder. archive: the zip file that holds
        it. status: of the file; None in an archive.
        """
        self.filename = filename
        self.path = path
        self.archive = archive
        self.data = data
        self.status = status


def read(filename: str, base: str | None = None) -> Source:
    """Read the source file that `filename` is the name of.

    A relative name is looked up in the folder `base`, then in the current
    one. A path may lead into a zip file: /x/lib.zip/package/module.py.

    Raises OSError, as `open(filename)` does.
    """
    paths = [filename if base is None else os.path.join(base, filename)]
    if base is not None and not os.path.isabs(filename):
        paths.append(filename)
    failure: OSError | None = None
    for path in paths:
        try:
            return _read_path(filename, path)
        except OSError as error:
            failure = failure or error
    assert failure is not None
    # The name that the reader of the message knows, not the path.
    raise OSError(failure.errno, failure.strerror, filename) from None


def _read_path(filename: str, path: str) -> Source:
    """Read a file or one in an archive. Raises OSError."""
    try:
        status = os.stat(path)
    except ValueError as error:  # a name with a null character
        raise OSError(errno.EINVAL, str(error)) from None
    except (FileNotFoundError, NotADirectoryError):
        found = _read_from_archive(filename, os.path.abspath(path))
        if found is None:
            raise
        return found
    # Opening a pipe could wait for ever.
    if not (stat.S_ISREG(status.st_mode) or path == os.devnull):
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "Not a regular file")
    with open(path, "rb") as file:
        data = file.read()
        status = os.fstat(file.fileno())
    return Source(filename, os.path.abspath(path), None, data, status)


def _read_from_archive(filename: str, path: str) -> Source | None:
    """Read a file in a zip archive; None if that is not what `path` leads to."""
    import zipimport
    import zlib

    try:
        importer = zipimport.zipimporter(os.path.dirname(path))
        data = importer.get_data(path)
    except (ImportError, OSError, EOFError, ValueError, zlib.error):
        return None
    return Source(filename, path, importer.archive, data, None)


def digest(data: bytes) -> str:
    """Return the id that Git has for a file with this content, by SHA-1."""
    import hashlib

    head = b"blob %d\0" % len(data)
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()


def decode(data: bytes) -> tuple[str, str]:
    r"""Return (text, encoding) of a source file; lines of the text end with \n.

    Raises one of DECODE_ERRORS.
    """
    encoding = "utf-8"
    head = b"\n".join(data.split(b"\n", 2)[:2])
    if data.startswith(_BOM) or b"coding" in head:
        import io
        import tokenize

        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    text = data.decode(encoding)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, encoding


def compile_text(source: Source, text: str) -> CodeType:
    """Compile a source. Raises one of COMPILE_ERRORS."""
    code: CodeType = compile(text, source.filename, "exec", dont_inherit=True)
    return code


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a source. Raises one of COMPILE_ERRORS.

    What the compiler warns of has been said when the program was compiled.
    """
    import ast
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def code(source: Source, text: str) -> CodeType:
    """Return the code of a source: from a fresh .pyc file that nobody else can have
    written, or else compiled. Raises one of COMPILE_ERRORS.
    """
    pyc = _fresh_pyc(source, trusted=True)
    if pyc is not None:
        import marshal

        try:
            found = marshal.loads(pyc[16:])
        except (ValueError, EOFError, TypeError):
            found = None  # a damaged file
        if isinstance(found, type(compile_text.__code__)):
            return found
    return compile_text(source, text)


def _fresh_pyc(source: Source, *, trusted: bool = False) -> bytes | None:
    """Return the .pyc file that an import of the source would use, if any. trusted:
    only if none but root and ourselves can write it.
    """
    if source.status is None:
        return None
    from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash

    try:
        with open(cache_from_source(source.path), "rb") as file:
            if trusted and not _is_trusted(os.fstat(file.fileno())):
                return None
            data = file.read()
    except (OSError, NotImplementedError):  # the latter without a cache tag
        return None
    flags = int.from_bytes(data[4:8], "little")
    if flags == 0:
        stamp = _u32(int(source.status.st_mtime)) + _u32(source.status.st_size)
    elif flags in (0b01, 0b11):
        stamp = source_hash(source.data)
    else:
        return None
    return data if data[:4] == MAGIC_NUMBER and data[8:16] == stamp else None


def _is_trusted(status: os.stat_result) -> bool:
    mine = os.name != "posix" or status.st_uid in (0, os.geteuid())
    return mine and not status.st_mode & 0o022


def _u32(number: int) -> bytes:
    return (number & 0xFFFFFFFF).to_bytes(4, "little")


def docstring_lines(text: str) -> dict[int, int]:
    """Return {line: 1} for the lines of every docstring."""
    return _native.docstring_lines(text)


def executable_set(source: Source, text: str) -> bytes:
    """Return the lines of a source that can run, for `_native.annotate`.

    Raises one of COMPILE_ERRORS.
    """
    return _with_code(source, text, lambda code: _native.executable(text, code))


def annotate(
    source: Source, text: str, hits: dict[int, int], pragma: str
) -> tuple[bytes, int, int]:
    """Return (listing in UTF-8, lines hit, lines hit or missing) of a source.

    hits: counts by line. pragma: a line that holds it is never missing.

    Raises one of COMPILE_ERRORS, or TypeError if a count is not an integer.
    """
    return _native.annotate(text, hits, executable_set(source, text), pragma)


def annotate_hits(text: str, hits: dict[int, int]) -> tuple[bytes, int, int]:
    """As annotate(), without a mark on lines that did not run."""
    return _native.annotate(text, hits, b"", "")


def executable_lines(source: Source, text: str) -> dict[int | None, int]:
    """Return {line: 1} for the lines of a source that can run.

    From 3.13 on the key None stands for code without a line. Raises one of
    COMPILE_ERRORS.
    """
    return _with_code(source, text, lambda code: lines_of(code, text))


def lines_of(code: Compiled, text: str) -> dict[int | None, int]:
    """As executable_lines(), of a code object or the content of a .pyc file. Raises
    ValueError for a damaged one.
    """
    lines = _native.code_lines(code, text.count("\n") + 2)
    if sys.version_info < (3, 13):
        lines.pop(None, None)
    for line in docstring_lines(text):
        lines.pop(line, None)
    return lines


def _with_code(source: Source, text: str, use: Callable[[Compiled], T]) -> T:
    """Return what `use` makes of the code of a source.

    That is the content of a fresh .pyc file, or else compiled now. Raises
    one of COMPILE_ERRORS.
    """
    pyc = _fresh_pyc(source)
    if pyc is not None:
        try:
            return use(pyc)
        except ValueError:
            pass  # a damaged file
    return use(compile_text(source, text))
