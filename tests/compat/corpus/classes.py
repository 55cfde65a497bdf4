"""Classes: inheritance, super, class bodies with statements, metaclasses."""


class Meta(type):
    """A metaclass."""

    def __new__(mcls, name, bases, namespace, **options):
        print("making", name, sorted(options))
        return super().__new__(mcls, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)

    def __call__(cls, *args):
        print("calling", cls.__name__)
        return super().__call__(*args)

    @classmethod
    def __prepare__(mcls, name, bases, **options):
        return {"prepared": name}


class Base(metaclass=Meta):
    """The base."""

    count = 0
    if count:
        unreached = True
    else:
        reached = True
    for letter in "ab":
        count += 1
    try:
        missing
    except NameError:
        missing = None

    def __init__(self, value):
        self.value = value
        type(self).count += 1

    def describe(self):
        return f"{type(self).__name__} {self.value}"

    def __repr__(self):
        return self.describe()


class Derived(Base, option=1):
    def describe(self):
        return "derived " + super().describe()

    class Inner:
        def method(self):
            return __class__.__qualname__


class Registered:
    known = []

    def __init_subclass__(cls, /, **options):
        super().__init_subclass__(**options)
        cls.known.append(cls.__name__)


class First(Registered): pass


class Second(Registered):
    x: int = 1
    y: "str"


class Empty:
    ...


print(Base(1), Derived(2), Derived.Inner().method(), Base.prepared)
print(Base.count, Base.letter, Registered.known, Second.x)


def factory(name):
    class Made:
        label = name

        def show(self):
            return self.label

    Made.__name__ = name
    return Made


print(factory("A")().show(), factory("B")().show())
print(type("Dynamic", (Base,), {"x": 1})(5))
