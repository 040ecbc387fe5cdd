"""Profile a training step: where its time goes, and how far it is from the time for arithmetic alone.

    python benchmarks/step_profile.py POLICY [LAYER]

Profiles the workshop's full fine-tuning in a Keras dtype policy, or with LAYER only the layers after it. Prints one
line of JSON: the step's arithmetic, this machine's matrix-product rate in the same precision, and the seconds of each
kind of operation from TensorFlow's profiler.
"""

import collections
import json
import pathlib
import sys
import tempfile
from typing import Any, cast

from step import gflop_per_second, median_seconds, prepared
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from workshop_utils.core.tensorflow import keras, tf

STEPS = 10


def gflop(learner: keras.Model, batch: int) -> float:
    """Return the GFLOP of a step: each convolution forward, the gradient of its kernel, and that of its input.

    The model's own inputs need no gradient. A multiplication and an addition count as two operations.
    """
    inputs = {id(tensor) for tensor in learner.inputs}
    total = 0
    for layer in learner.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            _, height, width, _ = cast(keras.KerasTensor, layer.output).shape
            passes = 2 if id(layer.input) in inputs else 3
            total += passes * 2 * batch * height * width * int(tf.size(layer.kernel))
    return total / 1e9


def seconds_by_operation(call) -> dict[str, float]:
    """Return the seconds in each kind of operation, the longest first. Operations may run in parallel."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(STEPS):
            call()
        tf.profiler.experimental.stop()
        [path] = pathlib.Path(folder).rglob("*.xplane.pb")
        space = cast(Any, xplane_pb2).XSpace.FromString(path.read_bytes())
    total = collections.Counter()
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            _, found, kind = plane.event_metadata[event.metadata_id].name.partition(":")
            if found and kind.isidentifier():
                total[kind] += event.duration_ps / 1e12 / STEPS
    return dict(total.most_common())


def main() -> None:
    policy, layer = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    call, learner, batch = prepared(layer, policy)
    seconds = median_seconds(call, 3 * STEPS)
    rate = gflop_per_second(keras.DTypePolicy(policy).compute_dtype)
    result = {"step": seconds, "gflop": gflop(learner, batch), "gflop_per_second": rate}
    print(json.dumps(result | {"operations": seconds_by_operation(call)}))


if __name__ == "__main__":
    main()
