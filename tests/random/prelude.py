"""What every generated program begins with: classes and functions that raise
now and then, in a way that only the program's own steps decide.
"""

PRELUDE = '''\
class Fault(ValueError): pass
class Stop(Exception): "Not a StopIteration."
class Leave(BaseException): pass
steps = entered = seed = 0
def over():
    """Whether the program did enough: every function begins with it."""
    global entered
    entered += 1
    return entered > 60 or steps > 2500
def hit(x=0, every=9):
    """Return x, or raise."""
    global steps, seed
    steps += 1
    seed = (seed * 1103515245 + 12345) % 2147483648
    if (seed >> 8) % every: return x
    kind = (seed >> 12) % 9
    if kind == 0: raise StopIteration(x)
    elif kind == 1: raise ExceptionGroup("some", [Fault(x), KeyError(x)])
    elif kind == 2: raise Stop from KeyError(x)
    elif kind == 3: x // 0
    elif kind == 4: raise Leave
    raise [
        Fault, KeyError, Stop,
        IndexError][seed % 4](x)
def number(x): return x if type(x) is int else 1
def show(error):
    """Say what an exception is and where it passed."""
    names, lines = [], []
    trace = error.__traceback__
    while trace is not None and len(lines) < 30:
        lines.append(trace.tb_lineno); trace = trace.tb_next
    while error is not None and len(names) < 6:
        names.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    say(names, lines)
def again(function, times):
    for i in range(times):
        try: say(number(function(i)))
        except Exception as error: say(type(error).__name__)
def take(items, most=4):
    taken = 0
    for item in items:
        yield item
        taken += 1
        if taken == most: break
def total(*values, **named): return sum(map(number, [*values, *named.values()])) % 11
class Guard:
    def __init__(self, swallow=False): self.swallow = swallow
    def __enter__(self): return hit(self.swallow, 23)
    def __exit__(self, kind, error, trace):
        if kind is None: return hit(None, 29)
        return self.swallow and issubclass(kind, Exception)
    async def __aenter__(self):
        await Once(1); return hit(1, 23)
    async def __aexit__(self, kind, error, trace):
        await Once(2)
        return self.swallow and kind is not None
class Once:
    """Awaited, it is suspended n times."""
    def __init__(self, n): self.n = n
    def __await__(self):
        for i in range(self.n): yield i
        return hit(self.n, 19)
class Items:
    """Iterated over, with `async` or without, it gives n - 1, ..., 0."""
    def __init__(self, n): self.n = number(n) % 5
    def __iter__(self): return self
    def __next__(self):
        if self.n <= 0: raise StopIteration
        self.n -= 1
        return hit(self.n, 31)
    def __aiter__(self): return self
    async def __anext__(self):
        if self.n == 2: await Once(1)
        if self.n <= 0:
            raise StopAsyncIteration
        self.n -= 1
        return hit(self.n, 37)
class Box:
    __match_args__ = "value", "size"
    one = 1
    def __init__(self, value=0): self.value = number(value)
    @property
    def size(self):
        return (self.value % 3 +
            hit(0, 21))
    @size.setter
    def size(self, size): self.value = hit(number(size) % 7, 17)
    def __getitem__(self, i):
        if number(i) > 3: raise IndexError
        return hit(i, 33)
    def __setitem__(self, i, x): self.value = hit(number(x), 13)
    def __bool__(self): return hit(self.value, 15) % 2 == 0
    def __lt__(self, other): return self.value < number(other)
    def __eq__(self, other): return hit(self.value, 40) == other
    def __contains__(self, x): return number(x) in range(self.value)
    def __call__(self, x=0, *rest): return (self.value + number(x)) % 9
    def up(self, by=1):
        return Box(self.value % 9 + by)
    def __format__(self, how): return str(hit(self.value, 18))
    def __add__(self, x): return (hit(self.value, 16) + number(x)) % 9
def again(function):
    """Call twice, for what the second call gives."""
    def twice(*values):
        function(*values)
        return function(*values)
    return twice
def named(name, extra=0):
    def decorate(function):
        function.label = name; return function
    return decorate
def drive(coroutine, throw=-1):
    """Run a coroutine to its end, or 20 steps; throw into it at one of them."""
    try:
        for step in range(20):
            if step == throw: coroutine.throw(Fault("thrown"))
            else: coroutine.send(None)
        coroutine.close()
    except StopIteration as end: return number(end.value)
    return 0
def poke(generator):
    """Do to a generator all that can be done to it."""
    try:
        next(generator); generator.send(2)
        generator.throw(Fault)
    except (Fault, Stop, StopIteration): return 1
    except RuntimeError as error: return 2 if error.__cause__ else 3
    finally: generator.close()
    return next(generator, 4)
async def poke_async(items):
    try:
        await anext(items)
        await items.asend(1); await items.athrow(Fault("thrown"))
    except (Fault, StopAsyncIteration) as error:
        return 1
    finally:
        await items.aclose()
a = b = c = d = e = 1
'''
