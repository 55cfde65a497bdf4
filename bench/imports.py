# SPDX-License-Identifier: Apache-2.0
"""What counting costs where code runs for the first time.

    python bench/imports.py [ROUNDS]

Imports every module of the standard library that can be imported without side
effects, bare and counted, in processes of their own that take turns; and calls
2,000 functions once each. Prints medians of CPU time. exactrace must be installed
for the interpreter that runs this.
"""

from __future__ import annotations

import pkgutil
import statistics
import subprocess
import sys
import sysconfig

LEFT_OUT = (
    "antigravity",
    "this",
    "idlelib",
    "turtledemo",
    "test",
    "lib2to3",
    "__main__",
)

IMPORTS = """\
import importlib, sys, time
names = {names!r}
def work():
    for name in names:
        try:
            importlib.import_module(name)
        except (ImportError, SystemExit, AttributeError, OSError):
            pass
"""

FUNCTIONS = """\
import sys, time
body = '''
def f{{0}}(n):
    total = 0
    for i in range(n):
        if i % 3 == 0 and i != n:
            total += i
        else:
            total -= 1
    return total
'''
names = {{}}
exec(compile("".join(body.format(i) for i in range(2000)), __file__, "exec"), names)
functions = [value for key, value in names.items() if key[0] == "f"]
for function in functions:
    function.__globals__["__file__"] = __file__
def work():
    for function in functions:
        function(1)
"""

RUN = """
if sys.argv[1] == "bare":
    start = time.process_time()
    work()
else:
    import exactrace
    tracer = exactrace.Trace(count=1, trace=0)
    start = time.process_time()
    tracer.runfunc(work)
print(time.process_time() - start)
"""


def modules() -> list[str]:
    """Return the names of the modules to import, packages' own modules too."""
    folder = sysconfig.get_path("stdlib")
    names = []
    for module in pkgutil.walk_packages([folder], onerror=lambda _: None):
        parts = module.name.split(".")
        if not set(parts) & set(LEFT_OUT) and "site-packages" not in parts:
            names.append(module.name)
    return names


def measure(source: str, rounds: int) -> tuple[float, float]:
    """Return the medians of bare and counted runs, in seconds."""
    taken: dict[str, list[float]] = {"bare": [], "counted": []}
    for _ in range(rounds):
        for kind, times in taken.items():
            command = [
                sys.executable,
                "-P",
                "-c",
                "__file__ = '/f.py'\n" + source + RUN,
                kind,
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            times.append(float(done.stdout.split()[-1]))
    return statistics.median(taken["bare"]), statistics.median(taken["counted"])


def main() -> None:
    """Measure and print."""
    rounds = int([*sys.argv, "5"][1])
    names = modules()
    bare, counted = measure(IMPORTS.format(names=names), rounds)
    print(
        f"importing {len(names)} modules: {bare:.3f} s bare, {counted:.3f} s counted:"
    )
    print(f"  {counted / bare:.2f} times")
    bare, counted = measure(FUNCTIONS.format(), rounds)
    each = (counted - bare) / 2000 * 1e6
    print(
        f"the first call of a function of 30 instructions: {each:.1f} microseconds more"
    )


main()
