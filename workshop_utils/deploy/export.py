"""Export a checkpoint to files that other programs can run.

The modules in `formats` describe the inputs and outputs of each format. All of them scale pixels to [-1, 1] themselves.
"""

import contextlib
import gc
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

from workshop_utils.core import elapsed, files
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import dataset, label_map
from workshop_utils.data.formats import open_dataset
from workshop_utils.deploy import export_formats
from workshop_utils.deploy.export_formats import ExportError
from workshop_utils.model import preprocessing
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import RunFolder

CALIBRATION_PHOTOS = 64
"""The largest number of training photos used to calibrate the int8 ranges."""

EXPECTED = "5 to 40 seconds"
"""How long writing one format takes on two cores; a text for participants."""

LABELS = "labels.txt"
"""The file with one class name per line; line 1 belongs to column 0 of the scores."""


def export(run: RunFolder, formats: Iterable[str] | None = None, step: int | None = None) -> dict[str, pathlib.Path]:
    """Write a run's checkpoint into RUN/export, together with LABELS and `label_map.pbtxt`.

    What an interrupted export left behind is removed or restored first.

    Args:
        run: The run.
        formats: Names of formats; by default `export_formats.defaults()`.
        step: The step of the checkpoint; by default, that of the last one.

    Returns:
        The path of each format, by name.

    Raises:
        ExportError: If a format does not exist, or the photos it needs are not available.
        RunFolderError: If there is no such checkpoint, or a link leads out of the run folder.
        WriteError: If a file cannot be written, as on a full disk.
    """
    chosen = [export_formats.get(name) for name in (export_formats.defaults() if formats is None else formats)]
    run.check_links()
    photos = next((_calibration_photos(run, each.name) for each in chosen if each.needs_photos), None)
    model, classes = trainer.load_model(run, step)
    folder = run.folder / "export"
    files.make_folder(folder)
    files.remove_unfinished(folder)
    for each in export_formats.FORMATS.values():
        files.restore_backup(folder / each.file_name)
    label_map.write(classes, folder / dataset.LABEL_MAP)
    files.write_text("".join(f"{classes.get(number, '')}\n" for number in range(1, max(classes) + 1)), folder / LABELS)
    for each in chosen:
        name = each.file_name
        with _frequent_garbage_collection(), elapsed.shown(f"Writing {name} ({EXPECTED}):", f"Wrote {name} in"):
            each.write(model, folder / name, photos if each.needs_photos else None)
    return {each.name: folder / each.file_name for each in chosen}


def _calibration_photos(run: RunFolder, name: str) -> list[np.ndarray]:
    """Return training photos of a run, uint8 (300, 300, 3). Raises ExportError if they are missing or have changed."""
    plan = run.plan
    try:
        if not plan.data:
            raise dataset.DatasetError("recipe.json does not say where they are")
        data = open_dataset(pathlib.Path(plan.data))
        if data.fingerprint() != plan.fingerprint:
            raise dataset.DatasetError(f"{plan.data} has changed since training")
    except WorkshopError as error:
        reason = str(error).rstrip(".")
        raise ExportError(
            f"{run.folder}: {name} needs the photos of the run ({reason}). Restore them, or leave {name} out."
        ) from None
    return [preprocessing.resize(sample.image) for sample in plan.split(data)[0][:CALIBRATION_PHOTOS]]


@contextlib.contextmanager
def _frequent_garbage_collection() -> Iterator[None]:
    """Free copies of graphs soon after their last use, which saves half a gigabyte for ONNX.

    They are in reference cycles, so only the garbage collector finds them, and it runs less often the more objects
    exist. So existing objects, mostly TensorFlow's, are excluded here, and new ones checked more often.
    """
    frequent, before = (700, 5, 2), gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*frequent)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.collect()
