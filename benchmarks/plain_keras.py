"""Fine-tune the workshop's whole detector as the Keras documentation does: compile, fit, evaluate.

    python benchmarks/plain_keras.py DATASET RECIPE_AS_JSON [POLICY]

Uses the model with COCO's weights, and the same batches, loss, optimizer and evaluation as the workshop. Batch norm
stays in inference mode, as Keras's guide to transfer learning recommends, and `jit_compile` is off, because it makes a
step many times slower on a CPU. Prints one line of JSON.
"""

import json
import pathlib
import sys
from typing import Any

from process import peak_gb

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.evaluation import average_precision
from workshop_utils.model import losses, pretrained, ssdlite_mobilenet_v2
from workshop_utils.training import batches, train_step


class Batches(keras.utils.PyDataset):
    """The batches as a Keras data set, prepared in two threads ahead of the training step."""

    def __init__(self, samples, label_map, recipe):
        super().__init__(workers=2, max_queue_size=4)
        self.arguments = samples, label_map
        self.recipe = recipe

    def __len__(self):
        return self.recipe.steps

    def __getitem__(self, step):
        images, encodings, classes = batches.batch(*self.arguments, step, self.recipe.batch_size, self.recipe.seed)
        return images, {"box_encodings": {"encodings": encodings, "classes": classes}, "class_logits": classes}


class PlainDetector(keras.Model):
    """The detector with the multibox loss, which needs both outputs together."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def call(self, images, training=False):
        return [tf.cast(each, tf.float32) for each in self.network(images, training=training)]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight=None, training=True):
        encodings, classes = y["box_encodings"]["encodings"], y["class_logits"]
        return tf.add_n(losses.multibox_loss(encodings, classes, *y_pred))


def main() -> None:
    folder, recipe = sys.argv[1], settings.Recipe(**json.loads(sys.argv[2]))
    data = dataset.load(pathlib.Path(folder))
    samples, validation = data.split(recipe.photos)
    keras.utils.set_random_seed(recipe.seed)
    measured = ssdlite_mobilenet_v2.build(max(data.label_map))
    pretrained.load_into(measured)
    keras.config.set_dtype_policy(sys.argv[3] if len(sys.argv) > 3 else "float32")
    network = ssdlite_mobilenet_v2.build(max(data.label_map))
    network.set_weights(measured.get_weights())
    for layer in ssdlite_mobilenet_v2.batch_norms(network):
        layer.trainable = False
    model = PlainDetector(network)
    optimizer = keras.optimizers.SGD.from_config(train_step.make_optimizer(recipe).get_config())
    model.compile(optimizer=optimizer, jit_compile=False)  # pyright: ignore[reportArgumentType]
    batches = Batches(samples, data.label_map, recipe)
    model.fit(batches, epochs=1, shuffle=False, verbose=0)  # pyright: ignore[reportArgumentType]
    measured.set_weights(network.get_weights())
    metrics = average_precision.evaluate(measured, validation, data.label_map)
    print(json.dumps({"AP50": metrics.AP50, "AP": metrics.AP, "peak_gb": peak_gb()}))


if __name__ == "__main__":
    main()
