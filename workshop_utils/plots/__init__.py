"""Pictures: boxes on photos, charts, and diagrams of anchors and networks.

May import `core`, `data` and `model`.
"""
