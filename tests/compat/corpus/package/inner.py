from .sub import SUB


def work(n):
    while n:
        n -= 1
    return SUB
