"""How often which function called which, counted twice: by exactrace, and plainly.

    python call_counter.py exactrace|plainly PROGRAM ARGUMENT...

Runs the program and prints, as the last line of standard output, what was counted.
The plain way is a callback for sys.monitoring's PY_START, in Python, or on 3.11 a
profile function.
"""

import atexit
import dis
import os
import sys
import threading
from collections import Counter
from contextlib import suppress

TOOL = 4
tool, path = sys.argv[1:3]
sys.argv = sys.argv[2:]
folder = os.path.dirname(os.path.abspath(path))
sys.path[0] = folder
counts = Counter()


def key(frame):
    """The function of a frame, or None if it is not one of the program's files."""
    code = frame.f_code
    if not str(frame.f_globals.get("__file__", "")).startswith((folder, "/nowhere")):
        return None
    return code.co_filename, code.co_firstlineno, code.co_qualname


def count(frame):
    called = key(frame)
    if called is None:
        return
    back = frame.f_back
    caller = None if back is None else key(back)
    counts[caller, called] += 1


def on_start(code, offset):
    count(sys._getframe(1))


def on_profile(frame, event, arg):
    at, code = frame.f_lasti, frame.f_code.co_code
    is_start = at >= 0 and code[at] == dis.opmap["RESUME"] and not code[at + 1] & 3
    if event == "call" and is_start:
        count(frame)


def plainly(code, namespace):
    if sys.version_info >= (3, 12):
        sys.monitoring.use_tool_id(TOOL, "plain")
        event = sys.monitoring.events.PY_START
        sys.monitoring.register_callback(TOOL, event, on_start)
        sys.monitoring.set_events(TOOL, event)
        try:
            exec(code, namespace)
        finally:
            sys.monitoring.set_events(TOOL, 0)
    else:
        threading.setprofile(on_profile)
        sys.setprofile(on_profile)
        try:
            exec(code, namespace)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)


def by_exactrace(code, namespace):
    import exactrace

    tracer = exactrace.Trace(count=0, trace=0, calls=True, ignoredirs=OTHERS)
    try:
        tracer.runctx(code, namespace, namespace)
    finally:
        counts.update(tracer.results().call_graph)


# Everything but the program's folder.
OTHERS = [os.path.join("/", name) for name in os.listdir("/")]
OTHERS = [name for name in OTHERS if not (folder + "/").startswith(name + "/")]


def show():
    written = sorted(counts.items(), key=repr)
    os.write(1, f"\n{written!r}\n".encode(errors="surrogateescape"))


atexit.register(show)
import exactrace  # noqa: E402

OTHERS += [os.path.dirname(exactrace.__file__)]
with open(path, "rb") as file:
    code = compile(file.read(), path, "exec")
module = type(sys)("__main__")
module.__file__ = path
sys.modules["__main__"] = module
with suppress(BaseException):
    (by_exactrace if tool == "exactrace" else plainly)(code, vars(module))
