"""From a checkpoint to files that other programs run.

What each format takes and gives is written in its module in `formats`. Scaling pixels to [-1, 1] is inside all of them.
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
"""How many training photos, at most, show the range of the numbers that become whole ones."""

EXPECTED = "5 to 40 seconds"
"""How long writing one format takes on two cores; the text for participants."""

LABELS = "labels.txt"


def export(run: RunFolder, formats: Iterable[str] | None = None, step: int | None = None) -> dict[str, pathlib.Path]:
    """Write a run's checkpoint into RUN/export, with `label_map.pbtxt` and `labels.txt` beside it.

    `labels.txt` has one class name a line; line 1 belongs to column 0 of the scores. What an export that was killed
    left unfinished is put in order first.

    Args:
        run: The run.
        formats: Their names, as `export_formats` calls them; None takes its defaults.
        step: The checkpoint's step; None takes the last.

    Returns:
        The path of each format.

    Raises:
        ExportError: For a format that does not exist, or whose photos are not there.
        RunFolderError: Where there is no such checkpoint, or a link leads out of the run.
        WriteError: Where the disk is full.
    """
    chosen = [export_formats.get(name) for name in (export_formats.defaults() if formats is None else formats)]
    run.refuse_links()
    photos = next((_calibration_photos(run, each.name) for each in chosen if each.needs_photos), None)
    model, classes = trainer.load_model(run, step)
    folder = run.folder / "export"
    files.make_folder(folder)
    files.sweep(folder)
    for each in export_formats.FORMATS.values():
        files.put_back(folder / each.file_name)
    label_map.write(classes, folder / dataset.LABEL_MAP)
    files.write_text("".join(f"{classes.get(number, '')}\n" for number in range(1, max(classes) + 1)), folder / LABELS)
    for each in chosen:
        with _little_memory(), elapsed.shown(f"Writing {each.file_name} ({EXPECTED}):", f"Wrote {each.file_name} in"):
            each.write(model, folder / each.file_name, photos if each.needs_photos else None)
    return {each.name: folder / each.file_name for each in chosen}


def _calibration_photos(run: RunFolder, name: str) -> list[np.ndarray]:
    """Return training photos of a run, resized. Raises ExportError where they are not what the run was trained on."""
    plan = run.plan
    try:
        if not plan.data:
            raise dataset.DatasetError("recipe.json does not say where they are")
        data = open_dataset(pathlib.Path(plan.data))
        if data.fingerprint() != plan.fingerprint:
            raise dataset.DatasetError(f"those in {plan.data} are not those it was trained on")
    except WorkshopError as fault:
        reason = str(fault).rstrip(".")
        raise ExportError(
            f"{run.folder}: {name} needs the photos of the run, but {reason}. Put them there, or leave {name} out."
        ) from None
    return [preprocessing.resize(sample.image) for sample in plan.split(data)[0][:CALIBRATION_PHOTOS]]


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    """Within it, copies of graphs that nobody needs any more are soon freed: half a gigabyte, for ONNX.

    They refer to themselves, so only Python's garbage collector finds them, and it looks the more seldom the more
    objects there are. So it skips all that was there before (TensorFlow's, mostly) and looks more often at what is new.
    """
    often, before = (700, 5, 2), gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*often)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.collect()
