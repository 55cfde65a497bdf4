"""Conditions: if, elif, else, nested and empty ones."""


def sign(number):
    if number < 0:
        return "negative"
    elif number == 0:
        return "zero"
    else:
        return "positive"


def nested(a, b):
    if a:
        if b:
            return "both"
    else:
        if b:
            return "second"
    return "rest"


def never(flag):
    if flag:
        print("never printed")
        print("nor this")
    else:
        pass


for number in (-2, 0, 3, 4):
    print(sign(number))
for a in (0, 1):
    for b in (0, 1):
        print(a, b, nested(a, b))
never(False)
if not number:
    print("unreached")
print("a" if number else "b", number or 1, number and 0)
if (
    number > 1
    and number < 10
    or number == 100
):
    print("a condition on several lines")
if False:
    print("removed by the compiler")
if True:
    print("kept")
while False:
    print("removed too")
