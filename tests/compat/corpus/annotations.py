# annotations of variables, parameters and results
from typing import Generic, Optional, TypeVar

T = TypeVar("T")
count: int = 1
name: "str"
pair: tuple[int, str] = (
    1,
    "a",
)


def annotated(
    a: int,
    b: "Later" = None,
    *args: str,
    **kwargs: dict[str, int],
) -> Optional[int]:
    local: int = a
    unset: str
    return local


class Later(Generic[T]):
    field: int
    other: list[T] = []
    if count:
        conditional: str = "yes"

    def method(self: "Later[T]", value: T) -> T:
        self.kept: T = value
        return value


print(annotated(1), Later().method("x"), count, pair)
print(sorted(annotated.__annotations__), sorted(Later.__annotations__))
