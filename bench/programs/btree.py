# SPDX-License-Identifier: Apache-2.0
"""Objects: a B-tree with splitting nodes; look-ups and walks in order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from _scale import scaled

WIDTH = 8


class Page:
    """A node: sorted keys, and one child more than keys unless it is a leaf."""

    def __init__(self, keys: list[int], children: list[Page]) -> None:
        self.keys = keys
        self.children = children

    def is_full(self) -> bool:
        return len(self.keys) >= WIDTH

    def split(self) -> tuple[int, Page]:
        """Give the upper half away: return the key between, and the new page."""
        middle = len(self.keys) // 2
        key = self.keys[middle]
        right = Page(self.keys[middle + 1 :], self.children[middle + 1 :])
        del self.keys[middle:]
        del self.children[middle + 1 :]
        return key, right


class Tree:
    """A set of numbers."""

    def __init__(self) -> None:
        self.root = Page([], [])
        self.size = 0

    def add(self, key: int) -> None:
        if self.root.is_full():
            middle, right = self.root.split()
            self.root = Page([middle], [self.root, right])
        page = self.root
        while True:
            at = bisect_left(page.keys, key)
            if at < len(page.keys) and page.keys[at] == key:
                return
            if not page.children:
                page.keys.insert(at, key)
                self.size += 1
                return
            child = page.children[at]
            if child.is_full():
                middle, right = child.split()
                page.keys.insert(at, middle)
                page.children.insert(at + 1, right)
                if key == middle:
                    return
                if key > middle:
                    child = right
            page = child

    def __contains__(self, key: int) -> bool:
        page = self.root
        while True:
            at = bisect_left(page.keys, key)
            if at < len(page.keys) and page.keys[at] == key:
                return True
            if not page.children:
                return False
            page = page.children[at]

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        return self.walk(self.root)

    def walk(self, page: Page) -> Iterator[int]:
        """Yield the keys of a page and all below it, in order."""
        if not page.children:
            yield from page.keys
            return
        for child, key in zip(page.children, page.keys):
            yield from self.walk(child)
            yield key
        yield from self.walk(page.children[-1])


def main(keys: int) -> None:
    tree = Tree()
    key = 1
    for _ in range(keys):
        key = (key * 16_807) % 2_147_483_647
        tree.add(key % 50_021)
    found = sum(1 for number in range(0, 50_021, 3) if number in tree)
    check = 0
    for number in tree:
        check = (check * 7 + number) % 1_000_003
    print(len(tree), found, check)


if __name__ == "__main__":
    main(scaled(160_000))
