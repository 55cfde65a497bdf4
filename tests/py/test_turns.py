"""Sessions that begin and end in several threads while audit hooks let others run.

An audit hook is never taken off, so each program has a process of its own.
"""

import os
import sys
from pathlib import Path

import pytest
from beside import ENGINES, MONITORED, NO_PROBES, run, write

# The counts of each thread's own code; in its own file, which only it wants.
COUNTS = """\
import sys, threading, exactrace
SOURCE = '''def f(n):
    if n:
        a = 1
    for i in (1, 2):
        n += i
    return n
'''
def make(name):
    names = {"__file__": name, "__name__": name}
    exec(compile(SOURCE, name, "exec"), names)
    return names["f"]
def counts(tracer, name):
    found = sorted(tracer.counts.items())
    return {line: n for (file, line), n in found if file == name}
def session(name, times, **options):
    function = make(name)
    tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE, **options)
    for _ in range(times):
        tracer.runfunc(function, 1)
    return counts(tracer, name)
"""

TOOLS = [None] * 6  # nobody has an id of sys.monitoring


def check(folder: Path, source: str, engine: str, seen: str) -> None:
    """The program prints this, and nothing else."""
    write(folder, "prog.py", (COUNTS + source).replace("ENGINE", repr(engine)))
    assert run(["prog.py"], folder) == (0, seen, "")


# Another thread's session begins and ends in the midst of one that begins or
# ends; it does not wait for ever for its turn, as that waits for it.
MIDST = """
found = []
hooked = 0
me = threading.get_ident()
other = None
def hook(event, _):
    global other, hooked
    if armed and threading.get_ident() == me and event == EVENT:
        hooked += 1
        if hooked == WHICH:
            other = threading.Thread(
                target=lambda: found.append(session("/other.py", 3))
            )
            other.start()
            other.join()
armed = False
sys.addaudithook(hook)
function = make("/mine.py")
tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
armed = "BEGINS" == "begins"
tracer.start()
armed = True
function(1)
function(0)
tracer.stop()
armed = False
print(other is not None, found, counts(tracer, "/mine.py"))
print(session("/after.py", 2))
"""

SEEN = """\
True [OTHER] {2: 2, 3: 1, 4: 6, 5: 4, 6: 2}
{2: 2, 3: 2, 4: 6, 5: 4, 6: 2}
"""

# The hook of the thread itself runs a session; it gets no turn in the midst of its
# own, and an interpreter calls no trace function in such hooks.
OWN = MIDST.replace("other.start()\n            other.join()", "other.run()")


def midst(source: str, engine: str, event: str, which: int, when: str) -> str:
    for name, value in {
        "ENGINE": repr(engine),
        "EVENT": repr(event),
        "WHICH": str(which),
        "BEGINS": when,
    }.items():
        source = source.replace(name, value)
    return source


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("source", [MIDST, OWN], ids=["another", "its own"])
@pytest.mark.parametrize("when", ["begins", "ends"])
@pytest.mark.parametrize("which", [1, 4])
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_a_session_in_the_midst_of_another_ones_beginning_or_end(
    engine: str, which: int, when: str, source: str, tmp_path: Path
) -> None:
    event = "sys.monitoring.register_callback"
    write(tmp_path, "prog.py", midst(COUNTS + source, engine, event, which, when))
    other = "{2: 3, 3: 3, 4: 9, 5: 6, 6: 3}" if source is MIDST else "{}"
    assert run(["prog.py"], tmp_path)[:2] == (0, SEEN.replace("OTHER", other))


# The session ends in another thread while this one is about to give a function its
# rewritten code.
ENDS = """
began, ended = threading.Event(), threading.Event()
function = make("/mine.py")
plain = function.__code__
armed = True
def hook(event, args):
    global armed
    if armed and event == "object.__setattr__" and args[0] is function:
        armed = False
        began.set()
        ended.wait()
sys.addaudithook(hook)
tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
tracer.start()
thread = threading.Thread(target=lambda: [function(1) for _ in range(100)])
thread.start()
began.wait()
tracer.stop()
ended.set()
thread.join()
tools = [sys.monitoring.get_tool(tool) for tool in range(6)]
seen = counts(tracer, "/mine.py").get(2, 0)
print(tools, function.__code__ is plain, seen < 100)
tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
tracer.runfunc(function, 0)
print(counts(tracer, "/mine.py"))
"""


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_the_last_session_ends_while_a_function_gets_its_code(tmp_path: Path) -> None:
    seen = f"{TOOLS} True True\n{{2: 1, 4: 3, 5: 2, 6: 1}}\n"
    check(tmp_path, ENDS, "probe", seen)


