"""Settings of a project: what is taken, and what is said of what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from exactrace import settings


def project(folder: Path, table: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(f"[project]\nname = 'x'\n[tool.exactrace]\n{table}\n")
    return path


def test_without_a_file_all_is_as_by_default(tmp_path: Path) -> None:
    found = settings.load(str(tmp_path))
    assert (found.file, found.folder) == ("", str(tmp_path))
    assert {key: getattr(found, key) for key in settings.KEYS} == {
        "branch": False,
        "calls": False,
        "data": None,
        "source": (),
        "include": (),
        "omit": (),
        "paths": {},
        "exclude_also": (),
        "fail_under": None,
        "format": "text",
        "precision": 1,
        "skip_covered": False,
        "sort": "name",
    }


def test_every_key_is_taken_from_the_nearest_file_upwards(tmp_path: Path) -> None:
    path = project(
        tmp_path,
        """
        branch = true
        calls = true
        data = "counts"
        source = ["src"]
        include = ["a/*"]
        omit = ["b/*"]
        exclude_also = ["def __repr__"]
        fail_under = 90
        format = "markdown"
        precision = 2
        skip_covered = true
        sort = "-miss"
        [tool.exactrace.paths]
        app = ["src", "/ci/*/src"]
        """,
    )
    deep = tmp_path / "src" / "pkg"
    deep.mkdir(parents=True)
    found = settings.load(str(deep))
    assert (found.file, found.folder) == (str(path), str(tmp_path))
    assert [getattr(found, key) for key in settings.KEYS] == [
        True,
        True,
        "counts",
        ("src",),
        ("a/*",),
        ("b/*",),
        {"app": ("src", "/ci/*/src")},
        ("def __repr__",),
        90.0,
        "markdown",
        2,
        True,
        "-miss",
    ]
    assert found.path("src") == str(tmp_path / "src")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("sorts = true", "has no key 'sorts': is 'sort' meant?"),
        ("zzz = true", "has no key 'zzz'; known: branch, calls,"),
        ("branch = 1", "'branch' in [tool.exactrace] is to be true or false, not 1"),
        ("source = 'src'", "is to be a list of strings, not 'src'"),
        ("omit = [1]", "is to be a list of strings, not [1]"),
        ("exclude_also = ['(']", "a list of regular expressions, not ['('] ('(': "),
        ("fail_under = 101", "is to be a number from 0 to 100, not 101"),
        ("fail_under = nan", "is to be a number from 0 to 100, not nan"),
        ("precision = 1.5", "a number of digits from 0 to 9, not 1.5"),
        ("sort = 'size'", "one of name, stmts, miss, cover, hits, or '-' and"),
        ("format = 'pdf'", "is to be one of text, markdown, total, not 'pdf'"),
        ("data = ''", "is to be the name of a folder, not ''"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, table: str, message: str) -> None:
    path = project(tmp_path, table)
    with pytest.raises(settings.SettingsError) as raised:
        settings.load(str(tmp_path))
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [b"[tool.exactrace\n", b"\xff [tool.exactrace]\n", b"exactrace" + b"=[" * 9999],
)
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(settings.SettingsError, match=r"cannot read '.*pyproject.toml'"):
        settings.load(str(tmp_path))


@pytest.mark.parametrize(
    "content", ["[tool]\nx = 1\n", "# exactrace\ntool = 1\n", "[other\n", ""]
)
def test_files_that_say_nothing_to_us_are_passed_over(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(content)
    assert settings.load(str(tmp_path)).file == ""


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\nexactrace = 1\n")
    with pytest.raises(settings.SettingsError, match="is to be a table"):
        settings.load(str(tmp_path))
