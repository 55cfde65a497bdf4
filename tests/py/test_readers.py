"""What reads code, or watches it run, works as without us while it is counted.

Each program runs under Python alone and under us, and must print the same.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES, PACKAGE, check_same, run, write

import exactrace

OPTIONS = ((), ("--branch",)) if MONITORED else ((),)

WORK = """\
def work(n):
    total = 0
    for i in range(n):
        if i % 3 == 0 and i > 1:
            total += i
        elif i == 4:
            continue
        try:
            total += 1 // (i - 5)
        except ZeroDivisionError:
            total = -total
    return total

def numbers(n):
    for i in range(n):
        yield (i
            if i % 2 else -i)

class Thing:
    def method(self):
        return [x * 2 for x in numbers(4)]

"""

PICKLES = """\
import marshal, pickle, copy
import cloudpickle
def outer(k):
    def inner(x):
        return x * k if x > 1 else -x
    return inner
inner = outer(3)
for _ in range(3):
    inner(2), work(9)
copied = pickle.loads(cloudpickle.dumps(inner))
print(copied(5), copied(0), copied.__code__ == inner.__code__)
print(marshal.loads(marshal.dumps(work.__code__)) == work.__code__)
print(copy.deepcopy(work) is work, work.__code__.replace(co_name="f").co_name)
for name in dir(work.__code__):
    value = getattr(work.__code__, name)
    if not callable(value) and "adaptive" not in name and name != "__doc__":
        print(name, value if name != "co_consts" else len(value))
"""

EXECUTING = """\
import ast, sys
import executing
def who():
    found = executing.Source.executing(sys._getframe(1))
    return found.code_qualname(), ast.unparse(found.node)
def caller(a):
    for i in range(3):
        y = (a,
            who(), [who() for _ in range(2) if i])
        print(y)
caller(4)
"""

TRACES = """\
import sys
def trace(frame, why, arg):
    if frame.f_code.co_filename == __file__:
        print(why, frame.f_lineno, frame.f_code.co_name,
            frame.f_code is getattr(globals().get(frame.f_code.co_name), "__code__", 0))
    return trace
work(6)
sys.settrace(trace)
work(8)
list(numbers(3))
Thing().method()
sys.settrace(None)
def profile(frame, why, arg):
    if frame.f_code.co_filename == __file__:
        print(why, frame.f_lineno)
sys.setprofile(profile)
work(7)
sys.setprofile(None)
"""

OPCODES = """\
import sys
seen = []
def trace(frame, why, arg):
    frame.f_trace_opcodes = True
    if frame.f_code is work.__code__:
        seen.append((why, frame.f_lineno))
    return trace
sys.settrace(trace)
work(5)
sys.settrace(None)
print([event for event in seen if event[0] == "line"])
"""

JUMPS = """\
import sys
def trace(frame, why, arg):
    if frame.f_code.co_name == "jumped" and why == "line" and frame.f_lineno == target:
        frame.f_lineno += 2
    return trace
def jumped():
    x = 1
    x += 10
    x += 100
    x += 1000
    return x
target = jumped.__code__.co_firstlineno + 2
print(jumped())
sys.settrace(trace)
print(jumped())
sys.settrace(None)
print(jumped())
"""

# Not INSTRUCTION: the interpreter loses such events of one tool when another one
# has events at the same instructions.
WATCHES = """\
import sys
monitoring = sys.monitoring
EVENTS = monitoring.events
log = []
def watch(name):
    def callback(code, *rest):
        if code.co_filename == __file__:
            log.append((name, code.co_name, code is CODES.get(code.co_name),
                *[r if isinstance(r, int) else type(r).__name__ for r in rest]))
    return callback
CODES = {"work": work.__code__, "numbers": numbers.__code__, "method": Thing.method.__code__}
NAMES = [name for name in dir(EVENTS) if name.isupper() and name not in (
    "NO_EVENTS", "C_RETURN", "C_RAISE", "INSTRUCTION")]
BRANCHES = [name for name in NAMES if name.startswith("BRANCH_")]
if BRANCHES:
    NAMES.remove("BRANCH")
monitoring.use_tool_id(1, "watcher")
work(3)
for name in NAMES:
    monitoring.register_callback(1, getattr(EVENTS, name), watch(name))
LOCAL = EVENTS.LINE | EVENTS.CALL
monitoring.set_local_events(1, work.__code__, LOCAL)
work(7)
monitoring.set_local_events(1, Thing.method.__code__, LOCAL)
Thing().method()
print(monitoring.get_local_events(1, work.__code__) == LOCAL)
monitoring.set_local_events(1, work.__code__, 0)
monitoring.set_events(1, sum(getattr(EVENTS, name) for name in NAMES))
work(7)
Thing().method()
monitoring.set_events(1, 0)
before = monitoring.register_callback(1, EVENTS.LINE, None)
print(before.__qualname__)
monitoring.free_tool_id(1)
for entry in log:
    print(*entry)
