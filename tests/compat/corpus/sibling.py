"""A module that other programs import."""

CONSTANT = 42


def greet(name):
    if name:
        return f"hello {name}"
    return "hello"


def unused():
    """Nobody calls this."""
    x = 1
    return x


class Thing:
    """A thing."""

    def __init__(self, number):
        self.number = number

    def work(self):
        if self.number == 2:
            print("last")
        else:
            print(self.number)

    @staticmethod
    def idle():  #pragma NO COVER
        return None


if __name__ == "__main__":
    print(greet("main"))  #pragma NO COVER
