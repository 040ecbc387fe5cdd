# For pyright. The stubs that it carries for TensorFlow lack tf.train and tf.io, and are wrong about tf.custom_gradient.
from typing import Any

def __getattr__(name: str) -> Any: ...
