"""How often branches were taken, by the interpreter's own events: the simple twin."""

from __future__ import annotations

import dis
import sys
from collections import Counter
from types import CodeType
from typing import Any

Branches = Counter[tuple[tuple[int | None, ...], str, bool]]
TOOL = 2


def _instructions(code: CodeType) -> dict[int, tuple[str, Any, int]]:
    """Return offset -> (opcode, positions, offset of the next instruction)."""
    listed = list(dis.get_instructions(code))
    following = [item.offset for item in listed[1:]] + [-1]
    return {
        item.offset: (item.opname, item.positions, after)
        for item, after in zip(listed, following, strict=True)
    }


def branches(source: str, filename: str) -> Branches:
    """Run a program and count ((line, end line, column, end column), kind, outcome),
    as `CoverageResults.branches` has them.
    """
    found: Branches = Counter()
    known: dict[CodeType, dict[int, tuple[str, Any, int]]] = {}

    def note(code: CodeType, offset: int, target: int, jumped: bool | None) -> None:
        if code.co_filename != filename:
            return
        if code not in known:
            known[code] = _instructions(code)
        opcode, place, after = known[code][offset]
        taken = target != after if jumped is None else jumped
        if opcode == "FOR_ITER":
            kind, outcome = "for", not taken
        elif opcode.startswith("POP_JUMP_IF_"):
            kind = "none" if "NONE" in opcode else "bool"
            outcome = taken == opcode.endswith(("IF_TRUE", "IF_NONE"))
        else:
            return
        if place.lineno is not None:
            found[(*place[:2], *place[2:]), kind, outcome] += 1

    monitoring = sys.monitoring
    events = monitoring.events
    if sys.version_info >= (3, 14):
        sides = {events.BRANCH_LEFT: False, events.BRANCH_RIGHT: True}
    else:
        sides = {events.BRANCH: None}
    monitoring.use_tool_id(TOOL, "reference")
    for event, jumped in sides.items():
        monitoring.register_callback(
            TOOL, event, lambda *args, jumped=jumped: note(*args, jumped)
        )
    code = compile(source, filename, "exec")
    names = {"__name__": "program", "__file__": filename, "print": lambda *_: None}
    monitoring.set_events(TOOL, sum(sides))
    try:
        exec(code, names)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever it raises
        pass
    finally:
        monitoring.set_events(TOOL, 0)
        monitoring.free_tool_id(TOOL)
    return found
