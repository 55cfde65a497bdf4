# lambdas in all sorts of places
double = lambda x: x * 2  # noqa: E731
print(double(4), (lambda: "now")())
print(sorted("hello", key=lambda c: -ord(c)))
functions = [lambda x, n=n: x + n for n in range(3)]
print([function(10) for function in functions])
curried = lambda a: lambda b: lambda c: (a, b, c)  # noqa: E731
print(curried(1)(2)(3))
print(
    list(
        map(
            lambda x: x + 1
            if x > 1
            else 0,
            [1, 2, 3],
        )
    )
)
print((lambda *a, **k: (a, k))(1, 2, x=3))
print((lambda: (yield))().__class__.__name__)
