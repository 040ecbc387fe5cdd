"""The same results as plain Keras in less time and memory. You can skip this sub-package: tests check that its layers
and its optimizer compute what Keras's own do.

May import what `training` may import, but nothing of `training` that builds on it (`schedule`, `trainer`).
"""
