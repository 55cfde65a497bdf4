"""The file in which a process counts while it runs, seen by others."""

from __future__ import annotations

import contextlib
import os

from exactrace import _native, countsfile, datafile


def place() -> str:
    """Return what tells where process numbers mean the same: "" if not known."""
    with contextlib.suppress(OSError):
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return ""


class Journal:
    """The file in which a process counts while it runs (core/store/journal.h)."""

    def __init__(
        self, header: tuple[int, int, int, int, bool], recovered: bytes
    ) -> None:
        """recovered: the bytes of a counts file with what was counted."""
        self.process, self._started, self._began, self._minor, self._whole = header
        self.recovered = recovered
        content = datafile.loads(recovered)
        assert content is not None
        self.results = content[0]
        self._place = content[1].get("place", "")

    @classmethod
    def of(cls, data: bytes) -> Journal | None:
        """Return what is known of such a file, or None if it is no such file.

        Raises CountsFileError.
        """
        try:
            header = _native.journal_header(data)
            recovered = _native.recover(data)
        except ValueError as error:
            raise countsfile.CountsFileError(str(error)) from None
        if header is None or recovered is None:
            return None
        return cls(header, recovered)

    def is_here(self) -> bool:
        """Whether the process ran where its number means the same to us."""
        return bool(self._place) and self._place == place()

    def is_running(self) -> bool:
        """Whether the process runs, or may run where we cannot see it."""
        if not self.is_here():
            return True
        try:
            with open(f"/proc/{self.process}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return False
        # proc(5): the state is field 3, the start is field 22.
        return fields[0] not in (b"Z", b"X") and int(fields[19]) == self._started

    def describe(self) -> str:
        """Say what is known of the process, in one line."""
        if self.is_running():
            said = f"process {self.process} is running, or was somewhere else: "
            said += "its counts are those of this moment"
        else:
            said = f"process {self.process} was ended before it could write its "
            said += "counts: they are from the file in which it counted"
        if self.results.unsure:
            said += (
                f"; {len(self.results.unsure)} lines can be off by one for each frame "
            )
            said += "that was running (`exactrace show --lines`)"
        if not self._whole:
            said += "; there was no room for all of them: some are missing"
        return said
