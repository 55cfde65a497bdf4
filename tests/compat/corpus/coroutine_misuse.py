# generators that raise, return early, or are entered twice
def raises():
    yield 1
    raise ValueError("inside")


def stops():
    yield 1
    raise StopIteration


def returns_at_once():
    return
    yield


def reenters():
    yield next(generator)


for function in (raises, stops):
    try:
        for value in function():
            print(value)
    except (ValueError, RuntimeError) as error:
        print(type(error).__name__, error)
print(list(returns_at_once()))
generator = reenters()
try:
    next(generator)
except ValueError as error:
    print(error)


def ignores_exit():
    try:
        yield 1
    except GeneratorExit:
        yield 2


generator = ignores_exit()
next(generator)
try:
    generator.close()
except RuntimeError as error:
    print(error)
