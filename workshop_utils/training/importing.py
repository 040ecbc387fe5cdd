"""Turn a checkpoint of TensorFlow 1's Object Detection API into a run, to evaluate, export or fine-tune on.

The run's recipe names the strategy `imported`. Its one checkpoint has the step of the original.
"""

import pathlib
import re

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import keras
from workshop_utils.model import architectures, tf1_checkpoint
from workshop_utils.model.architectures import Architecture
from workshop_utils.model.tf1_checkpoint import Checkpoint, CheckpointError, Names
from workshop_utils.training import strategies
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder

LARGEST_STEP = 10**9


class ImportingError(WorkshopError, ValueError):
    """A checkpoint that does not fit the architecture or the label map. The message says what is different."""


def run_of(
    source: pathlib.Path, architecture: str, classes: dict[int, str], folder: pathlib.Path
) -> tuple[RunFolder, list[str]]:
    """Import a checkpoint as a run.

    Args:
        source: As for `tf1_checkpoint.opened`.
        architecture: A name in `architectures.ARCHITECTURES`.
        classes: The label map of the checkpoint: {id: name}.
        folder: The new run's folder. It must be empty or not exist.

    Returns:
        The run, and the names of the checkpoint's variables that the network does not have.

    Raises:
        CheckpointError: If the checkpoint cannot be read, or variables do not fit.
        ArchiveError: If the archive is damaged, or refused.
        ImportingError: If the label map has other classes, or the API does not have this network.
        WriteError: If the folder is not empty, or cannot be written.
    """
    network = architectures.get(architecture)
    if network.variables is None:
        raise ImportingError(f"{architecture}: is not a network of the Object Detection API. {_choices()}")
    names = network.variables()
    with files.new_folder(folder) as unfinished, tf1_checkpoint.opened(source) as checkpoint:
        _check_network(checkpoint, network)
        model = network.build(max(classes))
        _check_classes(checkpoint, network, model, classes)
        for layer, arrays in checkpoint.weights(names, model).items():
            model.get_layer(layer).set_weights(arrays)
        step = min(checkpoint.step(), LARGEST_STEP)
        recipe = settings.Recipe(strategies.IMPORTED.name, steps=step)
        run = RunFolder(unfinished)
        run.begin(Plan(strategies.IMPORTED.name, recipe, classes, data="", fingerprint="", architecture=architecture))
        run.save_checkpoint(model, step)
        unused = checkpoint.unused(names)
    return RunFolder(folder), unused


def _check_network(checkpoint: Checkpoint, network: Architecture) -> None:
    """Raise CheckpointError if the checkpoint has the variables of another architecture instead."""

    def missing(each: Architecture) -> int:
        return sum(name not in checkpoint.shapes for variables in _variables(each).values() for name in variables)

    others = [each for each in _importable() if each.name != network.name and missing(each) == 0]
    if others and missing(network):
        what = f"has the variables of {others[0].name}, not of {network.name}"
        raise CheckpointError(f"{checkpoint.source}: {what}. Import it with --architecture {others[0].name}.")


def _check_classes(checkpoint: Checkpoint, network: Architecture, model: keras.Model, classes: dict[int, str]) -> None:
    """Raise ImportingError if the class heads are for another number of classes than the label map's last id.

    The model is built for the label map. A head without a readable bias is left to `Checkpoint.weights`.
    """
    layer = next(each for each in _variables(network) if re.fullmatch(network.class_layers, each))
    bias = checkpoint.shapes.get(_variables(network)[layer][-1], ())
    needed, last = model.get_layer(layer).bias.shape[0], max(classes)
    anchors = needed // (last + 1)
    if len(bias) != 1 or bias[0] % anchors or bias[0] == needed:
        return
    gaps = [number for number in range(1, last) if number not in classes]
    said = f" Its ids have gaps ({', '.join(map(str, gaps[:5]))} missing)." if gaps else ""
    raise ImportingError(
        f"{checkpoint.source}: has scores for {bias[0] // anchors - 1} classes, but the last id in the label map is "
        f"{last}.{said} Use the label map that it was trained with."
    )


def _variables(network: Architecture) -> Names:
    assert network.variables is not None  # `_importable` says so
    return network.variables()


def _importable() -> list[Architecture]:
    return [each for each in architectures.ARCHITECTURES.values() if each.variables]


def _choices() -> str:
    return f"Choose one of: {', '.join(each.name for each in _importable())}."
