# type aliases and type parameters (PEP 695), f-strings of PEP 701
type Pair[T] = tuple[T, T]
type Nested = list[Nested] | int


def first[T](items: list[T]) -> T:
    return items[0]


class Box[T: (int, str), *Ts, **P]:
    content: T

    def __init__(self, content: T) -> None:
        self.content = content

    def map[U](self, function) -> "Box[U]":
        return Box(function(self.content))


print(first([1, 2]), Box(1).map(str).content, Pair.__value__, Nested.__value__)
print(f"{'a' + f"{'b' + f"{'c'}"}"} {"\n".join([
    'x',
    'y',  # a comment
])}")
