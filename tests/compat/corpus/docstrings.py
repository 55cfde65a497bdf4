"""The docstring of the module,

over several lines.
"""
"another string that is not one"


def one_line():
    """A docstring on one line."""


def several_lines():
    """A docstring

    on several lines.
    """
    return 1


def only_string():
    "short"
    "second string"
    x = "assigned"
    return x


def not_called():
    """Never seen."""
    return 2


class Documented:
    """The class."""

    attribute = 1
    """Of the attribute."""

    def method(self):
        r"""Raw \d docstring."""
        if self:
            "a string in a block"
            return None

    async def coroutine(self):
        '''Single quotes
        '''


def formatted():
    f"not a docstring"
    return 3


def joined():
    "one " \
    "two"
    return 4


print(one_line(), several_lines(), only_string(), Documented().method())
print(several_lines.__doc__, formatted(), joined(), joined.__doc__)
