"""The command line itself: options, their forms, and what is wrong with them.

Each command is given to both tools, in a process of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import environment, written_files

PROGRAM = """\
import sys
print(sys.argv)
for n in range(3):
    if n == 5:
        print("never")
"""


def run(
    tool: str, arguments: list[str], folder: Path
) -> tuple[int, str, str, dict[str, object]]:
    """Run a tool in a new folder: see run_in."""
    folder.mkdir()
    return run_in(tool, arguments, folder)


def run_in(
    tool: str, arguments: list[str], folder: Path
) -> tuple[int, str, str, dict[str, object]]:
    """Run a tool: its exit status, both outputs, the files that are there."""
    (folder / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", tool, *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr, written_files(folder)


def message(errors: str) -> tuple[str, str]:
    """Return the usage with its white space folded, and the message behind it.

    Both without the name of the tool, which may change where lines are broken.
    """
    usage, _, rest = errors.partition("error: ")
    usage = re.sub(r"\s*".join(ADDED), "", usage)
    rest = re.sub(r", --trace-\w+", "", rest)  # what a prefix could match
    return " ".join(re.sub(TOOL, "TOOL", usage).split()), rest


# Options that the standard module does not have.
ADDED = (
    r"\[--engine",
    r"{probe,event,settrace}\]",
    r"\[--branch\]",
    r"\[--calls\]",
    r"\[--debug\]",
    r"\[--children\]",
    r"\[--dump-signal SIGNAL\]",
    r"\[--trace-file[^$]*(?=\[--ignore-module)",
)
TOOL = r"\S*python\S* -m \w+|\btrace\.py\b"


BAD_USAGE = {
    "nothing": [],
    "only a program": ["program.py"],
    "only a modifier": ["-g", "program.py"],
    "only a coverdir": ["-C", "covers", "program.py"],
    "only missing": ["--missing", "program.py"],
    "only a filter": ["--ignore-module", "x", "program.py"],
    "list and count without a program": ["-l", "-c"],
    "list and trace without a program": ["-l", "--trace"],
    "list, count and calls without a program": ["-lcT"],
    "summary without count": ["-s", "-t", "program.py"],
    "summary of a list": ["-l", "-s", "program.py"],
    "summary of calls": ["--summary", "--trackcalls", "program.py"],
    "no program": ["-c"],
    "no program and a list": ["--listfuncs"],
    "report and no report": ["-r", "-R", "-f", "counts"],
    "no report and report": ["--no-report", "--report", "-f", "counts"],
    "report without a file": ["-r"],
    "report of a program": ["-r", "program.py"],
    "unknown short option": ["-c", "-y", "program.py"],
    "unknown long option": ["--count", "--nothing", "program.py"],
    "unknown in a cluster": ["-cy", "program.py"],
    "ambiguous prefix": ["--ignore", "x", "-c", "program.py"],
    "another ambiguous prefix": ["--trac", "program.py"],
    "file without a value": ["-c", "-f"],
    "coverdir without a value": ["-c", "--coverdir"],
    "ignore-dir without a value": ["-c", "--ignore-dir"],
    "value for a switch": ["--count=yes", "program.py"],
    "option where a value must be": ["-c", "-f", "-s", "program.py"],
    "only two dashes": ["--"],
    "module without a name": ["-c", "--module"],
}


@pytest.mark.parametrize("arguments", BAD_USAGE.values(), ids=BAD_USAGE)
def test_bad_usage_ends_as_under_the_standard_module(
    arguments: list[str], tmp_path: Path
) -> None:
    status, output, errors, files = run("trace", arguments, tmp_path / "trace")
    assert status == 2
    ours = run("exactrace", arguments, tmp_path / "exactrace")
    assert (status, output, files) == (ours[0], ours[1], ours[3])
    assert message(errors) == message(ours[2])
    assert message(errors)[0].startswith("usage: TOOL [-h] [--version] [-c] [-t]")


GOOD_USAGE = {
    "long options": ["--count", "--missing", "--summary", "--coverdir", "covers"],
    "short options": ["-c", "-m", "-s", "-C", "covers"],
    "cluster": ["-cms", "-Ccovers"],
    "cluster with a value": ["-cmsCcovers"],
    "equals signs": ["--count", "--coverdir=covers", "--file=counts"],
    "prefixes": ["--cou", "--miss", "--summ", "--cover", "covers", "--fi=counts"],
    "a long option twice": ["-c", "-c", "-C", "first", "-C", "covers"],
    "trace and count": ["-tc", "-C", "covers"],
    "no report": ["-c", "-R", "-C", "covers"],
    "no report by prefix": ["--count", "--no-r"],
    "missing without count": ["-t", "-m"],
    "timing without trace": ["-c", "-g", "-C", "covers"],
    "ignored modules": ["-t", "--ignore-module", "a,program , b"],
    "ignored by prefix": ["-t", "--ignore-m=other", "--ignore-m", "program"],
    "ignored folder": ["-c", "--ignore-dir", "$prefix:~/nowhere", "-C", "covers"],
    "coverdir below a folder": ["-c", "-C", "a/b/./c"],
    "coverdir that is here": ["-c", "-C", "."],
    "listing beside the source": ["-c"],
    "list of functions": ["--listf", "--file", "counts"],
}
ENDS = {
    "alone": ["program.py"],
    "with arguments": ["program.py", "a", "-c", "--b=1", "--", "-x", ""],
    "behind dashes": ["--", "program.py", "--version"],
    "as a module": ["--module", "program", "one"],
}


@pytest.mark.parametrize(
    ("name", "end"),
    [(name, "alone") for name in GOOD_USAGE]
    + [
        (name, end)
        for name in ("cluster", "prefixes", "cluster with a value")
        for end in ENDS
        if end != "alone"
    ],
)
def test_options_mean_what_they_mean_in_the_standard_module(
    name: str, end: str, tmp_path: Path
) -> None:
    arguments = [*GOOD_USAGE[name], *ENDS[end]]
    work = tmp_path / "work"
    expected = run("trace", arguments, work)
    work.rename(tmp_path / "trace")
    got = run("exactrace", arguments, work)
    assert expected[0] == 0
    assert own_name(expected[1]) == own_name(got[1])
    assert expected[2] == got[2]
    assert expected[3] == got[3]


def own_name(output: str) -> str:
    """Replace the file of the tool, which stands in a list of callers."""
    return re.sub(
        r"^\*\*\* .*/(trace|__init__)\.py \*\*\*$",
        "*** tool ***",
        output,
        flags=re.MULTILINE,
    )


def test_the_version_is_that_of_the_standard_module(tmp_path: Path) -> None:
    expected = run("trace", ["--version"], tmp_path / "trace")
    assert expected == (0, "trace 2.0\n", "", {})
    assert run("exactrace", ["--version"], tmp_path / "exactrace") == expected


@pytest.mark.parametrize("option", ["-h", "--help", "--he"])
def test_the_help_names_every_option(option: str, tmp_path: Path) -> None:
    status, expected, errors, _ = run("trace", [option], tmp_path / "trace")
    assert (status, errors) == (0, "")
    options = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", expected))
    assert len(options) >= 27
    status, output, errors, _ = run("exactrace", [option], tmp_path / "exactrace")
    assert (status, errors) == (0, "")
    assert not {name for name in options if name not in output}


def test_a_report_is_made_of_several_runs(tmp_path: Path) -> None:
    commands = [
        ["-c", "-R", "-f", "counts", "program.py"],
        ["-c", "-f", "counts", "-C", "covers", "program.py"],
        ["-c", "-f", "counts", "-C", "covers", "program.py", "more"],
        ["--report", "--file=counts", "-m", "-s", "-C", "again"],
        ["-rsm", "-fcounts", "-Cagain", "ignored", "arguments"],
        ["-r", "-f", "absent", "-C", "again"],
        ["-l", "-f", "counts", "program.py"],
        ["-r", "-f", "counts", "-C", "again"],
    ]
    # The first run is a bug of the standard module: it saves nothing.
    assert session("trace", commands[1:], tmp_path) == session(
        "exactrace", commands[1:], tmp_path
    )
    ours = session("exactrace", commands, tmp_path)[-1][3]["counts"]
    theirs = session("trace", commands, tmp_path)[-1][3]["counts"]
    assert isinstance(ours, tuple)
    assert isinstance(theirs, tuple)
    assert [ours[0][key] * 2 for key in theirs[0]] == [
        count * 3 for count in theirs[0].values()
    ]


def session(
    tool: str, commands: list[list[str]], base: Path
) -> list[tuple[int, str, str, dict[str, object]]]:
    """Run commands one after another in one folder."""
    folder = base / "session"
    folder.mkdir()
    found = [run_in(tool, arguments, folder) for arguments in commands]
    shutil.rmtree(folder)
    return found


def test_both_tools_start_a_program_with_the_same_modules(tmp_path: Path) -> None:
    program = "import sys\nprint(*sorted(sys.modules), sep='\\n')\n"
    loaded = {}
    for tool in ("trace", "exactrace"):
        folder = tmp_path / tool
        folder.mkdir()
        (folder / "modules.py").write_text(program)
        status, output, errors, _ = run_in(tool, ["-c", "-R", "modules.py"], folder)
        assert (status, errors) == (0, "")
        names = output.split("\n")
        loaded[tool] = [name for name in names if name.split(".")[0] != tool]
    assert loaded["trace"] == loaded["exactrace"]
