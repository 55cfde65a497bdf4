"""Processes below a traced one, each traced into the same folder.

`exactrace run` announces in the environment what is to be recorded, and where. A
new Python process finds that at its start, through the `.pth` file that is
installed with us, and traces itself; a forked one goes on as it is, with its counts
set to zero. Each writes a file of its own when it ends, also by `os._exit()` or when
it becomes another program.
"""

from __future__ import annotations

import contextlib
import os

from exactrace import _native, countsfile, datafolder, journal
from exactrace.results import CoverageResults, warn
from exactrace.tracer import Trace

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "EXACTRACE_CHILDREN"  # of the environment
_FIELD, _ITEM = "\x1e", "\x1f"  # what parts its value


class Settings:
    """What a process and those below it record, and where."""

    def __init__(
        self,
        folder: str,
        *,
        ignoremods: Iterable[str] = (),
        ignoredirs: Iterable[str] = (),
        kept: Iterable[str] = (),
        engine: str | None = None,
        branch: bool = False,
        calls: bool = False,
        dump_signal: str = "",
        run: str | None = None,
    ) -> None:
        """folder: an absolute path. dump_signal: the name of a signal that has the
        counts so far written, or "". kept: absolute paths of folders and files to trace
        although they lie in ignoredirs. run: what the names of the files begin with, by
        default what those of no other run do. The others: see Trace.
        """
        self.folder = folder
        self.run = run or os.urandom(4).hex()
        self.ignoremods = list(ignoremods)
        self.ignoredirs = list(ignoredirs)
        self.kept = list(kept)
        self.engine = engine
        self.branch = branch
        self.calls = calls
        self.dump_signal = dump_signal

    def tracer(self) -> Trace:
        """Return a tracer with these settings, which leaves out our own code."""
        tracer = Trace(
            count=1,
            trace=0,
            ignoremods=self.ignoremods,
            ignoredirs=[*self.ignoredirs, os.path.dirname(os.path.abspath(__file__))],
            engine=self.engine,
            branch=self.branch,
            calls=self.calls,
        )
        tracer._kept = self.kept
        return tracer

    def to_text(self) -> str:
        """Return the value of the variable that says the same."""
        flags = ("branch" * self.branch, "calls" * self.calls)
        fields = (
            self.folder,
            self.run,
            self.engine or "",
            _ITEM.join(filter(None, flags)),
            self.dump_signal,
            _ITEM.join(self.ignoremods),
            _ITEM.join(self.ignoredirs),
            _ITEM.join(self.kept),
        )
        return _FIELD.join(fields)

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Return what to_text() was called for. Raises ValueError."""
        folder, run, engine, flags, dump_signal, *rules = text.split(_FIELD)
        if not os.path.isabs(folder):
            raise ValueError(f"{folder!r} is no absolute path")
        mods, dirs, kept = (list(filter(None, part.split(_ITEM))) for part in rules)
        return cls(
            folder,
            ignoremods=mods,
            ignoredirs=dirs,
            kept=kept,
            engine=engine or None,
            branch="branch" in flags,
            calls="calls" in flags,
            dump_signal=dump_signal,
            run=run,
        )


class Process:
    """The recording of one process, and of those that are forked from it."""

    def __init__(self, settings: Settings, tracer: Trace | None = None) -> None:
        """tracer: for this process, if not by the settings."""
        self.settings = settings
        self.tracer = settings.tracer() if tracer is None else tracer
        self._first = os.getpid()
        self._file: str | None = None  # where it counts, in the folder
        self._outer: str | None = None  # what the variable was before
        self._taken = CoverageResults()  # in contexts that have ended

    def watch(self) -> None:
        """Have what was counted kept however this process ends, and what it starts
        traced too.
        """
        self._outer = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = self.settings.to_text()
        self._open()
        _ending.add(self)
        os.register_at_fork(after_in_child=self._forked)
        if self.settings.dump_signal:
            import signal

            with contextlib.suppress(ValueError):  # not the main interpreter
                number = signal.Signals[self.settings.dump_signal]
                signal.signal(number, lambda *_: self.keep(again=True))

    def _open(self) -> None:
        """Count in a file from now on, if that can be."""
        folder = self.settings.folder
        notes = (("place", journal.place()), ("host", os.uname().nodename))
        try:
            name = datafolder.new_file(folder, self.settings.run)
            path = os.path.join(folder, name)
            self.tracer._keep_in(path, self.tracer._plan() or 0, notes)
        except (OSError, RuntimeError, ValueError):
            return  # counts are in memory only: they are kept at the end
        self._file = name

    def _close(self) -> None:
        """Count in memory only, and remove the file."""
        if not self.tracer._keep_no_more():
            warn(
                f"exactrace: there was no room in {self.settings.folder!r} to count "
                "there: had this process been killed, counts would have been lost"
            )
        if self._file is not None:
            datafolder.remove(self.settings.folder, [self._file])
            self._file = None

    def _own(self) -> set[str]:
        return set() if self._file is None else {self._file}

    def unwatch(self) -> None:
        """End what watch() began."""
        if self in _ending.processes:
            _ending.processes.remove(self)
            if self._outer is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = self._outer

    def is_forked(self) -> bool:
        """Whether this is not the process that has made this object."""
        return os.getpid() != self._first

    def _forked(self) -> None:
        if self in _ending.processes:
            self.take()  # it is the parent's, with what was taken; as is the file
            self.tracer._keep_no_more()
            self._file = None
            self._open()
            _native.renew_sigterm()

    def take(self) -> CoverageResults:
        """Return what was counted since the last time."""
        results, self._taken = self._taken, CoverageResults()
        results.update(self._take_now())
        _note_sources(results)
        return results

    def _take_now(self) -> CoverageResults:
        results = CoverageResults()
        for name in ("counts", "branches", "calls", "call_graph"):
            counted = getattr(self.tracer, name)
            getattr(results, name).update(counted)
            counted.clear()
        return results

    def end_context(self, name: str) -> None:
        """Note in which context all was counted since the last time; "": in none."""
        now = self._take_now()
        if name:
            now.contexts = {(name, *line): hits for line, hits in now.counts.items()}
        self._taken.update(now)

    def collect(self) -> CoverageResults:
        """Stop watching, and return what other processes have written. The folder
        is removed, which must have been made for this run.
        """
        import shutil

        self.unwatch()
        self._close()
        folder = self.settings.folder
        results, _, troubles = datafolder.read(folder, datafolder.files(folder))
        for trouble in troubles:
            warn(f"exactrace: {trouble}")
        shutil.rmtree(folder, ignore_errors=True)
        return results

    def bring_together(self, before: set[str]) -> tuple[CoverageResults, list[str]]:
        """Stop watching, and put all files of this run, with those named `before`,
        into one. Returns what is in it, and a line on each thing that went wrong.
        """
        with _ending:
            own = self.take()
            try:
                results, troubles = self._merge(own, before)
            except (OSError, countsfile.CountsFileError) as error:
                results, troubles = own, [self._rescue(own, error)]
            self._close()
            self.unwatch()
        return results, troubles

    def _merge(
        self, own: CoverageResults, before: set[str]
    ) -> tuple[CoverageResults, list[str]]:
        """Put what this process has counted and all other files into one."""
        folder, run = self.settings.folder, self.settings.run
        with datafolder.locked(folder):
            found = datafolder.files(folder)
            names = {name for name in found if name.startswith(run)} | before
            results, merged, troubles = datafolder.read(
                folder, names - self._own(), running=False
            )
            results.update(own)
            datafolder.write(folder, results, run, merged | self._own())
            datafolder.remove(folder, merged)
        return results, troubles

    def _rescue(self, own: CoverageResults, error: Exception) -> str:
        """Keep what could not be written to the folder, and say where."""
        import tempfile

        folder, run = self.settings.folder, self.settings.run
        if self.tracer._keep_no_more() and self._file is not None:
            self._file = None  # so it stays: all is in there
            return f"the counts stay in the file that they were counted in: {error}"
        self._close()  # now there may be room
        with contextlib.suppress(OSError, countsfile.CountsFileError):
            datafolder.write(folder, own, run)
            return f"the counts are kept, but not brought together: {error}"
        with contextlib.suppress(OSError, countsfile.CountsFileError):
            elsewhere = tempfile.mkdtemp(prefix="exactrace-")
            datafolder.write(elsewhere, own, run)
            return f"the counts are in {elsewhere!r} (name it with --data): {error}"
        return f"the counts are not kept: {error}"

    def keep(self, *, again: bool = False) -> None:
        """Write what was counted since the last time to a file of its own, or say on
        stderr why not. again: there will be more to count.
        """
        folder, run = self.settings.folder, self.settings.run
        with _ending:
            results = self.take()
            try:
                if results.counts or results.calls:
                    datafolder.write(folder, results, run, self._own())
            except (OSError, countsfile.CountsFileError) as error:
                said = self._rescue(results, error)
                warn(f"exactrace: process {os.getpid()}: {said}")
            self._close()
            if again:
                self._open()


def _note_sources(results: CoverageResults) -> None:
    """Note in which state the files are of which it is known in what contexts they
    ran.
    """
    if not results.contexts:
        return
    from exactrace import source

    for name in sorted({name for _, name, _ in results.contexts}):
        with contextlib.suppress(OSError), open(name, "rb") as file:
            results.sources.add((name, source.digest(file.read())))


class _Ending:
    """What is to be done before this process ends. As a context: what it must not
    be cut short in.
    """

    def __init__(self) -> None:
        self.processes: list[Process] = []  # one, or more within each other
        self._depth = 0
        self._terminated = False

    def add(self, process: Process) -> None:
        """Keep what that one has counted, too."""
        if not self.processes:
            _native.before_leaving(self._keep_all)
            _native.before_sigterm(self._terminate)
        self.processes.append(process)

    def _keep_all(self) -> None:
        for process in self.processes:
            process.keep()

    def _terminate(self, *_signal: object) -> None:
        """Keep what was counted, and end as if we had not been there."""
        import signal

        self._terminated = True
        if self._depth == 0:
            self._terminated = False
            _native.leave()
            _native.before_sigterm(None)
            os.kill(os.getpid(), signal.SIGTERM)

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_error: object) -> None:
        self._depth -= 1
        if self._terminated:
            self._terminate()


_ending = _Ending()


def current() -> Process | None:
    """Return the recording of this process, if it is recorded as a child."""
    return _ending.processes[0] if _ending.processes else None


_begun: list[str] = []  # with what text this process has begun


def begin() -> None:
    """Trace this process, if its environment says so: for the `.pth` file."""
    text = os.environ.get(VARIABLE)
    if not text or _begun:  # in a virtual environment such files are read twice
        return
    _begun.append(text)
    try:
        process = Process(Settings.from_text(text))
    except (TypeError, ValueError):
        warn(f"exactrace: this process is not traced: {VARIABLE} is damaged: unset it")
        return
    import atexit

    def end() -> None:
        # An interpreter may end in another thread state than it was begun in.
        with contextlib.suppress(RuntimeError):
            process.tracer.stop()
        process.keep()

    # Of all that is to be done at exit, this is done last.
    atexit.register(end)
    process.watch()
    process.tracer.start()
