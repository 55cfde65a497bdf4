"""The version, as the file VERSION states it for the build; a test compares them."""

__version__ = "0.1.0"
