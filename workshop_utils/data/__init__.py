"""Labelled photos on disk: reading and writing photos and annotations, what can be wrong with them, repair, and the
data set in memory with its split.

May import `core`.
"""
