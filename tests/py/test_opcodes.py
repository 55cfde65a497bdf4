"""The tables of opcodes are what their generator writes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TABLE = f"opcodes_3{sys.version_info[1]}.h"
pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="probes begin with 3.12: 3.11 needs no table"
)


def check(root: Path) -> int:
    """Run the generator's check in a copy of the project."""
    command = [sys.executable, str(root / "tools" / "gen_opcodes.py"), "--check"]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "core" / "bytecode").mkdir(parents=True)
    (tmp_path / "tools").mkdir()
    for name in (f"core/bytecode/{TABLE}", "tools/gen_opcodes.py"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_table_of_this_interpreter_is_up_to_date(project: Path) -> None:
    assert check(project) == 0


def test_a_wrong_table_is_found(project: Path) -> None:
    table = project / "core" / "bytecode" / TABLE
    table.write_text(table.read_text().replace("XT_KIND_RAISE", "XT_KIND_PLAIN", 1))
    assert check(project) == 1
    table.unlink()
    assert check(project) == 1
