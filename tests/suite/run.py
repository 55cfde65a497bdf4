"""The standard library's own tests, bare and counted: the outcomes must be equal.

    python tests/suite/run.py [OPTIONS] [MODULE...]

Each module of tests (all of this interpreter's but for those in excluded.py)
runs in processes of their own: bare, and while exactrace counts everything, the
standard library and the tests among it. A module whose outcomes differ runs
twice more in both ways, so that tests which differ from run to run show. Ends
with status 1 if a test never had an outcome under counting that it had bare.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from exactrace.progress import Progress

sys.path.insert(0, str(Path(__file__).parent))  # also under -P

from excluded import EXCLUDED, KNOWN, Known, known_difference
from outcomes import Difference, Outcomes, compare
from processes import Options, arguments_of, chosen_modules, options_of, run_once

# What is said of a module, from the best on.
SAME, SKIPPED, FLAKY, NOT_RUNNABLE, DIFFERENT = VERDICTS = (
    "same",
    "skipped here",
    "flaky",
    "not runnable bare",
    "different",
)
MOST = 30  # differences that are shown of a module


@dataclass
class Report:
    """What was found about a module."""

    module: str
    bare: list[Outcomes] = field(default_factory=list)
    counted: list[Outcomes] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)  # test -> why it differs

    @property
    def verdict(self) -> str:
        bare = self.bare[0]
        if any(difference.stays for difference in self.differences):
            return DIFFERENT
        if self.differences:
            return FLAKY
        if bare.ended or "not importable" in bare.tests.get(self.module, ""):
            return NOT_RUNNABLE
        if list(bare.tests) == [self.module] or not bare.tests:
            return SKIPPED
        return SAME

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "tests": len(self.bare[0].tests),
            "bare": self.bare[0].summary,
            "ended": self.bare[0].ended,
            "seconds bare": round(self.bare[0].seconds, 2),
            "seconds counted": round(self.counted[0].seconds, 2),
            "lines, hits, lines of the module": self.counted[0].counted,
            "differences": [str(difference) for difference in self.differences],
            "known": sorted(self.known),
            "texts": {
                difference.test: [
                    run.texts.get(difference.test, "")
                    for run in (*self.bare, *self.counted)
                ]
                for difference in self.differences
            },
        }


def examine(module: str, options: Options, timeout: float) -> Report:
    """Run a module both ways, and more often if that differs."""
    report = Report(module)
    engine = str(options["engine"])
    for _ in range(3):
        report.bare.append(run_once(module, {}, timeout))
        if len(report.bare) == 1 and report.bare[0].ended:
            report.counted.append(Outcomes())
            break
        report.counted.append(run_once(module, options, timeout))
        report.differences = []
        for difference in compare(report.bare, report.counted):
            known = known_difference(engine, difference.test)
            if known is None:
                report.differences.append(difference)
            else:
                report.known[difference.test] = known
        if not report.differences:
            break
    lines, _, own = report.counted[0].counted
    if report.verdict == SAME and not (lines and own):
        raise SystemExit(f"{module}: nothing was counted")
    return report


def show(report: Report) -> None:
    """Print what is to be known of a module, if anything."""
    if report.verdict in (SAME, SKIPPED):
        return
    print(f"{report.module}: {report.verdict}", flush=True)
    if report.verdict == NOT_RUNNABLE:
        print(f"    {report.bare[0].ended or 'not importable'}")
    worst_first = sorted(report.differences, key=lambda found: not found.stays)
    for difference in worst_first[:MOST]:
        mark = "!" if difference.stays else "?" if difference.only_counted else "~"
        print(f"  {mark} {difference}")
    if len(worst_first) > MOST:
        print(f"    and {len(worst_first) - MOST} more", flush=True)


def show_table(reports: Iterable[Report]) -> None:
    """Print how many modules had which verdict, and their names if few."""
    reports = sorted(reports, key=lambda report: report.module)
    tests = sum(len(report.bare[0].tests) for report in reports)
    bare = sum(report.bare[0].seconds for report in reports)
    counted = sum(report.counted[0].seconds for report in reports)
    print(f"\n{len(reports)} modules, {tests} tests: {bare:.0f} s bare, ", end="")
    print(f"{counted:.0f} s counted")
    for verdict in VERDICTS:
        names = [report.module for report in reports if report.verdict == verdict]
        print(f"{verdict:>18} {len(names):4}  ", end="")
        print("" if verdict == SAME else " ".join(names))


def show_known(reports: Iterable[Report], engine: str) -> None:
    """Print how many differences were known, and which were not found any more."""
    reports = list(reports)
    found = {test: known for report in reports for test, known in report.known.items()}
    print(f"{'known differences':>18} {len(found):4}")
    whole = [report for report in reports if report.verdict == SAME]
    tests = [test for report in whole for test in report.bare[0].tests]
    for known in KNOWN:
        covered = [test for test in tests if known.covers(engine, test)]
        if covered and not any(test in found for test in covered):
            print(f"a known difference is gone: {known.tests}")


def default_engine() -> str:
    """Return the engine that counts if none is asked for."""
    free = sysconfig.get_config_var("Py_GIL_DISABLED")
    return "probe" if sys.version_info >= (3, 12) and not free else "settrace"


def main() -> int:
    arguments = arguments_of(__doc__ or "", jobs=True).parse_args()
    arguments.engine = arguments.engine or default_engine()
    options = options_of(arguments)
    modules = chosen_modules(arguments, EXCLUDED)
    reports: list[Report] = []
    with (
        Progress("modules", len(modules)) as progress,
        ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        for report in pool.map(
            lambda name: examine(name, options, arguments.timeout), modules
        ):
            reports.append(report)
            progress.clear()
            show(report)
            progress.step()
            if arguments.write:
                content = {report.module: report.as_json() for report in reports}
                Path(arguments.write).write_text(json.dumps(content, indent=1))
    show_table(reports)
    show_known(reports, arguments.engine)
    return int(any(report.verdict == DIFFERENT for report in reports))


if __name__ == "__main__":
    sys.exit(main())
