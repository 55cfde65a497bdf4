# assert that holds and that fails
def check(n):
    assert n > 0
    assert n > 1, "n is too small"
    assert (
        n
        > 2
    ), (
        f"{n} is "
        "still too small"
    )
    return n


for n in range(4):
    try:
        print(check(n))
    except AssertionError as error:
        print("failed", error)
if __debug__:
    print("debug")
