# template strings (PEP 750), exceptions without brackets (PEP 758),
# annotations that are evaluated late (PEP 649)
name = "template"
template = t"hello {name!r:>10} and {
    name
    + '!'
}"
print(template.strings, [part.value for part in template.interpolations])
try:
    {}["x"]
except KeyError, ValueError:
    print("caught")


def late(a: not_yet, b: list[not_yet] = ()) -> not_yet:
    c: nobody = a
    return c


class Record:
    field: not_yet
    other: int = 1


not_yet = int
print(late(1), late.__annotations__, Record.__annotations__)
