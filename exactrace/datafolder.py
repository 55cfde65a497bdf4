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

from exactrace import countsfile, datafile
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable

_SUFFIX = ".xt"
_MERGED = "stands for "  # a key of the notes, with the name of another file
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)


def files(folder: str) -> set[str]:
    """Return the names of the counts files in a folder; none if it is not there.

    Symbolic links are left out, and so is, where others may write, what is not
    ours.
    """
    try:
        status = os.stat(folder)
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if entry.name.endswith(_SUFFIX)]
    except (FileNotFoundError, NotADirectoryError):
        return set()
    shared = bool(status.st_mode & 0o022)
    names = set()
    for entry in found:
        with contextlib.suppress(OSError):
            inner = entry.stat(follow_symlinks=False)
            foreign = shared and inner.st_uid != os.geteuid()
            if stat.S_ISREG(inner.st_mode) and not foreign:
                names.add(entry.name)
    return names


def read(
    folder: str, names: Iterable[str]
) -> tuple[CoverageResults, set[str], list[str]]:
    """Return the sum of these files, the names of those that could be read or that
    others stand for, and a line on each that could not be.
    """
    total = CoverageResults()
    read_names: set[str] = set()
    replaced: set[str] = set()
    troubles = []
    each: dict[str, CoverageResults] = {}
    for name in sorted(names):
        path = os.path.join(folder, name)
        try:
            content = datafile.loads(_read_bytes(path))
            if content is None:
                raise countsfile.CountsFileError("not a counts file")
        except FileNotFoundError:
            continue  # merged by somebody else meanwhile
        except (OSError, countsfile.CountsFileError) as error:
            troubles.append(f"{path!r} is left out: {error}")
            continue
        each[name], about = content
        read_names.add(name)
        replaced |= {
            key.removeprefix(_MERGED) for key in about if key.startswith(_MERGED)
        }
    for name, results in each.items():
        if name not in replaced:
            total.update(results)
    return total, read_names | replaced, troubles


def _read_bytes(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


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
    about = {f"{_MERGED}{name}": "" for name in stands_for}
    data = datafile.dumps(results, about)
    _make(folder)
    name = _new_name(run)
    countsfile.write_new_file(os.path.join(folder, name), data, 0o600)
    return name


def remove(folder: str, names: Iterable[str]) -> None:
    """Remove files, as far as that is possible."""
    for name in names:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))


def _make(folder: str) -> None:
    """Make the folder, for ourselves alone and unseen by git."""
    try:
        os.makedirs(folder, mode=0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
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
    return f"{run}-{host or 'host'}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
