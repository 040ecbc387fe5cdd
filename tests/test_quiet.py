import os
import subprocess
import sys

import pytest

from workshop_utils import settings

WHAT_TENSORFLOW_FINDS = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("keras", "tensorflow"):
            print(os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH"), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Watch())
from workshop_utils import quiet
"""


@pytest.mark.parametrize(("asked", "found"), [({}, "true"), ({"TF_FORCE_GPU_ALLOW_GROWTH": "false"}, "false")])
def test_a_gpu_is_shared_with_a_second_notebook_unless_somebody_asks_for_another_way(asked, found):
    """TensorFlow reads the variable when it first looks for a GPU, so it must stand there before the import."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_FORCE_GPU_ALLOW_GROWTH"}
    done = subprocess.run(
        [sys.executable, "-c", WHAT_TENSORFLOW_FINDS],
        env=environment | {"PYTHONPATH": str(settings.PROJECT)} | asked,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == found, done.stderr
