"""TensorFlow and Keras, imported without the remarks they write while they start.

TensorFlow 2.21 writes them to standard error before any of its own log settings apply, and a notebook shows them in
red. Faults that Python raises still come through; those of the disk come as Python's own with `as_os_error`.
"""

import contextlib
import os
from collections.abc import Iterator

from workshop_utils.core import machine

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Else the first notebook takes all of a GPU's memory, and a second one that is open gets none.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# Else TensorFlow leaves oneDNN's faster operations to processors with AVX-512, and most laptops have none.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send what native code writes to standard error nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with quiet_stderr():
    import keras
    import tensorflow as tf

if machine.cores() < (os.cpu_count() or 1):  # TensorFlow counts the machine's cores, not the container's share of them
    tf.config.threading.set_intra_op_parallelism_threads(machine.cores())
    tf.config.threading.set_inter_op_parallelism_threads(machine.cores())

tf.get_logger().setLevel("ERROR")  # else every new model makes it warn that functions are traced anew


@contextlib.contextmanager
def as_os_error() -> Iterator[None]:
    """Make an OSError of what TensorFlow raises where a file cannot be written."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(error.message) from None


__all__ = ["as_os_error", "keras", "quiet_stderr", "tf"]
