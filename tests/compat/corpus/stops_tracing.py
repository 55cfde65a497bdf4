# switches tracing off in the middle
import sys


def before():
    return "counted"


def after():
    return "not counted"


print(before())
sys.settrace(None)
print(after())
for i in range(3):
    after()
