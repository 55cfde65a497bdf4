"""Options of pytest for this folder."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", 'slow: takes minutes; leave out by -m "not slow"'
    )
