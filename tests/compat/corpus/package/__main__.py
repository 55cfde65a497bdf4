"""Runs the package."""
import sys

from package.inner import work

print("main of", __package__, work(1), sys.argv[1:])
