"""The detector: its network, anchors, loss, preprocessing, and what turns its outputs into boxes; where pretrained
weights come from.

May import `core` and `data`.
"""
