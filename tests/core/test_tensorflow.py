import os
import subprocess
import sys

import pytest

from workshop_utils.core import settings

WHAT_TENSORFLOW_FINDS = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("keras", "tensorflow"):
            print(os.environ.get(sys.argv[1]), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Watch())
from workshop_utils.core import tensorflow
"""


@pytest.mark.parametrize(
    ("variable", "asked", "found"),
    [
        ("TF_FORCE_GPU_ALLOW_GROWTH", None, "true"),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "false", "false"),
        ("TF_ENABLE_ONEDNN_OPTS", None, "1"),
        ("TF_ENABLE_ONEDNN_OPTS", "0", "0"),
    ],
)
def test_a_gpu_is_shared_and_onednn_computes_unless_set_otherwise(variable, asked, found):
    """TensorFlow reads the variables when it is imported, so they must be set before."""
    environment = {name: value for name, value in os.environ.items() if name != variable}
    done = subprocess.run(
        [sys.executable, "-c", WHAT_TENSORFLOW_FINDS, variable],
        env=environment | {"PYTHONPATH": str(settings.PROJECT)} | ({variable: asked} if asked else {}),
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == found, done.stderr
