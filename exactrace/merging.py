"""The sum of counts files, each counted once, however many there are."""

from __future__ import annotations

import errno
import os
import stat
import time

from exactrace import _native, countsfile, datafile
from exactrace.journal import Journal
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SUFFIX = ".xt"
STANDS_FOR = "stands for "  # a key of the notes, with the name of another file
_MAGIC = 8  # bytes that all files begin with
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING: int = getattr(os, "O_NONBLOCK", 0)
_DIGITS = frozenset("0123456789")
_HEX_DIGITS = _DIGITS | frozenset("abcdef")


class Input:
    """A file that is to be added."""

    def __init__(self, path: str, name: str, *, foreign: bool = False) -> None:
        """name: what tells it from all others, so that it is counted once; "" if
        nothing does. foreign: it may also be one of the standard module's.
        """
        self.path = path
        self.name = name
        self.foreign = foreign

    @property
    def key(self) -> str:
        """What tells it from all others here."""
        return self.name or self.path


class Merged:
    """The sum of files."""

    def __init__(self) -> None:
        self.sum = _native.Merge()
        self.inputs: list[Input] = []  # those that were added
        self.names: set[str] = set()  # of these, of what they stand for, of `empty`
        self.empty: set[str] = set()  # files in which nobody has begun to count
        self.troubles: list[str] = []  # a line on each file that is left out
        self.remarks: list[str] = []  # and on each that is not quite what it seems
        self.running: list[str] = []  # and on each in which a process still counts

    def results(self) -> CoverageResults:
        """Return all counts; from then on nothing can be added. Raises CountsFileError
        where one is too large.
        """
        from exactrace.stored import StoredResults

        try:
            return StoredResults(self.sum)
        except ValueError as error:
            raise countsfile.CountsFileError(str(error)) from None

    def dumps(self, notes: dict[str, str]) -> bytes:
        """Return the bytes of a counts file. Raises CountsFileError."""
        try:
            return self.sum.dumps(notes)
        except ValueError as error:
            raise countsfile.CountsFileError(str(error)) from None


def is_plain_name(name: str) -> bool:
    """Whether that can be a file in a folder of counts. Names come from files too, and
    whoever wrote one may wish us to remove what lies elsewhere.
    """
    return name.endswith(SUFFIX) and os.path.basename(name) == name and "\0" not in name


def is_given_name(name: str) -> bool:
    """Whether a file's name was given by us, so that no other has it, on any host:
    RUN-HOST-PID-RANDOM.xt.
    """
    # Without re: every traced process imports this.
    parts = name.removesuffix(SUFFIX).split("-")
    if len(parts) < 4 or not name.endswith(SUFFIX):
        return False
    run, host, process, random = parts[0], "-".join(parts[1:-2]), *parts[-2:]
    return (
        bool(run and host and process)
        and _DIGITS.issuperset(process)
        and len(random) == 8
        and _HEX_DIGITS.issuperset(random)
    )


def stands_for(names: Iterable[str]) -> dict[str, str]:
    """Return the notes of a file that is the sum of these."""
    return {f"{STANDS_FOR}{name}": "" for name in sorted(names)}


def merge(
    inputs: Iterable[Input],
    *,
    running: bool = True,
    step: Callable[[], None] = lambda: None,
) -> Merged:
    """Add files up. Those for which another one stands are passed over, and a file
    that is there twice is counted once.

    running: also add those in which processes are counting still, or may be.
    step: is called after each file.
    """
    ordered = sorted(inputs, key=lambda one: (one.name, one.path))
    overlapping: dict[str, str] = {}  # name: why it is left out
    replaced: set[str] = set()
    while True:
        # What a file stands for is known only when it has been read. It is seldom
        # still there: then all is done once more, without it.
        merged, stands = _add_all(ordered, replaced, overlapping, running, step)
        found = set().union(*stands.values())
        if found & {one.name for one in merged.inputs}:
            replaced |= found
            continue
        twice = _overlap(stands)
        if twice is None:
            break
        overlapping[twice[0]] = twice[1]
        replaced = set()
    merged.names = {one.name for one in merged.inputs if one.name} | found
    merged.names |= merged.empty
    return merged


