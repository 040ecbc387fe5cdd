"""The workshop's helper package. Each sub-package says in its docstring what belongs there and what it may import."""

import os

__version__ = "1.1.0.dev0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime reports to its makers as soon as it is imported
