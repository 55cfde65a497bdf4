"""`exactrace lcov`."""

from __future__ import annotations

from exactrace.cli import exports


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    exports.main("lcov", argv, prog)
