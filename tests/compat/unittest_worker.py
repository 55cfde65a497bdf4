"""Runs the tests of one module under a tracer and keeps the counts.

    python unittest_worker.py TOOL MODULE OUTPUT

TOOL is a module with a class `Trace`. OUTPUT gets a pickle: the counts, and how
many tests ran, failed and were skipped.
"""

import gc
import importlib
import io
import pickle
import random
import sys
import unittest
import warnings

# Modules that are loaded already are not traced while they are imported, and the
# number of those that are loaded shows in counts, too. So both tools are loaded,
# with all that they need; and what is slow to import under a tracer.
PRELOADED = ("trace", "exactrace", "asyncio", "doctest", "test.support")


def run_tests(module: str) -> tuple[int, list[str], list[str]]:
    """Import the module and run its tests: (number, troubles, skipped)."""
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(io.StringIO(), verbosity=0).run(suite)
    troubles = [str(test) for test, _ in result.failures + result.errors]
    return result.testsRun, troubles, [str(test) for test, _ in result.skipped]


def main() -> None:
    """Run as the command line says."""
    tool, module, output = sys.argv[1:]
    for name in PRELOADED:
        importlib.import_module(name)
    tracer = importlib.import_module(tool).Trace(count=1, trace=0)
    warnings.simplefilter("ignore")
    random.seed(0)
    # The collector runs finalizers at moments that depend on what was
    # allocated, by the tool too.
    gc.collect()
    gc.disable()
    names = {"run_tests": run_tests, "module": module}
    tracer.runctx("outcome = run_tests(module)", names, names)
    outcome = names["outcome"]
    with open(output, "wb") as file:
        pickle.dump((dict(tracer.results().counts), outcome), file)


if __name__ == "__main__":
    main()
