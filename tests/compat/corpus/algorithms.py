# some real work: sorting, primes, words, matrices
import random

random.seed(7)


def quicksort(items):
    if len(items) <= 1:
        return items
    pivot, *rest = items
    return (
        quicksort([item for item in rest if item < pivot])
        + [pivot]
        + quicksort([item for item in rest if item >= pivot])
    )


def sieve(limit):
    flags = [True] * limit
    for n in range(2, int(limit**0.5) + 1):
        if flags[n]:
            for m in range(n * n, limit, n):
                flags[m] = False
    return [n for n in range(2, limit) if flags[n]]


def bubble(items):
    items = list(items)
    for end in range(len(items) - 1, 0, -1):
        swapped = False
        for i in range(end):
            if items[i] > items[i + 1]:
                items[i], items[i + 1] = items[i + 1], items[i]
                swapped = True
        if not swapped:
            break
    return items


def words(text):
    counts = {}
    for word in text.lower().split():
        word = word.strip(".,")
        if not word:
            continue
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


numbers = [random.randrange(100) for _ in range(40)]
print(quicksort(numbers) == bubble(numbers) == sorted(numbers))
print(sieve(60))
print(words("The cat and the dog, and the bird."))


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


print(max(range(1, 30), key=collatz))
