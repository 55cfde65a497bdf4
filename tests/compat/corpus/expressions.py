# expressions over several lines: calls, operators, subscripts, displays
def add(*numbers):
    return sum(numbers)


def fail():
    raise ValueError("on purpose")


print(add(
    1,
    add(2,
        3),
    4,
))
result = (
    add(1)
    + add(2)
    * add(3)
    - add(
        4
    )
)
print(result)
items = [
    add(1),
    [
        add(2),
    ],
    {
        "key": add(3),
        add(4): "value",
    },
]
print(items
      [1]
      [0])
print(
    "a"
    .upper()
    .lower()
    .replace(
        "a",
        "b",
    )
)
chosen = (
    add(1)
    if add(0)
    else add(2)
)
print(chosen)
print(
    add(1)
    and add(0)
    or add(5)
    or fail()
)
try:
    add(
        1,
        fail(),
        2,
    )
except ValueError as error:
    print(error)
print(1 < add(2)
      < add(3) > 0)
x = y = \
    add(7)
print(x, y)
items[
    0
] += add(
    1
)
print(items[0], not items, -x, ~x, x if x else y)
print(x
      is
      y, x not in
      items)
