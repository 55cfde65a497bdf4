"""Tracing a part of a program: a block of code, or the calls of a function."""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

from exactrace.ignore import installed_folders
from exactrace.tracer import Trace

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])

_IS_COROUTINE = 0x80  # inspect.CO_COROUTINE


_FILE = "notebook"


def give_main_a_file() -> dict[str, Any] | None:
    """Code counts by the file of its module, which what is typed into a notebook or
    at a prompt does not have. Returns the namespace that has one now, if any.
    """
    main = sys.modules.get("__main__")
    namespace = None if main is None else vars(main)
    if namespace is None or "__file__" in namespace:
        return None
    namespace["__file__"] = _FILE
    return namespace


def take_file(namespace: dict[str, Any] | None) -> None:
    """Undo what give_main_a_file() did."""
    if namespace is not None and namespace.get("__file__") == _FILE:
        del namespace["__file__"]


class tracing:  # noqa: N801 - it is used like a function
    """Trace a block, or each call of a function.

        with exactrace.tracing(branch=True) as tracer:
            work()
        print(tracer.results().counts)

        watched = exactrace.tracing()
        @watched
        def work(): ...
        print(watched.results().counts)

    What counts is what runs between the beginning and the end: lines of the
    block itself, what it calls, and what other threads run meanwhile (those that are
    started meanwhile, where the engine is settrace and no lines are printed). One object may be used
    again and again, within itself, and by several threads: its counts add up, and
    tracing ends with the last that leaves.
    """

    def __init__(
        self,
        *,
        count: object = True,
        trace: object = False,
        countfuncs: object = False,
        countcallers: object = False,
        branch: object = False,
        calls: object = False,
        ignoremods: Iterable[str] = (),
        ignoredirs: Iterable[str] | None = None,
        engine: str | None = None,
        **printing: Any,
    ) -> None:
        """Say what to record, as for `Trace`; but lines are counted and not
        printed by default, and ignoredirs leaves out the standard library and
        installed packages by default. printing: how lines are printed
        (trace_file, max_depth, ...). Raises what `Trace` raises.
        """
        if ignoredirs is None:
            ignoredirs = installed_folders()
        # Our own lines are not to count, wherever exactrace lies.
        self.tracer = Trace(
            count=count,
            trace=trace,
            countfuncs=countfuncs,
            countcallers=countcallers,
            ignoremods=ignoremods,
            ignoredirs=[*ignoredirs, os.path.dirname(os.path.abspath(__file__))],
            engine=engine,
            branch=branch,
            calls=calls,
            together=True,
            **printing,
        )
        self.results = self.tracer.results
        self._lock = allocate_lock()
        self._inside = 0
        self._main: dict[str, Any] | None = None  # what was given a file

    def __enter__(self) -> Trace:
        with self._lock:
            if self._inside == 0:
                self._main = give_main_a_file()
                try:
                    self.tracer.start()
                except BaseException:
                    take_file(self._main)
                    raise
            self._inside += 1
        return self.tracer

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                take_file(self._main)
                self.tracer.stop()

    def __call__(self, function: _F) -> _F:
        """Return the function with each of its calls traced. A coroutine is
        traced until it is done; a generator function returns at once, so what its
        generators do later is not.
        """
        import functools  # a third of what it would take to import exactrace

        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _IS_COROUTINE:

            @functools.wraps(function)
            async def traced_coroutine(*args: Any, **named: Any) -> Any:
                with self:
                    return await function(*args, **named)

            return traced_coroutine  # type: ignore[return-value]

        @functools.wraps(function)
        def traced(*args: Any, **named: Any) -> Any:
            with self:
                return function(*args, **named)

        return traced  # type: ignore[return-value]
