# SPDX-License-Identifier: Apache-2.0
"""Text: building, wrapping, ciphers, roman numerals, run lengths."""

from _scale import scaled

WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    "while",
    "seven",
    "wizards",
    "brew",
    "ale",
]
NUMERALS = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def wrap(words: list[str], width: int) -> list[str]:
    """Return lines of at most `width` letters."""
    lines = []
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > width:
            lines.append(line.ljust(width))
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        lines.append(line.ljust(width))
    return lines


def shift(text: str, by: int) -> str:
    """Return the text with each letter moved on in the alphabet."""
    result = ""
    for letter in text:
        if "a" <= letter <= "z":
            result += chr((ord(letter) - 97 + by) % 26 + 97)
        else:
            result += letter
    return result


def roman(number: int) -> str:
    parts = []
    for value, numeral in NUMERALS:
        while number >= value:
            parts.append(numeral)
            number -= value
    return "".join(parts)


def run_lengths(text: str) -> str:
    """Return each run of a letter as the letter and its length."""
    parts = []
    last = ""
    count = 0
    for letter in text:
        if letter == last:
            count += 1
            continue
        if last:
            parts.append(f"{last}{count}")
        last = letter
        count = 1
    parts.append(f"{last}{count}")
    return "".join(parts)


def main(rounds: int) -> None:
    check = 0
    for number in range(rounds):
        turned = WORDS[number % 14 :] + WORDS[: number % 14]
        lines = wrap(turned, 20 + number % 9)
        secret = shift("\n".join(lines), number % 26)
        packed = run_lengths(secret) + roman(number % 3999)
        check = (check * 7 + len(packed) + ord(packed[number % 40])) % 1_000_003
    print(check)


if __name__ == "__main__":
    main(scaled(13_000))
