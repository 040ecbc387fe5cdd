"""Better labels for less work: which photos to label next, which labels look wrong, and how to merge several people's
labels.

May import everything but `widgets`, `teaching` and `cli`.
"""
