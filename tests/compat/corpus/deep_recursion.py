# recursion that is deep, and that is too deep
import sys


def down(n):
    if n == 0:
        return 0
    return 1 + down(n - 1)


def forever(n):
    return forever(n + 1) + 1


print(down(300))
sys.setrecursionlimit(400)
try:
    print(down(200))
finally:
    sys.setrecursionlimit(1000)


def generator(n):
    if n:
        yield from generator(n - 1)
    yield n


print(sum(generator(100)))
