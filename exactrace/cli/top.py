"""`exactrace top`: what running programs do most."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import TYPE_CHECKING

from exactrace import watch
from exactrace.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

SHORTEST = 0.05  # seconds between two looks


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Watch programs that `exactrace run` is running: their hottest "
        "lines, functions and branches, how often each ran, and how often in a second. "
        "The programs take no notice: only the files in which they count are read.",
        epilog="On the screen: l, f, b for lines, functions, branches; r, h to sort by "
        "rate or hits; / to filter by file, name or text; Enter to look into the file; "
        "p to pause; q to leave. Functions and branches are there if they are counted: "
        "with `exactrace run --branch` or --calls.",
    )
    parser.add_argument(
        "target",
        nargs="?",
        metavar="PID|DIR",
        help="a process, or a folder of counts (default: that of --data)",
    )
    parser.add_argument(
        "--by",
        choices=watch.KINDS,
        default="lines",
        help="what to show first (default: lines)",
    )
    parser.add_argument(
        "--sort", choices=("rate", "hits"), default="rate", help="(default: rate)"
    )
    parser.add_argument(
        "--filter", default="", metavar="TEXT", help="show only what has this in it"
    )
    parser.add_argument(
        "-n",
        type=positive(int),
        dest="rows",
        default=20,
        metavar="N",
        help="with --once and --json: how many to show (default: 20)",
    )
    parser.add_argument(
        "--interval",
        type=positive(float),
        default=0.5,
        metavar="SECONDS",
        help="time between two looks (default: 0.5)",
    )
    parser.add_argument(
        "--once", action="store_true", help="look once, write it down and end"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="write each look as a line of JSON; with --once, only one",
    )
    options.add_data(parser)
    return parser


def positive(kind: type[float]) -> Callable[[str], float]:
    """Return what argparse is to convert a number greater than 0 with."""

    def convert(text: str) -> float:
        number = kind(text)
        if not number > 0 or number == float("inf"):
            raise ValueError
        return number

    convert.__name__ = "number greater than 0"
    return convert


def target_of(settings: argparse.Namespace) -> watch.Watched:
    """Return what is to be watched."""
    target = settings.data if settings.target is None else settings.target
    if os.path.isdir(target):
        return watch.Watched(folder=target)
    if target.isascii() and target.isdigit():
        return watch.Watched(process=int(target))
    sys.exit(
        f"exactrace: {target!r} is neither a process nor a folder: run a program with "
        "`exactrace run`, and name its folder or its process"
    )


def chosen(rows: list[watch.Row], sort: str, text: str) -> list[watch.Row]:
    """Return the rows that have `text` in them, the hottest first."""
    text = text.lower()
    found = [row for row in rows if text in f"{row.file}:{row.line} {row.name}".lower()]

    def heat(row: watch.Row) -> tuple[float, float]:
        return (row.rate, row.hits) if sort == "rate" else (row.hits, row.rate)

    return sorted(sorted(found), key=heat, reverse=True)


def table(rows: list[watch.Row], kind: str) -> str:
    """Return rows as text."""
    width = max((len(f"{row.hits:,}") for row in rows), default=4)
    lines = [f"{'hits':>{width}}  {'per second':>13}  {kind}"]
    for row in rows:
        place = f"{shown(row.file)}:{row.line}"
        name = f"  {row.name}" if row.name else ""
        lines.append(f"{row.hits:{width},}  {row.rate:13,.0f}  {place}{name}")
    return "\n".join(lines) + "\n"


def shown(file: str) -> str:
    """Return a file's name as seen from here, if that is shorter."""
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    return relative if len(relative) < len(file) else file


def as_json(sample: watch.Sample, rows: list[watch.Row], kind: str) -> str:
    """Return a line of JSON."""
    content = {
        "processes": sorted(sample.processes),
        "by": kind,
        "rows": [
            {**row._asdict(), "rate": round(row.rate, 1), "name": row.name or None}
            for row in rows
        ],
    }
    return json.dumps(content) + "\n"


def write_looks(settings: argparse.Namespace, watched: watch.Watched) -> None:
    """Write one look, or one after the other until nothing runs any more."""
    before = watched.sample()
    if not before.processes:
        nothing_runs(settings)
    while True:
        time.sleep(settings.interval)
        sample = watched.sample()
        if not sample.processes:
            return
        rows = sample.rows(settings.by, before)
        found = chosen(rows, settings.sort, settings.filter)[: settings.rows]
        if settings.json:
            sys.stdout.write(as_json(sample, found, settings.by))
        else:
            sys.stdout.write(table(found, settings.by))
        sys.stdout.flush()
        if settings.once:
            return
        before = sample


def nothing_runs(settings: argparse.Namespace) -> NoReturn:
    """End with status 1 and a message."""
    target = settings.data if settings.target is None else settings.target
    sys.exit(
        f"exactrace: nothing that counts is running in {target!r}: start it with "
        "`exactrace run`; `exactrace report` shows what has ended"
    )


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    settings = build_parser(prog).parse_args(argv)
    settings.interval = max(settings.interval, SHORTEST)
    watched = target_of(settings)
    try:
        if settings.once or settings.json:
            write_looks(settings, watched)
            return
        if not sys.stdout.isatty() or not sys.stdin.isatty():
            sys.exit(
                "exactrace: there is no terminal to show this in: use --once or --json"
            )
        from exactrace.cli import topscreen

        if not watched.sample().processes:
            nothing_runs(settings)
        print(topscreen.run(watched, settings))
    except watch.WatchError as error:
        sys.exit(f"exactrace: {error}")
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # nobody is there to be flushed to
    except KeyboardInterrupt:
        return
