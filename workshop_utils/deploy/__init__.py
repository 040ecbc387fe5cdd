"""A trained detector outside its notebook: export to files, run those files, label new photos.

May import everything but `widgets`, `teaching` and `cli`.
"""
