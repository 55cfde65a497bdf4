# defaults of type parameters (PEP 696), locals() of PEP 667
type Maybe[T = int] = T | None


class Holder[T = str]:
    def get[U = int](self) -> U:
        return 1


def function():
    x = 1
    found = locals()
    x = 2
    return found["x"], x


print(Maybe.__type_params__, Holder().get(), function())
