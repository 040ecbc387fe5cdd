"""The three ways to a detector: fine-tune COCO's weights, use them as they are, or begin from random ones.

All three are the same network; what differs is which weights are loaded, which of them may change, and whether batch
norm learns its statistics.
"""

import dataclasses

from workshop_utils.core.errors import UsageError
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import label_map
from workshop_utils.model import pretrained, ssdlite_mobilenet_v2

TRAIN_FROM = "block_9_add"
"""Where fine-tuning begins to change weights, unless told otherwise: behind the layers that see edges and textures."""

THAW = 0.3
"""The share of the steps at the beginning in which the layers up to `train_from` learn as well."""

NEVER_THAWED = "block_2_add"
"""Up to here nothing learns even then: edges and colours are the same everywhere, and their arrays are the largest."""

SEEN = 3
"""How often, about, each augmented view that the frozen layers saw is learnt from, unless told otherwise."""


class StrategyError(UsageError, ValueError):
    """A strategy or a layer that does not exist."""


@dataclasses.dataclass(frozen=True)
class Strategy:
    """A detector made ready, and how it is to be trained."""

    name: str
    model: keras.Model
    label_map: dict[int, str]
    """What the model's class ids mean."""
    trains: bool = True
    batch_norm_learns: bool = False


def fine_tune(classes: dict[int, str], train_from: str = TRAIN_FROM) -> Strategy:
    """COCO's weights everywhere but in the layers that name the classes, which start anew because the classes are new.

    `train_from` names a layer of the backbone; it and all before it are frozen: edges and textures are the same
    everywhere, and their activations would take most of the memory. "" trains everything. Batch norm stays in
    inference mode: its COCO statistics are good, and eight photos are too few for better ones.
    """
    model = ssdlite_mobilenet_v2.build(max(classes))
    pretrained.transfer(pretrained.coco_detector(), model)
    if train_from:
        freeze_up_to(model, train_from)
    return Strategy("fine_tune", model, classes)


def as_is(classes: dict[int, str]) -> Strategy:
    """COCO's weights and COCO's 80 classes, whatever `classes` the photos have. Nothing is trained."""
    return Strategy("as_is", pretrained.coco_detector(), label_map.coco(), trains=False)


def random_init(classes: dict[int, str]) -> Strategy:
    """The same network with random weights. Its batch norm must learn its statistics: it has none yet."""
    return Strategy("random_init", ssdlite_mobilenet_v2.build(max(classes)), classes, batch_norm_learns=True)


STRATEGIES = {"fine_tune": fine_tune, "as_is": as_is, "random_init": random_init}


def prepare(name: str, classes: dict[int, str], train_from: str | None = None) -> Strategy:
    """Return the strategy called `name`; `train_from` is for fine_tune alone. Raises StrategyError."""
    if name not in STRATEGIES:
        raise StrategyError(f"There is no strategy '{name}'. Choose one of: {', '.join(STRATEGIES)}.")
    if train_from is None:
        return STRATEGIES[name](classes)
    if name != "fine_tune":
        raise StrategyError(f"Only fine_tune can freeze layers; {name} has no train_from.")
    return fine_tune(classes, train_from)


def freeze_up_to(model: keras.Model, name: str) -> None:
    """Freeze the layer called `name` and all before it, and no other. Raises StrategyError where there is none."""
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise StrategyError(f"The detector has no layer '{name}'. Blocks end in block_1_project_BN, block_2_add, ...")
    for place, layer in enumerate(model.layers):
        layer.trainable = place > names.index(name)
