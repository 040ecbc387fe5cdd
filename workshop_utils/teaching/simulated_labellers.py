"""Five simulated people who label the same photos, each with a known habit, so that you can see what merging does.

Real annotators differ in these ways: edges that do not fit, small objects that are missed, two classes that are mixed
up. How often is invented.
"""

import dataclasses
import pathlib
import tempfile
import zipfile
from collections.abc import Iterable, Mapping

import numpy as np

from workshop_utils.core import files
from workshop_utils.data import voc_folder
from workshop_utils.data.dataset import Dataset, Sample

LEAST_SIDE = 0.01
"""The least height and width of a box, as a fraction of the photo's."""


@dataclasses.dataclass(frozen=True)
class Labeller:
    """A simulated person.

    Attributes:
        name: The name.
        edges: The standard deviation of each edge, as a fraction of the box's height or width.
        misses: The share of all objects that is missed.
        small: Objects with a smaller area, as a fraction of the photo, are small.
        misses_small: The share of small objects that is missed.
        confuses: Two classes that are mixed up.
        confused: The share of the objects of these classes that gets the other name.
    """

    name: str
    edges: float = 0.015
    misses: float = 0.0
    small: float = 0.0
    misses_small: float = 0.0
    confuses: tuple[str, str] | None = None
    confused: float = 0.0

    def label(self, samples: Iterable[Sample], seed: int = 0) -> list[Sample]:
        """Return the photos as this person labels them.

        Args:
            samples: The photos with their true labels.
            seed: Decides which objects are missed and renamed. A photo gets the same labels in any selection.
        """
        return [self._labelled(sample, np.random.default_rng([seed, *self._key(sample.name)])) for sample in samples]

    def _key(self, photo: str) -> bytes:
        return f"{self.name}/{photo}".encode()

    def _labelled(self, sample: Sample, rng: np.random.Generator) -> Sample:
        sides = sample.boxes[:, 2:] - sample.boxes[:, :2]
        chance = np.where(sides.prod(axis=1) < self.small, self.misses_small, self.misses)
        kept = np.flatnonzero(rng.random(len(chance)) >= chance)
        moved = sample.boxes + rng.normal(0, self.edges, sample.boxes.shape) * np.tile(sides, 2)
        moved = np.concatenate([np.minimum(moved[:, :2], moved[:, 2:] - LEAST_SIDE), moved[:, 2:]], axis=1)
        swapped = rng.random(len(chance)) < self.confused
        other = dict(zip(self.confuses, reversed(self.confuses), strict=True)) if self.confuses else {}
        names = [other.get(name, name) if swap else name for name, swap in zip(sample.classes, swapped, strict=True)]
        return dataclasses.replace(
            sample,
            boxes=np.clip(moved[kept], 0, 1).astype(np.float32),
            classes=tuple(names[place] for place in kept),
            difficult=tuple(sample.difficult[place] for place in kept),
            truncated=tuple(sample.truncated[place] for place in kept),
        )


CLASS = (
    Labeller("ana", misses=0.03),
    Labeller("ben", edges=0.1, misses=0.05),
    Labeller("chloe", small=0.025, misses_small=0.7),
    Labeller("dev", confuses=("strawberry", "vanilla"), confused=0.5),
    Labeller("emma", edges=0.04, misses=0.1),
)
"""Ana is careful. Ben's edges do not fit. Chloe misses small objects. Dev mixes up two classes. Emma is in a hurry."""


def write_take_home(samples: list[Sample], label_map: Mapping[int, str], path: pathlib.Path) -> None:
    """Write labelled photos as the zip file that notebook 10 makes to take home. Raises WriteError."""
    names = {"images": "photos", "annotations": "labels"}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "labelled")
        voc_folder.write(Dataset(samples, dict(label_map)), folder)
        with files.replacing(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
            for part, name in names.items():
                for each in sorted((folder / part).iterdir()):
                    archive.writestr(zipfile.ZipInfo(f"{name}/{each.name}"), each.read_bytes())  # without today's date
