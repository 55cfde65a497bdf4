"""Greenlets: frames that stand still off every thread's stack are counted."""

from __future__ import annotations

from typing import Any

import pytest
from beside import FREE, MONITORED

import exactrace

pytestmark = pytest.mark.skipif(FREE, reason="greenlet turns the GIL on")
ENGINES = ("probe", "event") if MONITORED else ("settrace",)

HEAD = """\
from greenlet import greenlet, getcurrent
def child(n):
    total = 0
    for i in range(n):
        total += i
        getcurrent().parent.switch(
            total)
    return total
"""
PROGRAMS = {
    "left where they are": """\
        def deep(n):
            if n:
                return deep(n - 1)
            getcurrent().parent.switch(1)
            never = 2
        one, two, three = greenlet(child), greenlet(child), greenlet(deep)
        one.switch(10), one.switch(), two.switch(4)
        three.switch(5)
        unused = greenlet(child)
        """,
    "within the bodies of classes": """\
        def body(n):
            class A:
                a = 1
                b = getcurrent().parent.switch(
                    n)
                c = 2
        one, two = greenlet(body), greenlet(body)
        one.switch(1)
        two.switch(2)
        one.switch()
        """,
    "brought to their ends": """\
        one = greenlet(child)
        one.switch(3)
        while not one.dead:
            one.switch()
        two = greenlet(child)
        two.switch(3)
        two.throw()
        three = greenlet(child)
        three.switch(3)
        try:
            three.throw(KeyError)
        except KeyError:
            pass
        four = greenlet(child); four.switch(9)
        del four
        """,
    "within others": """\
        def outer(n):
            inner = greenlet(child)
            for i in range(n):
                inner.switch(5) if i == 0 else inner.switch()
                for x in (y for y in range(3)):
                    main.switch(x)
        main = getcurrent()
        one = greenlet(outer)
        for i in range(4): one.switch(3) if i == 0 else one.switch()
        """,
    "in threads": """\
        import threading
        kept = []
        def work():
            some = [greenlet(child) for i in range(3)]
            for each in some: each.switch(4)
            some[0].switch()
            kept.append(some)
        threads = [threading.Thread(target=work) for i in range(3)]
        for thread in threads:
            thread.start()
            thread.join()
        """,
    "that read the counts": """\
        def reads(n):
            for i in range(n):
                counts.append(dict(tracer.results().counts))
                main.switch()
        main = getcurrent()
        counts, one, two = [], greenlet(child), greenlet(reads)
        one.switch(3)
        for i in range(3):
            two.switch(3) if i == 0 else two.switch()
        tracer = None
        """,
}
GEVENT = """\
import gevent
from gevent.pool import Pool
from gevent.event import Event
done = []
def work(n):
    for i in range(n):
        gevent.sleep(
            0)
    done.append(n)
def fails():
    gevent.sleep(0)
    raise ValueError
def waits(event):
    try:
        event.wait()
    finally:
        done.append("waited")
pool = Pool(3)
pool.map(work, range(8))
forever = gevent.spawn(waits, Event())
killed = gevent.spawn(waits, Event())
failed = gevent.spawn(fails)
failed.link_exception(done.append)
gevent.sleep(0); gevent.sleep(0)
killed.kill()
"""


def run_by(engine: str, source: str, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Run a program: its lines' hits, and its globals, which keep all alive."""
    tracer = exactrace.Trace(count=1, trace=0, engine=engine, **options)
    names: dict[str, Any] = {"__name__": "m", "__file__": "/green.py", "tracer": tracer}
    code = compile(source, "/green.py", "exec")
    tracer.runctx(code, names, names)
    counts = {
        line: hits
        for (name, line), hits in tracer.results().counts.items()
        if name == "/green.py"
    }
    return counts, names


@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_greenlets_are_counted_as_by_the_trace_function(
    name: str, engine: str, branch: bool
) -> None:
    source = HEAD + "\n".join(line[8:] for line in PROGRAMS[name].splitlines())
    expected, those = run_by("settrace", source)
    options = {"branch": True} if branch and engine != "settrace" else {}
    counts, names = run_by(engine, source, **options)
    assert counts == expected
    for here, there in zip(
        names.get("counts", ()), those.get("counts", ()), strict=True
    ):
        of = {key: hits for key, hits in here.items() if key[0] == "/green.py"}
        assert of == {k: hits for k, hits in there.items() if k[0] == "/green.py"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ENGINES)
def test_gevent_is_counted_as_by_the_trace_function(engine: str, capfd: Any) -> None:
    expected, _ = run_by("settrace", GEVENT)
    counts, names = run_by(engine, GEVENT)
    assert counts == expected
    assert "ValueError" in capfd.readouterr().err
    assert "waited" in names["done"]
