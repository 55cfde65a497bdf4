# all kinds of parameters and calls
def everything(a, b=2, /, c=3, *rest, d, e=5, **others):
    return a, b, c, rest, d, e, others


def keyword_only(*, x, y=1):
    return x, y


def default(
    value=[1],
    other={
        "key": "value",
    },
):
    value.append(len(other))
    return value


print(everything(1, d=4))
print(everything(1, 20, 30, 40, 50, d=4, f=6))
print(everything(*[1, 2], *(3,), d=4, **{"g": 7}, **{"h": 8}))
print(keyword_only(x=1), keyword_only(**{"x": 2, "y": 3}))
print(default(), default(), default([]))
print(
    everything(
        1,
        2,
        *range(2),
        d=sum(
            [
                1,
                2,
            ]
        ),
    )
)
try:
    everything()
except TypeError as error:
    print(error)
a, *b, c = everything(1, d=2)
(x, [y, *z]), w = (1, [2, 3, 4]), 5
print(a, b, c, x, y, z, w)
print([*range(2), *"ab"], {**{"a": 1}, "b": 2}, {*[1, 1]}, (*"x",))
