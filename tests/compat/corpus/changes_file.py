# changes __file__ while it runs, and has functions without one
def first():
    return 1


print(first())
__file__ = "renamed.py"


def second():
    return first() + 1


print(second())
del __file__
print(second())
exec("def third():\n    return 3\nprint(third())\n", {})
__file__ = ""
print(first())
