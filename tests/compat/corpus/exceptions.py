# try with every kind of clause
def attempt(action):
    try:
        result = action()
    except ZeroDivisionError:
        return "division"
    except (KeyError, IndexError) as error:
        return type(error).__name__
    except Exception as error:
        return f"other {error}"
    else:
        return f"fine {result}"
    finally:
        print("tried")


def fail(error):
    raise error


print(attempt(lambda: 1))
print(attempt(lambda: 1 / 0))
print(attempt(lambda: {}[1]))
print(attempt(lambda: [][1]))
print(attempt(lambda: fail(ValueError("bad"))))


def in_a_loop():
    for i in range(4):
        try:
            if i == 1:
                continue
            if i == 3:
                break
            if i == 2:
                raise ValueError(i)
        except ValueError:
            print("caught", i)
        else:
            print("nothing", i)
        finally:
            print("finally", i)
    return i


print(in_a_loop())


def through(depth):
    try:
        if depth:
            through(depth - 1)
        else:
            raise LookupError("deep")
    finally:
        print("leaving", depth)


try:
    through(3)
except LookupError as error:
    print(error)

try:
    try:
        raise KeyError("first")
    except KeyError:
        raise
except KeyError:
    print("raised again")

try:
    try:
        1 / 0
    except TypeError:
        print("no")
    finally:
        print("on the way")
except ZeroDivisionError:
    print("yes")

try:
    pass
except Exception:
    print("never")
