# except* and exception groups
def sort_out(*errors):
    try:
        if errors:
            raise ExceptionGroup("several", list(errors))
    except* ValueError as group:
        print("values", len(group.exceptions))
    except* (TypeError, KeyError):
        print("types or keys")
    else:
        print("nothing")
    finally:
        print("sorted")


sort_out()
sort_out(ValueError(1), ValueError(2))
sort_out(TypeError(), ValueError(3), KeyError("k"))
try:
    sort_out(OSError("left"), ValueError(4))
except ExceptionGroup as rest:
    print(rest.message, rest.exceptions)
try:
    sort_out(ExceptionGroup("inner", [KeyError(1), OSError("deep")]))
except BaseExceptionGroup as rest:
    print(rest.split(OSError)[1])
try:
    raise ValueError("naked")
except* ValueError as group:
    print(type(group).__name__)
