"""The command line of the standard `trace` module.

Option names, checks and messages are those of `python -m trace`; the help
texts are our own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import sysconfig

from exactrace import __version__, _native, countsfile, runner
from exactrace.cli import options as shared
from exactrace.cli import preload, printing
from exactrace.ending import ending
from exactrace.paths import current_directory
from exactrace.results import CoverageResults, warn
from exactrace.tracer import Trace

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from exactrace.children import Process
    from exactrace.results import Function


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser. Every option of the standard module is in it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Trace a Python program: count its lines, print them, list "
        "its functions. Takes what `python -m trace` takes.",
        epilog="Subcommands with friendlier defaults: `exactrace run --help`, "
        "`exactrace report --help`.",
    )
    version = "trace 2.0"
    if not prog.startswith("python"):
        version = f"exactrace {__version__} ({version})"
    parser.add_argument("--version", action="version", version=version)

    main_options = parser.add_argument_group(
        "Main options", "At least one of these, or --report, is needed"
    )
    add = main_options.add_argument
    add(
        "-c",
        "--count",
        action="store_true",
        help="count how often each line runs; write the annotated source of each "
        "file to NAME.cover beside it, or into --coverdir",
    )
    add(
        "-t",
        "--trace",
        action="store_true",
        help="print each line to standard output before it runs",
    )
    add(
        "-l",
        "--listfuncs",
        action="store_true",
        help="list the functions that were called, when the program has ended",
    )
    add(
        "-T",
        "--trackcalls",
        action="store_true",
        help="list which function called which, when the program has ended",
    )

    modifiers = parser.add_argument_group("Modifiers")
    report_or_not = modifiers.add_mutually_exclusive_group()
    report_or_not.add_argument(
        "-r",
        "--report",
        action="store_true",
        help="run nothing; report on the counts file given by --file",
    )
    report_or_not.add_argument(
        "-R",
        "--no-report",
        action="store_true",
        help="write no reports, only the counts file given by --file",
    )
    add = modifiers.add_argument
    add("-f", "--file", help="counts file to add this run to, or to report on")
    add(
        "-C",
        "--coverdir",
        help="folder for the annotated sources, made if need be; the one of "
        "package.module is called package.module.cover",
    )
    add(
        "-m",
        "--missing",
        action="store_true",
        help='mark the executable lines that did not run with ">>>>>> "',
    )
    add(
        "-s",
        "--summary",
        action="store_true",
        help="print a summary line for each file; for --count and --report",
    )
    add(
        "-g",
        "--timing",
        action="store_true",
        help="begin each line that --trace prints with the seconds since the start",
    )

    counting = parser.add_argument_group("Counting", "Not in the standard module")
    shared.add_counting(counting)
    counting.add_argument(
        "--children",
        action="store_true",
        help="trace the Python processes that the program starts, too: into the same "
        "reports, and with --trace to the same output, each line of theirs behind the "
        "number of its process",
    )
    counting.add_argument(
        "--dump-signal",
        type=shared.signal_name,
        metavar="SIGNAL",
        help="when this signal comes (USR1), write the reports so far; with "
        "--trace-last, the last lines; with --trace-file, what the file lacks",
    )
    printing.add(parser)

    filters = parser.add_argument_group("Filters", "Can be given several times")
    add = filters.add_argument
    add(
        "--ignore-module",
        action="append",
        default=[],
        help="leave out this module and those below it; or several, parted by commas",
    )
    add(
        "--ignore-dir",
        action="append",
        default=[],
        help="leave out the files below this folder; or several, parted by "
        f"'{os.pathsep}'. $prefix stands for the standard library",
    )

    parser.add_argument(
        "--module",
        action="store_true",
        default=False,
        help="the program is the name of a module, not a file",
    )
    parser.add_argument("progname", nargs="?", help="the program to run")
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="the arguments for the program"
    )
    return parser


def ignored_modules(values: list[str]) -> list[str]:
    """Return the module names in the values of --ignore-module."""
    return [name.strip() for value in values for name in value.split(",")]


def ignored_folders(values: list[str]) -> list[str]:
    """Return the folders in the values of --ignore-dir, with `~`, variables
    of the environment, `$prefix` and `$exec_prefix` expanded.
    """
    folders = []
    for value in values:
        for item in filter(None, value.split(os.pathsep)):
            # Before the environment, which may well have a variable "prefix".
            folder = item.replace("$prefix", sysconfig.get_path("stdlib"))
            folder = folder.replace("$exec_prefix", sysconfig.get_path("platstdlib"))
            folder = os.path.expanduser(os.path.expandvars(folder))
            folders.append(os.path.normpath(folder))
    return folders


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with status 2 and a message unless the options go together."""
    if options.report:
        if not options.file:
            parser.error("-r/--report requires -f/--file")
        return
    if not any([options.trace, options.count, options.listfuncs, options.trackcalls]):
        parser.error(
            "must specify one of --trace, --count, --report, "
            "--listfuncs, or --trackcalls"
        )
    if options.branch and options.engine == "settrace":
        parser.error(f"--branch: the engine {options.engine!r} counts lines only")
    if options.children and options.trace and not shared_output(options):
        parser.error(
            "--children with --trace needs --trace-file here: this system has no /proc"
        )
    printing.check(parser, options)
    if options.summary and not options.count:
        parser.error("--summary can only be used with --count or --report")
    if options.progname is None:
        # Here, and only here, the standard module's rule still holds: with a
        # program, all that is asked for is done.
        if options.listfuncs and (options.count or options.trace):
            parser.error("cannot specify both --listfuncs and (--trace or --count)")
        parser.error("progname is missing: required with the main options")


