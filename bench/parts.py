# SPDX-License-Identifier: Apache-2.0
"""The parts of the benchmark: each takes its samples and makes its tables."""

from __future__ import annotations

import compileall
import filecmp
import json
import math
import shutil
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from children import HERE, Children, Outcome
from samples import BARE, Samples, geometric_mean
from tables import Table, number

PROGRAMS = {path.stem: path for path in sorted((HERE / "programs").glob("[a-z]*.py"))}

# What is compared, in the order of the columns: tool -> head of its column.
COUNTING = {
    "exactrace": "exactrace",
    "exactrace branch": "+branch",
    "trace": "trace",
    "coverage ctrace": "cov ctrace",
    "coverage ctrace branch": "+branch",
    "coverage sysmon": "cov sysmon",
    "coverage sysmon branch": "+branch",
    "slipcover": "slipcover",
    "slipcover branch": "+branch",
}
# The other modes: option -> how much of a program's usual work is done. What costs
# little takes long bare runs, of 0.3 s and more, to be told from nothing.
MODES = {"--trace": 0.05, "--listfuncs": 2.0, "--trackcalls": 2.0, "--calls": 2.0}
# The nearest that the standard module has to a mode of our own.
NEAREST = {"--calls": "--trackcalls"}
MODE_PROGRAMS = (
    "calculator", "exceptions", "fib", "generators", "life", "regexes",
    "scheduler", "shapes", "sieve", "tak",
)  # fmt: skip
REPORT_FILES = 500
EXACTRACE, STANDARD = "exactrace", "trace"


@dataclass
class Plan:
    """What the command line asked for, and where to put the results."""

    children: Children
    programs: list[str]
    tools: list[str]
    rounds: int
    scale: float
    summary: list[str] = field(default_factory=list)
    data: dict[str, object] = field(default_factory=dict)
    failed: bool = False  # exactrace somewhere, not merely a peer

    def keep(self, part: str, samples: Samples) -> None:
        """Put the samples of a part to the results."""
        self.data[part] = samples.as_json()
        if any(tool.startswith(EXACTRACE) for _, tool in samples.failures):
            self.failed = True


def count(plan: Plan) -> list[Table]:
    """Slowdown of each program under each tool."""
    samples = Samples()

    def measure(program: str, tool: str) -> Outcome:
        return plan.children.drive(tool, PROGRAMS[program], plan.scale)

    tools = [BARE, *plan.tools]
    samples.take("count", plan.programs, tools, plan.rounds, measure)
    plan.keep("count", samples)
    table = Table(
        "Slowdown",
        "CPU time of the run as a multiple of the bare run's, which is given in "
        f"seconds; medians of {plan.rounds}.",
        ["program", "bare", *(COUNTING[tool] for tool in plan.tools)],
    )
    for program in plan.programs:
        ratios = [number(samples.ratio(program, tool)) for tool in plan.tools]
        table.add(program, [number(samples.cpu(program, BARE)), *ratios])
    means = {tool: _mean(samples, plan.programs, tool) for tool in plan.tools}
    table.add("**geometric mean**", ["", *(number(mean) for mean in means.values())])
    wholes = {
        tool: [samples.whole_ratio(name, tool) for name in plan.programs]
        for tool in plan.tools
    }
    with_start = [number(geometric_mean(whole)) for whole in wholes.values()]
    table.add("**with start-up**", ["", *with_start])
    table.note_failures(samples.failures)
    for tool, mean in means.items():
        ratios_there = [samples.ratio(name, tool) for name in plan.programs]
        there = [ratio for ratio in ratios_there if ratio is not None]
        if mean is None:
            plan.summary.append(f"{tool}: failed everywhere")
            continue
        least, most = min(there), max(there)
        whole = [ratio for ratio in wholes[tool] if ratio is not None]
        plan.summary.append(
            f"{tool}: {mean:.3f} times the bare run ({least:.2f} to {most:.2f}; "
            f"{len(there)} of {len(plan.programs)} programs); the whole process, "
            f"start-up included, {geometric_mean(whole):.3f} ({min(whole):.2f} to "
            f"{max(whole):.2f})"
        )
    _summarise_overhead(plan, samples, plan.programs, "--count", EXACTRACE, STANDARD)
    return [table, _line_table(plan, samples)]


