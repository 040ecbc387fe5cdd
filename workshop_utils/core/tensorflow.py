"""TensorFlow and Keras, imported without their start-up messages.

TensorFlow 2.21 writes these messages to standard error before its own log settings apply, and a notebook shows them in
red. Python errors are still shown. `as_os_error` converts disk errors to Python's OSError.
"""

import contextlib
import gc
import os
from collections.abc import Iterator

from workshop_utils.core import interrupts, machine
from workshop_utils.core.stderr import quiet_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Otherwise the first notebook takes all of a GPU's memory, and a second open notebook gets none.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# Otherwise TensorFlow uses oneDNN's faster operations only on processors with AVX-512, which most laptops lack.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


with interrupts.held_back(), quiet_stderr():
    gc.disable()  # it takes a sixth of the time of these imports, and frees nothing
    import keras
    import tensorflow as tf

    gc.freeze()  # what was imported stays, so later collections skip it
    gc.enable()

if machine.cores() < (os.cpu_count() or 1):  # TensorFlow counts the machine's cores, not the container's
    tf.config.threading.set_intra_op_parallelism_threads(machine.cores())
    tf.config.threading.set_inter_op_parallelism_threads(machine.cores())

tf.get_logger().setLevel("ERROR")  # else each new model triggers warnings about retracing


@contextlib.contextmanager
def as_os_error() -> Iterator[None]:
    """Run code that writes files with TensorFlow. Raises OSError if TensorFlow raises an error."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(error.message) from None


__all__ = ["as_os_error", "keras", "tf"]
