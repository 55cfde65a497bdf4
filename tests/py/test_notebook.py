"""`%%exactrace` in IPython."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beside import run
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell() -> Any:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(colors="nocolor")
    shell.run_line_magic("load_ext", "exactrace")
    yield shell
    InteractiveShell.clear_instance()


def test_a_cell_is_shown_with_its_counts(shell: Any, capsys: Any) -> None:
    shell.run_cell("def helper(n):\n    return n + 1")
    shell.run_cell(
        "%%exactrace\nx = 0\nfor i in range(1200):\n    x = helper(x)\n"
        "if x < 5:\n    print('never')\nx"
    )
    out = capsys.readouterr().out
    assert "1200" in out
    shown = out[out.index("\n    1: x = 0") + 1 :]
    assert shown == (
        "    1: x = 0\n"
        " 1201: for i in range(1200):\n"
        " 1200:     x = helper(x)\n"
        "    1: if x < 5:\n"
        ">>>>>>     print('never')\n"
        "    1: x\n"
    )
    assert shell.user_ns["x"] == 1200
    assert "__file__" not in shell.user_ns


def test_calls_are_listed_if_asked_for(shell: Any, capsys: Any) -> None:
    shell.run_cell("%%exactrace --calls\ndef f(): return 1\nf(), f()")
    out = capsys.readouterr().out
    assert "    2  f  " in out
    assert "2  from <module>" in out


def test_a_cell_that_fails_is_shown_up_to_there(shell: Any, capsys: Any) -> None:
    shell.run_cell("%%exactrace\ny = 1\n1 / 0\ny = 2")
    out = capsys.readouterr().out
    assert "ZeroDivisionError" in out
    assert out.endswith("    1: y = 1\n    1: 1 / 0\n>>>>>> y = 2\n")


def test_a_cell_that_awaits_or_has_magics_is_shown_too(shell: Any, capsys: Any) -> None:
    shell.run_cell(
        "%%exactrace\nimport asyncio\nfor i in range(2):\n    await asyncio.sleep(0)"
    )
    out = capsys.readouterr().out
    assert "2:     await asyncio.sleep(0)" in out


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%exactrace --nothing\nx = 1", "unrecognized arguments: --nothing"),
        ("%%exactrace\nx = = 1", "no line of the cell ran"),
        ("%%exactrace\n# nothing", "no line of the cell ran"),
    ],
)
def test_what_cannot_be_shown_costs_one_line(
    shell: Any, capsys: Any, cell: str, said: str
) -> None:
    shell.run_cell(cell)
    assert said in capsys.readouterr().out


def test_a_block_and_a_decorator_count_what_is_in_cells(
    shell: Any, capsys: Any
) -> None:
    shell.run_cell("import exactrace\ndef f(n):\n    return n + 1")
    shell.run_cell(
        "with exactrace.tracing() as t:\n    for i in range(3):\n        f(i)\n"
        "print(sorted(t.results().counts.values()))"
    )
    # The end of the block, the loop, and what it calls.
    assert capsys.readouterr().out == "[1, 3, 3, 4]\n"
    shell.run_cell(
        "w = exactrace.tracing(calls=True)\n@w\ndef g(n):\n    return f(n)\n"
        "print(g(1) + g(2), [n for n in w.results().calls.values() if n > 1])"
    )
    assert capsys.readouterr().out == "5 [2, 2]\n"
    shell.run_cell("with exactrace.tracing(trace=True, count=False):\n    f(1)")
    out = capsys.readouterr().out
    assert " --- modulename: notebook, funcname: f\n" in out
    assert "    return n + 1\n" in out[out.index("funcname: f\n") :]
    assert "__file__" not in shell.user_ns


def test_at_a_prompt_blocks_count(folder: Path) -> None:
    typed = b"import exactrace\nt = exactrace.tracing()\ndef f(): return 1\n\n"
    typed += b"with t: f(); f()\n\nprint(max(t.results().counts.values()))\n"
    status, out, _ = run(["-i"], folder, typed)
    assert (status, out) == (0, "1\n1\n2\n")
