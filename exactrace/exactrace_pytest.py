"""What pytest loads of exactrace: the plugin, as any other module is loaded.

PYTEST_DONT_REWRITE: pytest parses, compiles and rewrites each module of whoever offers a
plugin, for the sake of its asserts; where it can keep nothing (without bytecode files),
each time. Ours have none for it, and the program's tests would wait.
"""

from __future__ import annotations

import sys

# Not by what is in the package: importing that is what this is about.
_finders = sys.meta_path[:]
sys.meta_path[:] = [
    each for each in _finders if type(each).__module__ != "_pytest.assertion.rewrite"
]
try:
    from exactrace.pytest_plugin import pytest_addoption, pytest_load_initial_conftests
finally:
    sys.meta_path[:] = _finders

__all__ = ["pytest_addoption", "pytest_load_initial_conftests"]
