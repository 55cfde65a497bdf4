# SPDX-License-Identifier: Apache-2.0
"""Text: writing nested data as JSON, and reading it back, without a library."""

from __future__ import annotations

from typing import Any

from _scale import scaled

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
LETTERS = {"n": "\n", "t": "\t"}


def encode(value: Any, parts: list[str]) -> None:
    """Append the pieces of the value's text to `parts`."""
    if value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, int):
        parts.append(str(value))
    elif isinstance(value, str):
        parts.append('"')
        for letter in value:
            parts.append(ESCAPES.get(letter, letter))
        parts.append('"')
    elif isinstance(value, list):
        parts.append("[")
        for i, item in enumerate(value):
            if i:
                parts.append(",")
            encode(item, parts)
        parts.append("]")
    else:
        parts.append("{")
        for i, (key, item) in enumerate(value.items()):
            if i:
                parts.append(",")
            encode(key, parts)
            parts.append(":")
            encode(item, parts)
        parts.append("}")


class Decoder:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def value(self) -> Any:
        letter = self.text[self.at]
        if letter == "{":
            return self.mapping()
        if letter == "[":
            return self.sequence()
        if letter == '"':
            return self.string()
        for word, value in (("null", None), ("true", True), ("false", False)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        return self.number()

    def number(self) -> int:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in "-0123456789":
            self.at += 1
        return int(self.text[start : self.at])

    def string(self) -> str:
        parts = []
        self.at += 1
        while (letter := self.text[self.at]) != '"':
            if letter == "\\":
                self.at += 1
                letter = self.text[self.at]
                letter = LETTERS.get(letter, letter)
            parts.append(letter)
            self.at += 1
        self.at += 1
        return "".join(parts)

    def sequence(self) -> list[Any]:
        items: list[Any] = []
        self.at += 1
        while self.text[self.at] != "]":
            items.append(self.value())
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1
        return items

    def mapping(self) -> dict[str, Any]:
        items: dict[str, Any] = {}
        self.at += 1
        while self.text[self.at] != "}":
            key = self.string()
            self.at += 1
            items[key] = self.value()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1
        return items


def main(rounds: int) -> None:
    check = 0
    for number in range(rounds):
        data = {
            "name": f'number "{number}"\n',
            "values": [number * i for i in range(12)],
            "nested": {"yes": True, "no": False, "none": None, "deep": [[[number]]]},
            "text": "tab\tbackslash\\ plain words and more of them",
        }
        parts: list[str] = []
        encode(data, parts)
        text = "".join(parts)
        if Decoder(text).value() != data:
            raise AssertionError(text)
        check = (check * 3 + len(text)) % 1_000_003
    print(check)


if __name__ == "__main__":
    main(scaled(7_000))
