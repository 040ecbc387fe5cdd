"""The weights that a run starts from: those of its strategy, or the checkpoint of another run.

The other run's network continues with new photos or new classes. Classes that both runs have keep their predictions.
"""

import hashlib
import pathlib
import re

import numpy as np

from workshop_utils.core import files, phrases
from workshop_utils.evaluation import average_precision
from workshop_utils.model import architectures, pretrained
from workshop_utils.model.architectures import Architecture
from workshop_utils.training.plan import Plan, StartFrom
from workshop_utils.training.run_folder import RunFolder, RunFolderError
from workshop_utils.training.strategies import Detector

FILE = "start.weights.h5"
"""The starting weights in the folder of an unfinished run, so that it resumes even if the other run is gone."""


def choose(folder: pathlib.Path, architecture: str | None = None) -> StartFrom:
    """Return the last undamaged checkpoint of a run, to start another run from.

    Args:
        folder: The folder of the run.
        architecture: The network of the new run; by default, that of the run.

    Raises:
        RunFolderError: If `folder` has no run, no undamaged checkpoint, or one of another architecture.
    """
    run = RunFolder(pathlib.Path(folder))
    plan = run.plan
    if not plan.chosen.trains:
        raise RunFolderError(
            f"{folder}: has no checkpoints, because {plan.strategy} trains nothing. Start from another run, or train "
            "fine_tune, which starts from the same weights."
        )
    if architecture not in (None, plan.architecture):
        raise RunFolderError(
            f"{folder}: is a run of the architecture {plan.architecture}, and its weights do not fit {architecture}. "
            f"Leave out --architecture, or start from a run of {architecture}."
        )
    run.checkpoint()
    step = next((step for step in reversed(run.steps()) if files.is_intact(run.checkpoint(step))), None)
    if step is None:
        raise RunFolderError(f"{folder}: all its checkpoints are damaged. Start from another run.")
    return StartFrom(str(run.folder.resolve()), step, _checksum(run.checkpoint(step)))


def load(plan: Plan, run: RunFolder | None = None) -> Detector:
    """Return the detector before the first training step of a plan.

    Args:
        plan: The plan.
        run: The run's folder. Weights from another run are kept there until training ends.

    Raises:
        RunFolderError: If the other run cannot be read, or its checkpoint has changed.
        WriteError: If the weights cannot be written to the folder.
    """
    if plan.start_from is None:
        return plan.chosen.start(plan.classes, plan.architecture)
    detector = plan.chosen.empty(plan.classes, plan.architecture)
    kept = run and run.folder / FILE
    if kept and kept.exists() and files.is_intact(kept):
        detector.model.load_weights(kept)
        return detector
    _copy(plan.start_from, detector, architectures.get(plan.architecture))
    if kept:
        files.write_weights(detector.model, kept)
    return detector


def _copy(start: StartFrom, detector: Detector, architecture: Architecture) -> None:
    """Copy a checkpoint's weights into a detector, and print which classes are kept."""
    run = RunFolder(pathlib.Path(start.run))
    if _checksum(run.checkpoint(start.step)) != start.checksum:
        raise RunFolderError(
            f"{run.checkpoint(start.step)}: has changed since this run was planned. Train in another folder."
        )
    other = run.plan
    source = other.chosen.empty(other.classes, other.architecture)
    run.load_checkpoint(source.model, start.step)
    pretrained.transfer(source.model, detector.model, architecture)
    same = average_precision.matching_names(detector.label_map.values(), source.label_map.values())
    copy_classes(source, detector, same, architecture)
    new = [name for name in detector.label_map.values() if name not in same]
    dropped = [name for name in source.label_map.values() if name not in same.values()]
    parts = {"keeps": list(same), "learns from the start": new, "no longer has": dropped}
    classes = "; ".join(f"{what} {phrases.quoted(names)}" for what, names in parts.items() if names)
    print(f"Starting from {start.run}, step {start.step}. Classes: it {classes}.", flush=True)


def copy_classes(source: Detector, target: Detector, same: dict[str, str], architecture: Architecture) -> None:
    """Copy the weights that predict the background and the classes that two detectors share.

    The last axis of these weights runs over the anchors of a cell and, for each anchor, over the background and the
    class ids. Weights of other classes keep their values.

    Args:
        source: The detector to copy from.
        target: The detector to copy to.
        same: {class of the target: the same class in the source}.
        architecture: The architecture of both.
    """
    from_id = {name: number for number, name in source.label_map.items()}
    pairs = [(0, 0)] + [(number, from_id[same[name]]) for number, name in target.label_map.items() if name in same]
    to, of = (list(column) for column in zip(*pairs, strict=True))
    for layer in target.model.layers:
        if layer.weights and re.fullmatch(architecture.class_layers, layer.name):
            given = source.model.get_layer(layer.name).get_weights()
            layer.set_weights(
                [
                    _with_columns(own, max(target.label_map), to, theirs, max(source.label_map), of)
                    for own, theirs in zip(layer.get_weights(), given, strict=True)
                ]
            )


def _with_columns(own: np.ndarray, own_ids: int, to: list[int], theirs: np.ndarray, ids: int, of: list[int]):
    """Return `own` with the columns `to` of each anchor replaced by the columns `of` of `theirs`."""
    result = own.reshape(*own.shape[:-1], -1, own_ids + 1).copy()
    result[..., to] = theirs.reshape(*theirs.shape[:-1], -1, ids + 1)[..., of]
    return result.reshape(own.shape)


def _checksum(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