# A frame that is followed runs long while the session ends in another thread.
LONG = """
arrived, go, done, end = (threading.Event() for _ in range(4))
SOURCE = '''def f(n):
    for i in range(n):
        call(i)
    return n
'''
long = make("/mine.py")
SOURCE = SOURCE.replace("call(i)", "pass")
other = make("/mine.py")
plain = long.__code__
def call(i):
    if i == 2: arrived.set(); go.wait()
    if i == 190: done.set(); end.wait()
long.__globals__["call"] = call
armed = False
def hook(event, args):
    global armed
    if armed and event == "object.__setattr__" and args[0] is other:
        armed = False
        go.set()
        done.wait()
sys.addaudithook(hook)
tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
tracer.start()
for _ in range(50): other(3)
thread = threading.Thread(target=long, args=(200,))
thread.start()
arrived.wait()
armed = True
tracer.stop()
end.set()
thread.join()
print(armed, long.__code__ is plain, [sys.monitoring.get_tool(n) for n in range(6)])
tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
tracer.runfunc(long, 1)
print(counts(tracer, "/mine.py"))
"""


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_a_frame_runs_long_while_the_last_session_ends(tmp_path: Path) -> None:
    check(tmp_path, LONG, "probe", f"False True {TOOLS}\n{{2: 2, 3: 1, 4: 1}}\n")


# Code is judged by Python code meanwhile.
JUDGED = """
inside, go = threading.Event(), threading.Event()
class Judge(exactrace.Trace):
    def _judge(self, filename, globals):
        if filename == "/mine.py":
            inside.set()
            go.wait()
        return super()._judge(filename, globals)
function = make("/mine.py")
plain = function.__code__
tracer = Judge(count=1, trace=0, engine=ENGINE, ignoredirs=["/nowhere"])
tracer.start()
thread = threading.Thread(target=lambda: [function(3) for _ in range(50)])
thread.start()
inside.wait()
tracer.stop()
go.set()
thread.join()
print(function.__code__ is plain, [sys.monitoring.get_tool(n) for n in range(6)])
print(session("/after.py", 2))
"""


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_the_last_session_ends_while_code_is_judged(
    engine: str, tmp_path: Path
) -> None:
    seen = f"True {TOOLS}\n{{2: 2, 3: 2, 4: 6, 5: 4, 6: 2}}\n"
    check(tmp_path, JUDGED, engine, seen)


# The thread that begins or ends a session is not in the child.
FORKS = """
import os
arrived, leave = threading.Event(), threading.Event()
armed = None
def hook(event, _):
    global armed
    if armed == threading.get_ident() and event == "sys.monitoring.register_callback":
        armed = None
        arrived.set()
        leave.wait()
sys.addaudithook(hook)
def work():
    global armed
    function = make("/other.py")
    tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
    armed = threading.get_ident() if "BEGINS" == "begins" else None
    tracer.start()
    function(1)
    armed = threading.get_ident()
    tracer.stop()
thread = threading.Thread(target=work)
thread.start()
arrived.wait()
pid = os.fork()
if pid == 0:
    tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
    tracer.start()
    tools = [sys.monitoring.get_tool(n) for n in range(6)]
    tracer.stop()
    after = [sys.monitoring.get_tool(n) for n in range(6)]
    print(tools.count("exactrace"), after.count("exactrace"), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
leave.set()
thread.join()
print(session("/after.py", 2))
"""


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
@pytest.mark.parametrize("when", ["begins", "ends"])
def test_sessions_in_a_child_that_is_forked_meanwhile(
    when: str, tmp_path: Path
) -> None:
    source = (COUNTS + FORKS).replace("ENGINE", "'probe'").replace("BEGINS", when)
    write(tmp_path, "prog.py", source)
    status, out, _ = run(["prog.py"], tmp_path)
    assert (status, out) == (0, "1 0\n{2: 2, 3: 2, 4: 6, 5: 4, 6: 2}\n")


# Counts are read in each audit hook.
READS = """
tracer = exactrace.Trace(count=1, trace=0, engine=ENGINE)
inside = False
def hook(event, args):
    global inside
    if not inside:
        inside = True
        tracer.counts
        inside = False
sys.addaudithook(hook)
function = make("/mine.py")
SOURCE = "def f(n):\\n    while n:\\n        n -= 1\\n    return n\\n"
round = make("/round.py")
def work():
    for n in (1, 1, 1, 0, 200, 1): function(n), round(n)
tracer.runfunc(work)
print(counts(tracer, "/mine.py"), counts(tracer, "/round.py"))
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_counts_are_read_in_audit_hooks(engine: str, tmp_path: Path) -> None:
    write(tmp_path, "prog.py", (COUNTS + READS).replace("ENGINE", repr(engine)))
    seen = "{2: 6, 3: 5, 4: 18, 5: 12, 6: 6} {2: 210, 3: 204, 4: 6}\n"
    assert run(["prog.py"], tmp_path)[:2] == (0, seen)


MANY = """
sys.setswitchinterval(1e-6)
sys.addaudithook(lambda event, args: None)
results = {}
def work(number):
    name = f"/thread{number}.py"
    results[number] = session(name, 20)
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(results), {str(each) for each in results.values()})
"""


@pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="3.11 itself cannot set two threads' trace functions at a time",
)
@pytest.mark.parametrize("engine", ENGINES)
def test_sessions_in_many_threads_beside_an_audit_hook(
    engine: str, tmp_path: Path
) -> None:
    check(tmp_path, MANY, engine, "8 {'{2: 20, 3: 20, 4: 60, 5: 40, 6: 20}'}\n")
