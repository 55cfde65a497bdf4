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

from exactrace import _native, countsfile, datafile
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX = ".xt"
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
            found = [entry for entry in entries if entry.name.endswith(SUFFIX)]
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
    folder: str, names: Iterable[str], *, running: bool = True
) -> tuple[CoverageResults, set[str], list[str]]:
    """Return the sum of these files, the names of those that could be read or that
    others stand for, and a line on each that could not be, or not in full.

    running: also read those in which processes are counting still.
    """
    total = CoverageResults()
    read_names: set[str] = set()
    replaced: set[str] = set()
    troubles = []
    each: dict[str, CoverageResults] = {}
    for name in sorted(names):
        path = os.path.join(folder, name)
        try:
            data = _read_bytes(path)
            journal = Journal.of(data)
            if journal is not None and not running and journal.is_running():
                continue
            content = datafile.loads(data)
            if content is None:
                raise countsfile.CountsFileError("not a counts file")
        except FileNotFoundError:
            continue  # merged by somebody else meanwhile
        except (OSError, countsfile.CountsFileError) as error:
            troubles.append(f"{path!r} is left out: {error}")
            continue
        each[name], about = content
        read_names.add(name)
        if journal is not None:
            troubles.append(journal.describe(each[name]))
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
    name = new_file(folder, run)
    countsfile.write_new_file(os.path.join(folder, name), data, 0o600)
    return name


def new_file(folder: str, run: str) -> str:
    """Return the name of a file that is not there, which begins with `run`, and
    make the folder if need be. Raises OSError.
    """
    _make(folder)
    return _new_name(run)


def place() -> str:
    """Return what tells where process numbers mean the same: "" if not known."""
    with contextlib.suppress(OSError):
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return ""


class Journal:
    """The file in which a process counts while it runs (core/store/journal.h)."""

    def __init__(self, header: tuple[int, int, int, int, bool], data: bytes) -> None:
        self.process, self._started, self._began, self._minor, self._whole = header
        content = datafile.loads(data)
        self._place = "" if content is None else content[1].get("place", "")

    @classmethod
    def of(cls, data: bytes) -> Journal | None:
        """Return what is known of such a file, or None if it is no such file.

        Raises CountsFileError.
        """
        try:
            header = _native.journal_header(data)
        except ValueError as error:
            raise countsfile.CountsFileError(str(error)) from None
        return None if header is None else cls(header, data)

    def is_running(self) -> bool:
        """Whether the process runs, or may run where we cannot see it."""
        if not self._place or self._place != place():
            return True
        try:
            with open(f"/proc/{self.process}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return False
        # proc(5): the state is field 3, the start is field 22.
        return fields[0] not in (b"Z", b"X") and int(fields[19]) == self._started

    def describe(self, results: CoverageResults) -> str:
        """Say what is known of the process, in one line."""
        if self.is_running():
            said = f"process {self.process} is running, or was somewhere else: "
            said += "its counts are those of this moment"
        else:
            said = f"process {self.process} was ended before it could write its "
            said += "counts: they are from the file in which it counted"
        if results.unsure:
            said += f"; {len(results.unsure)} lines can be off by one for each frame "
            said += "that was running"
        if not self._whole:
            said += "; there was no room for all of them: some are missing"
        return said


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
    return f"{run}-{host or 'host'}-{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
