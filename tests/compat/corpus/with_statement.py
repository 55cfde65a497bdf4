# with: one, several, nested, swallowing, on several lines
class Managed:
    def __init__(self, name, swallow=False):
        self.name = name
        self.swallow = swallow

    def __enter__(self):
        print("enter", self.name)
        return self

    def __exit__(self, kind, value, traceback):
        print("exit", self.name, kind and kind.__name__)
        return self.swallow


with Managed("a"):
    print("body")

with Managed("b") as b, Managed("c") as c:
    print(b.name, c.name)

with (
    Managed("d") as d,
    Managed("e", swallow=True),
):
    print(d.name)
    raise ValueError

with Managed("f", swallow=True):
    raise KeyError
print("after")


def leave(how):
    for i in range(2):
        with Managed(how):
            if how == "return":
                return i
            if how == "break":
                break
            if how == "continue":
                continue
            print("here")
    return "end"


for how in ("return", "break", "continue", "stay"):
    print(leave(how))

try:
    with Managed("g"):
        1 / 0
except ZeroDivisionError:
    print("through")

with Managed("h"):
    pass
with Managed("i") as i: print(i.name)
