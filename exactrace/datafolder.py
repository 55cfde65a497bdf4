"""The folder where runs keep what they have recorded: a file for each process.

Nobody but its process writes a file, under a name that no other has, and it
appears as a whole. Merging several into one writes a new file that names those it
stands for, and then removes these: should that be cut short, they are passed over.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from exactrace import countsfile, datafile, merging
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUFFIX = merging.SUFFIX
_LOCK = ".lock"
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)


def files(folder: str) -> set[str]:
    """Return the names of the counts files in a folder; none if it is not there.

    Symbolic links are left out, and so is, where others may write, what is not
    ours. Raises OSError.
    """
    try:
        status = _status(folder)
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if entry.name.endswith(SUFFIX)]
    except (FileNotFoundError, NotADirectoryError):
        return set()
    shared = _is_shared(status)
    names = set()
    for entry in found:
        with contextlib.suppress(OSError):
            inner = entry.stat(follow_symlinks=False)
            foreign = shared and inner.st_uid != os.geteuid()
            if stat.S_ISREG(inner.st_mode) and not foreign:
                names.add(entry.name)
    return names


def read(
    folder: str, names: Iterable[str], *, running: bool = True
) -> tuple[CoverageResults, set[str], list[str]]:
    """Return the sum of these files, the names of those that could be read or that
    others stand for, and a line on each that could not be, or not in full.

    running: also read those in which processes are counting still.

    Raises CountsFileError for a sum that no file can hold.
    """
    merged = merging.merge(
        (merging.Input(os.path.join(folder, name), name) for name in names),
        running=running,
    )
    return merged.results(), merged.names, merged.troubles + merged.remarks


def write(
    folder: str,
    results: CoverageResults,
    run: str,
    stands_for: Iterable[str] = (),
) -> str:
    """Write a new file, and make the folder if need be. Returns its name, which
    begins with `run`.

    Raises OSError, and CountsFileError for results that no file can hold.
    """
    return write_bytes(
        folder, datafile.dumps(results, merging.stands_for(stands_for)), run
    )


def write_bytes(folder: str, data: bytes, run: str) -> str:
    """Write a new file with this content: see write()."""
    name = new_file(folder, run)
    countsfile.write_new_file(os.path.join(folder, name), data, 0o600)
    return name


def new_file(folder: str, run: str) -> str:
    """Return the name of a file that is not there, which begins with `run`, and
    make the folder if need be. Raises OSError.
    """
    _make(folder)
    return _new_name(run)


def remove(folder: str, names: Iterable[str]) -> None:
    """Remove files, as far as that is possible."""
    for name in filter(merging.is_plain_name, names):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Make the folder if need be, and let nobody else bring its files together
    meanwhile. Where locks cannot be had, go on without. Raises OSError.
    """
    _make(folder)
    descriptor = -1
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        descriptor = _open_lock(folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _open_lock(folder: str) -> int:
    """Return a descriptor of a file that only we can lock. Raises OSError."""
    # Whoever else may write there must not make us wait for ever.
    for name in (_LOCK, f"{_LOCK}-{os.geteuid()}"):
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | _NO_FOLLOW
        with contextlib.suppress(OSError):
            descriptor = os.open(os.path.join(folder, name), flags, 0o600)
            status = os.fstat(descriptor)
            if status.st_uid == os.geteuid() and stat.S_ISREG(status.st_mode):
                return descriptor
            os.close(descriptor)
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)


def _status(folder: str) -> os.stat_result:
    """Return the state of a folder. Raises OSError, also where another user's link,
    in a place where all may write, leads to it.
    """
    link = os.lstat(folder)
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (0, os.geteuid()):
        around = os.stat(os.path.dirname(os.path.abspath(folder)))
        if _is_shared(around):
            raise OSError(errno.ELOOP, "it is a symbolic link of another user", folder)
    return os.stat(folder)


def _is_shared(status: os.stat_result) -> bool:
    """Whether others than its owner may write in a folder."""
    return bool(status.st_mode & 0o022)


def _make(folder: str) -> None:
    """Make the folder, for ourselves alone and unseen by git."""
    try:
        os.makedirs(folder, mode=0o700)
    except FileExistsError:
        if not stat.S_ISDIR(_status(folder).st_mode):
            raise NotADirectoryError(
                errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder
            ) from None
        return
    with contextlib.suppress(OSError):
        ignored = os.path.join(folder, ".gitignore")
        with open(ignored, "x", encoding="ascii") as file:
            file.write("*\n")


def _new_name(run: str) -> str:
    """Return a name that no other file has, on any host."""
    host = "".join(
        letter if letter.isalnum() or letter in "-_." else "_"
        for letter in os.uname().nodename[:64]
    )
    return f"{run}-{host or 'host'}-{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