def check_counts_file(path: str | None) -> None:
    """End with status 1 and a message if the file holds something that is not
    counts: before the program runs, so that nothing is lost.
    """
    if path is None:
        return
    try:
        countsfile.load(path)
    except countsfile.CountsFileError as error:
        sys.exit(f"exactrace: counts file {path!r}: {error}")
    except (OSError, EOFError):
        pass  # a new file: said later, as the standard module does


def find_program(options: argparse.Namespace) -> runner.Program:
    """Return the program to run, or end with status 1 and a message."""
    name = options.progname
    if options.module:
        return runner.Program.from_module(name, options.arguments)
    try:
        return runner.Program.from_script(name, options.arguments, shown_as=name)
    except runner.ProgramError as error:
        sys.exit(f"Cannot run file {name!r} because: {error.__cause__}")


def shared_output(options: argparse.Namespace) -> bool:
    """Whether other processes can print to where this one prints."""
    apart = options.trace_file is not None or options.trace_last is not None
    return apart or os.path.isdir("/proc/self/fd")


def share_output() -> str:
    """Have lines go to standard output one by one, and return under what path
    others can print there; "" if there is none.
    """
    descriptor = _native.share_stdout()
    if descriptor < 0:
        return ""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        # Else theirs come in the midst of ours.
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return f"/proc/{os.getpid()}/fd/{descriptor}"


def watch_children(options: argparse.Namespace, tracer: Trace) -> Process:
    """Have the processes that the program starts traced, into a folder of their
    own.
    """
    import tempfile

    from exactrace import children

    lines = tracer._printing if options.trace else None
    path = ""
    if lines is not None:
        lines.apply_anyway(tracer)
        if lines.goes_to_stdout:
            path = share_output()
    settings = children.Settings(
        tempfile.mkdtemp(prefix="exactrace-"),
        ignoremods=ignored_modules(options.ignore_module),
        ignoredirs=ignored_folders(options.ignore_dir),
        engine=options.engine,
        branch=options.branch,
        calls=options.calls,
        count=options.count,
        countfuncs=options.listfuncs,
        countcallers=options.trackcalls,
        start_time=tracer.start_time,
        printing=None if lines is None else lines.items(),
        shared=path,
        dump_signal=options.dump_signal or "",
        temporary=True,
    )
    process = children.Process(settings, tracer)
    process.watch()
    return process


