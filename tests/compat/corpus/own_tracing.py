# a program that looks at its own trace function and frames
import sys

print(sys.gettrace() is not None)


def caller():
    return sys._getframe(1).f_code.co_name, sys._getframe(0).f_lineno


def use():
    return caller()


print(use())
print(caller.__code__.co_firstlineno)


def changes_name():
    global __name__
    __name__, old = "other", __name__
    used = use()
    __name__ = old
    return used


print(changes_name())
