"""The detector: network, anchors, loss, preprocessing, non-maximum suppression and pretrained weights.

May import `core` and `data`.
"""
