# yield from: values, results, send, throw
def inner(name):
    got = yield f"{name} 1"
    print(name, "got", got)
    try:
        yield f"{name} 2"
    except ValueError:
        yield f"{name} caught"
    return f"{name} result"


def outer():
    first = yield from inner("a")
    print(first)
    second = yield from inner("b")
    print(second)
    yield from [10, 20]
    yield from range(2)
    return "end"


generator = outer()
print(next(generator))
print(generator.send("hello"))
print(generator.throw(ValueError()))
for value in generator:
    print(value)


def tree(depth):
    if depth:
        yield from tree(depth - 1)
        yield depth
        yield from tree(depth - 1)


print(list(tree(3)))


def result():
    return (yield from outer())


print(list(result()))
