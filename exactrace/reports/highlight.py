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

# Over a source in which & < > are escaped: no name of an escape is a keyword. The
# names of the groups are the classes in the style sheet.
_TOKEN = re.compile(
    r"(?P<c>#[^\n]*)"
    rf"|(?P<s>{_STRING})"
    rf"|\b(?:(?P<k>{'|'.join(keyword.kwlist)})"
    r"|(?P<n>\d[\w.]*)"
    rf"|(?P<p>[rRbBfFuUtT]{{1,2}}(?:{_STRING})))(?!\w)"
    r"|(?P<o>^[ \t]*@[\w.]+)",
    re.DOTALL | re.MULTILINE,
)

# What would not be shown, or would be by chance.
_CONTROL = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def lines(text: str) -> list[str]:
    """Return the lines of a source as HTML, each complete in itself. Control
    characters become visible ones, but NUL, which stays as it is.
    """
    if _CONTROL.search(text):
        text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return _TOKEN.sub(_marked, escape(text)).split("\n")


def escape(text: str) -> str:
    """Return what stands for a text between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _marked(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match.group()
    if kind == "p":
        kind = "s"
    if "\n" in text:
        text = text.replace("\n", f"</span>\n<span class={kind}>")
    return f"<span class={kind}>{text}</span>"
