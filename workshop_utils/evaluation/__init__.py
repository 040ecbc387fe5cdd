"""How good detections or labels are: average precision, kinds of mistakes, agreement between two people.

May import `core`, `data` and `model`.
"""
