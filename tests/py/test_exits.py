"""Where exceptions take control is looked up once for each place, and kept for a few
places only: many of them, in turn, are counted right."""

from __future__ import annotations

import pytest
from beside import MONITORED, NO_PROBES
from seldom import counted

pytestmark = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

CHECKS = [f"check({place}, n)" for place in range(24)]
INDENT = "\n            "
# What is raised in a handler comes to two handlers, from one place: how far they are
# apart is another number of code units in each of these functions.
TWICE = "".join(
    f"""
def twice{k}(n):
    try:
        try:
            check(n % 29, n)
        except ValueError:
            check(n % 29, n)
        try:
            n += 1
        except OSError:
            {"; ".join(["-n"] * (k + 1))}
    finally:
        n += 1
"""
    for k in range(8)
)
PROGRAM = f"""\
def check(place, n):
    if n % 29 == place:
        raise (ValueError, KeyError, OSError)[n // 29 % 3](place)

def leave(n):
    steps = []
    for again in range(2):
        try:
            {INDENT.join(CHECKS)}
            steps.clear()
        except ValueError:
            caught = 1
            check(n % 29, n if again else -1)
            caught = 2
        except KeyError as error:
            again += error.args[0]
        finally:
            steps.append(n)
            n += 1
    return steps
{TWICE}
def run(function):
    for n in range(900):
        try:
            function(n * n)
        except OSError:
            out = n
        except (KeyError, ValueError):
            out = -n

run(leave)
for twice in ({", ".join(f"twice{k}" for k in range(8))}):
    run(twice)
"""


@pytest.mark.parametrize("engine", ["probe", "event"])
def test_many_places_in_turn(engine: str) -> None:
    counts = counted(engine, PROGRAM)
    assert counts == counted("settrace", PROGRAM)
    for line, text in enumerate(PROGRAM.splitlines(), 1):
        if text.strip() in CHECKS:
            assert counts[line] > 100
