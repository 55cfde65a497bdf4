from collections.abc import Callable, Iterable, Mapping
from types import CodeType, FrameType
from typing import Any, Final, TypeVar, final

from typing_extensions import disjoint_base

_T = TypeVar("_T")

# Tracing.

COUNT: Final = 1
LINES: Final = 2
FUNCTIONS: Final = 4
CALLERS: Final = 8
BRANCHES: Final = 16
PROBE: Final = 32
EVENT: Final = 64
DEBUG: Final = 128
HAS_GIL: Final[int]

@disjoint_base
class Tracer:
    counts: dict[tuple[str, int], int]
    @property
    def branches(
        self,
    ) -> dict[
        tuple[str, tuple[int, int, int | None, int | None], str], dict[bool, int]
    ]: ...
    @property
    def calls(self) -> dict[tuple[str, int, str], int]: ...
    def run(self, cmd: str | CodeType) -> None: ...
    def runctx(
        self,
        cmd: str | CodeType,
        globals: dict[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
    ) -> None: ...
    def runfunc(self, func: Callable[..., _T], /, *args: Any, **kw: Any) -> _T: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def _run_program(
        self, code: CodeType, globals: dict[str, Any], locals: dict[str, Any], /
    ) -> None: ...
    def _end_program(self) -> None: ...
    def _engines_used(self) -> list[tuple[str, int, str, str, str | None]]: ...
    def _event(self, frame: FrameType, why: str, arg: object, /) -> None: ...
    def _called(self, code: CodeType, offset: int, /, *rest: object) -> object: ...
    def _take_over(self, frame: FrameType, why: str, /) -> bool: ...

def function_name(
    code: CodeType, modname: Callable[[str], str], /
) -> tuple[str, str | None, str]: ...
def possible_branches(
    code: CodeType, /
) -> dict[
    tuple[str, tuple[int, int, int | None, int | None], str], dict[bool, int]
]: ...

# Filters.

@final
class Rules:
    def __new__(cls, modules: Iterable[str], folders: Iterable[str]) -> Rules: ...
    def covers_module(self, name: str, /) -> bool: ...
    def covers_file(self, path: str, /) -> bool: ...

# The counts file.

def loads_counts(
    data: bytes, /
) -> tuple[
    dict[tuple[str, int], int],
    dict[tuple[str, str | None, str], int],
    dict[tuple[tuple[str, str | None, str], tuple[str, str | None, str]], int],
]: ...
def dumps_counts(
    counts: dict[tuple[str, int], int],
    calledfuncs: dict[tuple[str, str | None, str], int],
    callers: dict[tuple[tuple[str, str | None, str], tuple[str, str | None, str]], int],
    /,
) -> bytes: ...

# Programs.

def call_alone(function: Callable[..., Any], /, *args: Any) -> tuple[Any, Any]: ...
def end_by(exception: BaseException, /) -> tuple[int, bool]: ...
def exec_once(
    namespace: dict[str, Any],
    execute: Callable[[CodeType, dict[str, Any], dict[str, Any]], object],
    globals: dict[str, Any],
    /,
) -> None: ...
def importer(path: str, /) -> object | None: ...
def interrupt_at_exit() -> None: ...
def join_threads() -> bool: ...
def run_source(source: bytes, filename: str, globals: dict[str, Any], /) -> object: ...

# Reports.

def annotate(
    text: str, hits: dict[int, int], executable: bytes, pragma: str, /
) -> tuple[bytes, int, int]: ...
def code_lines(code: CodeType | bytes, limit: int, /) -> dict[int | None, int]: ...
def docstring_lines(text: str, /) -> dict[int, int]: ...
def executable(text: str, code: CodeType | bytes, /) -> bytes: ...
def group_counts(
    counts: dict[tuple[str, int], int], /
) -> dict[str, dict[int, int]]: ...
def summary(rows: list[tuple[str, int, int, str]], tenths: bool, /) -> str: ...