class Run:
    """What is to be reported of the program, once."""

    def __init__(
        self, tracer: Trace, options: argparse.Namespace, process: Process | None
    ) -> None:
        """process: what records those that the program starts, too."""
        self._tracer = tracer
        self._options = options
        self._process = process
        self._start = current_directory()
        self._number = os.getpid()
        self._done = False
        self._gathered = CoverageResults()  # of other processes

    def watch(self) -> None:
        """Have reports written however this process ends, and when they are asked
        for.
        """
        ending.add(self)
        if self._options.dump_signal:
            import signal

            number = signal.Signals[self._options.dump_signal]
            signal.signal(number, _native.untraced(self._dump))

    def finish(self) -> None:
        """Write the reports: the program has ended."""
        self._tracer._end_program()
        with ending:
            if os.getpid() != self._number and self._process is not None:
                self._process.keep()
            else:
                self._done = True
                self._report()

    def keep(self) -> None:
        """Write them, where the program ends in another way."""
        if os.getpid() == self._number and not self._done:
            self._done = True
            if self._options.trace and self._tracer._printing.goes_to_stdout:
                # Lines are all that there is to keep.
                with contextlib.suppress(AttributeError, OSError, ValueError):
                    sys.stdout.flush()
            self._report_directly()

    def go_on(self) -> None:
        """Write them again later: the program has not ended."""
        self._done = False

    def _dump(self, *_signal: object) -> None:
        self._tracer._show_last()
        with ending:
            if os.getpid() != self._number:
                if self._process is not None:
                    self._process.dump()
            elif not self._done:
                self._report_directly(so_far=True)

    def _report_directly(self, *, so_far: bool = False) -> None:
        """Write them to the standard output as it is: what the program has written
        to sys.stdout is not ours to flush.
        """
        stdout = sys.stdout
        try:
            with open(1, "w", closefd=False, errors="backslashreplace") as sys.stdout:
                self._report(so_far=so_far)
        except SystemExit as error:
            warn(str(error.code))
        except Exception as error:  # noqa: BLE001 - as at the end of the program
            warn(f"exactrace: not all was written: {error}")
        finally:
            sys.stdout = stdout

    def _named_alike(self, results: CoverageResults) -> CoverageResults:
        """Give the program its name as it is called here: others know the path."""
        name = self._options.progname
        path = os.path.join(self._start, name)

        def alike(function: Function) -> Function:
            return (name, *function[1:]) if function[0] == path else function

        results.calledfuncs = dict.fromkeys(map(alike, results.calledfuncs), 1)
        results.callers = {
            (alike(caller), alike(called)): 1 for caller, called in results.callers
        }
        return results

    def _report(self, *, so_far: bool = False) -> None:
        tracer, options = self._tracer, self._options
        if options.debug:
            shared.show_engines(tracer)
        shared.note_missing_branches(tracer)
        with shared.directory(self._start):
            results = tracer.results()
            if so_far:
                results.counts = results.counts.copy()
            if self._process is not None and so_far:
                results.update(self._named_alike(self._process.look()))
            elif self._process is not None:
                self._gathered.update(self._named_alike(self._process.collect()))
                results.update(self._gathered)
            report(results, options)


def report(results: CoverageResults, options: argparse.Namespace) -> None:
    """Write what the options ask for. A source that is gone costs a line on
    stderr, not the rest of the report.
    """
    if options.no_report:
        results._save_counts()
        return
    results._write_results(options.missing, options.summary, options.coverdir, "report")
    if options.calls:
        from exactrace import calls  # with modules that the program may not need

        print("\n" + calls.table(results), end="")


def make_tracer(options: argparse.Namespace) -> Trace:
    """Return the tracer, or end with status 1 and a message."""
    try:
        return Trace(
            options.count,
            options.trace,
            countfuncs=options.listfuncs,
            countcallers=options.trackcalls,
            ignoremods=ignored_modules(options.ignore_module),
            ignoredirs=ignored_folders(options.ignore_dir),
            infile=options.file,
            outfile=options.file,
            timing=options.timing,
            engine=options.engine,
            branch=options.branch,
            calls=options.calls,
            together=True,
            **printing.arguments(options),
        )
    except OSError as error:
        if options.trace_file is None:
            raise
        reason = f"--trace-file {options.trace_file!r}: {error.strerror or error}"
        sys.exit(f"exactrace: {reason}")


def main(argv: list[str], prog: str, expected: set[str]) -> None:
    """Run the standard command line."""
    parser = build_parser(prog)
    options = parser.parse_args(argv)
    check(parser, options)
    check_counts_file(options.file)
    if options.report:
        # What is in a folder stays there as it is.
        outfile = None if os.path.isdir(options.file) else options.file
        report(CoverageResults(infile=options.file, outfile=outfile), options)
        return
    if options.file is not None and os.path.isdir(options.file):
        sys.exit(
            f"exactrace: --file {options.file!r} is a folder, which --report can show: "
            "to add counts to it, use `exactrace run --append --data`"
        )
    program = find_program(options)
    tracer = make_tracer(options)
    tracer._debug = options.debug
    process = watch_children(options, tracer) if options.children else None
    run = Run(tracer, options, process)
    run.watch()
    preload.forget_ours(expected)
    program.run(tracer._run_program).exit(run.finish)
