"""The workshop's helper package: one idea a module, read from low to high as the README lists them."""

__version__ = "0.1.0"
