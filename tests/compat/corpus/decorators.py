# decorators: plain, with arguments, stacked, on classes, on methods
import functools


def plain(function):
    @functools.wraps(function)
    def wrapper(*args):
        print("calling", function.__name__)
        return function(*args)

    return wrapper


def with_arguments(times, word="again"):
    def decorate(function):
        def wrapper(*args):
            for _ in range(times):
                print(word)
                result = function(*args)
            return result

        return wrapper

    return decorate


def mark(cls):
    cls.marked = True
    return cls


@plain
def one():
    return 1


@plain
@with_arguments(
    2,
    word="twice",
)
def two(x):
    return x


@mark
@functools.total_ordering
class Ordered:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n

    @plain
    def __lt__(self, other):
        return self.n < other.n


@(lambda function: function)
def three(): return 3


print(one(), two("x"), three())
print(Ordered(1) < Ordered(2), Ordered(1) >= Ordered(2), Ordered.marked)


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


print(fib(15))
