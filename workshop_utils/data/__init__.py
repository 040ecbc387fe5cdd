"""Labelled photos on disk: reading and writing photos and annotations, what can be wrong with them, repair, the data
set in memory with its split, and the formats that it is opened from.

May import `core`.
"""
