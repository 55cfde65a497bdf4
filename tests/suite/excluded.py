"""What is left out of the suite, and what is known to differ; each with its reason."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

EXCLUDED: dict[str, str] = {
    "test_asyncio": "takes minutes, and reports what takes longer than 0.1 seconds",
    "test_concurrent_futures": "takes minutes, nearly all in other processes",
}

# Single tests that are run neither bare nor counted: (first version, reason).
EXCLUDED_TESTS = {
    "test.test_code.CodeTest.test_invalid_bytecode": (
        (3, 15),
        "any trace function, or tool with RAISE events, crashes the interpreter",
    ),
}


def left_out_tests(module: str) -> list[str]:
    """Return the names of the module's tests that are not run."""
    return [
        name
        for name, (first, _) in EXCLUDED_TESTS.items()
        if name.startswith(f"test.{module}.") and sys.version_info >= first
    ]


PROBE, EVENT, SETTRACE = "probe", "event", "settrace"
ALL = PROBE, EVENT, SETTRACE


@dataclass(frozen=True)
class Known:
    """A difference that cannot be helped, under some engines."""

    engines: tuple[str, ...]
    tests: str  # a regular expression for the whole of a test's id
    reason: str
    versions: tuple[tuple[int, int], tuple[int, int]] = ((3, 11), (3, 99))

    def covers(self, engine: str, test: str) -> bool:
        first, last = self.versions
        return (
            engine in self.engines
            and first <= sys.version_info[:2] <= last
            and re.fullmatch(self.tests, test) is not None
        )


KNOWN = [
    Known(
        ALL,
        r"test\.test_dis\.Dis(WithFile)?Tests\."
        r"test_(binary_specialize|call_specialize|load_attr_specialize|loop_quicken"
        r"|super_instructions|loop_with_conditional_at_end_is_quickened)",
        "shows the instructions that the interpreter specialised, of which those"
        " that report events are shown as such whatever the tool",
    ),
    Known(
        (EVENT, SETTRACE),
        r"test\.test_monitoring\.ExceptionMonitoringTest\."
        r"test_implicit_stop_iteration",
        "the interpreter reports the end of an iterator otherwise in code that is"
        " instrumented for lines",
    ),
    Known(
        ALL,
        r"test\.test_importlib\.test_api\..*\.test_everyone_has___\w+__",
        "has a subtest for each module that is loaded, so for ours too",
    ),
    Known(
        ALL,
        r"test\.test_faulthandler\.FaultHandlerTests\.test_dump_c_stack_file",
        "has a subtest for each line of the C stack, on which we are too",
    ),
    Known(
        (PROBE,),
        r"test\.test_interpreters\.test_api\.TestInterpreterCall"
        r"\.test_stateless_func_returns_arg.*",
        "a function that is handed to another interpreter goes with its code, by C"
        " functions that see the rewritten one; it is refused as not shareable",
    ),
    Known(
        (PROBE,),
        r"test\.test_importlib\.test_abc\..*SourceLoaderBytecodeTests"
        r"\.test_(code_bad_magic|code_bad_timestamp|no_bytecode)",
        "marshal marks what is referred to more than once, and rewritten code refers"
        " to the constants and names of the original",
    ),
    Known(
        (PROBE,),
        r"test\.(test_capi\.test_misc\.TestInternalFrameApi\.test_(code|lasti)"
        r"|test_capi\.test_misc\.CAPITest\.test_gen_get_code"
        r"|(test_frame\.TestCAPI|test_capi\.test_frame\.FrameTest)"
        r"\.test_frame_getters)",
        "the C functions for frames show the code that runs, which is rewritten",
    ),
    Known(
        (PROBE,),
        r"test\.test_opcache\.(TestRacesDoNotCrash\.\w+|TestSpecializer\.\w+"
        r"|TestCallCache\.test_(assign_init_code|push_init_frame_fails"
        r"|specialize_\w+))"
        r"|test\.test_type_cache\.TypeCacheWithSpecializationTests\.\w+"
        r"|test\.test_monitoring\.ExceptionMonitoringTest"
        r"\.test_no_unwind_for_shim_frame",
        "looks at how the original code is specialised, while rewritten code runs",
    ),
    Known(
        ALL,
        r"test\.test_int\.Int(Subclass)?StrDigitLimitsTests"
        r"\.test_denial_of_service_prevented_int_to_str",
        "is skipped where a conversion is fast, by the clock",
    ),
    Known(
        (PROBE,),
        r"test\.test_crossinterp\.(ShareableFuncTests\.test_stateless"
        r"|ShareableFallbackTests\.test_not_shareable).*",
        "functions go to other interpreters by marshal, which knows no counters",
        ((3, 14), (3, 99)),
    ),
    Known(
        (PROBE,),
        r"test\.test_trace\.TestCallers\.test_loop_caller_importing",
        "asks the collector who refers to a code object, and functions refer to"
        " rewritten code",
    ),
    Known(
        (PROBE,),
        r"test\.test_sys\.SizeofTest\.test_objecttypes",
        "a frame of rewritten code has a slot more for the counter",
    ),
    Known(
        (PROBE, EVENT),
        r"(test\.test_pdb\.test_\w+"
        r"|test\.test_doctest\.test_doctest\.test_pdb_set_trace(_nested)?)( \[\d+\])?",
        "the interpreter reports no opcodes to a trace function that is set within"
        " code in which a tool of sys.monitoring has events already, so"
        " pdb.set_trace() stops a line later",
        ((3, 13), (3, 99)),
    ),
    Known(
        (PROBE,),
        r"test\.test_tracemalloc\.TestTracemallocEnabled\.test_get_traced_memory",
        "code that is rewritten within the test takes memory",
    ),
]


def known_difference(engine: str, test: str) -> Known | None:
    """Return the entry that covers a test under an engine, if any."""
    return next((known for known in KNOWN if known.covers(engine, test)), None)
