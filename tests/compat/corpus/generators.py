# generators: send, throw, close, return values, early ends
def counter(stop):
    n = 0
    while n < stop:
        got = yield n
        if got is not None:
            n = got
        else:
            n += 1
    return "stopped"


def guarded():
    try:
        yield 1
        yield 2
    except ValueError as error:
        yield f"caught {error}"
    finally:
        print("closing")


print(list(counter(3)))
generator = counter(10)
print(next(generator), generator.send(5), next(generator), generator.send(9))
try:
    next(generator)
except StopIteration as stop:
    print(stop.value)

generator = guarded()
print(next(generator), generator.throw(ValueError("thrown")))
generator.close()

generator = guarded()
next(generator)
generator.close()

generator = guarded()
next(generator)
try:
    generator.throw(KeyError("through"))
except KeyError as error:
    print(error)

never_started = guarded()
never_started.close()

for value in guarded():
    if value == 1:
        break
del value
generator = guarded()
del generator
