"""`exactrace combine`: brings counts files together into one."""

from __future__ import annotations

import argparse
import os
import sys

from exactrace import countsfile, datafolder, merging, settings
from exactrace.cli import options
from exactrace.paths import current_directory
from exactrace.progress import Progress
from exactrace.remap import PathMap

_RUN = "combined"  # what the names of the files that this makes begin with


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Add the counts of any number of runs, processes and hosts up, "
        "into one new file in the folder for counts. What that folder holds already "
        "is added too. A file that is given twice, or is part of another one, is "
        "counted once. The order makes no difference. The exit status is 1 if a file had "
        "to be left out.",
        epilog="Paths are renamed by the table [tool.exactrace.paths] of "
        "pyproject.toml too: NAME = [HERE, ELSEWHERE, ...].",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a folder of counts, or one that has a folder .exactrace; or a counts "
        "file, also of the standard trace module (default: none but the folder of "
        "--data)",
    )
    options.add_data(parser, "-o")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave all files where they are (default: remove those that were added "
        "and have names given by exactrace)",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        type=mapping,
        metavar="OLD=NEW",
        help="let files below OLD count as those below NEW; OLD may hold *, ? and **. "
        "Can be given several times; comes before the settings file",
    )
    return parser


def mapping(text: str) -> tuple[str, str]:
    """Return the sides of OLD=NEW. Raises ArgumentTypeError."""
    old, sign, new = text.rpartition("=")
    if not sign or not old.strip("/\\") or not new:
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW")
    return old, new


def path_map(given: list[tuple[str, str]]) -> PathMap:
    """Return the rules of the command line, then those of the settings file. Ends
    with status 1 and a message if these cannot be used.
    """
    rules = PathMap()
    here = current_directory()
    for old, new in given:
        rules.add(old, os.path.normpath(os.path.join(here, new)))
    try:
        found = settings.load(here)
    except settings.SettingsError as error:
        sys.exit(f"exactrace: {error}")
    rules.add_names(found.paths, found.folder)
    return rules


def find_inputs(folder: str, paths: list[str], *, keep: bool) -> list[merging.Input]:
    """Return the files that the arguments name, and those in the folder itself. Ends
    with status 1 and a message if one is not there.
    """
    inputs = []
    for path in paths:
        if not os.path.isdir(path):
            inputs.append(_input(os.path.dirname(path), os.path.basename(path)))
            continue
        if os.path.exists(folder) and os.path.samefile(path, folder):
            continue
        place, names = path, _files(path)
        inner = os.path.join(path, options.FOLDER)
        if not names and os.path.isdir(inner):
            place, names = inner, _files(inner)
        if not names:
            print(f"exactrace: no counts in {path!r}", file=sys.stderr)
        inputs += [_input(place, name) for name in names]
    # Of the folder itself. If files stay there, those that others have named go on
    # counting by themselves: a name alone does not tell what the sum stands for.
    inputs += [
        merging.Input(os.path.join(folder, name), name)
        for name in _files(folder)
        if not keep or merging.is_given_name(name)
    ]
    return _once(inputs)


def _once(inputs: list[merging.Input]) -> list[merging.Input]:
    """Return each file once, also those that only their paths tell apart."""
    told = [one for one in inputs if merging.is_given_name(one.name)]
    others = [one for one in inputs if not merging.is_given_name(one.name)]
    return told + list({os.path.realpath(one.path): one for one in others}.values())


def _files(folder: str) -> set[str]:
    try:
        return datafolder.files(folder)
    except OSError as error:
        sys.exit(f"exactrace: cannot read the folder {folder!r}: {error.strerror}")


def _input(folder: str, name: str) -> merging.Input:
    path = os.path.join(folder, name)
    return merging.Input(
        path, name if merging.is_given_name(name) else "", foreign=True
    )


def combine(
    folder: str, paths: list[str], rules: PathMap, *, keep: bool
) -> tuple[str, bool]:
    """Bring files together. Returns a line on what was done, and whether no file had
    to be left out. Raises OSError and CountsFileError; ends with status 1 if there is
    nothing to add.
    """
    with datafolder.locked(folder):
        inputs = find_inputs(folder, paths, keep=keep)
        with Progress("counts files", len(inputs)) as progress:
            merged = merging.merge(inputs, running=False, step=progress.step)
        for trouble in merged.troubles + merged.remarks + merged.running:
            print(f"exactrace: {trouble}", file=sys.stderr)
        if not merged.inputs:
            sys.exit("exactrace: there are no counts to combine: see --help")
        renamed = rules.renamed(merged.sum.paths())
        if not renamed and _is_alone(merged, folder) and (keep or len(inputs) == 1):
            said = f"nothing to combine: {merged.inputs[0].path!r} has it all"
            return said, not merged.troubles
        merged.sum.rename(renamed)
        data = merged.dumps(merging.stands_for(merged.names))
        name = datafolder.write_bytes(folder, data, _RUN)
        if not keep:
            _remove(inputs, merged, folder, name)
    count = len(merged.inputs)
    files = f"{count:,} file" + "s" * (count != 1)
    said = f"{files} combined into {os.path.join(folder, name)!r}"
    if renamed:
        said += f"; {len(renamed):,} source files renamed"
    return said, not merged.troubles


def _is_alone(merged: merging.Merged, folder: str) -> bool:
    """Whether all there is is one file in the folder itself."""
    paths = [one.path for one in merged.inputs]
    return len(paths) == 1 and os.path.dirname(paths[0]) == folder


def _remove(
    inputs: list[merging.Input], merged: merging.Merged, folder: str, name: str
) -> None:
    """Remove what is in the new file and can be told from all others by its name,
    or lies in the folder itself, where it would be counted again.
    """
    gone = [one for one in inputs if one.name in merged.names]
    for one in gone:
        datafolder.remove(os.path.dirname(one.path), [os.path.basename(one.path)])
    if all(merging.is_given_name(one.name) for one in gone):
        return
    # Another file may come to have the name of one that is gone.
    kept = {known for known in merged.names if merging.is_given_name(known)}
    kept |= datafolder.files(folder) & merged.names
    data = merged.dumps(merging.stands_for(kept))
    countsfile.write_new_file(os.path.join(folder, name), data, 0o600)


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    parser = build_parser(prog)
    given = parser.parse_args(argv)
    folder = given.data
    if not folder or (os.path.exists(folder) and not os.path.isdir(folder)):
        parser.error(f"argument -d/--data: {folder!r} is no folder")
    for path in given.paths or [folder]:
        if not os.path.exists(path):
            sys.exit(f"exactrace: there is no file or folder {path!r} to combine")
    rules = path_map(given.map)
    try:
        said, whole = combine(folder, given.paths, rules, keep=given.keep)
    except (OSError, countsfile.CountsFileError) as error:
        sys.exit(f"exactrace: cannot combine into {folder!r}: {error}")
    print(said)
    if not whole:
        sys.exit(1)
