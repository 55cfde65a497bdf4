# recursion, also mutual and through methods
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def even(n):
    if n == 0:
        return True
    return odd(n - 1)


def odd(n):
    if n == 0:
        return False
    return even(n - 1)


def hanoi(n, a="a", b="b", c="c"):
    if not n:
        return 0
    moves = hanoi(n - 1, a, c, b)
    moves += 1
    moves += hanoi(n - 1, c, b, a)
    return moves


class Node:
    def __init__(self, *children):
        self.children = children

    def size(self):
        return 1 + sum(child.size() for child in self.children)

    def __iter__(self):
        yield self
        for child in self.children:
            yield from child


tree = Node(Node(Node(), Node()), Node())
print(factorial(10), even(7), hanoi(4), tree.size(), len(list(tree)))
