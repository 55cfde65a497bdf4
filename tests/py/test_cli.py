"""The command line: what a user types and what comes out."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from beside import PACKAGE, run, write

import exactrace

FIVE = "def parity(n):\n    if n % 2:\n        return 1\n    return 0\nfor n in range(5):\n    parity(n)\n"


def ours(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    return run(["-m", "exactrace", *arguments], folder, **variables)


def test_run_shows_a_table_on_stderr_and_leaves_stdout_alone(folder: Path) -> None:
    write(folder, "five.py", FIVE + "print('out')\n")
    status, out, err = ours(folder, "run", "five.py")
    assert (status, out) == (0, "out\n")
    header, row = err.splitlines()
    assert header.split() == ["lines", "run", "cov%", "hits", "file"]
    assert row.split()[-1] == "five.py"
    assert row.split()[2] == "100.0%"


def test_run_writes_nothing_beside_the_sources(folder: Path) -> None:
    write(folder, "five.py", FIVE)
    ours(folder, "run", "-a", "five.py")
    assert [path.name for path in folder.iterdir()] == ["five.py"]


def test_report_shows_the_last_run_again(folder: Path) -> None:
    write(folder, "five.py", FIVE)
    _, _, shown = ours(folder, "run", "-a", "five.py")
    status, again, _ = ours(folder, "report", "-a")
    assert status == 0
    assert again == shown
    assert "    5:     if n % 2:\n" in again
    assert "    2:         return 1\n" in again


def test_append_adds_to_the_last_run(folder: Path) -> None:
    write(folder, "five.py", FIVE)
    ours(folder, "run", "-q", "five.py")
    ours(folder, "run", "-q", "--append", "five.py")
    assert "   10:     if n % 2:\n" in ours(folder, "report", "-a")[1]
    ours(folder, "run", "-q", "five.py")
    assert "    5:     if n % 2:\n" in ours(folder, "report", "-a")[1]


def test_output_goes_where_it_is_told(folder: Path) -> None:
    write(folder, "five.py", FIVE)
    _, out, err = ours(folder, "run", "-o", "-", "five.py")
    assert "five.py" in out
    assert err == ""
    _, out, err = ours(folder, "run", "-o", "r.txt", "five.py")
    assert (out, err) == ("", "")
    assert "five.py" in (folder / "r.txt").read_text()
    assert ours(folder, "report", "-o", "r2.txt")[0] == 0
    assert (folder / "r2.txt").read_text() == (folder / "r.txt").read_text()


def test_report_takes_files_and_patterns(folder: Path) -> None:
    write(folder, "five.py", FIVE + "import other\n")
    write(folder, "other.py", "x = 1\n")
    ours(folder, "run", "-q", "five.py")
    assert "five.py" not in ours(folder, "report", "oth*")[1]
    assert "other.py" in ours(folder, "report", "oth*")[1]


def test_the_standard_library_is_left_out_unless_asked_for(folder: Path) -> None:
    write(folder, "main.py", "import this\n")
    assert "this.py" not in ours(folder, "run", "main.py")[2]
    assert "this.py" in ours(folder, "run", "--all", "main.py")[2]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["report", "nothing.py"], 1, "holds no counts of these files"),
        (["report", "-d", "none"], 1, "no counts in 'none'"),
        (["report", "-d", "."], 1, "no counts in '.'"),
        (["report", "-o", "no/such/folder"], 1, "cannot write the report"),
        (["run", "-d", "bad", "five.py"], 2, "'bad' is no folder"),
        (["run", "--append", "-d", "data", "five.py"], 0, "x.xt' is left out: dam"),
        (["report", "-d", "bad"], 1, "not a counts file"),
        (["report", "-d", "data"], 1, "x.xt' is left out: damaged counts file"),
        (["-c", "-f", "bad", "five.py"], 1, "counts file 'bad': not a counts file"),
        (["-r", "-f", "bad"], 1, "counts file 'bad': not a counts file"),
    ],
)
def test_bad_input_costs_one_clear_line(
    folder: Path,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    write(folder, "five.py", FIVE)
    (folder / "bad").write_bytes(b"cos\nsystem\n(S'echo pwned'\ntR.")
    (folder / "data").mkdir()
    (folder / "data" / "x.xt").write_bytes(b"\x89EXT\r\n\x1a\n" + bytes(60))
    ours(folder, "run", "-q", "five.py")
    done = ours(folder, *arguments)
    assert done[0] == status
    assert message in done[2]
    assert "Traceback" not in done[2]
    assert "pwned" not in done[1]


def test_a_pipe_that_is_closed_early_costs_nothing(folder: Path) -> None:
    write(folder, "five.py", FIVE + "x = 1\n" * 20_000)
    ours(folder, "run", "-q", "five.py")
    command = f"'{sys.executable}' -m exactrace report -a | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""


# The standard command line, where it is not to be like the standard module


def test_no_report_still_saves_the_counts(folder: Path) -> None:
    write(folder, "five.py", FIVE)
    for _ in range(2):
        ours(folder, "-c", "-R", "-f", "counts", "five.py")
    with (folder / "counts").open("rb") as file:
        counts, _, _ = pickle.load(file)
    assert counts["five.py", 2] == 10
    assert not list(folder.glob("*.cover"))


def test_a_file_that_is_gone_costs_one_line_not_the_report(folder: Path) -> None:
    write(folder, "main.py", "import gone, os\nos.remove('gone.py')\n")
    write(folder, "gone.py", "x = 1\n")
    status, out, err = ours(folder, "-c", "-s", "-m", "-C", "c", "main.py")
    assert status == 0
    assert "main" in out
    assert len([line for line in err.splitlines() if "gone.py" in line]) == 1
    assert (folder / "c/main.cover").exists()


def test_an_environment_variable_named_prefix_changes_nothing(folder: Path) -> None:
    write(folder, "main.py", "import this\n")
    done = ours(
        folder, "-c", "-C", "c", "--ignore-dir", "$prefix", "main.py", prefix="/nowhere"
    )
    assert done[0] == 0
    covers = {path.name for path in (folder / "c").iterdir()}
    assert "main.cover" in covers
    assert "this.cover" not in covers


def test_an_empty_part_of_ignore_dir_is_not_the_current_folder(folder: Path) -> None:
    write(folder, "main.py", "x = 1\n")
    ours(folder, "-c", "-C", "c", "--ignore-dir", "/nowhere" + os.pathsep, "main.py")
    assert [path.name for path in (folder / "c").iterdir()] == ["main.cover"]


def test_the_version_is_that_of_the_build() -> None:
    stated = Path(__file__).parents[2].joinpath("VERSION").read_text().strip()
    assert exactrace.__version__ == stated


def test_version_and_help() -> None:
    here = Path.cwd()
    assert run(["-P", "-m", "exactrace", "--version"], here)[1] == "trace 2.0\n"
    for arguments in (["--help"], ["run", "--help"], ["report", "--help"]):
        status, out, _ = run(["-P", "-m", "exactrace", *arguments], here)
        assert status == 0
        assert out.startswith("usage: ")


def test_a_program_finds_loaded_what_trace_has_loaded(folder: Path) -> None:
    """Else lines that run at an import would count here and not there."""
    write(folder, "loaded.py", "import sys\nprint(*sys.modules)\n")
    loaded = {}
    for module in ("trace", "exactrace"):
        _, out, _ = run(["-m", module, "-c", "-R", "loaded.py"], folder)
        names = set(out.split())
        loaded[module] = {name for name in names if not name.startswith("exactrace")}
    assert loaded["exactrace"] == loaded["trace"]


def test_reports_go_where_they_were_to_go_when_the_program_changes_directory(
    folder: Path,
) -> None:
    write(folder, "away.py", "import os\nos.mkdir('d')\nos.chdir('d')\n")
    ours(folder, "-c", "-C", "c", "-f", "counts", "away.py")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert names == {"away.py", "d", "c", "c/away.cover", "counts"}


def test_run_loads_little_before_the_program(folder: Path) -> None:
    write(folder, "loaded.py", "import sys\nprint(*sys.modules)\n")
    loaded = set(run(["-m", "exactrace", "run", "-q", "loaded.py"], folder)[1].split())
    # Not those that argparse needs on some version.
    unwanted = {"typing", "pickle", "__future__", "exactrace.text"}
    bare = set(run(["loaded.py"], folder)[1].split())
    assert not (loaded - bare) & unwanted
