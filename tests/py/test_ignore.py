"""Which files are traced: each decided by its own name and path."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import exactrace


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages, whose files have the same base names."""
    for package in ("onepkg", "twopkg"):
        folder = tmp_path / package
        (folder / "inner").mkdir(parents=True)
        (folder / "__init__.py").write_text("x = 1\n")
        (folder / "inner/__init__.py").write_text("y = 1\n")
        (folder / "inner/same.py").write_text("z = 1\n")
        (folder / "same.py").write_text("z = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


IMPORTS = "".join(
    f"import {package}, {package}.same, {package}.inner.same\n"
    for package in ("onepkg", "twopkg")
)


def traced(folder: Path, **options: Any) -> set[str]:
    """Import both packages under a tracer: the files that were traced."""
    for name in list(sys.modules):
        if name.startswith(("onepkg", "twopkg")):
            del sys.modules[name]
    tracer = exactrace.Trace(trace=0, **options)
    main = str(folder / "main.py")
    namespace = {"__name__": "__main__", "__file__": main}
    tracer.runctx(compile(IMPORTS, main, "exec"), namespace, namespace)
    return {
        os.path.relpath(name, folder)
        for name, _ in tracer.counts
        if name.startswith(str(folder))
    }


ONE = {"onepkg/__init__.py", "onepkg/same.py"}
ONE_INNER = {"onepkg/inner/__init__.py", "onepkg/inner/same.py"}
TWO = {"twopkg/__init__.py", "twopkg/same.py"}
TWO_INNER = {"twopkg/inner/__init__.py", "twopkg/inner/same.py"}
ALL = ONE | ONE_INNER | TWO | TWO_INNER | {"main.py"}


@pytest.mark.parametrize(
    ("modules", "ignored"),
    [
        ([], set()),
        (["onepkg"], ONE | ONE_INNER),
        (["onepkg.inner"], ONE_INNER),
        (["onepkg.same"], {"onepkg/same.py"}),
        (["onepk"], set()),
        (["same"], set()),
        (["onepkg.inner", "twopkg"], ONE_INNER | TWO | TWO_INNER),
        (["main"], {"main.py"}),
        ([""], set()),
    ],
)
def test_a_module_rule_covers_the_module_and_those_below(
    packages: Path, modules: list[str], ignored: set[str]
) -> None:
    assert traced(packages, ignoremods=modules) == ALL - ignored


def test_one_init_never_decides_for_another(packages: Path) -> None:
    assert traced(packages, ignoredirs=[str(packages / "onepkg")]) == (
        TWO | TWO_INNER | {"main.py"}
    )


@pytest.mark.parametrize(
    "folder", ["onepkg", "./onepkg", "twopkg/../onepkg", "onepkg/"]
)
def test_a_folder_may_be_relative(packages: Path, folder: str) -> None:
    assert traced(packages, ignoredirs=[folder]) == TWO | TWO_INNER | {"main.py"}


def test_a_folder_may_be_behind_a_link(packages: Path) -> None:
    (packages / "link").symlink_to("onepkg")
    assert traced(packages, ignoredirs=["link"]) == TWO | TWO_INNER | {"main.py"}


def test_a_file_may_be_behind_a_link(
    packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (packages / "onepkg").rename(elsewhere / "real")
    (packages / "onepkg").symlink_to(elsewhere / "real")
    assert traced(packages, ignoredirs=[str(elsewhere)]) == (
        TWO | TWO_INNER | {"main.py"}
    )


def test_the_root_folder_covers_everything(packages: Path) -> None:
    assert traced(packages, ignoredirs=[os.sep]) == set()


def test_a_relative_rule_holds_when_the_program_changes_directory(
    packages: Path,
) -> None:
    tracer = exactrace.Trace(trace=0, ignoredirs=["onepkg"])
    source = "import os\nos.chdir('onepkg')\nimport onepkg.same\n"
    for name in list(sys.modules):
        if name.startswith("onepkg"):
            del sys.modules[name]
    main = str(packages / "main.py")
    tracer.runctx(compile(source, main, "exec"), {"__file__": main})
    assert not [name for name, _ in tracer.counts if "onepkg" in name]


def test_a_module_started_as_main_goes_by_its_real_name(packages: Path) -> None:
    from importlib.machinery import ModuleSpec

    tracer = exactrace.Trace(trace=0, ignoremods=["tool"])
    namespace = {
        "__name__": "__main__",
        "__file__": "/x/tool/__main__.py",
        "__spec__": ModuleSpec("tool.__main__", None),
    }
    tracer.runctx(compile("x = 1", "/x/tool/__main__.py", "exec"), namespace)
    assert tracer.counts == {}


def test_the_standard_ignore_object_remembers_by_base_name() -> None:
    """As the standard module; programs that use it directly see no change."""
    ignore = exactrace._Ignore(["x", "y.z"], [os.path.join("foo", "bar")])
    assert ignore.names("x.py", "x")
    assert not ignore.names("xy.py", "xy")
    assert ignore.names(os.path.join("foo", "bar", "baz.py"), "baz")
    assert ignore.names("elsewhere.py", "baz")
    assert ignore.names("any.py", "<string>")
    assert ignore.names(None, "builtin")
