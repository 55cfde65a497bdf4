# forms of import, of modules that are traced while imported
import colorsys
import colorsys as colors
import xml.dom
from colorsys import rgb_to_hls as to_hls, hls_to_rgb
from colorsys import (
    rgb_to_hsv,
    hsv_to_rgb,
)
from bisect import *
from importlib import import_module

print(colors is colorsys, to_hls(0.25, 0.5, 1.0))
print(hsv_to_rgb(*rgb_to_hsv(0.25, 0.5, 1.0)), hls_to_rgb(0, 0.5, 0.5))
print(bisect([1, 2, 3], 2), xml.dom.Node.ELEMENT_NODE)
print(import_module("this_is_not".replace("this_is_not", "stat")).S_ISDIR(0))
try:
    import no_such_module
except ImportError as error:
    print(error)
try:
    from colorsys import no_such_name
except ImportError:
    print("no such name")


def local():
    import sched

    return sched.scheduler.__name__


print(local())
