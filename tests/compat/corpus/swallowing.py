# context managers of contextlib: suppress, contextmanager, ExitStack
import contextlib


@contextlib.contextmanager
def managed(name):
    print("begin", name)
    try:
        yield name.upper()
    except KeyError:
        print("swallowed")
    finally:
        print("end", name)


with managed("one") as upper:
    print(upper)
with managed("two"):
    raise KeyError("x")
try:
    with managed("three"):
        raise ValueError("y")
except ValueError as error:
    print("got", error)
with contextlib.suppress(ZeroDivisionError):
    1 / 0
    print("not here")
with contextlib.ExitStack() as stack:
    for i in range(3):
        stack.callback(print, "callback", i)
    print("stacked")