def _line_table(plan: Plan, samples: Samples) -> Table:
    """Return what one line costs with the two tools that count."""
    table = Table(
        "Cost of a line",
        "Nanoseconds that one line costs more than in the bare run, and how many "
        "lines that were.",
        ["program", "lines run", "exactrace", "trace"],
    )
    for program in plan.programs:
        bare = samples.cpu(program, BARE)
        costs = []
        numbers = []
        for tool in (EXACTRACE, STANDARD):
            outcome, time = samples.last(program, tool), samples.cpu(program, tool)
            cost = None
            if outcome and outcome.events and time is not None and bare is not None:
                cost = (time - bare) / outcome.events * 1e9
                numbers.append(outcome.events)
            costs.append(number(cost, 1))
        table.add(program, [f"{numbers[0]:,}" if numbers else number(None), *costs])
        if len(set(numbers)) > 1:
            table.notes.append(f"{program}: trace counts {numbers[1]:,} lines")
    return table


def _mean(samples: Samples, rows: list[str], tool: str) -> float | None:
    return geometric_mean(samples.ratio(row, tool) for row in rows)


def _summarise_overhead(
    plan: Plan, samples: Samples, rows: list[str], mode: str, ours: str, standard: str
) -> None:
    """Add the line that sets our overhead against the standard module's."""
    both = [
        row for row in rows if samples.ratio(row, ours) and samples.ratio(row, standard)
    ]
    if not both:
        return
    our_mean = _mean(samples, both, ours)
    standard_mean = _mean(samples, both, standard)
    faster = geometric_mean(samples.ratio(row, standard, ours) for row in both)
    assert our_mean
    assert standard_mean
    assert faster
    share = (our_mean - 1) / (standard_mean - 1)
    times = f", {1 / share:.1f} times less" if share > 0.001 else ""
    plan.summary.append(
        f"{mode}: overhead of exactrace to trace ({our_mean:.3f} - 1) / "
        f"({standard_mean:.3f} - 1) = {share:.4f}{times}; "
        f"the whole run {faster:.1f} times faster"
    )


def modes(plan: Plan) -> list[Table]:
    """The modes that only trace and exactrace have."""
    programs = [name for name in MODE_PROGRAMS if name in plan.programs]
    tables = []
    for mode, share in MODES.items():
        ours, standard = _tools_of(mode)
        samples = Samples()
        scale = plan.scale * share

        def measure(program: str, tool: str, scale: float = scale) -> Outcome:
            return plan.children.drive(tool, PROGRAMS[program], scale)

        # What --trace prints is its result: it must be that of the standard module.
        alike = (standard, ours) if mode == "--trace" else None
        tools = [BARE, standard, ours]
        samples.take(mode, programs, tools, plan.rounds, measure, alike)
        plan.keep(mode, samples)
        tables.append(_mode_table(plan, samples, programs, mode))
        _summarise_overhead(plan, samples, programs, mode, ours, standard)
    return tables


def _tools_of(mode: str) -> tuple[str, str]:
    """Return our tool, and that of the standard module."""
    return f"{EXACTRACE} {mode}", f"{STANDARD} {NEAREST.get(mode, mode)}"


