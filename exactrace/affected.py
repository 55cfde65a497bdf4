"""Which tests a change can reach: what they have run, against what Git says changed.

A function whose body has changed affects the tests that ran a line of it. What runs on
import (the rest of a module, or of a class) affects all tests, as it is not known what
they take from there; a new function at the top of a module affects none by itself.
"""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import subprocess

from exactrace import source

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exactrace.results import CoverageResults

ALL = "."  # to pytest: everything
_TESTS = ("test_*.py", "*_test.py")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class AffectedError(Exception):
    """Why it cannot be told, in one line."""


class Repository:
    """The Git repository that a folder is in."""

    def __init__(self, folder: str, revision: str) -> None:
        """Raises AffectedError if there is none, or no such revision."""
        self._folder = folder
        self.top = os.fsdecode(self._git("rev-parse", "--show-toplevel")).rstrip("\n")
        name = ("rev-parse", "--verify", "--quiet", "--end-of-options")
        try:
            commit = self._git(*name, f"{revision}^{{commit}}")
        except AffectedError:
            raise AffectedError(f"git knows no revision {revision!r}") from None
        self._commit = commit.decode("ascii").strip()

    def changed(self) -> list[str]:
        """Return the paths, from the top, of files that are not as they were, with
        those that are new or gone.
        """
        options = ("--name-only", "-z", "--no-renames", "--no-ext-diff")
        diff = self._git("diff", *options, self._commit, "--")
        new = self._git(
            "-C", self.top, "ls-files", "--others", "--exclude-standard", "-z"
        )
        return sorted({os.fsdecode(name) for name in (diff + new).split(b"\0") if name})

    def before(self, path: str) -> bytes | None:
        """Return what a file was, None if it was not there."""
        try:
            return self._git("cat-file", "blob", f"{self._commit}:{path}")
        except AffectedError:
            return None

    def _git(self, *arguments: str) -> bytes:
        command = ["git", "-C", self._folder, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        except OSError as error:
            raise AffectedError(f"git cannot be run: {error.strerror}") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise AffectedError(
                said[0] if said else f"git ended with {done.returncode}"
            )
        return done.stdout


class Affected:
    """What a change can reach."""

    def __init__(self, results: CoverageResults, repository: Repository) -> None:
        """After this, `targets` are arguments for pytest, in order, none of them
        within another: node ids, files, folders, or ALL. `remarks` name what made the
        answer wider than the lines, or is not known: a line on each.
        """
        self.remarks: list[str] = []
        self._targets: set[str] = set()
        self._repository = repository
        self._start = results._start_directory or os.getcwd()
        self._lines: dict[str, dict[str, set[int]]] = {}  # path: context: lines
        self._rest: dict[tuple[str, int], int] = {}  # hits in no context
        self._digests: dict[str, set[str]] = {}
        self._read(results)
        for path in repository.changed():
            self._add(path)
        self.targets = self._ordered()

    def _read(self, results: CoverageResults) -> None:
        for (name, line), hits in results.counts.items():
            place = self._path(name), line
            self._rest[place] = self._rest.get(place, 0) + hits
        for (context, name, line), hits in results.contexts.items():
            path = self._path(name)
            self._lines.setdefault(path, {}).setdefault(context, set()).add(line)
            self._rest[path, line] = self._rest.get((path, line), 0) - hits
        for name, digest in results.sources:
            self._digests.setdefault(self._path(name), set()).add(digest)

    def _path(self, name: str) -> str:
        return os.path.realpath(os.path.join(self._start, name))

    def _ordered(self) -> list[str]:
        """Return the targets without those that others hold."""
        if ALL in self._targets:
            return [ALL]
        kept = []
        for target in sorted(self._targets):
            parts = target.partition("::")[0]
            holders = {parts} if "::" in target else set()
            while parts:
                parts = os.path.dirname(parts)
                holders.add(parts)
            if not holders & self._targets:
                kept.append(target)
        return kept

    def _all(self, reason: str) -> None:
        self._targets.add(ALL)
        self.remarks.append(f"{reason}: all tests")

    def _add(self, path: str) -> None:
        whole = os.path.realpath(os.path.join(self._repository.top, path))
        shown = os.path.relpath(whole, self._start)
        name = os.path.basename(path)
        if not name.endswith(".py"):
            self.remarks.append(f"{shown}: no Python source: not known who reads it")
            return
        try:
            with open(whole, "rb") as file:
                now: bytes | None = file.read()
        except OSError:
            now = None
        if name == "conftest.py":
            folder = os.path.dirname(shown)
            self._targets.add(folder or ALL)
            self.remarks.append(f"{shown}: all tests below its folder")
            return
        if any(fnmatch.fnmatch(name, pattern) for pattern in _TESTS):
            if now is not None:
                self._targets.add(shown)
            return
        self._add_source(whole, shown, self._repository.before(path), now)

    def _add_source(
        self, whole: str, shown: str, before: bytes | None, now: bytes | None
    ) -> None:
        if before is None or now is None:
            if before is not None:
                self._all(f"{shown}: is gone")
            return  # what is new, others have to name: these have changed too
        try:
            old, new = _Scopes(before), _Scopes(now)
        except (*source.DECODE_ERRORS, *source.COMPILE_ERRORS):
            self._all(f"{shown}: cannot be compiled")
            return
        scope = old.differs_on_import(new)
        if scope is not None:
            self._all(f"{shown}: {scope} has changed, which runs on import")
            return
        bodies = old.changed_bodies(new)
        if not bodies:
            return
        digests = self._digests.get(whole, set())
        if digests == {source.digest(before)}:
            recorded = old
        elif digests == {source.digest(now)}:
            recorded = new
        else:
            self._add_file(whole, shown)
            return
        for function in bodies & recorded.functions.keys():
            self._add_lines(whole, shown, function, recorded.lines(function))

    def _add_file(self, whole: str, shown: str) -> None:
        """Add what ran anything of a file that was counted in another state."""
        contexts = self._lines.get(whole, {})
        if not contexts:
            self.remarks.append(f"{shown}: no test has run it")
            return
        self._targets.update(contexts)
        self.remarks.append(
            f"{shown}: was counted in another state: all tests that ran any of it"
        )

    def _add_lines(self, whole: str, shown: str, function: str, lines: range) -> None:
        """Add what ran any of these lines."""
        if any(self._rest.get((whole, line), 0) > 0 for line in lines):
            self._all(f"{shown}: {function}() also ran outside of tests")
            return
        for context, ran in self._lines.get(whole, {}).items():
            if not ran.isdisjoint(lines):
                self._targets.add(context)


class _Scopes:
    """The functions of a module, and what of it runs on import."""

    def __init__(self, data: bytes) -> None:
        text, _ = source.decode(data)
        self.functions: dict[str, list[_Function]] = {}  # by qualified name
        self._shells: dict[str, list[str]] = {}  # of modules and classes, by name
        self._plain: dict[str, str] = {}  # undecorated functions at the top: names
        self._words = frozenset(re.findall(r"\w+", text))
        self._visit(source.parse(text), "")

    def _visit(self, scope: ast.Module | ast.ClassDef, name: str) -> None:
        shell = self._shells.setdefault(name, [])
        if isinstance(scope, ast.ClassDef):
            shell.append(_dump([*scope.bases, *scope.keywords, *scope.decorator_list]))
        for node in scope.body:
            shell += self._shell(node, name)

    def _shell(self, node: ast.stmt, within: str) -> Iterator[str]:
        """Yield what runs of a statement on import, functions' bodies left out."""
        if isinstance(node, _Function):
            full = f"{within}.{node.name}" if within else node.name
            self.functions.setdefault(full, []).append(node)
            header = [node.args, *node.decorator_list]
            text = f"def {node.name}: {_dump(header)} {_dump([node.returns])}"
            if not within and not node.decorator_list:
                self._plain[text] = node.name
            yield text
        elif isinstance(node, ast.ClassDef):
            full = f"{within}.{node.name}" if within else node.name
            self._visit(node, full)
            yield f"class {full}"
        else:
            yield ast.dump(node)

    def differs_on_import(self, other: _Scopes) -> str | None:
        """Return the name of a scope whose statements differ, but for new plain
        functions at the top; None if there is none.
        """
        for name in sorted({*self._shells, *other._shells}):
            mine, others = self._shells.get(name), other._shells.get(name)
            if name == "" and others is not None:
                others = [
                    text
                    for text in others
                    if text not in other._plain or other._plain[text] in self._words
                ]
            if mine != others:
                return f"class {name}" if name else "the module"
        return None

    def changed_bodies(self, other: _Scopes) -> set[str]:
        """Return the names of functions that are not the same."""
        return {
            name
            for name in {*self.functions, *other.functions}
            if [_dump(each.body) for each in self.functions.get(name, [])]
            != [_dump(each.body) for each in other.functions.get(name, [])]
        }

    def lines(self, name: str) -> range:
        """Return the lines of a function's bodies."""
        nodes = self.functions[name]
        first = min(each.body[0].lineno for each in nodes)
        last = max(each.end_lineno or each.lineno for each in nodes)
        return range(first, last + 1)


def _dump(nodes: Sequence[ast.AST | None]) -> str:
    return "\n".join("" if node is None else ast.dump(node) for node in nodes)
