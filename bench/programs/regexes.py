# SPDX-License-Identifier: Apache-2.0
"""Text: reading the lines of a log with regular expressions."""

from __future__ import annotations

import re
from collections import Counter

from _scale import scaled

LINE = re.compile(
    r"(?P<host>\S+) \[(?P<day>\d+)/(?P<hour>\d+):(?P<minute>\d+)\] "
    r'"(?P<verb>[A-Z]+) (?P<path>[^ "]+)" (?P<status>\d{3}) (?P<size>\d+|-)'
)
FIELD = re.compile(r"([a-z]+)=([^&]*)")


def make_line(number: int) -> str:
    """Return a line of the log; some are damaged."""
    verb = ("GET", "POST", "PUT")[number % 3]
    size = "-" if number % 11 == 0 else str(number * 37 % 9_000)
    path = f"/page/{number % 17}?user={number % 29}&lang=l{number % 5}"
    end = "" if number % 23 else "broken"
    stamp = f"{number % 30}/{number % 24}:{number % 60}"
    return (
        f'h{number % 13} [{stamp}] "{verb} {path}" {200 + number % 5 * 100} {size}{end}'
    )


def shorten(match: re.Match[str]) -> str:
    name, value = match.groups()
    if name == "user":
        return f"{name}=#{len(value)}"
    return f"{name}={value.upper()}"


class Log:
    """What is known of a log."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.sizes = 0
        self.damaged = 0
        self.letters = 0

    def read(self, line: str) -> None:
        match = LINE.fullmatch(line)
        if match is None:
            self.damaged += 1
            return
        self.hits[match["verb"]] += 1
        self.hits[match["status"]] += 1
        if match["size"] != "-":
            self.sizes += int(match["size"])
        path = FIELD.sub(shorten, match["path"])
        for field in path.split("?")[-1].split("&"):
            self.letters += len(field)


def main(lines: int) -> None:
    log = Log()
    for number in range(lines):
        log.read(make_line(number))
    print(sorted(log.hits.items()), log.sizes, log.damaged, log.letters)


if __name__ == "__main__":
    main(scaled(56_000))
