"""How often branches were taken and functions entered, by INSTRUCTION events.

The simple twin of what `branch=True` counts: the interpreter reports every
instruction before it runs; two that follow each other in one frame show which
way a conditional jump or a loop went, and where an exception arrived.

Frames are told apart by the id of their frame object, which the interpreter
keeps as long as the frame runs or is suspended; what was last seen in a frame is
forgotten when it returns, yields or is unwound, so no frame is kept alive, and
none is taken for another. Nothing that is counted spans a suspension.

Limits:
- A conditional jump to the very next instruction (`if x: pass`, where the
  compiler leaves it) looks the same both ways: its outcomes are in `unclear`.
- The interpreter reports no instruction before the first RESUME of a code
  object (a generator's creation), and none of code run within callbacks of
  monitoring tools or trace functions.
- A handler counts as entered whenever its first instruction runs. Compilers do
  not let control flow run into one (`_Places` checks that nothing jumps there).
- Entries are PY_START events: a generator counts at its first step; one that
  is closed, or thrown into, before it never counts.
- It is slow: about a microsecond per instruction.
"""

from __future__ import annotations

import dis
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType

TOOL = 3
JUMPS = {*dis.hasjrel, *dis.hasjabs}
LEAVING = ("RETURN_", "RAISE", "RERAISE", "YIELD_VALUE", "SEND", "END_ASYNC_FOR")
# The places of branches as CoverageResults.branches has them: file name,
# (line, end line, column, end column), kind.
Place = tuple[str, tuple[int | None, ...], str]
Function = tuple[str, int, str]  # file name, first line, qualified name


def _where(place: dis.Positions) -> tuple[int | None, ...]:
    return place.lineno, place.end_lineno, place.col_offset, place.end_col_offset


def _are_apart(one: dis.Instruction, other: dis.Instruction) -> bool:
    """Whether both have places, and no part of them in common."""
    spans = []
    for place in (one.positions, other.positions):
        if place is None or place.lineno is None:
            return False
        line, end, column, end_column = _where(place)
        spans.append(((line or 0, column or 0), (end or 0, end_column or 0)))
    (start, end), (other_start, other_end) = spans
    return not (start < other_end and other_start < end)


def function_of(code: CodeType) -> Function:
    return code.co_filename, code.co_firstlineno, code.co_qualname


@dataclass
class Outcomes:
    """What was counted."""

    # Code objects of one name and line are kept together.
    branches: Counter[tuple[Function, Place, bool]] = field(default_factory=Counter)
    calls: Counter[Function] = field(default_factory=Counter)
    unclear: set[Place] = field(default_factory=set)
    # What events for branches do not tell of: items of asynchronous comprehensions.
    untold: set[Place] = field(default_factory=set)

    def by_place(self) -> dict[Place, dict[bool, int]]:
        """{place: {outcome: hits}}."""
        found: dict[Place, dict[bool, int]] = {}
        for (_, place, outcome), hits in self.branches.items():
            sides = found.setdefault(place, {})
            sides[outcome] = sides.get(outcome, 0) + hits
        return found


