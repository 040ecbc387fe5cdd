"""The registry of detector networks.

To add one, write a module in this folder that builds the network and reads its COCO weights, and `register` it here.
"""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from workshop_utils.core.settings import SettingsError
from workshop_utils.core.tensorflow import keras
from workshop_utils.model import coco_download, ssd_mobilenet_v1, ssdlite_mobilenet_v2
from workshop_utils.model.tf1_checkpoint import Names

DEFAULT = "ssdlite_mobilenet_v2"


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network, its COCO weights, and the layers at which training divides it.

    Attributes:
        name: Its name in `recipe.json` and on the command line.
        build: Returns the network with random weights, given the number of classes without the background. Its input is
            float images (N, 300, 300, 3) in [-1, 1]; its outputs are [box_encodings (N, 1917, 4), class_logits
            (N, 1917, classes + 1)], with the background's logit first.
        read_coco: Returns {layer name: arrays for `set_weights`} for COCO's classes. Takes the folder of the download,
            and downloads the weights if they are not there.
        class_layers: A regular expression that matches the names of the layers whose shapes depend on the classes.
            Their weights are not transferred to a network for other classes.
        freezing_depths: Layers up to which fine-tuning can freeze, from few frozen layers to many. Up to the first, the
            network finds edges and colours, which look the same in all photos; fine-tuning never changes them by
            default. The last is the one to cache features of.
        recomputed_up_to: The last layer whose outputs are computed twice to save memory if batch norm learns.
        crop_layers: Layers whose mean features tell what a small crop shows; by default `freezing_depths`.
        variables: Returns the names that each layer's weights have in a checkpoint of the Object Detection API; None if
            the API does not have this network.
    """

    name: str
    build: Callable[[int], keras.Model]
    read_coco: Callable[[pathlib.Path], dict[str, list[np.ndarray]]]
    class_layers: str
    freezing_depths: tuple[str, ...]
    recomputed_up_to: str
    crop_layers: tuple[str, ...] = ()
    variables: Callable[[], Names] | None = None

    @property
    def weights_file(self) -> str:
        """The name of the file with COCO's weights in Keras format."""
        return f"{self.name}_coco.weights.h5"


ARCHITECTURES: dict[str, Architecture] = {}


def register(architecture: Architecture) -> Architecture:
    """Add an architecture to the registry, and return it."""
    ARCHITECTURES[architecture.name] = architecture
    return architecture


def get(name: str | None = None) -> Architecture:
    """Return the architecture called `name`, by default DEFAULT. Raises SettingsError if there is none."""
    name = name or DEFAULT
    if name not in ARCHITECTURES:
        raise SettingsError(f"There is no architecture '{name}'. Choose one of: {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def of(model: keras.Model) -> Architecture:
    """Return the architecture of a detector, known by its layers. Raises SettingsError if there is none."""
    there = {layer.name for layer in model.layers}
    for each in ARCHITECTURES.values():
        if there.issuperset(each.freezing_depths):
            return each
    raise SettingsError(f"The network {model.name} has no registered architecture.")


register(
    Architecture(
        name=DEFAULT,
        build=ssdlite_mobilenet_v2.build,
        read_coco=lambda folder: ssdlite_mobilenet_v2.weights_by_layer(coco_download.read(folder)),
        class_layers=r"class_\d",
        freezing_depths=("block_2_add", "block_5_add", "block_9_add"),
        recomputed_up_to="block_2_add",
        crop_layers=("block_5_add", "block_9_add", "block_12_add"),
        variables=ssdlite_mobilenet_v2.variables,
    )
)
register(
    Architecture(
        name="ssd_mobilenet_v1",
        build=ssd_mobilenet_v1.build,
        read_coco=ssd_mobilenet_v1.read_coco,
        class_layers=r"class_\d",
        freezing_depths=("Conv2d_3_pointwise_relu", "Conv2d_5_pointwise_relu", "Conv2d_9_pointwise_relu"),
        recomputed_up_to="Conv2d_3_pointwise_relu",
        crop_layers=("Conv2d_5_pointwise_relu", "Conv2d_9_pointwise_relu", "Conv2d_11_pointwise_relu"),
        variables=ssd_mobilenet_v1.variables,
    )
)
