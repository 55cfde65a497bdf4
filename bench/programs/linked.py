# SPDX-License-Identifier: Apache-2.0
"""Objects: linked lists and a search tree, node by node."""

from __future__ import annotations

from _scale import scaled


class Cell:
    """One cell of a linked list."""

    __slots__ = ("link", "value")

    def __init__(self, value: int, link: Cell | None) -> None:
        self.value = value
        self.link = link


def build(values: range) -> Cell | None:
    """Return the list of the values, last one first."""
    head = None
    for value in values:
        head = Cell(value, head)
    return head


def reverse(head: Cell | None) -> Cell | None:
    """Turn the list round, in place."""
    done = None
    while head is not None:
        rest = head.link
        head.link = done
        done = head
        head = rest
    return done


class Node:
    """A node of a search tree."""

    def __init__(self, key: int) -> None:
        self.key = key
        self.left: Node | None = None
        self.right: Node | None = None

    def insert(self, key: int) -> None:
        """Add the key at its place, unless it is there."""
        node = self
        while key != node.key:
            if key < node.key:
                if node.left is None:
                    node.left = Node(key)
                    return
                node = node.left
            else:
                if node.right is None:
                    node.right = Node(key)
                    return
                node = node.right

    def depth(self) -> int:
        """Return the number of levels."""
        left = self.left.depth() if self.left else 0
        right = self.right.depth() if self.right else 0
        return 1 + max(left, right)


def main(rounds: int) -> None:
    check = 0
    for number in range(rounds):
        head = reverse(build(range(200)))
        while head is not None:
            check = (check * 3 + head.value) % 1_000_003
            head = head.link
        root = Node(500)
        key = number
        for _ in range(120):
            key = (key * 389 + 17) % 1_009
            root.insert(key)
        check += root.depth()
    print(check)


if __name__ == "__main__":
    main(scaled(2_300))
