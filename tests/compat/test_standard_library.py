"""Tests of the standard library under both tools: every count must be equal.

Each module of tests runs, traced by each tool, in a process of its own; counts
of all files are compared, that is of the tested modules, their tests, unittest
and whatever else they use. The environment variable EXACTRACE_TEST_ENGINES names
the engines that are held against the standard module, with commas between them
("probe+branch" counts branches too). Many more modules are compared, engine with
engine, by tests/suite/counts.py.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
from harness import FREE, HERE, PACKAGE, compare_counts, environment

# Quick, deterministic, and mostly about modules written in Python.
MODULES = """
    test_abc test_abstract_numbers test_augassign test_binop test_bisect test_bool
    test_codeop test_colorsys test_compare test_complex test_contains
    test_contextlib test_copy test_copyreg test_csv test_dataclasses test_decorators
    test_defaultdict test_dictcomps test_dictviews
    test_dynamicclassattribute test_enumerate test_except_star test_exception_group
    test_exception_hierarchy test_filecmp test_fileinput test_fnmatch test_format
    test_fractions test_funcattrs test_genericalias test_genericpath test_gettext
    test_global test_grammar test_graphlib test_hmac test_html test_htmlparser
    test_index test_ipaddress test_iter test_keyword test_keywordonlyarg
    test_linecache test_list test_memoryview test_mimetypes test_named_expressions
    test_netrc test_ntpath test_numeric_tower test_opcodes test_operator
    test_optparse test_print test_positional_only_arg test_quopri test_raise
    test_reprlib test_rlcompleter test_shlex test_slice test_stat test_string
    test_strptime test_subclassinit test_super test_symtable test_textwrap
    test_timeit test_tuple test_type_annotations test_typechecks test_types
    test_unary test_urlparse test_utf8source test_wave test_weakset
    test_json.test_decode test_json.test_dump test_json.test_encode_basestring_ascii
    test_json.test_fail test_json.test_indent test_json.test_pass1
    test_email.test_utils test_email.test_generator test_email.test_parser
    test_unittest.test_case test_unittest.test_result test_unittest.test_suite
    test_unittest.test_loader