def _mode_table(plan: Plan, samples: Samples, programs: list[str], mode: str) -> Table:
    ours, standard = _tools_of(mode)
    meaning = (
        "CPU time of the bare run in milliseconds, what it is multiplied by, and "
        f"how many times faster exactrace is; medians of {plan.rounds}."
    )
    head = ["program", "bare", "trace", "exactrace", "times faster"]
    if mode == "--trace":
        meaning += " What is printed goes to a file, and is the same."
        head.append("lines printed")
    table = Table(f"`{mode}`", meaning, head)
    for program in programs:
        cells = [number(samples.cpu(program, BARE), 1, 1000)]
        cells += [number(samples.ratio(program, tool)) for tool in (standard, ours)]
        cells.append(number(samples.ratio(program, standard, ours), 1))
        if mode == "--trace":
            outcome = samples.last(program, standard)
            cells.append(f"{outcome.lines:,}" if outcome else number(None))
        table.add(program, cells)
    means = [_mean(samples, programs, tool) for tool in (standard, ours)]
    faster = geometric_mean(samples.ratio(name, standard, ours) for name in programs)
    cells = ["", *(number(mean) for mean in means), number(faster, 1)]
    table.add("**geometric mean**", cells + [""] * (len(head) - 5))
    table.note_failures(samples.failures)
    return table


def start(plan: Plan) -> list[Table]:
    """What a tool's command line costs before and after an empty program."""
    empty = plan.children.folder / "empty.py"
    empty.write_text("", encoding="ascii")
    path = str(empty)
    coverage = ["-m", "coverage", "run", "--data-file", "empty.coverage"]
    slipcover = ["-m", "slipcover", "--json", "--out", "empty.json"]
    commands: dict[str, list[str]] = {
        BARE: [path],
        "exactrace": ["-m", "exactrace", "--count", "--no-report", path],
        "trace": ["-m", "trace", "--count", "--no-report", path],
        "coverage ctrace": [*coverage, path],
        "coverage sysmon": [*coverage, path],
        "slipcover": [*slipcover, path],
        "slipcover branch": [*slipcover, "--branch", path],
    }

    def measure(_row: str, tool: str) -> Outcome:
        core = tool.removeprefix("coverage ")
        variables = {"COVERAGE_CORE": core} if core != tool else {}
        return plan.children.start(commands[tool], **variables)

    tools = [tool for tool in commands if tool in (BARE, *plan.tools)]
    samples = Samples()
    rounds = 2 * plan.rounds
    samples.take("start-up", ["empty"], tools, rounds, measure, ())
    plan.keep("start", samples)
    table = Table(
        "Start-up",
        "CPU time of the whole process for an empty program, in milliseconds; "
        f"medians of {rounds}. Reports are not written; what coverage.py and "
        "SlipCover always write is.",
        ["tool", "in all", "more than bare"],
    )
    bare = samples.cpu("empty", BARE)
    for tool in tools:
        time = samples.cpu("empty", tool)
        more = time - bare if time is not None and bare is not None else None
        cells = [number(time, 1, 1000), number(more, 1, 1000) if tool != BARE else ""]
        table.add(tool, cells)
    table.note_failures(samples.failures)
    return [table]


def memory(plan: Plan) -> list[Table]:
    """The most memory that a process holds, in a large program."""
    rows = {"modules, 1,470 of them": 3.0, "regexes": 0.2}
    rounds = min(3, plan.rounds)

    def measure(row: str, tool: str) -> Outcome:
        program = PROGRAMS[row.partition(",")[0]]
        return plan.children.drive(tool, program, rows[row])

    tools = [BARE, *plan.tools]
    samples = Samples()
    samples.take("memory", list(rows), tools, rounds, measure)
    plan.keep("memory", samples)
    table = Table(
        "Memory",
        f"Peak of memory in MiB, until the run ends; medians of {rounds}.",
        ["tool", *rows],
    )
    for tool in tools:
        table.add(tool, [number(samples.peak(row, tool), 1, 1 / 1024) for row in rows])
    table.note_failures(samples.failures)
    return [table]


