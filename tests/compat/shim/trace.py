"""Stands in the place of the standard module `trace`: it is exactrace."""

import sys

import exactrace

if __name__ == "__main__":
    exactrace.main()
else:
    sys.modules[__name__] = exactrace
