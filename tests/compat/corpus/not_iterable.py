# iterating over what cannot be iterated, in all sorts of places
def expression():
    a = 1
    try:
        g = (a for d in a)
        next(g)
    except TypeError:
        print("generator expression")
    b = 2
    for i in range(3):
        b += i
    return b


def comprehension():
    for wrong in (1, None, 2.5):
        try:
            [x for x in wrong]
        except TypeError as error:
            print(error)
    try:
        for x in 5:
            print("never")
    except TypeError:
        print("loop")
    try:
        a, b = 5
    except TypeError:
        print("unpacking")
    try:
        print(*5)
    except TypeError:
        print("star")
    return "end"


def generator():
    try:
        yield from 5
    except TypeError:
        yield "delegation"
    yield "after"


class Bad:
    def __iter__(self):
        raise ValueError("no")

    def __enter__(self):
        raise KeyError("not entered")

    def __exit__(self, *error):
        print("never")


print(expression(), comprehension(), list(generator()))
try:
    print(sum(x for x in Bad()))
except ValueError as error:
    print(error)
try:
    with Bad():
        print("never")
except KeyError as error:
    print(error)
print("end")
