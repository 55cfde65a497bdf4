# methods of all kinds, properties, descriptors, slots, operators
class Descriptor:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return getattr(instance, self.name, "unset")

    def __set__(self, instance, value):
        setattr(instance, self.name, value)

    def __delete__(self, instance):
        delattr(instance, self.name)


class Members:
    field = Descriptor()

    def __init__(self):
        self._size = 0

    def instance(self):
        return "instance"

    @classmethod
    def of_class(cls):
        return cls.__name__

    @staticmethod
    def static():
        return "static"

    @property
    def size(self):
        return self._size

    @size.setter
    def size(self, value):
        self._size = value

    @size.deleter
    def size(self):
        self._size = 0

    def __getattr__(self, name):
        if name.startswith("magic"):
            return name.upper()
        raise AttributeError(name)

    def __getitem__(self, key):
        return key

    def __call__(self, *args):
        return args

    def __len__(self):
        return 3

    def __bool__(self):
        return False

    def __iter__(self):
        yield from "abc"

    def __contains__(self, item):
        return item == 1

    def __add__(self, other):
        return "added"

    __radd__ = __add__

    def __iadd__(self, other):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 1


m = Members()
print(m.instance(), m.of_class(), Members.static())
m.size = 4
print(m.size)
del m.size
print(m.size, m.magic, m[1:2, 3], m(1, 2), len(m), bool(m), list(m))
print(1 in m, m + 1, 1 + m)
m += 1
with m as n:
    print(n is m)
m.field = "set"
print(m.field)
del m.field
print(m.field, type(Members.field).__name__)
try:
    m.nothing
except AttributeError as error:
    print(error)
print(Slotted().a)
print(m.instance.__func__ is Members.instance)
