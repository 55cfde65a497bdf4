"""Runs `python -m TOOL ...` many times, each time in a child of this process.

    python command_server.py TOOL JOBS

JOBS is a JSON file: a list of jobs, each an object with `folder`, the working
directory; `commands`, a list of argument lists; and `output`, the beginning of
the names of files that get what command N wrote (`.N.out`, `.N.err`) and, in
`.status`, the exit statuses.

A child is this process with the tool and the modules loaded, so that a command
takes milliseconds. It runs the tool as `python -m` does and ends as a process
does that was started for it.
"""

import gc
import importlib
import importlib.machinery
import json
import os
import runpy
import sys
from contextlib import suppress

# What the standard module imports, what both import late, and what is slow to
# import under a tracer. All tools start with the same modules, since those that
# are loaded already cannot be traced while they are imported.
PRELOADED = (
    *("argparse", "ast", "dis", "gc", "gettext", "inspect", "io", "linecache"),
    *("locale", "pickle", "runpy", "shutil", "sysconfig", "threading", "token"),
    *("tokenize", "importlib.util", "importlib.machinery", "marshal", "textwrap"),
    *("asyncio", "contextlib", "dataclasses", "enum", "typing", "collections"),
    *("functools", "random", "warnings", "traceback", "zipimport", "fnmatch"),
    *("encodings.latin_1", "encodings.iso8859_15", "encodings.utf_8_sig"),
)


def preload(tool: str) -> None:
    """Import all that a command would import before it runs a program."""
    for name in PRELOADED:
        importlib.import_module(name)
    with suppress(ImportError):  # from 3.14 on, argparse colours its help
        importlib.import_module("_colorize")
    if tool == "exactrace":
        for name in ("exactrace.cli.dropin", "exactrace.countsfile"):
            importlib.import_module(name)
    # exactrace takes it out, so that a program imports it if it is the first.
    sys.modules.pop("__future__", None)
    # The collector of a child need not look at all this.
    gc.collect()
    gc.freeze()


def enter(folder: str, arguments: list[str], output: str) -> None:
    """Make this process look as one that was started for the command."""
    os.chdir(folder)
    # A pipe, since a program could seek in a file.
    reading, writing = os.pipe()
    os.write(writing, b"first line\nsecond line\n")
    os.close(writing)
    os.dup2(reading, 0)
    for descriptor, kind in ((1, "out"), (2, "err")):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(f"{output}.{kind}", flags, 0o644), descriptor)
    sys.argv[1:] = arguments
    sys.path[0] = os.getcwd()
    # Look into all folders, as it would have been done to find the tool.
    importlib.machinery.PathFinder.find_spec("no_such_module")


def serve(jobs_file: str) -> bool:
    """Run all jobs. In a child, return True as soon as it has been entered."""
    with open(jobs_file) as file:
        jobs = json.load(file)
    for job in jobs:
        statuses = []
        for number, arguments in enumerate(job["commands"]):
            child = os.fork()
            if child == 0:
                enter(job["folder"], arguments, f"{job['output']}.{number}")
                return True
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        with open(job["output"] + ".status", "w") as file:
            json.dump(statuses, file)
    return False


if __name__ == "__main__":
    _tool, _jobs = sys.argv[1:]
    preload(_tool)
    if serve(_jobs):
        runpy._run_module_as_main(_tool)  # type: ignore[attr-defined]
