# chained comparisons and short circuits
def value(n):
    print("value", n)
    return n


print(value(1) < value(2) < value(3))
print(value(3) < value(2) < value(1))
print(value(1) == value(1) != value(2) in [2])
if value(1) < value(2) and value(3) > value(2) or value(9):
    print("yes")
if not (
    value(0)
    or value(1)
):
    print("no")
elif value(5) > value(
    4
) > value(3):
    print("in between")
print(value(0) or value("") or value(None))
while value(0) and value(1):
    pass
assert value(1) is not None is not False