""".split()  # noqa: SIM905

# Modules not taken, though they are quick; and why. Here the counts differ for
# reasons of the tests or of the standard module.
NOT_TAKEN = {
    "test_class": "RecursionError inside its trace function ends the standard module",
    "test_functools": "the same",
    "test_isinstance": "the same",
    "test_plistlib": "the same",
    "test_typing": "the same",
    "test_userdict": "the same",
    "test_userlist": "the same",
    "test_code": "calls sys.settrace() itself (docs/differences.md)",
    "test_dynamic": "the same, from 3.13 on",
    "test_patma": "the same",
    "test_property": "the same",
    "test_scope": "the same",
    "test_descr": "the same, by test.support.no_tracing",
    "test_generators": "sends itself signals, and waits for them",
    "test_yield_from": "looks at the whole stack, where the standard module stands",
    "test_getopt": "runs doctests, and doctest calls sys.settrace() itself",
    "test_listcomps": "the same",
    "test_setcomps": "the same",
    "test_unpack": "the same",
    "test_unpack_ex": "the same",
    "test_with": "from 3.15 on interrupts itself, within that trace function too",
    "test_sort": "sorts by addresses of objects",
    "test_pprint": "the same",
    "test_asyncio": "reports what takes longer than 0.1 seconds",
    "test_contextlib_async": "the same",
    "test_coroutines": "the same",
    "test_base64": "starts processes and waits for them in a loop, as others do",
    "test_deque": "takes seconds, as do many others",
}

# Tests that let threads race, from a version on.
RACING = {
    "test_linecache": (3, 13, 1),
    "test_memoryview": (3, 14),
    "test_enumerate": (3, 14),
    "test_super": (3, 13),
}
# Tests that are elsewhere before a version.
MOVED = {name: (3, 12) for name in MODULES if name.startswith("test_unittest.")}
HERE_TAKEN = [
    name
    for name in MODULES
    if MOVED.get(name, (3,)) <= sys.version_info < RACING.get(name, (4,))
]

ENGINES = os.environ.get(
    "EXACTRACE_TEST_ENGINES",
    "probe,settrace" if sys.version_info >= (3, 12) and not FREE else "settrace",
).split(",")
# Where the tool `chosen_engine` is.
SUITE = HERE.parent / "suite"

# Files whose counts are not compared: the end of the name -> why.
NOT_COMPARED = {
    "/selectors.py": "how often it waits for a process depends on the time",
    "/subprocess.py": "the same",
}
# The same, but under the settrace engine, which sees what the standard module sees.
NOT_COMPARED_ELSE = {
    **NOT_COMPARED,
    "/threading.py": "a new thread is counted from its first line on",
}


class Run(NamedTuple):
    """What a worker found."""

    counts: dict[tuple[str, int], int]
    outcome: tuple[int, list[str], list[str]]


class Tool(NamedTuple):
    """A tool, and what is set in its environment."""

    name: str
    variables: dict[str, str]


def engine_tool(engine: str) -> Tool:
    """Return exactrace with that engine, or the standard module."""
    return Tool("chosen_engine", {"EXACTRACE_TEST_ENGINE": engine})


def run_under(module: str, folder: Path, tools: list[Tool]) -> list[Run]:
    """Run the tests under each tool, all at the same time."""
    running = []
    for number, tool in enumerate(tools):
        # Names of one length: some tests go through the characters of a path.
        work = folder / str(number)
        work.mkdir()
        arguments = [HERE / "unittest_worker.py", tool.name, f"test.{module}", "counts"]
        path = os.pathsep.join([PACKAGE, str(HERE), str(SUITE)])
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=work,
            env=environment(
                PYTHONPATH=path,
                TMPDIR=str(work),
                # What one finds compiled or has to compile, all do.
                PYTHONDONTWRITEBYTECODE="1",
                **tool.variables,
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append((work, process))
    found = []
    for work, process in running:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        found.append(Run(*pickle.loads((work / "counts").read_bytes())))
    return found


def without_addresses(outcome: object) -> str:
    """Return the outcome as text, without addresses of objects."""
    return re.sub(r"\b0x[0-9a-f]+", "0x", repr(outcome))


def comparable(
    run: Run, work: Path, left_out: Iterable[str] = NOT_COMPARED
) -> Counter[tuple[str, int]]:
    """Return the counts that are to be equal, without names made by chance."""
    counts: Counter[tuple[str, int]] = Counter()
    for (filename, line), count in run.counts.items():
        if filename.endswith(tuple(left_out)):
            continue
        name = re.sub(
            r"/tmp[a-z0-9_]{8}(?=/|$)", "/tmp", filename.replace(str(work), "")
        )
        counts[name, line] += count
    return counts


def test_there_are_enough_modules() -> None:
    there = [name for name in HERE_TAKEN if importlib.util.find_spec(f"test.{name}")]
    assert len(there) >= 80
    assert not set(MODULES) & set(NOT_TAKEN)


@pytest.mark.slow
@pytest.mark.parametrize("module", HERE_TAKEN)
def test_counts_equal_those_of_the_standard_module(module: str, tmp_path: Path) -> None:
    tools = [engine_tool(name) for name in ("standard", *ENGINES)]
    standard, *runs = run_under(module, tmp_path, tools)
    assert standard.outcome[0] > 0
    for number, (engine, run) in enumerate(zip(ENGINES, runs, strict=True), 1):
        outcomes = without_addresses(standard.outcome), without_addresses(run.outcome)
        assert outcomes[0] == outcomes[1], engine
        left_out = NOT_COMPARED if engine == "settrace" else NOT_COMPARED_ELSE
        expected = comparable(standard, tmp_path / "0", left_out)
        assert any(module.rpartition(".")[2] in filename for filename, _ in expected)
        assert len(expected) > 500
        got = comparable(run, tmp_path / str(number), left_out)
        assert compare_counts(expected, got) == "", engine


@pytest.mark.parametrize("fault", ["", "count", "missing line"])
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    tools = [Tool("trace", {}), Tool("planted", {"PLANTED_FAULT": fault})]
    runs = run_under("test_colorsys", tmp_path, tools)
    expected, got = (
        comparable(run, tmp_path / str(number)) for number, run in enumerate(runs)
    )
    assert bool(compare_counts(expected, got)) == bool(fault)
