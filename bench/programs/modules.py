# SPDX-License-Identifier: Apache-2.0
"""Imports: a package of many small modules, written, imported and run once."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from _scale import scaled

MODULE = '''\
"""Module {number} of many."""

from __future__ import annotations

LIMIT_{number} = {number} * 3


class Counter_{number}:
    """Counts in steps of {step}."""

    step = {step}

    def __init__(self) -> None:
        self.value = 0

    def advance(self, times: int) -> int:
        for _ in range(times):
            self.value += self.step
            if self.value > LIMIT_{number}:
                self.value -= LIMIT_{number}
        return self.value

    @property
    def half(self) -> int:
        return self.value // 2


def first(value: int) -> int:
    if value % 2:
        return value + {number}
    return value - {step}


def second(value: int) -> int:
    result = []
    for i in range(value % 5 + 3):
        result.append(first(value + i))
    return sum(result)


def main(value: int) -> int:
    counter = Counter_{number}()
    counter.advance(value % 9 + 1)
    return second(value) + counter.half
'''


def main(modules: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "many"
        package.mkdir()
        (package / "__init__.py").write_text("", encoding="utf-8")
        for number in range(1, modules + 1):
            text = MODULE.format(number=number, step=number % 7 + 1)
            path = package / f"part{number}.py"
            path.write_text(text, encoding="utf-8")
        sys.path.insert(0, folder)
        check = 0
        for number in range(1, modules + 1):
            module = importlib.import_module(f"many.part{number}")
            check = module.main(check) % 1_000_003
        sys.path.remove(folder)
    print(modules, check)


if __name__ == "__main__":
    main(scaled(490))
