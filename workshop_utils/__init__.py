"""The workshop's helper package: one idea a module, read from low to high as the README lists them."""

import os

__version__ = "0.1.0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime reports to its makers as soon as it is imported
