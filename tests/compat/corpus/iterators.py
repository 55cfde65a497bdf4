# iterators by hand, and functions called by C
import functools
import itertools


class Countdown:
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.start <= 0:
            raise StopIteration
        self.start -= 1
        return self.start


class Old:
    def __getitem__(self, index):
        if index > 2:
            raise IndexError
        return index * 10


class Key:
    def __init__(self, value):
        self.value = value

    def __lt__(self, other):
        return self.value < other.value

    def __hash__(self):
        return hash(self.value)

    def __eq__(self, other):
        return self.value == other.value


print(list(Countdown(3)), list(Old()), 20 in Old())
print([key.value for key in sorted([Key(3), Key(1), Key(2)])])
print(len({Key(1), Key(1), Key(2)}), functools.reduce(lambda a, b: a * b, [1, 2, 3]))
print(list(filter(lambda n: n % 2, range(5))), list(map(str, range(3))))
print(list(itertools.takewhile(lambda n: n < 3, Countdown(2))))
print([list(group) for _, group in itertools.groupby("aab", key=lambda c: c)])
try:
    iterator = iter(Countdown(1))
    next(iterator), next(iterator)
except StopIteration:
    print("exhausted")
print(sum(Countdown(4)), max(Countdown(4), default=0), min([], default="none"))
print(callable(Countdown), iter(lambda: 1, 1).__class__.__name__)
