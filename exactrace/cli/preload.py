"""Which modules are loaded when the program starts.

Lines that run when a module is imported count only if the program imports it
first. So a program must find loaded what it would find loaded under the
standard module, neither less nor more, apart from our own package.
"""

import importlib
import sys

# What the standard module imports, as far as it is not imported by these.
_LOADED_BY_TRACE = ("argparse", "gc", "inspect", "pickle", "sysconfig", "threading")


def as_trace_does() -> None:
    """Load what the standard module loads."""
    for name in _LOADED_BY_TRACE:
        importlib.import_module(name)
    forget_ours()


def forget_ours() -> None:
    """Take out what only our own sources need, and has no state."""
    sys.modules.pop("__future__", None)