def report(plan: Plan) -> list[Table]:
    """The time of the report on many files of the standard library."""
    folder = plan.children.folder
    originals = library_files(REPORT_FILES)
    kept = {"with fresh .pyc": True, "without .pyc": False}
    sources = {row: folder / f"source{i}" for i, row in enumerate(kept)}
    counts = {row: folder / f"counts{i}.json" for i, row in enumerate(kept)}
    for row, cached in kept.items():
        _copy_library(originals, sources[row], counts[row], cached)
    rounds = min(5, plan.rounds)

    def measure(row: str, tool: str) -> Outcome:
        if not kept[row]:
            for cache in sources[row].rglob("__pycache__"):
                shutil.rmtree(cache)
        listings = folder / f"listings-{tool}"
        shutil.rmtree(listings, ignore_errors=True)
        outcome = plan.children.report(tool, counts[row], listings)
        if tool == EXACTRACE and not outcome.failure:
            failure = _difference(folder / f"listings-{STANDARD}", listings)
            if failure:
                return Outcome(failure=failure)
        return outcome

    samples = Samples()
    # Always the standard module first: its listings are what ours must be.
    for _ in range(rounds):
        samples.take("report", list(kept), [STANDARD, EXACTRACE], 1, measure)
    plan.keep("report", samples)
    table = Table(
        f"Report on {len(originals)} files",
        "CPU time of `write_results(show_missing=True, summary=True, coverdir=...)` "
        f"on files of the standard library, in seconds; medians of {rounds}. The "
        "listings are compared, and are the same.",
        ["sources", "trace", "exactrace", "times faster", "MiB trace", "MiB exactrace"],
    )
    for row in kept:
        both = (STANDARD, EXACTRACE)
        cells = [number(samples.cpu(row, tool)) for tool in both]
        faster = samples.ratio(row, STANDARD, EXACTRACE)
        cells.append(number(faster, 1))
        cells += [number(samples.peak(row, tool), 1, 1 / 1024) for tool in both]
        table.add(row, cells)
        if faster is not None:
            plan.summary.append(f"report, {row}: {faster:.1f} times faster than trace")
    table.note_failures(samples.failures)
    return [table]


def library_files(wanted: int) -> list[Path]:
    """Return files of the standard library, the same each time."""
    library = Path(sysconfig.get_path("stdlib"))
    left_out = {"site-packages", "lib2to3", "idlelib", "turtledemo", "__pycache__"}
    files = []
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).parts
        damaged = path.name.startswith("bad") or "data" in path.parent.name
        if left_out.isdisjoint(parts) and not damaged and _lines(path):
            files.append(path)
    # Spread over the whole, so that the tests do not push the rest out.
    step = max(1.0, len(files) / wanted)
    return [files[math.floor(i * step)] for i in range(min(wanted, len(files)))]


def _lines(path: Path) -> list[int]:
    """Return the lines of a file's module level; none if it does not compile."""
    try:
        code = compile(path.read_bytes(), str(path), "exec")
    except (SyntaxError, ValueError):
        return []
    return sorted({line for _, _, line in code.co_lines() if line})


def _copy_library(
    originals: list[Path], folder: Path, counts: Path, cached: bool
) -> None:
    """Copy the files, and write down counts for most lines of their top level."""
    library = Path(sysconfig.get_path("stdlib"))
    made: dict[str, dict[int, int]] = {}
    for original in originals:
        copy = folder / original.relative_to(library)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(original, copy)
        lines = _lines(original)
        made[str(copy)] = {line: line % 9 + 1 for line in lines if line % 5}
    counts.write_text(json.dumps(made), encoding="utf-8")
    if cached:
        compileall.compile_dir(folder, quiet=2)


def _difference(expected: Path, found: Path) -> str:
    """Return how two folders of listings differ, or nothing."""
    names = sorted(path.name for path in expected.iterdir())
    others = sorted(path.name for path in found.iterdir())
    if names != others:
        return (
            f"{len(others)} listings, or other names, where trace writes {len(names)}"
        )
    _, wrong, unread = filecmp.cmpfiles(expected, found, names, shallow=False)
    if wrong or unread:
        return f"{len(wrong + unread)} listings differ, the first {(wrong + unread)[0]}"
    return ""


PARTS = {
    "count": count,
    "modes": modes,
    "start": start,
    "report": report,
    "memory": memory,
}
