# SPDX-License-Identifier: Apache-2.0
"""Dicts and sets: counting words, an index, anagrams, a cache, set algebra."""

from __future__ import annotations

from collections import defaultdict

from _scale import scaled

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru")


def text(count: int) -> list[str]:
    """Return words, the same in each run."""
    words = []
    state = 7
    for _ in range(count):
        state = (state * 75 + 74) % 65_537
        length = state % 3 + 1
        rest = state
        word = ""
        for _ in range(length):
            word += SYLLABLES[rest % 10]
            rest //= 10
        words.append(word)
    return words


def count(words: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        if word in counts:
            counts[word] += 1
        else:
            counts[word] = 1
    return counts


def index(words: list[str]) -> dict[str, set[int]]:
    """Return the pages that each word is on."""
    pages: defaultdict[str, set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        pages[word].add(i // 100)
    return pages


def anagrams(words: set[str]) -> int:
    """Return the number of words that share their letters with another."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for word in words:
        groups.setdefault(tuple(sorted(word)), []).append(word)
    return sum(len(group) for group in groups.values() if len(group) > 1)


def steps(number: int, known: dict[int, int]) -> int:
    """Return the number of halvings and decrements down to 0, remembered."""
    if number not in known:
        smaller = number - 1 if number % 2 else number // 2
        known[number] = 1 + steps(smaller, known)
    return known[number]


def main(rounds: int) -> None:
    check = 0
    for number in range(rounds):
        words = text(1_500 + number)
        counts = count(words)
        pages = index(words)
        common = {word for word, times in counts.items() if times > 3}
        early = {word for word, places in pages.items() if min(places) < 3}
        check += len(common & early) * 3 + len(common ^ early) + len(common - early)
        check += anagrams(common | early)
        known = {0: 0}
        check += sum(steps(times, known) for times in counts.values())
    print(check % 1_000_003)


if __name__ == "__main__":
    main(scaled(250))
