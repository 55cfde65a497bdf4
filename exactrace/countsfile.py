# SPDX-License-Identifier: Apache-2.0
"""The counts file of the standard trace module: reading it and writing it.

The file is a pickle. It is read by a parser of our own, which runs no code,
and replaced as a whole or not at all. What may stand in it is written down in
docs/counts-pickle.md.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat

from exactrace import _native

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from exactrace.results import CoverageResults

    Line: TypeAlias = tuple[str, int]  # file name, line number
    Function: TypeAlias = tuple[str, str | None, str]  # file, module, function
    Call: TypeAlias = tuple[Function, Function]  # caller, callee
    # How often lines ran; which functions ran; which function called which.
    Counts: TypeAlias = tuple[dict[Line, int], dict[Function, int], dict[Call, int]]
    StrPath: TypeAlias = str | os.PathLike[str]

# Where a new file cannot be put beside the old one, or cannot take its place
# (a read-only folder, a file that is a mount point of its own).
_NO_REPLACING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY}

TOO_LARGE = "not a counts file: too large for memory"
_BINARY: int = getattr(os, "O_BINARY", 0)  # Windows only


class CountsFileError(ValueError):
    """A file that is no counts file, or counts that no such file can hold.

    The message is one line and does not name the file.
    """


def load(path: StrPath) -> Counts:
    """Read a counts file: (counts, calledfuncs, callers). It may also be one of our
    own kind, or a folder of such; what else that holds is left out.

    Raises OSError as open() does, EOFError for an empty file, and
    CountsFileError for everything else that is not a counts file.
    """
    results, _ = load_results(path)
    return results.counts, results.calledfuncs, results.callers


def load_results(path: StrPath) -> tuple[CoverageResults, dict[str, str] | None]:
    """Read a counts file of any kind, or a folder of those of our own kind: all that
    it holds; and the notes of a file of our own kind, else None. Raises what load()
    does.
    """
    from exactrace.results import CoverageResults

    if os.path.isdir(path):
        return _load_folder(os.fsdecode(path)), None
    with open(path, "rb") as file:
        try:
            data = file.read()
        except MemoryError:
            raise CountsFileError(TOO_LARGE) from None
    if is_own_kind(data):
        from exactrace import datafile

        return datafile.loads(data) or (CoverageResults(), None)
    counts, calledfuncs, callers = loads(data)
    return CoverageResults(counts, calledfuncs, callers=callers), None


def is_own_kind(data: bytes) -> bool:
    """Whether bytes begin as a file that docs/counts-file-format.md tells of."""
    return data.startswith((b"\x89EXT\r\n\x1a\n", b"\x89EXJ\r\n\x1a\n"))


def _load_folder(folder: str) -> CoverageResults:
    from exactrace import datafolder
    from exactrace.results import warn

    names = datafolder.files(folder)
    if not names:
        raise CountsFileError("a folder without counts")
    results, _, troubles = datafolder.read(folder, names)
    for trouble in troubles:
        warn(f"exactrace: {trouble}")
    return results


def loads(data: bytes) -> Counts:
    """Read the content of a counts file: see load()."""
    if not data:
        raise EOFError("Ran out of input")
    try:
        return _native.loads_counts(data)
    except ValueError as error:
        raise CountsFileError(str(error)) from None
    except MemoryError:
        raise CountsFileError(TOO_LARGE) from None


def save(
    path: StrPath,
    counts: dict[Line, int],
    calledfuncs: dict[Function, int],
    callers: dict[Call, int],
    *,
    keep_unreadable: bool = False,
) -> str | None:
    """Write a counts file in place of what `path` held, all of it or nothing.

    A symbolic link stays one: the file that it leads to is replaced, and keeps
    its mode and owner. What is not a regular file (a device, a pipe, a standard
    stream) is written to as it is. In the few places where a file cannot be
    replaced but can be written to, it is written to.

    With `keep_unreadable`, a file that load() could not read is not replaced
    but renamed, to `<path>.unreadable` (then `<path>.unreadable.1`, ...). Returns
    the new name when that happened, else None.

    Raises OSError with the file name, the old file being as it was, and
    CountsFileError, naming the item, for counts that the file cannot hold.
    """
    try:
        data = _native.dumps_counts(counts, calledfuncs, callers)
    except (TypeError, ValueError) as error:
        raise CountsFileError(str(error)) from None
    return replace(path, data, keep_unreadable=keep_unreadable)


def replace(path: StrPath, data: bytes, *, keep_unreadable: bool = False) -> str | None:
    """Write the bytes of a counts file in place of what `path` held: see save()."""
    path = os.fsdecode(path)
    with _name_in_errors(path):
        try:
            old = os.stat(path)
        except FileNotFoundError:
            old = None
        if old is not None and is_written_to(path, old):
            _write_to(path, os.O_APPEND, data)
            return None
        target = os.path.realpath(path)
        if old is None:
            _write_beside_and_replace(target, None, data)
            return None
        # Replacing needs no permission on the file itself, but a file that
        # was made read-only shall stay as it is.
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if keep_unreadable and not _is_readable(target):
            return _write_beside_and_keep(target, old, data)
        try:
            _write_beside_and_replace(target, old, data)
        except OSError as error:
            if error.errno not in _NO_REPLACING:
                raise
            _write_to(target, os.O_TRUNC, data)
        return None


def write_new_file(path: str, data: bytes, mode: int) -> None:
    """Write a file that is not there, all of it or nothing. Raises OSError."""
    temporary = _write_beside(path, None, data, mode)
    try:
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise


@contextlib.contextmanager
def _name_in_errors(path: str) -> Iterator[None]:
    """Make every OSError name `path`, not a temporary file or nothing."""
    try:
        yield
    except OSError as error:
        if error.filename == path and error.filename2 is None:
            raise
        raise OSError(error.errno, error.strerror, path) from error


def is_written_to(path: str, status: os.stat_result) -> bool:
    """Whether `path` is a stream, and not a file that can be replaced.

    /dev/stdout can lead to a regular file, which then still belongs to whoever
    writes to the standard output.
    """
    return not stat.S_ISREG(status.st_mode) or os.path.abspath(path).startswith(
        ("/dev/std", "/dev/fd/", "/proc/")
    )


def _is_readable(path: str) -> bool:
    """Whether nothing would be lost by replacing the file without a look."""
    try:
        load(path)
    except EOFError:
        return True
    except (OSError, CountsFileError):
        return False
    return True


def _write_to(path: str, flag: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | flag | _BINARY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _write_beside_and_replace(
    target: str, old: os.stat_result | None, data: bytes
) -> None:
    temporary = _write_beside(target, old, data)
    try:
        os.replace(temporary, target)
    except BaseException:
        _remove(temporary)
        raise
    _sync_directory(target)


def _write_beside_and_keep(target: str, old: os.stat_result, data: bytes) -> str:
    """Replace `target`, having renamed it. Returns its new name."""
    temporary = _write_beside(target, old, data)
    try:
        kept = _reserve_name(target)
        try:
            os.replace(target, kept)
            os.replace(temporary, target)
        except BaseException:
            if os.path.samestat(os.stat(kept), old):
                os.replace(kept, target)
            else:
                _remove(kept)
            raise
    except BaseException:
        _remove(temporary)
        raise
    _sync_directory(target)
    return kept


def _write_beside(
    target: str, old: os.stat_result | None, data: bytes, mode: int = 0o666
) -> str:
    """Write a temporary file in the folder of `target`. Returns its name."""
    temporary, descriptor = _create_beside(target, mode if old is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if old is not None:
                _take_over(temporary, old)
            os.fsync(file.fileno())
    except BaseException:
        _remove(temporary)
        raise
    return temporary


def _create_beside(target: str, mode: int) -> tuple[str, int]:
    """Create a file that was not there. Returns its name and a descriptor."""
    folder, name = os.path.split(target)
    # A name that is too long with a suffix is cut.
    stem = os.path.join(folder, f".{name[:40]}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
    for number in itertools.count():
        temporary = f"{stem}-{number}.tmp"
        with contextlib.suppress(FileExistsError):
            return temporary, os.open(temporary, flags, mode)
    raise AssertionError


def _reserve_name(target: str) -> str:
    """Create an empty file named `<target>.unreadable`, numbered if taken."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
    for number in itertools.count():
        name = f"{target}.unreadable" + (f".{number}" if number else "")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(name, flags, 0o600))
            return name
    raise AssertionError


def _take_over(path: str, old: os.stat_result) -> None:
    """Give a new file the owner, where permitted, and the mode of the old one."""
    new = os.stat(path)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):
            os.chown(path, old.st_uid, old.st_gid)
    os.chmod(path, stat.S_IMODE(old.st_mode))


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _sync_directory(target: str) -> None:
    """Make a renaming last, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(os.path.dirname(target), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
