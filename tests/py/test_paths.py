"""Names of files, beside the functions of the standard library."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exactrace import paths

NAMES = (
    "a/b.py",
    "noext",
    ".hid",
    "..a",
    "a.b/c",
    "...",
    "a.tar.gz",
    "/x/.a.b",
    "x.",
    "",
)
PATHS = ("a", "a/b.py", "./a", "../a/../b", "/a//b/.", "..", "a/..", "/../x", "a/./b/")


@pytest.mark.parametrize("name", NAMES)
def test_the_stem_is_the_name_without_its_extension(name: str) -> None:
    assert paths.stem(name) == os.path.splitext(os.path.basename(name))[0]


@pytest.mark.parametrize("path", PATHS)
def test_an_absolute_path_has_nothing_superfluous(path: str) -> None:
    joined = os.path.normpath(os.path.join("/start/here", path))
    assert paths.absolute("/start/here", path) == joined


def test_links_are_resolved_as_far_as_the_path_is_there(tmp_path: Path) -> None:
    real = tmp_path / "real" / "deep"
    real.mkdir(parents=True)
    (real / "file.py").touch()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "far").symlink_to(tmp_path / "link" / "deep")
    (real / "up").symlink_to("../..")
    (tmp_path / "loop").symlink_to("loop")
    resolver = paths.Resolver()
    for name in ("far/file.py", "link/deep/up/far/file.py", "far/gone/x.py", "real"):
        path = str(tmp_path / name)
        assert resolver.resolve(path) == os.path.realpath(path)
    assert resolver.resolve(str(tmp_path / "loop")) == str(tmp_path / "loop")
