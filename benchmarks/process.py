"""The memory of a measured process."""

import resource
import sys


def peak_gb() -> float:
    """Return the peak of this process's resident memory in gigabytes (10^9 bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
