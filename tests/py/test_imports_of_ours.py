"""What of the package is imported, and when."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from beside import run, write

import exactrace


def test_names_that_are_imported_later_are_those_of_their_modules() -> None:
    from exactrace import compat, context

    assert exactrace.tracing is context.tracing
    for name in vars(compat):
        if name.startswith(("_find_", "_fullmodname", "_modname", "PRAGMA_")):
            assert getattr(exactrace, name) is getattr(compat, name)
            assert name in dir(exactrace)


def test_a_name_that_does_not_exist_is_missed_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'exactrace' has no attribute 'x'"):
        exactrace.x  # type: ignore[attr-defined]  # noqa: B018


def test_a_session_needs_no_more_than_it_uses(folder: Path) -> None:
    source = """\
        import sys, exactrace
        tracer = exactrace.Trace(trace=0)
        tracer.run("x = 1")
        results = tracer.results()
        print([name for name in sys.modules if name in (
            "exactrace.compat", "exactrace.context", "exactrace.listings",
            "exactrace.progress", "exactrace.source")])
        results.write_results()
        print("exactrace.listings" in sys.modules)
        """
    write(folder, "prog.py", source)
    assert run(["prog.py"], folder) == (0, "[]\nTrue\n", "")


def test_a_report_does_not_need_what_a_program_takes_away(folder: Path) -> None:
    """Nothing can be imported any more when it is written."""
    source = """\
        import sys
        sys.meta_path.clear()
        sys.path_hooks.clear()
        """
    write(folder, "prog.py", source)
    command = ["-m", "exactrace", "--count", "--missing", "-C", "out"]
    options = ["--ignore-dir", sys.prefix, "--ignore-dir", sys.base_prefix]
    status, _, error = run([*command, *options, "prog.py"], folder)
    assert (status, error) == (0, "")
    assert "    1: sys.meta_path.clear()\n" in (folder / "out/prog.cover").read_text()
