"""The networks that a detector can have, by name.

To add one, write its module beside this one (it builds the network and reads its COCO weights) and add its entry to
ARCHITECTURES.
"""

import dataclasses
import pathlib
import re
from collections.abc import Callable

import numpy as np

from workshop_utils.core.settings import SettingsError
from workshop_utils.core.tensorflow import keras
from workshop_utils.model import coco_download, ssdlite_mobilenet_v2

DEFAULT = "ssdlite_mobilenet_v2"


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network, where its COCO weights come from, and where it is best divided.

    Attributes:
        name: What `recipe.json` and the command line call it.
        build: Returns the network with random weights for a number of classes besides the background. Float images
            (N, 300, 300, 3) in [-1, 1] go in; [box_encodings (N, 1917, 4), class_logits (N, 1917, classes + 1)] come
            out, the background's logit first.
        read_coco: Returns {layer name: arrays as `set_weights` takes them} for COCO's classes; downloads them to the
            given folder first if they are not there.
        class_layers: A regular expression for the names of the layers whose shapes depend on the classes. Their weights
            are not transferred to a network for other classes.
        freezing_depths: Layers up to which fine-tuning can freeze, from few frozen layers to many. Up to the first, the
            network finds edges and colours, which look the same in all photos; fine-tuning never changes them by
            default. The last is the one to cache features of.
        recomputed_up_to: The last layer whose outputs are computed twice to save memory where batch norm learns.
    """

    name: str
    build: Callable[[int], keras.Model]
    read_coco: Callable[[pathlib.Path], dict[str, list[np.ndarray]]]
    class_layers: str
    freezing_depths: tuple[str, ...]
    recomputed_up_to: str

    @property
    def weights_file(self) -> str:
        """The name of the file with COCO's weights in Keras's format."""
        return f"{self.name}_coco.weights.h5"

    def depends_on_classes(self, layer: keras.layers.Layer) -> bool:
        """Return whether a layer's shape depends on the classes."""
        return re.fullmatch(self.class_layers, layer.name) is not None


ARCHITECTURES: dict[str, Architecture] = {}


def register(architecture: Architecture) -> Architecture:
    """Add an architecture under its name and return it."""
    ARCHITECTURES[architecture.name] = architecture
    return architecture


def get(name: str = DEFAULT) -> Architecture:
    """Return the architecture called `name`. Raises SettingsError, which lists those there are."""
    if name not in ARCHITECTURES:
        raise SettingsError(f"There is no architecture '{name}'. Choose one of: {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


register(
    Architecture(
        name=DEFAULT,
        build=ssdlite_mobilenet_v2.build,
        read_coco=lambda folder: ssdlite_mobilenet_v2.weights_by_layer(coco_download.read(folder)),
        class_layers=r"class_\d",
        freezing_depths=("block_2_add", "block_5_add", "block_9_add"),
        recomputed_up_to="block_2_add",
    )
)