class _Places:
    """What the offsets of a code object mean."""

    def __init__(self, code: CodeType) -> None:
        self.function = function_of(code)
        # Offsets of EXTENDED_ARG belong to the instruction that they extend.
        self.start: dict[int, int] = {}
        # Start -> (place, outcome if the jump is taken, its targets, next starts).
        self.jumps: dict[int, tuple[Place, bool, set[int], set[int]]] = {}
        self.links: set[int] = set()  # starts of jumps: see _is_link()
        self.handlers: dict[int, Place] = {}
        self.untold: set[Place] = set()
        listed = list(dis.get_instructions(code))
        groups: list[tuple[int, dis.Instruction]] = []
        first = None
        for item in listed:
            first = item.offset if first is None else first
            self.start[item.offset] = first
            if item.opname != "EXTENDED_ARG":
                groups.append((first, item))
                first = None
        targets = set()
        sequence = [item for _, item in groups]
        for index, (start, item) in enumerate(groups):
            # From 3.14 on END_ASYNC_FOR names a place, but never goes there.
            if item.opcode in JUMPS and item.opname != "END_ASYNC_FOR":
                targets.add(item.argval)
            jump = self._jump(code, sequence, index)
            if jump is not None:
                place, taken = jump
                ways = self._ways(groups, index, item.argval)
                self.jumps[start] = (place, taken, *ways)
                if self._is_link(code, sequence, index, place):
                    self.links.add(start)
        items = [item for _, item in groups]
        starts = [start for start, _ in groups]
        self._find_async_loops(code, groups)
        for entry in dis.Bytecode(code).exception_entries:
            assert entry.target not in targets
            where = self._first_place(items[starts.index(entry.target) :])
            if where is not None:
                self.handlers[entry.target] = (code.co_filename, where, "except")

    def _find_async_loops(
        self, code: CodeType, groups: list[tuple[int, dis.Instruction]]
    ) -> None:
        """Of an `async for`, the next item is there where END_SEND goes on that the
        handler END_ASYNC_FOR guards, and the end where END_ASYNC_FOR itself goes on.
        """
        items = dict(groups)
        for entry in dis.Bytecode(code).exception_entries:
            end = items[entry.target]
            where = end.positions
            if end.opname != "END_ASYNC_FOR" or where is None or where.lineno is None:
                continue
            place = (code.co_filename, _where(where), "for")
            for index, (start, item) in enumerate(groups):
                if start == entry.target:
                    here = self._reach(groups, index + 1)
                    self.jumps[start] = (place, True, set(), here)
                elif item.opname == "END_SEND" and entry.start <= start < entry.end:
                    here = self._reach(groups, index + 1)
                    self.jumps[start] = (place, False, set(), here)
                    if groups[index + 1][1].opname != "NOT_TAKEN":
                        self.untold.add(place)

    @staticmethod
    def _first_place(items: list[dis.Instruction]) -> tuple[int | None, ...] | None:
        """The place of the first of these that has one, going straight on."""
        for item in items:
            place = item.positions
            if place is not None and place.lineno is not None:
                return _where(place)
            if item.opcode in JUMPS or item.opname.startswith(LEAVING):
                return None
        return None

    @staticmethod
    def _jump(
        code: CodeType, items: list[dis.Instruction], index: int
    ) -> tuple[Place, bool] | None:
        """(place, outcome if taken) of what has two ways to go on, and a line. Where
        the value is copied because it goes on, the place is that of what made it.
        """
        item = items[index]
        name = item.opname
        decides = item
        if name == "FOR_ITER":
            kind, taken = "for", False
        elif name.startswith("POP_JUMP_IF_"):
            kind = "none" if "NONE" in name else "bool"
            taken = name in ("POP_JUMP_IF_TRUE", "POP_JUMP_IF_NONE")
            before = items[:index]
            if before and before[-1].opname == "TO_BOOL":
                before.pop()
            if len(before) > 1 and (before[-1].opname, before[-1].arg) == ("COPY", 1):
                decides = before[-2]
                if decides.positions is None or decides.positions.lineno is None:
                    decides = item
            elif kind == "bool" and index > 0 and sys.version_info >= (3, 13):
                # The jumps of a comprehension have the place of its element.
                asked = items[index - 1]
                decides = asked if _are_apart(asked, item) else item
        else:
            return None
        place = decides.positions
        if place is None or place.lineno is None:
            return None
        return (code.co_filename, _where(place), kind), taken

    @classmethod
    def _is_link(
        cls, code: CodeType, items: list[dis.Instruction], index: int, place: Place
    ) -> bool:
        """Whether to go on is no answer yet: a comparison in a chain (`a < b < c`) that
        is true leaves it to the next jump of the same place.
        """
        before = [
            (item.opname, item.arg if item.opname in ("COPY", "SWAP") else None)
            for item in items[max(0, index - 5) : index]
            if item.opname != "TO_BOOL"
        ]
        if before and before[-1] == ("COPY", 1):
            before.pop()
        compares = before and before[-1][0] in ("COMPARE_OP", "IS_OP", "CONTAINS_OP")
        if not compares or before[-3:-1] != [("SWAP", 2), ("COPY", 2)]:
            return False
        rest = range(index + 1, len(items))
        chain = [at for at in rest if items[at].offset < items[index].argval]
        jumps = (cls._jump(code, items, at) for at in chain)
        return any(jump is not None and jump[0] == place for jump in jumps)

    def _ways(
        self, groups: list[tuple[int, dis.Instruction]], index: int, target: int
    ) -> tuple[set[int], set[int]]:
        """What may be reported next: if the jump is taken, and if not."""
        there = [start for start, _ in groups].index(target)
        return self._reach(groups, there), self._reach(groups, index + 1)

    @staticmethod
    def _reach(groups: list[tuple[int, dis.Instruction]], position: int) -> set[int]:
        """What may be reported if control is here. The interpreter reports neither
        NOT_TAKEN, nor END_FOR and what cleans up behind it, reliably: what follows
        them is expected as well.
        """
        found = set()
        while position < len(groups):
            start, item = groups[position]
            found.add(start)
            cleans = (
                item.opname == "POP_TOP" and "END_FOR" in groups[position - 1][1].opname
            )
            if not cleans and item.opname not in ("NOT_TAKEN", "END_FOR", "POP_ITER"):
                break
            position += 1
        return found


