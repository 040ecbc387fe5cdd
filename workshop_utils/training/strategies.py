"""The three ways to a detector: fine-tune COCO's weights, use them as they are, or start from random weights.

All three are the same network. They differ in the weights it starts from, in which of them change, and in whether batch
norm learns its statistics. Each is an entry in STRATEGIES, with these differences as fields.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from workshop_utils.core.errors import UsageError
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import label_map
from workshop_utils.model import architectures, pretrained
from workshop_utils.model.architectures import Architecture


class StrategyError(UsageError, ValueError):
    """A strategy or a layer that does not exist, or an option that the strategy does not have."""


class Detector(NamedTuple):
    """A network, and what its class ids mean."""

    model: keras.Model
    label_map: dict[int, str]


def coco_but_classes(architecture: Architecture, classes: dict[int, str]) -> keras.Model:
    """COCO's weights in every layer except those whose shape depends on the classes, which start at random."""
    model = architecture.build(max(classes))
    pretrained.load_into(model, architecture=architecture)
    return model


def coco_whole(architecture: Architecture, classes: dict[int, str]) -> keras.Model:
    """COCO's weights and classes, regardless of `classes`."""
    return pretrained.coco_detector(architecture=architecture)


def random_weights(architecture: Architecture, classes: dict[int, str]) -> keras.Model:
    """Random weights in every layer."""
    return architecture.build(max(classes))


@dataclasses.dataclass(frozen=True)
class Strategy:
    """How a detector starts, and how it is trained.

    Attributes:
        name: What `recipe.json` and the command line call it.
        summary: A few words for tables and reports.
        load: Returns the network at the start, for an architecture and the photos' classes.
        trains: Whether anything is trained at all.
        freezes: Whether layers may be frozen during training.
        batch_norm_learns: Whether batch norm learns its statistics. With COCO's weights it stays in inference mode: its
            statistics are good, and eight photos are too few for better ones. Random weights have none yet.
        keeps_coco_classes: Whether the detector names COCO's classes instead of the photos'.
    """

    name: str
    summary: str
    load: Callable[[Architecture, dict[int, str]], keras.Model]
    trains: bool = True
    freezes: bool = False
    batch_norm_learns: bool = False
    keeps_coco_classes: bool = False

    @property
    def tunes(self) -> bool:
        """Whether training starts from learned weights."""
        return self.trains and not self.batch_norm_learns

    def start(self, classes: dict[int, str], architecture: str = architectures.DEFAULT) -> Detector:
        """Return the detector before its first training step."""
        return Detector(self.load(architectures.get(architecture), classes), self.names(classes))

    def empty(self, classes: dict[int, str], architecture: str = architectures.DEFAULT) -> Detector:
        """Return the detector with the shapes that its checkpoints have, for `load_checkpoint` to fill."""
        return Detector(architectures.get(architecture).build(max(self.names(classes))), self.names(classes))

    def names(self, classes: dict[int, str]) -> dict[int, str]:
        """Return what the detector's class ids mean, for photos of these classes."""
        return label_map.coco() if self.keeps_coco_classes else classes


STRATEGIES: dict[str, Strategy] = {}


def register(strategy: Strategy) -> Strategy:
    """Add a strategy under its name and return it."""
    STRATEGIES[strategy.name] = strategy
    return strategy


def not_trained(architecture: Architecture, classes: dict[int, str]) -> keras.Model:
    """Raise StrategyError: an imported run is not trained here."""
    raise StrategyError("An imported run cannot be trained. Train another run that starts from it, with --start-from.")


IMPORTED = Strategy("imported", "a checkpoint of the Object Detection API", not_trained)
"""The strategy of runs that `import` made. It is not registered, because you cannot train with it."""


def get(name: str) -> Strategy:
    """Return the strategy called `name`. Raises StrategyError, which lists those there are."""
    if name == IMPORTED.name:
        return IMPORTED
    if name not in STRATEGIES:
        raise StrategyError(f"There is no strategy '{name}'. Choose one of: {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]


register(Strategy("fine_tune", "COCO's weights, trained on our photos", coco_but_classes, freezes=True))
register(Strategy("as_is", "COCO's weights, nothing trained", coco_whole, trains=False, keeps_coco_classes=True))
register(Strategy("random_init", "random weights, trained on our photos", random_weights, batch_norm_learns=True))
