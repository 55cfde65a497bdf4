from types import CodeType

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
def summary(
    rows: list[tuple[str, int, int, str]], tenths: bool, /
) -> str: ...
