"""Fixtures that several files of tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from beside import STARTS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXACTRACE_DATA", str(tmp_path / "counts"))
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    return work


@pytest.fixture(params=STARTS)
def start(request: pytest.FixtureRequest) -> tuple[list[str], str]:
    return STARTS[request.param]
