"""`python -m exactrace`."""

from exactrace.cli import main

if __name__ == "__main__":
    main(prog="python -m exactrace")
