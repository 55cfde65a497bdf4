# generators and coroutines that are closed while they wait for another
class Pause:
    def __await__(self):
        yield 1


async def waits():
    await Pause()


def inner():
    yield 1
    yield 2


def outer():
    try:
        yield from inner()
    finally:
        print("outer ends")


coroutine = waits()
coroutine.send(None)
coroutine.close()
generator = outer()
print(next(generator))
generator.close()
generator = outer()
next(generator)
del generator
