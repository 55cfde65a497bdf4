# ends by sys.exit(0) in a function
import sys


def end():
    try:
        sys.exit(0)
    finally:
        print("on the way out")


print("before")
end()
print("not reached")
