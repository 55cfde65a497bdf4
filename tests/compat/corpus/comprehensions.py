# list, set, dict comprehensions and generator expressions, nested
squares = [n * n for n in range(5)]
evens = {n for n in squares if n % 2 == 0}
table = {n: {m: n * m for m in range(2)} for n in range(3)}
flat = [item for row in [[1, 2], [3]] for item in row if item != 2]
print(squares, sorted(evens), table, flat)
print(sum(n for n in squares))
print(
    [
        (a, b)
        for a in range(3)
        if a
        for b in range(a)
        if b < 2
    ]
)
matrix = [[x * y for y in range(3)] for x in range(3)]
print([list(row) for row in zip(*matrix)])
print(any(n > 3 for n in range(10)), all(n > 3 for n in range(10)))


def local(names):
    seen = [name for name in names if name not in "ab"]
    lengths = {
        name: len(name)
        for name in names
    }
    return seen, lengths, [lambda: i for i in range(2)][0]()


print(local(["a", "bc", "d"]))


class Body:
    sizes = [1, 2]
    doubled = [size * 2 for size in sizes]
    pairs = list((a, a) for a in sizes)


print(Body.doubled, Body.pairs)
print([y for x in "ab" if (y := x.upper())])
lazy = (print("worked", n) for n in range(2))
next(lazy)
try:
    print([1 // n for n in (1, 0)])
except ZeroDivisionError:
    print("in a comprehension")
