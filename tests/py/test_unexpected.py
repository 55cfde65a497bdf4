"""The quick way to find decisions that need not go both ways, beside the slow one."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from exactrace import _native
from exactrace.reports import exclusions, unexpected

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="branches are known from 3.12 on"
)


def places(text: str) -> tuple[set[exclusions.Place], set[exclusions.Place] | None]:
    """What the tree says of the branches of a source, and what the text does: None
    if it is unclear.
    """
    code = compile(text, "F", "exec", dont_inherit=True)
    branches = {place for _, place, _ in _native.possible_branches(code)}
    tree = exclusions.find(text, ast.parse(text), ()).places & branches
    try:
        return tree, unexpected.places(text, branches)
    except unexpected.UnclearError:
        return tree, None


# 3.12 has the place of the whole statement for each of its items.
ITEMS_OF_TWO = 2 if sys.version_info >= (3, 13) else 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("with a: pass\n", 1),
        ("with a as b, c: pass\n", None),
        ("with (a as b): pass\n", None),
        ("with a if b else c: pass\n", 1),
        ("with a[b and c]: pass\n", 1),
        ("withal = a if b else c\n", 0),
        ("async def f():\n  async with a: pass\n", None),
        ("with (a,\n  b): pass\n", ITEMS_OF_TWO),
        ("if a:\n\twith b(\n):\n\t\tc = d or e\n", 1),
        ("if a:\n  with b(\n) as c: d = e or f\n", 1),
        ("async def f():\n  async with b[\n0]: c = d or e\n", 1),
        ("if a: assert b\n", None),
        ("assert b and c, d or e\n", 3),
        ("assert (b and\n  c)\nd = e or f\n", 2),
        ("if a:\n  assert b, \\\n    c or d\n", 2),
        ("assert (" + "\n" * 20 + "b or c)\n", None),
        ("assert a; b = c or d\n", None),
        ("assertive = a or b\n", 0),
        ("'''\nwith a (\n'''\nb = c or d\n", None),
        ("try: pass\nexcept A: pass\n", 1),
        ("try: pass\nexcept A:\n  '''\nexcept'''\nexcept B: pass\n", 1),
        ("try: pass\nexcept A: pass\n\n# why\nexcept B: pass\nexcept: pass\n", 0),
        ("try: pass\nexcept A:\n  try: pass\n  except B: pass\nexcept C: pass\n", 2),
        ("if exception: pass\n", 0),
        ("try: pass\nexcept* A: pass\n", 1),
    ],
)
def test_the_text_says_what_the_tree_does_or_nothing(
    text: str, found: int | None
) -> None:
    tree, quick = places(text)
    if found is None:
        assert quick in (None, tree)
    else:
        assert (len(tree), quick) == (found, tree)


def test_they_agree_on_the_standard_library() -> None:
    unclear = 0
    paths = sorted(Path(ast.__file__).parent.glob("*.py"))
    for path in paths:
        tree, quick = places(path.read_text(encoding="utf-8"))
        if quick is None:
            unclear += 1
        else:
            assert (path.name, quick) == (path.name, tree)
    assert unclear < len(paths) / 10


def test_a_fault_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unexpected, "_has_next", lambda *_: False)
    tree, quick = places("try: pass\nexcept A: pass\nexcept B: pass\n")
    assert quick != tree