def _add_all(
    inputs: list[Input],
    replaced: set[str],
    overlapping: dict[str, str],
    running: bool,
    step: Callable[[], None],
) -> tuple[Merged, dict[str, set[str]]]:
    """Return the sum, and for each file that stands for others their names."""
    merged = Merged()
    stands: dict[str, set[str]] = {}
    last = ""
    for one in inputs:
        if one.name and (one.name in replaced or one.name == last):
            continue
        if one.key in overlapping:
            merged.troubles.append(overlapping[one.key])
            continue
        try:
            notes = _add(merged, one, running)
        except FileNotFoundError as error:
            if one.foreign:
                merged.troubles.append(f"{one.path!r} is left out: {error.strerror}")
            continue  # merged by somebody else meanwhile
        except OSError as error:
            merged.troubles.append(f"{one.path!r} is left out: {error.strerror}")
        except EOFError:
            merged.troubles.append(f"{one.path!r} is left out: it is empty")
        except countsfile.CountsFileError as error:
            merged.troubles.append(f"{one.path!r} is left out: {error}")
        else:
            if notes is None:
                continue
            merged.inputs.append(one)
            last = one.name
            if notes:
                stands[one.key] = _stood_for(notes)
        step()
    return merged, stands


def _add(merged: Merged, one: Input, running: bool) -> dict[str, str] | None:
    """Add a file, and return its notes; None if it is passed over. Raises OSError,
    CountsFileError, EOFError.
    """
    data = read_bytes(one.path, follow=one.foreign)
    if is_given_name(one.name) and not data[:_MAGIC].strip(b"\0"):
        if not _is_young(one.path):
            merged.empty.add(one.name)
        return None  # of a process that was ended before it could begin to count
    try:
        counting = Journal.of(data)
        if counting is not None:
            # What has come from elsewhere is what was left there.
            left = one.foreign and not counting.is_here()
            if not running and not left and counting.is_running():
                merged.running.append(
                    f"{one.path!r} stays: process {counting.process} is counting in it"
                )
                return None
            data = counting.recovered
        notes = merged.sum.add(data)
        if notes is None:
            if not one.foreign:
                raise countsfile.CountsFileError("not a counts file")
            counts, calledfuncs, callers = countsfile.loads(data)
            other = CoverageResults(counts, calledfuncs, callers=callers)
            notes = merged.sum.add(datafile.dumps(other, {}))
    except ValueError as error:
        raise countsfile.CountsFileError(str(error)) from None
    if counting is not None:
        merged.remarks.append(counting.describe())
    return notes


def _is_young(path: str) -> bool:
    """Whether a file may have been made just now, by a process that is about to begin
    to count in it: that takes far less than a minute.
    """
    try:
        return time.time() - os.stat(path).st_mtime < 60
    except OSError:
        return True


def _stood_for(notes: dict[str, str]) -> set[str]:
    """Return the names of the files that one with these notes stands for."""
    names = {
        key.removeprefix(STANDS_FOR) for key in notes if key.startswith(STANDS_FOR)
    }
    return {name for name in names if is_plain_name(name)}


def _overlap(stands: dict[str, set[str]]) -> tuple[str, str] | None:
    """Return the name of a file that counts what another one counts, too, and a
    line on it; None if there is none.
    """
    owners: dict[str, str] = {}
    for name in sorted(stands, key=lambda name: (-len(stands[name]), name)):
        for part in sorted(stands[name]):
            other = owners.setdefault(part, name)
            if other != name:
                return name, (
                    f"{name!r} is left out: like {other!r} it counts {part!r}, and "
                    "a sum cannot be parted: combine the files that they were made from"
                )
    return None


def read_bytes(path: str, *, follow: bool = False) -> bytes:
    """Return what a file holds. Raises OSError, also where it is a link or a device and
    `follow` does not allow that; and CountsFileError if there is no memory for it.
    """
    flags = os.O_RDONLY | (0 if follow else _NO_FOLLOW | _NO_WAITING)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not follow and not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        data = os.read(descriptor, status.st_size + 1)
        if len(data) == status.st_size:
            return data
        parts = [data]
        while parts[-1]:
            parts.append(os.read(descriptor, 1 << 20))
        return b"".join(parts)
    except (MemoryError, OverflowError):
        raise countsfile.CountsFileError(countsfile.TOO_LARGE) from None
    finally:
        os.close(descriptor)
