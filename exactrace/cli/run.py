"""`exactrace run`: runs a program and says how often its lines ran."""

from __future__ import annotations

import argparse
import os
import sys

from exactrace import children, datafolder, runner
from exactrace.cli import dropin, options, preload, selection
from exactrace.ignore import installed_folders
from exactrace.paths import current_directory
from exactrace.results import CoverageResults
from exactrace.settings import Settings, SettingsError


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [options] PROGRAM | -m MODULE | -c CODE  [argument ...]",
        description="Run a Python program as Python would, count every line "
        "exactly, and show a table of its files when it has ended. The counts "
        "are kept for `exactrace report`; the exit status is the program's.",
        epilog="The standard library and installed packages are left out unless "
        "--all is given.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "-m", dest="module", action="store_true", help="PROGRAM is a module's name"
    )
    what.add_argument(
        "-c", dest="code", action="store_true", help="PROGRAM is Python code"
    )
    parser.add_argument(
        "program",
        metavar="PROGRAM",
        nargs="?",
        help="a file, a folder or zip file, or '-'",
    )
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="argument",
        help="the arguments for the program",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="count the standard library and installed packages too",
    )
    parser.add_argument(
        "--ignore-module",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="leave out this module and those below it",
    )
    parser.add_argument(
        "--ignore-dir",
        action="append",
        default=[],
        metavar=f"DIR[{os.pathsep}DIR]",
        help="leave out the files below this folder",
    )
    parser.add_argument(
        "--append",
        action="store_true",
        help="add to the counts of earlier runs instead of starting anew",
    )
    parser.add_argument(
        "--children",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="trace the Python processes that the program starts too (default: yes)",
    )
    parser.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="show no report, only keep the counts",
    )
    parser.add_argument(
        "--dump-signal",
        type=options.signal_name,
        metavar="SIGNAL",
        help="when this signal comes (USR1), write the counts so far, for `exactrace "
        "report`; child processes do so too when they get it",
    )
    options.add_counting(parser)
    for name in ("branch", "calls"):
        parser.add_argument(
            f"--no-{name}",
            action="store_false",
            dest=name,
            default=None,
            help=f"count without --{name}, although the project's settings have it",
        )
    parser.set_defaults(branch=None, calls=None)
    options.add_listing(parser)
    options.add_data(parser)
    options.add_output(
        parser, "standard error, so that the program's own output stays as it is"
    )
    return parser


def find_program(settings: argparse.Namespace) -> runner.Program:
    """Return the program to run, or end with status 1 and a message."""
    try:
        if settings.module:
            return runner.Program.from_module(settings.program, settings.arguments)
        if settings.code:
            return runner.Program.from_string(settings.program, settings.arguments)
        return runner.Program.from_script(settings.program, settings.arguments)
    except runner.ProgramError as error:
        print(f"exactrace: {error}", file=sys.stderr)
        sys.exit(error.status)


def show(
    results: CoverageResults, project: Settings, settings: argparse.Namespace
) -> None:
    """Write the report, or say why there is none."""
    from exactrace.cli import report  # with modules that the program may not need

    with selection.errors():
        shown = report.show(results, project, settings, sys.stderr)
    if shown.files == 0:
        hint = "" if settings.all else " outside the standard library; see --all"
        print(f"exactrace: no line was counted{hint}", file=sys.stderr)


def _places(project: Settings) -> list[str]:
    """Return where that may lie which the project's settings ask for: it is counted
    there, even if it is an installed package.
    """
    if not project.source:
        return []
    from exactrace.reports import scope  # with modules that the program may not need

    try:
        return scope.of(project).places()
    except SettingsError:
        return []  # the program may say where to look; else the report will tell


def main(argv: list[str], prog: str, expected: set[str]) -> None:
    """Run this subcommand. Ends this process as the program would have."""
    before_settings = preload.loaded_now()
    parser = build_parser(prog)
    settings = parser.parse_args(argv)
    project = selection.settings()
    if settings.branch is None:
        settings.branch = project.branch
    if settings.calls is None:
        settings.calls = project.calls
    kept = _places(project)
    if project.file:
        preload.forget_since(before_settings)
    if settings.program is None:
        parser.error("PROGRAM is missing: a file, -m MODULE or -c CODE")
    folder = os.path.abspath(settings.data) if settings.data else ""
    if not folder or (os.path.exists(folder) and not os.path.isdir(folder)):
        parser.error(f"argument -d/--data: {settings.data!r} is no folder")
    folders = dropin.ignored_folders(settings.ignore_dir)
    if not settings.all:
        folders += installed_folders()
    process = children.Process(
        children.Settings(
            folder,
            ignoremods=dropin.ignored_modules(settings.ignore_module),
            ignoredirs=folders,
            kept=kept,
            engine=settings.engine,
            branch=settings.branch,
            calls=settings.calls,
            dump_signal=settings.dump_signal or "",
        )
    )
    tracer = process.tracer
    tracer._debug = settings.debug
    program = find_program(settings)
    start = current_directory()
    try:
        before = datafolder.files(folder)
    except OSError as error:
        sys.exit(f"exactrace: cannot use the folder {folder!r}: {error.strerror}")
    if not settings.append:
        datafolder.remove(folder, before)
        before = set()

    def finish() -> None:
        tracer._end_program()
        if process.is_forked():
            if settings.children:
                process.keep()
            return
        if settings.debug:
            options.show_engines(tracer)
        options.note_missing_branches(tracer)
        results, troubles = process.bring_together(before)
        for trouble in troubles:
            print(f"exactrace: {trouble}", file=sys.stderr)
        results._start_directory = start
        with options.directory(start):
            if not settings.quiet:
                show(results, project, settings)

    preload.forget_ours(expected)
    process.watch(alone=not settings.children)
    program.run(tracer._run_program).exit(finish)