"""

PROGRAMS = {
    "pickled by value": PICKLES,
    "found by executing": EXECUTING,
    "traced and profiled": TRACES,
    "jumped in by a debugger": JUMPS,
    **({"watched by another tool": WATCHES} if MONITORED else {}),
}


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("name", PROGRAMS)
def test_code_that_is_counted_looks_as_it_is(
    name: str, options: tuple[str, ...], folder: Path
) -> None:
    write(folder, "program.py", WORK + PROGRAMS[name])
    check_same(folder, "program.py", ours=options)


def test_lines_between_opcodes_are_all_seen(folder: Path) -> None:
    write(folder, "program.py", WORK + OPCODES)
    check_same(folder, "program.py")


def coverage_of(folder: Path, core: str, *command: str) -> Any:
    """Run coverage.py by a command: what its JSON report says of the program."""
    variables = {"COVERAGE_CORE": core}
    # Its monitoring core measures branches from 3.14 on.
    branch = ["--branch"] if core == "ctrace" or sys.version_info >= (3, 14) else []
    arguments = [*command, "run", *branch, "program.py"]
    status, _, error = run(arguments, folder, **variables)
    assert (status, error) == (0, "")
    run(["-m", "coverage", "json", "-q", "-o", "out.json"], folder, **variables)
    return json.loads((folder / "out.json").read_text())["files"]["program.py"]


@pytest.mark.parametrize("core", ["ctrace", "sysmon"] if MONITORED else ["ctrace"])
def test_coverage_measures_the_same_beside_us(core: str, folder: Path) -> None:
    if core == "ctrace":
        pytest.importorskip("coverage.tracer", reason="no such build of coverage.py")
    source = "print(work(9), Thing().method())\n"
    write(folder, "program.py", WORK + source)
    alone = coverage_of(folder, core, "-m", "coverage")
    ours = ("-m", "exactrace", "run", "-q", "-m", "coverage")
    assert coverage_of(folder, core, *ours) == alone
    assert len(alone["executed_lines"]) > 15


EVALUATED = """\
import _testinternalcapi as internal
def before(n):
    for i in range(n): pass
def within(n):
    for i in range(n): pass
before(3)
names = []
internal.set_eval_frame_record(names)
before(3)
within(4)
internal.set_eval_frame_default()
before(2)
within(5)
print(names)
"""


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("option", [["--engine", "probe"], ["--branch"]])
def test_another_evaluator_is_shown_code_that_is_not_rewritten(
    option: list[str], folder: Path
) -> None:
    """PEP 523: from when it is set on, events count what is new."""
    pytest.importorskip("_testinternalcapi", reason="not in every build of CPython")
    (folder / "program.py").write_text(EVALUATED)
    command = ["-m", "exactrace", "--count", "--debug", *option, "program.py"]
    status, output, error = run(command, folder)
    assert (status, output) == (0, "['before', 'within']\n")
    listing = (folder / "program.cover").read_text()
    assert re.findall(r"(\d+): +(?:for|def) ", listing) == ["1", "11", "1", "11"]
    assert "program.py:4: within: another evaluator runs the frames" in error


def test_a_debugger_steps_as_without_us(folder: Path) -> None:
    write(folder, "program.py", WORK + "print(work(3))\n")
    typed = b"b 5\nb 11\nc\nn\nn\nargs\np total\ns\nw\nc\nc\nc\nq\n"
    plain = run(["-m", "pdb", "program.py"], folder, typed)
    done = run(
        ["-m", "exactrace", "run", "-q", "-m", "pdb", "program.py"], folder, typed
    )
    assert done == plain


def test_a_pool_of_processes_pickles_by_reference(folder: Path) -> None:
    write(
        folder,
        "program.py",
        WORK
        + "import multiprocessing\n"
        + "if __name__ == '__main__':\n"
        + "    with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        + "        print(pool.map(work, range(9)))\n",
    )
    check_same(folder, "program.py")


def test_nothing_rewritten_is_written_to_a_compiled_file(folder: Path) -> None:
    write(folder, "imported.py", WORK + "work(5)\n")
    write(folder, "program.py", "import imported\nimported.work(9)\n")
    run(["-m", "exactrace", "run", "-q", "program.py"], folder)
    (compiled,) = folder.rglob("imported*.pyc")
    content = compiled.read_bytes()
    compiled.unlink()
    subprocess.run(
        [sys.executable, "-c", "import imported"],
        cwd=folder,
        env={"PYTHONPATH": PACKAGE},
        check=True,
    )
    assert compiled.read_bytes() == content


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("both", [False, True], ids=["each side", "BRANCH"])
def test_a_tool_keeps_its_callbacks(both: bool) -> None:
    monitoring = sys.monitoring
    left_out = {"NO_EVENTS", "C_RETURN", "C_RAISE"}
    if hasattr(monitoring.events, "BRANCH_LEFT"):
        left_out |= {"BRANCH_LEFT", "BRANCH_RIGHT"} if both else {"BRANCH"}
    names = [name for name in dir(monitoring.events) if name.isupper()]
    events = {
        name: getattr(monitoring.events, name) for name in names if name not in left_out
    }
    callbacks = {name: (lambda *_, name=name: None) for name in events}

    def exchange() -> dict[str, Any]:
        return {
            name: monitoring.register_callback(4, event, callbacks[name])
            for name, event in events.items()
        }

    monitoring.use_tool_id(4, "other")
    try:
        exchange()
        tracer = exactrace.Trace(count=1, trace=0)
        tracer.start()
        during = exchange()
        tracer.stop()
        after = exchange()
    finally:
        for event in events.values():
            monitoring.register_callback(4, event, None)
        monitoring.free_tool_id(4)
    assert len(events) > 12
    assert during == callbacks
    assert after == callbacks
