"""The standard module with the one naming that exactrace means to do better.

The standard module searches the heap for the class of a method, and often finds
none or a wrong one. Here a method is named from `co_qualname`, without what
lies before the function that it is local to; the code of a class body keeps its
bare name. The frame of the tool itself, the
caller of the program, is called by the name that EXACTRACE_ROOT holds.
"""

import inspect
import os
import trace
from trace import *  # noqa: F403
from types import FrameType

__all__ = trace.__all__


def _file_module_function_of(
    self: trace.Trace, frame: FrameType
) -> tuple[str, str | None, str]:
    code = frame.f_code
    name = code.co_name
    if code.co_flags & inspect.CO_OPTIMIZED:
        name = code.co_qualname.rpartition("<locals>.")[2]
    if code.co_filename == trace.__file__:
        return os.environ["EXACTRACE_ROOT"], "trace", name
    module = trace._modname(code.co_filename) if code.co_filename else None
    return code.co_filename, module, name


trace.Trace.file_module_function_of = _file_module_function_of  # type: ignore[method-assign]

if __name__ == "__main__":
    trace.main()
