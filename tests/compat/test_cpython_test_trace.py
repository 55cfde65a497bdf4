"""CPython's own tests of `trace`, unchanged, with exactrace in its place.

A virtual environment gets a line in a .pth file that puts a folder in front of
`sys.path` in which `trace.py` is exactrace. So `import trace` finds it, and so do
the commands `python -I -m trace` that the tests run.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from harness import HERE, IMMORTAL_TYPES, PACKAGE, environment

MISSING = (
    "this Python has no test.test_trace: install the tests of the standard library"
    " (on Debian and Ubuntu: apt-get install libpython"
    f"{sys.version_info[0]}.{sys.version_info[1]}-testsuite)"
)


def make_python(folder: Path, shim: Path) -> Path:
    """Make a virtual environment whose `trace` is in `shim`: its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    shown = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    (Path(shown.stdout.strip()) / "shim.pth").write_text(
        f"import sys; sys.path.insert(0, {str(shim)!r})\n{PACKAGE}\n"
    )
    return python


def run_tests(python: Path, folder: Path) -> tuple[int, str]:
    """Run test.test_trace: the exit status, and what was printed."""
    folder.mkdir()
    variables = environment()
    del variables["PYTHONPATH"]
    done = subprocess.run(
        [python, "-m", "test", "-v", "-u", "cpu", "test_trace"],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    return done.returncode, done.stdout


@pytest.fixture
def tests_of_trace() -> None:
    try:
        __import__("test.test_trace")
    except ImportError as error:
        pytest.fail(f"{MISSING} ({error})")


def where_trace_is(python: Path) -> str:
    program = "import trace; print(trace.__file__)"
    return subprocess.run(
        [python, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.usefixtures("tests_of_trace")
def test_the_tests_of_cpython_pass(tmp_path: Path) -> None:
    python = make_python(tmp_path / "venv", HERE / "shim")
    assert where_trace_is(python) == str(Path(PACKAGE, "exactrace", "__init__.py"))
    status, printed = run_tests(python, tmp_path / "work")
    ran = re.search(r"^Ran (\d+) tests? in ", printed, re.MULTILINE)
    assert status == 0, printed
    assert ran, printed
    assert int(ran[1]) > 20, printed
    # 3.15 leaves out some tests in a build that has its compiler switched off, 3.13
    # without the GIL what names methods.
    skipped = re.findall(r" \.\.\. skipped (.*)$", printed, re.MULTILINE)
    allowed = "gh-117783" if IMMORTAL_TYPES else "JIT"
    assert all(allowed in reason for reason in skipped), printed


FAULTS = {
    "counts": """
count = exactrace.Trace.results
def results(self):
    found = count(self)
    for key in found.counts:
        found.counts[key] += key[1] % 2
    return found
exactrace.Trace.results = results
""",
    "functions": """
note = exactrace.Trace.results
def results(self):
    found = note(self)
    found.calledfuncs.clear()
    found.callers.clear()
    return found
exactrace.Trace.results = results
""",
    "command line": """
exactrace.main = lambda: None
""",
}


@pytest.mark.usefixtures("tests_of_trace")
@pytest.mark.parametrize("fault", FAULTS)
def test_the_tests_of_cpython_find_a_planted_fault(fault: str, tmp_path: Path) -> None:
    shim = tmp_path / "shim"
    shim.mkdir()
    text = (HERE / "shim" / "trace.py").read_text()
    marker = "import exactrace\n"
    assert marker in text
    (shim / "trace.py").write_text(text.replace(marker, marker + FAULTS[fault]))
    python = make_python(tmp_path / "venv", shim)
    status, printed = run_tests(python, tmp_path / "work")
    assert status != 0
    assert re.search(r"^FAILED \((failures|errors)=\d+", printed, re.MULTILINE), printed
