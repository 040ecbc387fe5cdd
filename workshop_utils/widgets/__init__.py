"""What you click in a notebook: the labeler, the layer explorer, uploads, curves that grow during training.

May import everything but `teaching` and `cli`.
"""
