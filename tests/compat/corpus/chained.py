# raise from, implicit context, suppressed context
def convert(text):
    try:
        return int(text)
    except ValueError as error:
        raise RuntimeError(f"cannot convert {text}") from error


def implicit():
    try:
        {}["missing"]
    except KeyError:
        undefined_name  # noqa: F821


def hidden():
    try:
        [][0]
    except IndexError:
        raise LookupError("hidden") from None


for function in (lambda: convert("x"), implicit, hidden):
    try:
        function()
    except Exception as error:
        print(type(error).__name__, error)
        print(" ", repr(error.__cause__), repr(error.__context__))
        print(" ", error.__suppress_context__)
