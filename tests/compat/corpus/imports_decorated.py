# modules of the standard library with decorators and generated code, traced
import sched
import textwrap
from fractions import Fraction

print(textwrap.fill("one two three four", 8), Fraction(1, 3) + 1)
print(len(sched.scheduler().queue))
