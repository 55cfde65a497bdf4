"""What of the package is imported, and when."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from beside import run, write


@pytest.mark.parametrize("mode", ["-t", "-l", "-T", "-c"])
def test_who_looks_at_all_modules_sees_nothing_of_ours(folder: Path, mode: str) -> None:
    source = """\
        import sys
        for module in list(sys.modules.values()):
            getattr(module, "__warningregistry__", None)
        """
    write(folder, "prog.py", source)
    hidden = ["--ignore-dir", f"{sys.base_prefix}/lib"]
    done = run(["-m", "exactrace", mode, "-C", "out", *hidden, "prog.py"], folder)
    assert (done[0], done[2]) == (0, "")
    listed = [path.name for path in folder.glob("out/*")]
    assert listed == (["prog.cover"] if mode == "-c" else [])
    assert "__getattr__" not in done[1]


def test_a_session_needs_no_more_than_it_uses(folder: Path) -> None:
    source = """\
        import sys, exactrace
        tracer = exactrace.Trace(trace=0)
        tracer.run("x = 1")
        results = tracer.results()
        print([name for name in sys.modules if name in (
            "exactrace.listings", "exactrace.progress")])
        results.write_results()
        print("exactrace.listings" in sys.modules)
        """
    write(folder, "prog.py", source)
    assert run(["prog.py"], folder) == (0, "[]\nTrue\n", "")


def test_what_a_program_takes_away_is_back_for_the_report(folder: Path) -> None:
    source = """\
        import atexit, sys
        sys.meta_path.clear()
        sys.path_hooks.clear()
        sys.path_importer_cache.clear()
        atexit.register(lambda: print(sys.meta_path, sys.path_hooks))
        """
    write(folder, "prog.py", source)
    status, out, error = run(["-m", "exactrace", "run", "prog.py"], folder)
    assert (status, out) == (0, "[] []\n")
    assert "prog.py" in error
    assert "100.0%" in error
    assert "not all" not in error


@pytest.mark.parametrize(("end", "ends"), [("", 0), ("os.kill(os.getpid(), 15)", -15)])
def test_a_report_does_not_need_what_a_program_takes_away(
    folder: Path, end: str, ends: int
) -> None:
    """By a signal, it is written in the midst of what the program has made."""
    source = f"""\
        import os, sys
        sys.meta_path.clear()
        sys.path_hooks.clear()
        {end}
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "--count", "--missing", "-C", "out"]
    options = ["--ignore-dir", sys.prefix, "--ignore-dir", sys.base_prefix]
    status, _, error = run([*command, *options, "prog.py"], folder)
    assert (status, error) == (ends, "")
    assert "    1: sys.meta_path.clear()\n" in (folder / "out/prog.cover").read_text()
