# SPDX-License-Identifier: Apache-2.0
"""Text: a tokeniser, a parser by recursive descent, and an evaluator."""

from __future__ import annotations

from _scale import scaled

Token = tuple[str, str]
Tree = tuple[object, ...]


def tokenise(text: str) -> list[Token]:
    """Cut the text into (kind, text) pairs."""
    tokens = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter.isspace():
            at += 1
        elif letter.isdigit():
            start = at
            while at < len(text) and text[at].isdigit():
                at += 1
            tokens.append(("number", text[start:at]))
        elif letter.isalpha() or letter == "_":
            start = at
            while at < len(text) and (text[at].isalnum() or text[at] == "_"):
                at += 1
            tokens.append(("name", text[start:at]))
        elif letter in "+-*/()=":
            tokens.append(("sign", letter))
            at += 1
        else:
            raise SyntaxError(letter)
    tokens.append(("end", ""))
    return tokens


class Parser:
    """Makes a tree of tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def statement(self) -> Tree:
        if self.tokens[self.at + 1] == ("sign", "="):
            _, name = self.take()
            self.take()
            return "set", name, self.sum()
        return "show", self.sum()

    def sum(self) -> Tree:
        tree = self.term()
        while self.peek() in ("+", "-"):
            _, sign = self.take()
            tree = sign, tree, self.term()
        return tree

    def term(self) -> Tree:
        tree = self.factor()
        while self.peek() in ("*", "/"):
            _, sign = self.take()
            tree = sign, tree, self.factor()
        return tree

    def factor(self) -> Tree:
        kind, text = self.take()
        if kind == "number":
            return "number", int(text)
        if kind == "name":
            return "name", text
        if text == "-":
            return "-", ("number", 0), self.factor()
        tree = self.sum()
        self.take()
        return tree


def evaluate(tree: Tree, names: dict[str, int]) -> int:
    """Return the value of a tree, modulo a prime."""
    kind = tree[0]
    if kind == "number":
        return tree[1]  # type: ignore[return-value]
    if kind == "name":
        return names.get(tree[1], 0)  # type: ignore[call-overload,no-any-return]
    left = evaluate(tree[1], names)  # type: ignore[arg-type]
    right = evaluate(tree[2], names)  # type: ignore[arg-type]
    if kind == "+":
        value = left + right
    elif kind == "-":
        value = left - right
    elif kind == "*":
        value = left * right
    else:
        value = left // (right or 1)
    return value % 1_000_003


PROGRAM = """
width = 12 + 3 * (7 - 2)
height = width * width - 41 / (3 + 2) * 2
total_area = (width + 1) * (height + 1) - -5 * width
total_area * 3 + width / 7 - (height - (2 * (3 + total_area)))
"""


def main(rounds: int) -> None:
    check = 0
    for number in range(rounds):
        names = {"start": number}
        for line in PROGRAM.split("\n"):
            if not line:
                continue
            tree = Parser(tokenise(f"{line} + start * {number}")).statement()
            if tree[0] == "set":
                names[tree[1]] = evaluate(tree[2], names)  # type: ignore
            else:
                check = (check + evaluate(tree[1], names)) % 1_000_003  # type: ignore
    print(check)


if __name__ == "__main__":
    main(scaled(5_400))
