# finally clauses that a function leaves in several ways
def returns():
    try:
        return "tried"
    finally:
        print("still runs")


def chooses(n):
    for i in range(3):
        try:
            if i == n:
                return i
            if n < 0:
                break
        finally:
            i += 10
            print("at", i)
    return "end"


def nested():
    try:
        try:
            raise ValueError
        finally:
            print("inner")
    except ValueError:
        print("outer")
    finally:
        print("outermost")


print(returns(), chooses(1), chooses(7), chooses(-1))
nested()
