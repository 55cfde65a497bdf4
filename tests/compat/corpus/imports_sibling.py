# imports a module beside this one
import sibling
from sibling import Thing, greet

print(greet("you"), sibling.CONSTANT)
for i in range(3):
    Thing(i).work()
