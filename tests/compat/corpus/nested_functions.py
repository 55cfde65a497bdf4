# functions and classes within functions and classes
def outer():
    def inner():
        def innermost():
            return "innermost"

        return innermost()

    class Local:
        def method(self):
            def helper():
                return "helper"

            return helper()

        class Nested:
            def method(self):
                return "nested"

            @staticmethod
            def static():
                return [x for x in "ab"]

    return inner(), Local().method(), Local.Nested().method(), Local.Nested.static()


class Outer:
    class Middle:
        class Inner:
            def method(self):
                return (lambda: "lambda")()

    def method(self):
        class InMethod:
            def method(self):
                return "in a method"

        return InMethod().method()


print(outer(), Outer.Middle.Inner().method(), Outer().method())
if True:
    def conditional():
        return "conditional"
for n in range(2):
    def redefined(n=n):
        return n
    print(redefined())
print(conditional())
