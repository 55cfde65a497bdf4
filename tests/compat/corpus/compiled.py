# exec, eval and compile, with and without a file name
namespace = {}
exec("x = 1\nfor i in range(3):\n    x += i\n", namespace)
print(namespace["x"], eval("x * 2", namespace))
exec(
    """
def made(n):
    if n:
        return made(n - 1)
    return "made"
""",
    namespace,
)
print(namespace["made"](2))
code = compile("y = 1\ny += 1\nprint('compiled', y)\n", "<made up>", "exec")
exec(code, {})
exec(code, {"__file__": "/nowhere/else.py"})
single = compile("z = 3\nz + 1", "<made>", "exec")
scope = {"__name__": "elsewhere"}
exec(single, scope)
print(scope["z"], eval(compile("1 + 1", "<expression>", "eval")))
exec(compile("print('in one')", "<one>", "single"))
try:
    exec("a = 1\nraise ValueError(a)")
except ValueError as error:
    print(error)
try:
    compile("a = ", "<bad>", "exec")
except SyntaxError as error:
    print(error.lineno)


def local():
    exec("print('in a function')")
    return eval("[n for n in range(3)]")


print(local())
