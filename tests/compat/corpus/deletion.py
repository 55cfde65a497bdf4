# del in all its forms
a = b = 1
things = [0, 1, 2, 3, 4, 5]
table = {"x": 1, "y": 2}
del a
del things[0], things[1:3]
del table["x"], (b)
print(things, table)


class Holder:
    def __delattr__(self, name):
        print("deleting", name)
        super().__delattr__(name)

    def __delitem__(self, key):
        print("deleting", key)

    def __del__(self):
        print("gone")


holder = Holder()
holder.x = 1
del holder.x
del holder["key"]
del holder
try:
    a
except NameError as error:
    print(error)


def local():
    x = 1
    del x
    try:
        x
    except UnboundLocalError:
        print("unbound")


local()
