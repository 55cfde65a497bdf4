"""Annotations as strings, by a future statement."""
from __future__ import annotations

import sys

value: Missing = 1


def function(a: Undefined, b: list[Unknown] = ()) -> Nothing:
    inner: NotThere = a
    return inner


class Record:
    first: Record
    second: Nobody = None


print(value, function(2), function.__annotations__, Record.__annotations__)
print(sys.modules[__name__] is not None)
