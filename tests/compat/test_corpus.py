"""Our own programs under the standard module and under exactrace.

All that can be seen from outside must be the same: counts, listings, lists of
functions and callers, lines of a trace, messages, exit status. Where it is to
differ, a function below says so, and why.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import planted
import pytest
from harness import (
    COUNTS_FILE,
    Job,
    Mode,
    Outcome,
    bare_functions,
    differences,
    lines_of,
    mask_times,
    programs,
    run_alone,
    run_jobs,
)
from odd_programs import ODD_PROGRAMS

STANDARD_LIBRARY = ("--ignore-dir", "$prefix")
LISTING = Mode("listing", (("-c", "-m", "-s", "-C", "covers", *STANDARD_LIBRARY),))
MODES = {
    mode.name: mode
    for mode in (
        LISTING,
        Mode("listings beside the sources", (("--count", *STANDARD_LIBRARY),)),
        Mode(
            "counts file",
            (
                ("-c", "-f", COUNTS_FILE, "-C", "covers"),
                ("-csm", "--file=counts", "-Ccovers", *STANDARD_LIBRARY),
                ("-r", "-f", COUNTS_FILE, "-s", "-m", "-C", "again"),
            ),
        ),
        Mode("lines", (("-t",),)),
        Mode("lines and counts", (("-t", "-c", "-C", "covers", *STANDARD_LIBRARY),)),
        Mode("timing", (("-t", "-g", *STANDARD_LIBRARY),)),
        Mode("functions", (("-l", "-f", COUNTS_FILE),)),
        Mode("callers", (("-T", "-f", COUNTS_FILE),)),
        Mode(
            "summary without missing lines",
            (("-c", "-s", "--ignore-module", "sibling", "-C", "a/b/c"),),
        ),
        Mode("module", (("-c", "-s", "-C", "covers", "--module"),), module=True),
    )
}
MONITORED = sys.version_info >= (3, 12)
SAFE_MODES = ("listing", "listings beside the sources")
NAMING_MODES = ("functions", "callers")

# How the standard module ends where exactrace ends as the program does: it loses
# the status of SystemExit.
EXIT_STATUSES = {"exit_status.py": 3}

# Odd programs are odd files: what is not about their text is enough once.
MODES_OF_ODD = (
    "listing",
    "listings beside the sources",
    "lines and counts",
    "summary without missing lines",
)
# Python 3.12 and later list functions and callers by sys.monitoring, which
# sys.settrace(None) does not stop (docs/decisions/0002).
# Nor does a generator that is closed wake up for that, from 3.14 on, unless its
# lines are traced: the interpreter has a short cut.
SEES_SETTRACE = ("own_tracing.py", "stops_tracing.py", "closes_delegating.py")
# In a module that changes its own __file__, only a trace function asks again at
# each call whether the file is wanted.
NOT_WITHOUT_TRACE_FUNCTION = (*SEES_SETTRACE, "changes_file.py")
# When a thread that starts tells so, and whether the other waits for that, is
# a matter of luck: what `threading` does is left out, and the order of lines.
OF_LUCK = ("threads.py",)
# Programs of many events are slow under the standard module: once is enough.
ONLY_LISTED = ("large_counts.py", "many_lines.py")

COUNTING_MODES = (
    "listing",
    "listings beside the sources",
    "counts file",
    "summary without missing lines",
    "module",
)
ENGINES = ("event", "settrace") if MONITORED else ("settrace",)

_EVERY_MODE = set(MODES)
_LISTED = {
    "listing",
    "listings beside the sources",
    "counts file",
    "lines and counts",
    "summary without missing lines",
    "module",
}
# In which modes a fault must show.
FOUND_IN = {
    "count": _LISTED,
    "missing line": _LISTED,
    "listing": _LISTED,
    "no listing": _LISTED,
    "trace line": _EVERY_MODE,
    "function": {"functions"},
    "caller": {"callers"},
    "summary": {"listing", "counts file", "summary without missing lines", "module"},
    "message": _EVERY_MODE,
    "status": _EVERY_MODE,
}


def jobs_of(mode: Mode) -> list[Job]:
    """Return a job for each program."""
    return [
        Job(mode, program)
        for program in programs()
        if (mode is LISTING or program not in ONLY_LISTED)
        and (mode.name in MODES_OF_ODD or program not in ODD_PROGRAMS)
        and not (mode.name in NAMING_MODES and program in SEES_SETTRACE and MONITORED)
        and not (program in OF_LUCK and mode.name not in (*NAMING_MODES, *SAFE_MODES))
    ]


ALL_JOBS = [job for mode in MODES.values() for job in jobs_of(mode)]


def is_for(engine: str, job: Job) -> bool:
    """Whether the program's counts are the standard module's by this engine."""
    return not MONITORED or not (
        engine != "settrace"
        and job.mode.name in COUNTING_MODES
        and job.program in NOT_WITHOUT_TRACE_FUNCTION
    )


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="session")
def standard(base: Path) -> dict[Job, Outcome]:
    return run_jobs("trace", ALL_JOBS, base)


@pytest.fixture(scope="session")
def reference(base: Path) -> dict[Job, Outcome]:
    jobs = [job for job in ALL_JOBS if job.mode.name in NAMING_MODES]
    return run_jobs("reference", jobs, base)


@pytest.fixture(scope="session")
def exact(base: Path) -> dict[Job, Outcome]:
    return run_jobs("exactrace", ALL_JOBS, base)


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def by_engine(engine: str, base: Path) -> dict[Job, Outcome]:
    jobs = [job for job in ALL_JOBS if job.mode.name == "listing"]
    return run_jobs("exactrace", jobs, base, engine)


def wanted(job: Job, outcome: Outcome) -> Outcome:
    """Return what exactrace is to show where the standard module shows this."""
    statuses = [
        EXIT_STATUSES.get(job.program, status) if "-r" not in command else status
        for status, command in zip(outcome.statuses, job.commands(), strict=True)
    ]
    return dataclasses.replace(outcome, statuses=statuses)


def masked(job: Job, outcome: Outcome) -> Outcome:
    """Return the outcome without what is different each time."""
    output = outcome.output
    if job.mode.name == "timing":
        output = [mask_times(text) for text in output]
    if job.program in OF_LUCK and job.mode.name in NAMING_MODES:
        output = [lines_of(job.program, text) for text in output]
        return dataclasses.replace(outcome, output=output, files={})
    return dataclasses.replace(outcome, output=output)


def check(job: Job, expected: Outcome, got: Outcome) -> None:
    """Compare the outcomes of one job."""
    found = differences(masked(job, wanted(job, expected)), masked(job, got))
    assert not found, "\n".join([f"{job.name} {job.commands()}", *found])


def test_the_corpus_is_large_enough() -> None:
    assert len(programs()) >= 75


@pytest.mark.parametrize(
    "job",
    [
        job
        for job in ALL_JOBS
        if job.mode.name not in NAMING_MODES and is_for("probe", job)
    ],
    ids=lambda job: job.name,
)
def test_a_program_comes_out_as_under_the_standard_module(
    job: Job, standard: dict[Job, Outcome], exact: dict[Job, Outcome]
) -> None:
    check(job, standard[job], exact[job])


def test_every_program_counts_the_same_by_the_other_engines(
    engine: str, standard: dict[Job, Outcome], by_engine: dict[Job, Outcome]
) -> None:
    for job, outcome in by_engine.items():
        if is_for(engine, job):
            check(job, standard[job], outcome)


@pytest.mark.parametrize(
    "job",
    [job for job in ALL_JOBS if job.mode.name in NAMING_MODES],
    ids=lambda job: job.name,
)
def test_functions_and_callers_come_out_as_they_should(
    job: Job, reference: dict[Job, Outcome], exact: dict[Job, Outcome]
) -> None:
    check(job, reference[job], exact[job])


@pytest.mark.parametrize("job", jobs_of(MODES["functions"]), ids=lambda job: job.name)
def test_but_for_their_classes_functions_are_those_of_the_standard_module(
    job: Job, standard: dict[Job, Outcome], exact: dict[Job, Outcome]
) -> None:
    expected, got = masked(job, standard[job]), masked(job, exact[job])
    assert bare_functions(expected.output[0]) == bare_functions(got.output[0])
    assert expected.errors == got.errors


ALONE = {
    "listing": ("imports_package.py", "loops.py", "latin_1.py", "exit_status.py"),
    "counts file": ("imports_sibling.py", "recursion.py"),
    "lines and counts": ("imports_variants.py", "generators.py"),
    "module": ("arguments_of_program.py", "classes.py"),
}


@pytest.mark.parametrize(
    "job",
    [job for job in ALL_JOBS if job.program in ALONE.get(job.mode.name, ())],
    ids=lambda job: job.name,
)
def test_a_program_comes_out_the_same_in_a_process_of_its_own(
    job: Job, tmp_path: Path
) -> None:
    check(job, run_alone("trace", job, tmp_path), run_alone("exactrace", job, tmp_path))


SELF_TESTED = ("imports_package.py", "classes.py")


@pytest.fixture(scope="session")
def few_jobs() -> list[Job]:
    return [job for job in ALL_JOBS if job.program in SELF_TESTED]


def test_the_standard_module_equals_itself(
    few_jobs: list[Job], base: Path, standard: dict[Job, Outcome]
) -> None:
    for job, again in run_jobs("planted", few_jobs, base).items():
        assert not differences(masked(job, standard[job]), masked(job, again))


@pytest.mark.parametrize("fault", planted.FAULTS)
def test_a_planted_fault_is_found(
    fault: str, few_jobs: list[Job], base: Path, standard: dict[Job, Outcome]
) -> None:
    outcomes = run_jobs("planted", few_jobs, base, PLANTED_FAULT=fault)
    found = {
        job.mode.name
        for job, outcome in outcomes.items()
        if differences(masked(job, standard[job]), masked(job, outcome))
    }
    assert found >= FOUND_IN[fault]
