"""In how many bits is computed while fine-tuning: 32, or 16 where the machine has instructions for that.

bfloat16 has float32's range and a third of its digits. Weights and their changes stay float32; what passes between the
layers needs no more digits than that, and half the bytes (Kalamkar et al. 2019, arXiv 1905.12322).
"""

import os
import pathlib

from workshop_utils.core import machine
from workshop_utils.core.errors import UsageError
from workshop_utils.core.tensorflow import tf

VARIABLE = "WORKSHOP_PRECISION"
"""The environment variable that chooses: float32 or bfloat16."""

_PROCESSOR = pathlib.Path("/proc/cpuinfo")


class PrecisionError(UsageError, ValueError):
    """A precision that does not exist."""


def policy() -> str:
    """Return the Keras dtype policy: mixed_bfloat16 where that is computed natively, else float32.

    WORKSHOP_PRECISION=float32 switches bfloat16 off. Raises PrecisionError.
    """
    wanted = os.environ.get(VARIABLE) or ("bfloat16" if _supports_bfloat16() else "float32")
    if wanted not in ("float32", "bfloat16"):
        raise PrecisionError(f"{VARIABLE} is {wanted}, and must be float32 or bfloat16.")
    return "float32" if wanted == "float32" else "mixed_bfloat16"


def device() -> str:
    """Return the name of what computes: the first GPU, or without one the processor and how many cores are for us."""
    if gpus := tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "a GPU")
    cores = machine.cores()
    return f"the processor ({cores} core{'s' * (cores > 1)})"


def description(policy: str) -> str:
    """Return a line that says on what is computed, in which precision, and how to choose another."""
    if policy == "float32":
        return f"Computing on {device()} in float32."
    return f"Computing on {device()} in bfloat16, with float32 weights; {VARIABLE}=float32 switches that off."


def _supports_bfloat16() -> bool:
    """Whether the GPU (NVIDIA's from Ampere on), or without one the processor, has instructions for bfloat16."""
    if gpus := tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0)) >= (8, 0)
    try:
        flags = _PROCESSOR.read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
