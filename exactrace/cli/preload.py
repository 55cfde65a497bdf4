"""Which modules are loaded when the program starts.

Lines that run when a module is imported count only if the program imports it
first. So a program must find loaded what it would find loaded under the
standard module, neither less nor more, apart from our own package.
"""

import importlib
import sys

# What the standard module imports, as far as it is not imported by these.
_LOADED_BY_TRACE = (
    "argparse",
    "dis",
    "gc",
    "inspect",
    "pickle",
    "sysconfig",
    "threading",
    "tokenize",
)

# What our own sources import beyond that. These can be loaded once more for the
# program: they have no state, and what we hold of them we keep.
_OURS = ("__future__", "contextlib")


# What the report is written with: who knows what the program leaves of modules,
# paths and files that others could be imported from.
_FOR_THE_REPORT = "exactrace.listings"


def load_as_trace() -> None:
    """Load what the standard module loads, and what the report takes."""
    for name in (*_LOADED_BY_TRACE, _FOR_THE_REPORT):
        importlib.import_module(name)


def loaded_now() -> set[str]:
    """Return the names of the modules that the program is to find loaded."""
    return set(sys.modules) - {"__future__"}


def forget_ours(expected: set[str]) -> None:
    """Take out what only we have loaded."""
    for name in _OURS:
        if name not in expected:
            sys.modules.pop(name, None)


def forget_since(before: set[str]) -> None:
    """Take out what is written in Python, not our own, and loaded since then."""
    for name in loaded_now() - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.endswith(".py") and name.partition(".")[0] != "exactrace":
            del sys.modules[name]
