"""Programs whose bytes matter, and which editors or formatters would change."""

from __future__ import annotations

BODY = (
    "def twice(n):\n    if n:\n        return n * 2\n    return 0\n\nprint(twice(2))\n"
)


def _very_long() -> str:
    """A program of a few thousand lines."""
    parts = ["total = 0\n"]
    parts += [
        f"def function_{n}(x):\n"
        f"    if x == {n}:\n"
        f"        return {n}\n"
        f"    return x + {n}\n"
        for n in range(600)
    ]
    parts += [f"total += function_{n}({n % 7})\n" for n in range(600)]
    return "".join(parts) + "print(total)\n"


ODD_PROGRAMS: dict[str, bytes] = {
    "empty.py": b"",
    "one_newline.py": b"\n",
    "only_comments.py": b"# nothing\n\n   # here\n",
    "only_docstring.py": b'"""Only a docstring."""\n',
    "no_final_newline.py": b"x = 1\nprint(x)",
    "comment_without_newline.py": b"print(1)\n# end",
    "crlf.py": BODY.replace("\n", "\r\n").encode(),
    "cr.py": BODY.replace("\n", "\r").encode(),
    "mixed_newlines.py": b"a = 1\r\nb = 2\rc = 3\nprint(a, b, c)\r\n",
    "latin_1.py": (
        "# -*- coding: latin-1 -*-\n"
        "def gr\xfc\xdfe(n='\xe9'):\n    if n:\n        return ascii(n)\n    return 1\n"
        "print(gr\xfc\xdfe())\n"
    ).encode("latin-1"),
    "iso_8859_15.py": (
        "#!/usr/bin/env python\n# vim: set fileencoding=iso-8859-15 :\n"
        "price = '\u20ac 5'\nprint(ascii(price))\n"
    ).encode("iso-8859-15"),
    "byte_order_mark.py": "\ufeff# marked\nprint('\u00e4'.isalpha())\n".encode(),
    "non_ascii_names.py": (
        "class \u00c4pfel:\n    def z\u00e4hle(self):\n        return 'f\u00fcnf'\n"
        "\u03c0 = 3.14\n\u540d\u524d = '\u65e5\u672c'\n"
        "def \U0001d453():\n    return \u540d\u524d\n"
        "print(ascii((\u00c4pfel().z\u00e4hle(), \u03c0, f())))\n"
    ).encode(),
    "wide_characters.py": (
        "text = '\U0001f600\u0301'\t# \U0001f600 after a tab\n"
        "if len(text) == 2:\n\tprint('two')\t# tab\nelse:\n\tprint('\u2028')\n"
    ).encode(),
    "separators.py": (
        "a = 'next\x85line'\nb = 'line\u2028separator\u2029'\nc = 'unit\x1fand\x1c'\n"
        "print(ascii(a + b + c))\nif not a:\n    print('no')\n"
    ).encode(),
    "form_feeds.py": (
        b"x = 1\n\x0c\ndef f():\n    return 1\n\x0c\nif x:\n    print(f())\x0c\n"
        b"\x0cprint('after a form feed')\n"
    ),
    "vertical_tab.py": b"# a\x0bb\nprint('v\x0bt'.split())\n",
    "tabs.py": (
        b"if True:\n\tx = 1\n\tif x:\n\t\tprint('tabs')\t\t# end\n\telse:\n"
        b"\t\tprint('no')\n"
        b"def f():\n        return 'spaces'\nprint(f())\n"
    ),
    "continued_lines.py": (
        b"a = 1 + \\\n    2 + \\\n\\\n    3\n\n\nif a == 6 and \\\n   a > 1:\n"
        b"    print(a)\nassert a \\\n  == 6\nfrom os import \\\n    path\n"
        b"for i in \\\n  range(2): \\\n  print(i)\ndel a, \\\n  i\n"
    ),
    "one_liners.py": (
        b"if True: print('if')\nelse: print('else')\n"
        b"for i in range(3): print(i); i += 1\n"
        b"while i > 0: i -= 1\n"
        b"def f(x): return x\ndef g(x): x += 1; return x\n"
        b"class C: x = 1; y = 2\nclass D(C): pass\n"
        b"try: f(1 / 0)\nexcept ZeroDivisionError: print('zero')\n"
        b"finally: print('finally')\n"
        b"with open(__file__) as file: file.read()\n"
        b"h = lambda: 1; print(h(), f(2), g(3), C.y)\n"
        b"if f(0): pass\nelif f(1): print('elif')\n"
        b"match i:\n    case 0: print('zero')\n    case _: print('rest')\n"
    ),
    "semicolons.py": (
        b"a = 1; b = 2; print(a); print(b);\n"
        b"def f(): a = 1; b = 2; return a + b\nprint(f()); print(f())\n"
        b"if a: b = 3; print(b)\nimport os; import sys; print(os is sys)\n"
    ),
    "blank_lines.py": b"\n\n\n  \nx = 1\n\t\n\n\nif x:\n\n\n    print(x)\n\n\n\n",
    "pragmas.py": (
        b"def f(x):\n    if x:  #pragma NO COVER\n        return 1  #pragma NO COVER\n"
        b"    return 2  # pragma: no cover\nprint(f(0))\n"
        b"if not f:\n    print('never')\n    print('nor') #pragma NO COVER here\n"
    ),
    "large_counts.py": (
        b"n = 0\nfor i in range(120000):\n    n += 1\nif n == 1:\n    print('no')\n"
    ),
    "many_lines.py": _very_long().encode(),
    "long_line.py": b"x = [" + b"1, " * 5000 + b"]\nprint(len(x))\n",
    "deep_nesting.py": "".join(
        [" " * n + f"if {n} >= 0:\n" for n in range(18)]
        + [" " * 18 + "print('deep')\n"]
    ).encode(),
    "name with spaces.py": b"import sys\nprint(sys.argv)\n",
    "dotted.name.py": b"def f():\n    return 1\nprint(f())\n",
    "without_extension": b"def f():\n    return 1\nprint(f())\n",
    "percent_%s_{x}.py": b"print('percent %d')\n",
    "line_directive.py": (
        b"print('nested quotes \"\"\"', '''\n''')\nx = '''\n# not a comment\n'''\n"
        b"def f():\n    '''doc''' ; return 1\nprint(f())\n"
    ),
}
"""File name -> content."""
