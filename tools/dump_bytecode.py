"""Dumps what this interpreter's compiler makes of a source, for tests/c.

    python3.13 tools/dump_bytecode.py tests/bytecode/source.txt FILE

writes every code object as bytes, and beside it how the standard module dis
reads them. Lines of words, numbers decimal, -1 for "none"; offsets and ranges
are in code units (two bytes):

    version MINOR PATCH
    code QUALNAME FIRSTLINENO CONSTANTS
    bytecode HEX                                  co_code
    locations HEX                                 co_linetable
    exceptions HEX                                co_exceptiontable, or -
    instr UNIT OPCODE OPARG TARGET LINE END_LINE COLUMN END_COLUMN
    handler START END TARGET DEPTH LASTI
    end

An `instr` is given for every instruction but EXTENDED_ARG; UNIT is where the
opcode itself stands.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield the code object and all within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


def target(instruction: dis.Instruction) -> int:
    """Return the code unit where an instruction may jump to, or -1."""
    if instruction.opcode not in dis.hasjrel:
        return -1
    return int(instruction.argval) // 2


def numbers(*values: int | None) -> str:
    """Return the numbers as words."""
    return " ".join("-1" if value is None else str(value) for value in values)


def instructions(code: CodeType) -> Iterator[str]:
    """Yield a line for each instruction."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "EXTENDED_ARG":
            continue
        place = instruction.positions or (None, None, None, None)
        words = numbers(
            instruction.offset // 2,
            instruction.opcode,
            instruction.arg or 0,
            target(instruction),
            *place,
        )
        yield f"instr {words}"


def handlers(code: CodeType) -> Iterator[str]:
    """Yield a line for each range of the exception table."""
    for entry in dis.Bytecode(code).exception_entries:  # type: ignore[attr-defined]
        words = numbers(
            entry.start // 2,
            entry.end // 2,
            entry.target // 2,
            entry.depth,
            entry.lasti,
        )
        yield f"handler {words}"


def dump(code: CodeType) -> Iterator[str]:
    """Yield the lines of one code object."""
    name = code.co_qualname.replace(" ", "_")
    yield f"code {name} {code.co_firstlineno} {len(code.co_consts)}"
    yield f"bytecode {code.co_code.hex()}"
    yield f"locations {code.co_linetable.hex()}"
    yield f"exceptions {code.co_exceptiontable.hex() or '-'}"
    yield from instructions(code)
    yield from handlers(code)
    yield "end"


def main() -> None:
    """Write the file."""
    if len(sys.argv) != 3:
        sys.exit("usage: tools/dump_bytecode.py SOURCE FILE")
    source, file = map(Path, sys.argv[1:])
    lines = [f"version {numbers(*sys.version_info[1:3])}"]
    for code in nested(compile(source.read_bytes(), source.name, "exec", optimize=0)):
        lines += dump(code)
    file.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
