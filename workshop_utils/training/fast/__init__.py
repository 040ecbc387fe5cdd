"""The same results in less time and memory. You can skip this sub-package: everything in it computes what plain Keras
layers and optimizers compute, and a test compares the two.

May import what `training` may import, but nothing of `training` that builds on it (`schedule`, `trainer`).
"""
