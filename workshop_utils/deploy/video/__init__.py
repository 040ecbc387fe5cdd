"""Films: read and write them, detect in each frame, follow objects from frame to frame, and count them.

Reading and writing films needs the extra `video`, PyAV and trackers. The modules here import both only when a film is
opened or a tracker is made.
"""
