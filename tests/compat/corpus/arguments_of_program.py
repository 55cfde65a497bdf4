# looks at the arguments of the program
import sys

for number, argument in enumerate(sys.argv):
    print(number, argument)
options = [a for a in sys.argv[1:] if a.startswith("-")]
if "--verbose" in options:
    print("verbose")
elif options:
    print("options", options)
print(__name__, __file__.endswith("arguments_of_program.py"), __package__)
