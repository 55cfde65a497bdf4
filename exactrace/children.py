"""Processes below a traced one, each traced into the same folder.

`exactrace run` announces in the environment what is to be recorded, and where. A
new Python process finds that at its start, through the `.pth` file that is
installed with us, and traces itself; a forked one goes on as it is, with its counts
set to zero. Each writes a file of its own when it ends, also by `os._exit()` or when
it becomes another program.
"""

from __future__ import annotations

import _thread
import contextlib
import os

from exactrace import _native, countsfile, datafolder, journal
from exactrace.ending import ending
from exactrace.printing import Printing
from exactrace.results import CoverageResults, warn
from exactrace.tracer import Trace

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactrace.contextlog import ContextLog
    from exactrace.results import Branches, CallGraph, Calls, Counts

VARIABLE = "EXACTRACE_CHILDREN"  # of the environment
_FIELD, _ITEM = "\x1e", "\x1f"  # what parts its value
_FLAGS = ("branch", "calls", "count", "countfuncs", "countcallers", "temporary")


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
        count: bool = True,
        countfuncs: bool = False,
        countcallers: bool = False,
        start_time: float | None = None,
        printing: Iterable[str] | None = None,
        shared: str = "",
        temporary: bool = False,
    ) -> None:
        """folder: an absolute path. dump_signal: the name of a signal that has the
        counts so far written, or "". kept: absolute paths of folders and files to trace
        although they lie in ignoredirs. run: what the names of the files begin with, by
        default what those of no other run do. printing: what Printing.items() gave, to
        print lines, to the file `shared` if they have none. temporary: whether the
        folder is gone, and nothing is to be kept, when the first process has ended.
        The others: see Trace.
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
        self.count = count
        self.countfuncs = countfuncs
        self.countcallers = countcallers
        self.start_time = start_time
        self.printing = None if printing is None else list(printing)
        self.shared = shared
        self.temporary = temporary

    def tracer(self) -> Trace:
        """Return a tracer with these settings, which leaves out our own code."""
        tracer = Trace(
            count=self.count,
            trace=self.printing is not None,
            countfuncs=self.countfuncs,
            countcallers=self.countcallers,
            together=self.countfuncs or self.countcallers,
            ignoremods=[*self.ignoremods, "exactrace_pytest"],
            ignoredirs=[*self.ignoredirs, os.path.dirname(os.path.abspath(__file__))],
            engine=self.engine,
            branch=self.branch,
            calls=self.calls,
        )
        tracer._kept = self.kept
        tracer.start_time = self.start_time
        if self.printing is not None:
            tracer._printing = Printing.of_child(self.printing, self.shared)
            tracer._printing.apply(tracer)
        return tracer

    def prints_last(self) -> bool:
        """Whether only the last lines are printed, on standard error."""
        return any(item.startswith("last=") for item in self.printing or ())

    def awaits_site(self) -> bool:
        """Whether what a new process does before its program is to be passed over."""
        return self.printing is not None or self.countfuncs or self.countcallers

    def to_text(self) -> str:
        """Return the value of the variable that says the same."""
        flags = [name for name in _FLAGS if getattr(self, name)]
        prints = [] if self.printing is None else ["print", *self.printing]
        fields = (
            self.folder,
            self.run,
            self.engine or "",
            _ITEM.join(flags),
            self.dump_signal,
            "" if self.start_time is None else repr(self.start_time),
            self.shared,
            _ITEM.join(prints),
            _ITEM.join(self.ignoremods),
            _ITEM.join(self.ignoredirs),
            _ITEM.join(self.kept),
        )
        return _FIELD.join(fields)

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Return what to_text() was called for. Raises ValueError."""
        folder, run, engine, flags, dump_signal, start, shared, *lists = text.split(
            _FIELD
        )
        if not os.path.isabs(folder):
            raise ValueError(f"{folder!r} is no absolute path")
        prints, mods, dirs, kept = (
            list(filter(None, part.split(_ITEM))) for part in lists
        )
        return cls(
            folder,
            ignoremods=mods,
            ignoredirs=dirs,
            kept=kept,
            engine=engine or None,
            dump_signal=dump_signal,
            run=run,
            start_time=float(start) if start else None,
            printing=prints[1:] if prints else None,
            shared=shared,
            **{name: name in flags.split(_ITEM) for name in _FLAGS},
        )


