# closures, nonlocal, global, nested functions
level = 0


def counter():
    count = 0

    def step(by=1):
        nonlocal count
        count += by
        return count

    def reset():
        nonlocal count
        count = 0

    return step, reset


def deeper():
    global level
    level += 1

    def second():
        def third():
            global created
            created = level
            return outer_name

        outer_name = "seen"
        return third()

    return second()


step, reset = counter()
print(step(), step(5), step())
reset()
print(step(), deeper(), level, created)


def outer(x):
    def inner(y):
        def innermost(z):
            return x + y + z
        return innermost
    return inner


print(outer(1)(2)(3))


def late():
    def use():
        return later
    try:
        use()
    except NameError as error:
        print(error)
    later = 1
    return use()


print(late())
