"""Using a trained detector outside a notebook: export it to files, run these files, label new photos.

May import everything but `curation`, `widgets`, `teaching` and `cli`.
"""
