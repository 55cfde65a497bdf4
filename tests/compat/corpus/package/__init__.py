"""A package."""

NAME = "package"
from . import inner  # noqa: E402