class Process:
    """The recording of one process, and of those that are forked from it."""

    def __init__(self, settings: Settings, tracer: Trace | None = None) -> None:
        """tracer: for this process, if not by the settings."""
        self.settings = settings
        self.tracer = settings.tracer() if tracer is None else tracer
        self._first = os.getpid()
        self._is_alone = False  # what it starts is not traced
        self._outer: str | None = None  # what the variable was before
        self._taken = CoverageResults()  # before
        self._log: ContextLog | None = None  # of what is parted by context
        self._turn = _thread.RLock()  # held while counts are taken and written
        self._writing = False  # in the thread that holds it
        self._asked = False  # meanwhile, to write what was counted since
        self._is_counting = True  # not about to end

    def watch(self, *, alone: bool = False) -> None:
        """Have what was counted kept however this process ends, and what it starts
        traced too, unless it is to be traced alone.
        """
        self._is_alone = alone
        if not alone:
            self._outer = os.environ.get(VARIABLE)
            os.environ[VARIABLE] = self.settings.to_text()
        moved = self._move()
        if moved is not None:
            self._taken.update(moved[0])
        ending.add(self)
        os.register_at_fork(after_in_child=_native.untraced(self._forked))
        if self.settings.dump_signal:
            import signal

            with contextlib.suppress(ValueError):  # not the main interpreter
                number = signal.Signals[self.settings.dump_signal]
                signal.signal(number, _native.untraced(self._dump))

    def _dump(self, *_signal: object) -> None:
        self.tracer._show_last()
        self.dump()

    def _move(self) -> tuple[CoverageResults, bool] | None:
        """Count in a new file from now on. Returns what was counted until then, and
        whether the file before had room for it; None if there can be no new file:
        then all is as it was.
        """
        folder = self.settings.folder
        if not (self.settings.count or self.settings.calls) or self._is_over():
            return None
        notes = (("place", journal.place()), ("host", os.uname().nodename))
        try:
            name = datafolder.new_file(folder, self.settings.run)
            path = os.path.join(folder, name)
            taken, whole = self.tracer._keep_in(path, self.tracer._plan() or 0, notes)
        except (OSError, RuntimeError, ValueError):
            return None  # counts are in memory only: they are kept at the end
        return _results(*taken), whole

    def _is_over(self) -> bool:
        """Whether nobody will ask for what is kept any more."""
        return self.settings.temporary and not os.path.isdir(self.settings.folder)

    def _print_apart(self) -> None:
        """In a forked child: have what it prints told from what others print."""
        path = None if self.settings.prints_last() else self.settings.shared
        try:
            self.tracer._print_in_child(path or None)
        except OSError as error:
            warn(f"exactrace: process {os.getpid()} prints no lines: {error}")

    def _close(self) -> None:
        """Count in memory only, and remove the file."""
        own = self._own()
        if not self.tracer._keep_no_more():
            self._warn_of_no_room()
        datafolder.remove(self.settings.folder, own)

    def _warn_of_no_room(self) -> None:
        warn(
            f"exactrace: there was no room in {self.settings.folder!r} to count "
            "there: had this process been killed, counts would have been lost"
        )

    def _own(self) -> set[str]:
        """Return the name of the file in the folder where it counts, if it does."""
        path = self.tracer._kept_in
        return set() if path is None else {os.path.basename(path)}

    def unwatch(self) -> None:
        """End what watch() began."""
        if self in ending.keepers:
            ending.remove(self)
            if self._is_alone:
                return
            if self._outer is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = self._outer

    @staticmethod
    def has_failed() -> bool:
        """Whether an exception has ended the program, and was shown."""
        import sys

        return getattr(sys, "last_value", None) is not None

    def is_forked(self) -> bool:
        """Whether this is not the process that has made this object."""
        return os.getpid() != self._first

    def _forked(self) -> None:
        self._turn = _thread.RLock()  # a thread that is not here may have held it
        self._writing = self._asked = False
        if self not in ending.keepers:
            return
        # What was counted is the parent's, as is the file.
        self._taken = CoverageResults()
        if self._log is not None:
            self._begin_log()
        if self._is_alone:
            self.unwatch()
            self.tracer._keep_no_more()
            return
        if self._move() is None:
            self.tracer._take()
            self.tracer._keep_no_more()
        self._print_apart()

    def take(self) -> CoverageResults:
        """Return what was counted since the last time."""
        return self._complete(_results(*self.tracer._take()))

    def _complete(self, now: CoverageResults) -> CoverageResults:
        """Return this together with what was taken before."""
        results, self._taken = self._taken, CoverageResults()
        results.update(now)
        # These are sets: that something is in several files does no harm.
        results.calledfuncs.update(self.tracer._calledfuncs)
        results.callers.update(self.tracer._callers)
        log = self._log
        if log is not None:
            self._begin_log()
            results._add_contexts(log)
            _note_sources(results, log)
        return results

    def part_by_context(self) -> None:
        """Be told of contexts from now on."""
        if self._log is None:
            self._begin_log()

    def _begin_log(self) -> None:
        from exactrace.contextlog import ContextLog

        self._log = ContextLog()

    def end_context(self, name: str) -> None:
        """Note in which context all was counted since the last time; "": in none."""
        # In one step: no signal may have all written between the two.
        assert self._log is not None
        self.tracer._end_context(self._log.numbers, self._log.parts, name)

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

    def look(self) -> CoverageResults:
        """Return what other processes have written, or counted, so far."""
        folder = self.settings.folder
        names = datafolder.files(folder) - self._own()
        return datafolder.read(folder, names)[0]

    def bring_together(self, before: set[str]) -> tuple[CoverageResults, list[str]]:
        """Stop watching, and put all files of this run, with those named `before`,
        into one. Returns what is in it, and a line on each thing that went wrong.
        """
        with self._alone():
            self._is_counting = False
            own = self._own()
            counted = self.take()
            try:
                results, troubles = self._merge(counted, own, before)
            except (OSError, countsfile.CountsFileError) as error:
                whole = self.tracer._keep_no_more()
                said = self._rescue(counted, error, own, whole=whole)
                results, troubles = counted, [said]
            self._close()
            self.unwatch()
        return results, troubles

    def _merge(
        self, counted: CoverageResults, own: set[str], before: set[str]
    ) -> tuple[CoverageResults, list[str]]:
        """Put what this process has counted, in the file `own`, and all other files
        into one.
        """
        folder, run = self.settings.folder, self.settings.run
        with datafolder.locked(folder):
            found = datafolder.files(folder)
            names = {name for name in found if name.startswith(run)} | before
            results, merged, troubles = datafolder.read(
                folder, names - own, running=False
            )
            results.update(counted)
            datafolder.write(folder, results, run, merged | own)
            datafolder.remove(folder, merged)
        return results, troubles

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Let no other thread take and write counts meanwhile. Gives whether this one
        has begun to, and is interrupted by a signal: then it may not.
        """
        with ending, self._turn:
            interrupted = self._writing
            self._writing = True
            try:
                yield interrupted
            finally:
                self._writing = interrupted

    def dump(self) -> None:
        """Write what was counted so far, and count in a new file from now on."""
        with self._alone() as interrupted:
            self._asked = True
            while self._asked and not interrupted and self._is_counting:
                self._asked = False
                if not self._write_and_move():
                    self._write_all()
                    self._write_and_move()  # now there may be room

    def keep(self) -> None:
        """Write what was counted since the last time to a file of its own, or say on
        stderr why not. This process is about to end.
        """
        with self._alone() as interrupted:
            if not interrupted:  # else all is in files, in which it was counted
                self._is_counting = False
                self._write_all()

    def go_on(self) -> None:
        """Take back that it is about to end."""
        self._is_counting = True
        self.dump()

    def _write_all(self) -> None:
        """Write what was counted, and count in memory only."""
        own = self._own()
        results = self.take()
        try:
            self._write(results, own)
        except (OSError, countsfile.CountsFileError) as error:
            whole = self.tracer._keep_no_more()
            self._warn(self._rescue(results, error, own, whole=whole))
        self._close()

    def _write_and_move(self) -> bool:
        """Write what was counted until now, and count in a new file from now on:
        should the process be killed, all is in one or the other. False if there can be
        no such file: nothing has changed.
        """
        own = self._own()
        moved = self._move()
        if moved is None:
            return False
        now, whole = moved
        results = self._complete(now)
        try:
            self._write(results, own)
        except (OSError, countsfile.CountsFileError) as error:
            self._warn(self._rescue(results, error, own, whole=whole))
        else:
            datafolder.remove(self.settings.folder, own)
            if not whole:
                self._warn_of_no_room()
        return True

    def _write(self, results: CoverageResults, own: set[str]) -> None:
        """Write what was counted in the file `own`, if there is anything."""
        if not results.is_empty() and not self._is_over():
            datafolder.write(self.settings.folder, results, self.settings.run, own)

    def _rescue(
        self, results: CoverageResults, error: Exception, own: set[str], *, whole: bool
    ) -> str:
        """Keep what could not be written to the folder, and say where.

        own: the name of the file in which it was counted, and is no more. whole:
        whether there was room for all of it.
        """
        folder, run = self.settings.folder, self.settings.run
        there = [os.path.lexists(os.path.join(folder, name)) for name in own]
        if whole and any(there):  # it may have been removed
            return f"the counts stay in the file that they were counted in: {error}"
        datafolder.remove(folder, own)  # now there may be room
        with contextlib.suppress(OSError, countsfile.CountsFileError):
            datafolder.write(folder, results, run)
            return f"the counts are kept, but not brought together: {error}"
        import tempfile

        with contextlib.suppress(OSError, countsfile.CountsFileError):
            elsewhere = tempfile.mkdtemp(prefix="exactrace-")
            datafolder.write(elsewhere, results, run)
            return f"the counts are in {elsewhere!r} (name it with --data): {error}"
        return f"the counts are not kept: {error}"

    def _warn(self, said: str) -> None:
        warn(f"exactrace: process {os.getpid()}: {said}")


def _results(
    counts: Counts, branches: Branches, calls: Calls, call_graph: CallGraph
) -> CoverageResults:
    """Return what a tracer has taken as results."""
    results = CoverageResults()
    results.counts.update(counts)
    results.branches.update(branches)
    results.calls.update(calls)
    results.call_graph.update(call_graph)
    return results


def _note_sources(results: CoverageResults, log: ContextLog) -> None:
    """Note in which state the files are of which it is known in what contexts they
    ran.
    """
    from exactrace import source

    for name in sorted(log.files()):
        with contextlib.suppress(OSError), open(name, "rb") as file:
            results.sources.add((name, source.digest(file.read())))


def current() -> Process | None:
    """Return the recording of this process, if it is recorded as a child."""
    found = [keeper for keeper in ending.keepers if isinstance(keeper, Process)]
    return found[-1] if found else None


_begun: list[str] = []  # with what text this process has begun


def begin() -> None:
    """Trace this process, if its environment says so: for the `.pth` file."""
    text = os.environ.get(VARIABLE)
    if not text or _begun:  # in a virtual environment such files are read twice
        return
    _begun.append(text)
    try:
        settings = Settings.from_text(text)
        if settings.temporary and not os.path.isdir(settings.folder):
            return  # what has announced this has ended
        process = Process(settings)
    except OSError as error:
        warn(f"exactrace: process {os.getpid()} is not traced: {error}")
        return
    except (TypeError, ValueError):
        warn(f"exactrace: this process is not traced: {VARIABLE} is damaged: unset it")
        return
    import atexit

    def end() -> None:
        # An interpreter may end in another thread state than it was begun in.
        if process.has_failed():
            process.tracer._show_last()
        with contextlib.suppress(RuntimeError):
            process.tracer.stop()
        process.keep()

    # Of all that is to be done at exit, this is done last.
    atexit.register(_native.untraced(end))
    process.watch()
    if process.settings.awaits_site():
        import sys

        site = sys.modules.get("site")
        if site is not None and site.__spec__ is not None:
            process.tracer._wait_for(site.__spec__)
    process.tracer.start()
