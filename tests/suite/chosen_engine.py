"""A tracer that the environment chooses, as a tool for tests.

EXACTRACE_TEST_ENGINE is "probe", "event" or "settrace", or "probe+branch" to count
branches too; or "standard" for the standard module. So the same modules are loaded
whatever is tested: some tests go through all of them.
"""

import functools
import os
import trace

import exactrace

_engine, _, _branch = os.environ["EXACTRACE_TEST_ENGINE"].partition("+")
Trace = (
    trace.Trace
    if _engine == "standard"
    else functools.partial(exactrace.Trace, engine=_engine, branch=bool(_branch))
)
