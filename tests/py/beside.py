"""Runs a program under Python alone and under us, and compares."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path
from typing import Any

import pytest

import exactrace
from exactrace import datafolder
from exactrace.results import CoverageResults

# Whether this build has no GIL; and whether lines are counted by probes and
# events, not by the trace function alone.
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
MONITORED = sys.version_info >= (3, 12) and not FREE
# Those of `Trace(engine=...)` that can count here.
ENGINES = ("probe", "event", "settrace") if MONITORED else ("settrace",)
NO_PROBES = "no probes or events: before 3.12, or without the GIL"
NO_HIDING = pytest.mark.skipif(
    FREE and sys.version_info >= (3, 14),
    reason="without the GIL our frames cannot be hidden (docs/decisions/0005)",
)

PLACED = pytest.mark.skipif(
    not MONITORED or sys.version_info < (3, 13),
    reason="no branches, or 3.12, which places those of loops elsewhere",
)

# Where the package under test is, for children that must find it and not the
# sources in the current directory.
PACKAGE = str(Path(exactrace.__file__).parent.parent)


def run(
    arguments: list[str],
    folder: Path,
    stdin: bytes = b"",
    *,
    merged: bool = False,
    **variables: str,
) -> tuple[int, str, str]:
    """Run Python with these arguments: (exit status, stdout, stderr), the
    last two in one if `merged`.
    """
    environment = {**os.environ, "PYTHONPATH": PACKAGE, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        timeout=120,
        check=False,
    )
    out, error = done.stdout, done.stderr or b""
    return done.returncode, out.decode(), error.decode("utf-8", "replace")


def check_gold(name: str, text: str) -> None:
    """What is written must be as in a file of tests/py/gold; `make gold` writes
    them anew.
    """
    path = Path(__file__).parent / "gold" / name
    if os.environ.get("UPDATE_GOLD"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def check_same(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    options: tuple[str, ...] = (),
    merged: bool = False,
    ours: tuple[str, ...] = (),
    **variables: str,
) -> tuple[int, str, str]:
    """The same arguments to Python and to us must show the same. `options` are
    those of Python itself, `ours` more of our own.
    """
    command = [*options, "-m", "exactrace", "run", "-q", *ours, *arguments]
    plain = run([*options, *arguments], folder, stdin, merged=merged, **variables)
    done = run(command, folder, stdin, merged=merged, **variables)
    assert plain == done
    return done


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


# Every way to start a program: what precedes its arguments, and its file.
STARTS = {
    "script": (["prog.py"], "prog.py"),
    "odd path": ([".//there/../prog.py"], "prog.py"),
    "module": (["-m", "prog"], "prog.py"),
    "package": (["-m", "pkg.prog"], "pkg/prog.py"),
    "folder": (["app"], "app/__main__.py"),
    "import": (["-c", "import prog"], "prog.py"),
}


def check_program(
    folder: Path, start: tuple[list[str], str], source: str, **options: Any
) -> tuple[int, str, str]:
    """Write a program, start it in this way, compare."""
    arguments, name = start
    (folder / "there").mkdir(exist_ok=True)
    write(folder, name, source)
    return check_same(folder, *arguments, **options)


def rescued(errors: str, reasons: list[str]) -> CoverageResults:
    """Return the sum of the counts that `errors` says are kept elsewhere, a line for
    each of these reasons; and remove them.
    """
    lines = [line for line in errors.splitlines() if "the counts are in" in line]
    assert len(lines) == len(reasons)
    results = CoverageResults()
    for line, reason in zip(lines, reasons, strict=True):
        assert reason in line
        elsewhere = Path(line.split("'")[1])
        try:
            assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
            names = datafolder.files(str(elsewhere))
            kept, _, said = datafolder.read(str(elsewhere), names)
        finally:
            shutil.rmtree(elsewhere)
        assert said == []
        results.update(kept)
    return results
