# f-strings and other strings, on one line and on several
name, width, number = "world", 10, 3.14159
print(f"hello {name}")
print(f"{name!r:>{width}} {number:.2f} {{braces}} {name.upper()}")
print(f"{number=:.1f} {1 + 1 = }")
print(
    f"first {name}"
    f" second {number:.3f}"
    " third"
)
text = f"""
a {name}
b {
    number
    + 1
:.1f}
c
"""
print(text)
print("""plain
over lines
""", "after")
long = (
    "one "
    "two "
    "three"
)
print(long, b"bytes" rb"\raw", r"\n", "\N{BULLET}".encode())
print("%s and %d" % (name, 2), "{} {x}".format(1, x=2))
print(f"{[f'{n}' for n in range(2)]} {(lambda: 'called')()}")
print(f"{'nested ' + f'{name}'}")


def method(x):
    return f"""{
        x
    } and {
        x
        * 2
    }"""


print(method(2))
