"""Colours for Python sources in HTML.

One regular expression goes over the whole source. That is exact enough for colours,
and takes a small part of the time of a lexer.
"""

from __future__ import annotations

import keyword
import re

# A string, to its end, or else to that of the line or the source.
_STRING = (
    r"'''(?:[^\\']++|\\.|'(?!''))*+(?:''')?"
    r'|"""(?:[^\\"]++|\\.|"(?!""))*+(?:""")?'
    r"|'(?:[^\\'\n]++|\\.)*+'?"
    r'|"(?:[^\\"\n]++|\\.)*+"?'
)
_PREFIX = "[rRbBfFuUtT]{1,2}"
_WORD = r"[a-zA-Z0-9_\x80-\U0010ffff]"  # a part of one: faster than \w
_KEYWORD = rf"(?:{'|'.join(keyword.kwlist)})(?!{_WORD})"
_FIRST = "".join(sorted({word[0] for word in keyword.kwlist}))

# Over a source in which & < > are escaped: no name of an escape is a keyword. What has
# no colour comes first, with all words that have none at once: else, each place in it
# would be tried. It ends only where the second part matches, or else the search would
# go on within a word.
_TOKEN = re.compile(
    rf"((?:[^a-zA-Z0-9_\x80-\U0010ffff#'\"\n]++|\n(?![ \t]*+@[\w.])"
    rf"|(?!(?=[{_FIRST}rRbBfFuUtT0-9])(?:{_KEYWORD}|[0-9]|{_PREFIX}['\"])){_WORD}++)*+)"
    rf"(#[^\n]*+|{_STRING}|{_KEYWORD}|[0-9][a-zA-Z0-9_.]*+|{_PREFIX}(?:{_STRING})"
    rf"(?!{_WORD})|\n[ \t]*+@[\w.]++|\Z)",
    re.DOTALL,
)

# What would not be shown, or would be by chance.
_CONTROL = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def lines(text: str) -> list[str]:
    """Return the lines of a source as HTML, each complete in itself. Control
    characters become visible ones, but NUL, which stays as it is.
    """
    if _CONTROL.search(text):
        text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    parts = _TOKEN.split("\n" + escape(text))  # what is between, without, with colour
    parts[2::3] = map(_SPANS.__getitem__, parts[2::3])
    return "".join(parts).split("\n")[1:]


def escape(text: str) -> str:
    """Return what stands for a text between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Spans(dict[str, str]):
    """What stands for a token; kept for those that are few. The classes are those of
    the style sheet.
    """

    def __init__(self) -> None:
        self[""] = ""  # at the end
        self.update((word, f"<span class=k>{word}</span>") for word in keyword.kwlist)

    def __missing__(self, token: str) -> str:
        first = token[0]
        if first == "#":
            return f"<span class=c>{token}</span>"
        if first == "\n":
            return f"\n<span class=o>{token[1:]}</span>"
        if first in "0123456789":
            return f"<span class=n>{token}</span>"
        if "\n" in token:
            token = token.replace("\n", "</span>\n<span class=s>")
        return f"<span class=s>{token}</span>"


_SPANS = _Spans()
