"""Exact tracing and counting of Python programs.

A drop-in replacement for the standard `trace` module: `import exactrace as
trace` gives the same classes, `python -m exactrace` the same command line.

PYTEST_DONT_REWRITE: where a pytest is traced, this was imported before it, of which it
would warn.
"""

from exactrace.compat import PRAGMA_NOCOVER as PRAGMA_NOCOVER
from exactrace.compat import _find_executable_linenos as _find_executable_linenos
from exactrace.compat import _find_lines as _find_lines
from exactrace.compat import _find_lines_from_code as _find_lines_from_code
from exactrace.compat import _find_strings as _find_strings
from exactrace.compat import _fullmodname as _fullmodname
from exactrace.compat import _modname as _modname
from exactrace.context import tracing as tracing
from exactrace.ignore import _Ignore as _Ignore
from exactrace.results import CoverageResults
from exactrace.tracer import Trace

# As the file VERSION states it for the build; a test compares them.
__version__ = "0.1.0"


def main() -> None:
    """Run the command line, as the standard module's `main` does."""
    from exactrace.cli import main as command_line

    command_line()


def load_ipython_extension(shell: object) -> None:
    """Make `%%exactrace` known to IPython: what `%load_ext exactrace` calls."""
    from exactrace import notebook

    notebook.load(shell)


__all__ = ["CoverageResults", "Trace"]
