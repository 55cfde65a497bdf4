# assignment expressions
values = iter([3, 1, 0, 5])
while (value := next(values)):
    print(value)
if (length := len("four")) > 3:
    print(length)
print([square for n in range(5) if (square := n * n) % 2])
print(square)


def function(text):
    if not (stripped := text.strip()) or (
        first := stripped[0]
    ) == "#":
        return None
    return first


print(function(" x"), function("#"), function(" "))
print((a := 1) + (b := a + 1), a, b)