def measure(
    run: Callable[[], None], wanted: Callable[[str], bool], outcomes: Outcomes
) -> None:
    """Call `run` and count in the code of the files that are `wanted`.

    What `run` raises is passed on; `outcomes` has what was counted until then.
    """
    last: dict[int, int] = {}  # id of a running frame -> the last start seen in it
    identity: dict[int, CodeType] = {}  # keeps code that is looked up by id alive
    by_id: dict[int, _Places | None] = {}
    disable = sys.monitoring.DISABLE

    def places_of(code: CodeType) -> _Places | None:
        key = id(code)  # equal code objects may have unequal places
        if key not in by_id:
            identity[key] = code
            by_id[key] = _Places(code) if wanted(code.co_filename) else None
            if by_id[key] is not None and sys.version_info >= (3, 14):
                outcomes.untold |= by_id[key].untold
        return by_id[key]

    def instruction(code: CodeType, offset: int) -> object:
        places = places_of(code)
        if places is None:
            return disable
        frame = id(sys._getframe(1))
        start = places.start[offset]
        before = last.get(frame)
        last[frame] = start
        if before == start and start != offset:
            return None  # the rest of an extended instruction
        if start in places.handlers:
            outcomes.branches[places.function, places.handlers[start], True] += 1
        if before in places.jumps:
            place, taken, there, here = places.jumps[before]
            if start in there and start in here:
                outcomes.unclear.add(place)
            if start in there:
                outcomes.branches[places.function, place, taken] += 1
            elif start in here and before not in places.links:
                outcomes.branches[places.function, place, not taken] += 1
        return None

    def entered(code: CodeType, offset: int) -> object:
        if places_of(code) is None:
            return disable
        outcomes.calls[function_of(code)] += 1
        return None

    def left(code: CodeType, *rest: object) -> None:
        last.pop(id(sys._getframe(1)), None)

    monitoring = sys.monitoring
    events = monitoring.events
    callbacks = {
        events.INSTRUCTION: instruction,
        events.PY_START: entered,
        events.PY_RETURN: left,
        events.PY_YIELD: left,
        events.PY_UNWIND: left,
    }
    monitoring.use_tool_id(TOOL, "instruction reference")
    try:
        for event, callback in callbacks.items():
            monitoring.register_callback(TOOL, event, callback)
        monitoring.set_events(TOOL, sum(callbacks))
        run()
    finally:
        monitoring.set_events(TOOL, 0)
        for event in callbacks:
            monitoring.register_callback(TOOL, event, None)
        monitoring.free_tool_id(TOOL)
        monitoring.restart_events()
