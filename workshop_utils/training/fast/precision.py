"""The precision of fine-tuning: float32, or bfloat16 if the machine has instructions for it.

bfloat16 has the range of float32, a third of its digits and half its bytes. Weights and their updates are always
float32; the values passed between layers need no more than bfloat16 (Kalamkar et al. 2019, arXiv 1905.12322).
"""

import os
import pathlib

from workshop_utils.core import machine
from workshop_utils.core.errors import UsageError
from workshop_utils.core.tensorflow import tf

VARIABLE = "WORKSHOP_PRECISION"
"""The environment variable that chooses the precision: float32 or bfloat16."""

_PROCESSOR = pathlib.Path("/proc/cpuinfo")


class PrecisionError(UsageError, ValueError):
    """An unknown precision."""


def policy() -> str:
    """Return the Keras dtype policy: mixed_bfloat16 if the hardware supports it, otherwise float32.

    WORKSHOP_PRECISION overrides the choice.

    Raises:
        PrecisionError: If WORKSHOP_PRECISION is neither float32 nor bfloat16.
    """
    wanted = os.environ.get(VARIABLE) or ("bfloat16" if _supports_bfloat16() else "float32")
    if wanted not in ("float32", "bfloat16"):
        raise PrecisionError(f"{VARIABLE} is {wanted}, but must be float32 or bfloat16.")
    return "float32" if wanted == "float32" else "mixed_bfloat16"


def device() -> str:
    """Return the name of the first GPU, or, without a GPU, the processor and its number of available cores."""
    if gpus := tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "a GPU")
    cores = machine.cores()
    return f"the processor ({cores} core{'s' * (cores > 1)})"


def description(policy: str) -> str:
    """Return a line that names the device and the precision of a Keras dtype policy, and how to change it."""
    if policy == "float32":
        return f"Computing on {device()} in float32."
    return f"Computing on {device()} in bfloat16, with float32 weights; {VARIABLE}=float32 switches it off."


def _supports_bfloat16() -> bool:
    """Return whether the first GPU (NVIDIA Ampere or later), or else the processor, has bfloat16 instructions."""
    if gpus := tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0)) >= (8, 0)
    try:
        flags = _PROCESSOR.read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
