# coroutines, driven by hand: no event loop is needed
class Pause:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        got = yield self.value
        return got


class Numbers:
    def __init__(self, stop):
        self.current, self.stop = 0, stop

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.current >= self.stop:
            raise StopAsyncIteration
        self.current += 1
        await Pause("next")
        return self.current


class Resource:
    async def __aenter__(self):
        await Pause("enter")
        return "resource"

    async def __aexit__(self, *error):
        await Pause("exit")
        return error[0] is KeyError


async def numbers(stop):
    for i in range(stop):
        yield i
        await Pause(i)


async def main():
    print(await Pause("start"))
    async for number in Numbers(2):
        print(number)
    else:
        print("no more")
    async with Resource() as resource:
        print(resource)
    async with Resource(), Resource() as second:
        raise KeyError(second)
    async for i in numbers(3):
        if i == 2:
            break
        if i == 0:
            continue
        print("generated", i)
    print([i async for i in numbers(3) if i])
    print({i: await Pause(i) async for i in numbers(2)})
    print([await Pause(i) for i in range(2)])
    try:
        await fails()
    except ValueError as error:
        print(error)
    return "done"


async def fails():
    await Pause("before")
    raise ValueError("from a coroutine")


def drive(coroutine):
    value = None
    while True:
        try:
            value = coroutine.send(value)
        except StopIteration as stop:
            return stop.value


print(drive(main()))
