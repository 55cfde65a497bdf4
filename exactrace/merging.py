"""The sum of counts files, each counted once, however many there are."""

from __future__ import annotations

import os
import re

from exactrace import _native, countsfile, datafile
from exactrace.journal import Journal
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STANDS_FOR = "stands for "  # a key of the notes, with the name of another file
_MAGIC = 8  # bytes that all files begin with
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
# RUN-HOST-PID-RANDOM: no other file has that name, on any host.
_GIVEN_NAME = re.compile(r".+-.+-\d+-[0-9a-f]{8}\.xt")


class Input:
    """A file that is to be added."""

    def __init__(self, path: str, name: str, *, foreign: bool = False) -> None:
        """name: what tells it from all others, so that it is counted once; "" if
        nothing does. foreign: it may also be one of the standard module's.
        """
        self.path = path
        self.name = name
        self.foreign = foreign


class Merged:
    """The sum of files."""

    def __init__(self) -> None:
        self.sum = _native.Merge()
        self.inputs: list[Input] = []  # those that were added
        self.names: set[str] = set()  # of these, and of what they stand for
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


def is_given_name(name: str) -> bool:
    """Whether a file's name was given by us, so that no other has it."""
    return _GIVEN_NAME.fullmatch(name) is not None


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
        if one.name in overlapping:
            merged.troubles.append(overlapping[one.name])
            continue
        try:
            notes = _add(merged, one, running)
        except FileNotFoundError as error:
            if one.foreign:
                merged.troubles.append(f"{one.path!r} is left out: {error.strerror}")
            continue  # merged by somebody else meanwhile
        except OSError as error:
            merged.troubles.append(f"{one.path!r} is left out: {error.strerror}")
        except (EOFError, countsfile.CountsFileError) as error:
            merged.troubles.append(f"{one.path!r} is left out: {error}")
        else:
            if notes is None:
                continue
            merged.inputs.append(one)
            last = one.name
            if notes:
                stands[one.name or one.path] = {
                    key.removeprefix(STANDS_FOR)
                    for key in notes
                    if key.startswith(STANDS_FOR)
                }
        step()
    return merged, stands


def _add(merged: Merged, one: Input, running: bool) -> dict[str, str] | None:
    """Add a file, and return its notes; None if it is passed over. Raises OSError,
    CountsFileError, EOFError.
    """
    data = read_bytes(one.path, follow=one.foreign)
    if is_given_name(one.name) and not data[:_MAGIC].strip(b"\0"):
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
            data = _native.recover(data) or b""
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
    """Return what a file holds. Raises OSError, also where it is a link and `follow`
    does not allow that.
    """
    descriptor = os.open(path, os.O_RDONLY | (0 if follow else _NO_FOLLOW))
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return data
        parts = [data]
        while parts[-1]:
            parts.append(os.read(descriptor, 1 << 20))
        return b"".join(parts)
    finally:
        os.close(descriptor)
