"""Groups of photos that belong together, so that they are never divided between training and validation set.

A photo in the validation set measures little if a photo of the same moment is in the training set.
"""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Callable, Sequence

from tqdm import tqdm

from workshop_utils.core import text
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import near_duplicates
from workshop_utils.data.dataset import Sample
from workshop_utils.data.names import composed

DEFAULT = "near"
FILE = "file"


class GroupsError(WorkshopError, ValueError):
    """A file of groups that cannot be used. The message names the file, and the line or photo that is wrong."""


@dataclasses.dataclass(frozen=True)
class Grouping:
    """How the photos of a data set are grouped.

    Attributes:
        by: A name in RULES, or FILE.
        photos: The names of the photos in each group. Each other photo is its own group.
    """

    by: str
    photos: list[list[str]]

    @property
    def summary(self) -> str:
        """The number of groups and their photos, as text."""
        if not self.photos:
            return f"no photos belong together (--groups {self.by})"
        sizes = [len(each) for each in self.photos]
        groups = "1 group" if len(sizes) == 1 else f"{len(sizes)} groups"
        return f"{sum(sizes)} photos belong together in {groups} of up to {max(sizes)} (--groups {self.by})"


def by(choice: str, samples: Sequence[Sample]) -> Grouping:
    """Group the photos of a data set.

    Args:
        choice: A name in RULES, or the path of a text file with a photo and its group in each line.
        samples: The photos.

    Raises:
        GroupsError: If the file cannot be read, or misses a photo.
    """
    ordered = sorted(samples, key=lambda sample: sample.name)
    keys = RULES[choice](ordered) if choice in RULES else _from_file(pathlib.Path(choice), ordered)
    groups = collections.defaultdict[object, list[str]](list)
    for sample, key in zip(ordered, keys, strict=True):
        groups[key].append(sample.name)
    return Grouping(choice if choice in RULES else FILE, [each for each in groups.values() if len(each) > 1])


def _near(samples: Sequence[Sample]) -> list[int]:
    bar = tqdm(samples, "compare", unit="photo", delay=1, leave=False, disable=None)
    return near_duplicates.find(sample.image for sample in bar)


def stem(name: str) -> str:
    """Return what the names of photos of one series share: a photo's stem up to its last number.

    That is `film` for film_0007.jpg, and the original's name for a copy that Roboflow made (belt_jpg.rf.4f1b.jpg). A
    name without letters before its number is returned whole: 0007.jpg says nothing of a series.
    """
    path = pathlib.PurePosixPath(composed(name))
    original = re.sub(r"\.rf\.[^.]+$", "", path.stem)
    if original != path.stem:
        return str(path.with_name(original))
    series = re.sub(r"[\W_]*\d+$", "", original)
    return str(path.with_name(series)) if re.search(r"[^\W\d_]", series) else str(path)


def _folder(sample: Sample) -> str:
    return str(getattr(sample.source, "parent", pathlib.PurePosixPath(sample.name).parent))


RULES: dict[str, Callable[[Sequence[Sample]], Sequence[object]]] = {
    "near": _near,
    "stem": lambda samples: [stem(sample.name) for sample in samples],
    "folder": lambda samples: [_folder(sample) for sample in samples],
    "none": lambda samples: [sample.name for sample in samples],
}
"""{name: function that returns a key for each photo}. Photos with the same key are a group."""


def _from_file(path: pathlib.Path, samples: Sequence[Sample]) -> list[str]:
    """Return the group of each photo, as a file says. Lines for photos that are not used are allowed."""
    try:
        lines = text.read(path).splitlines()
    except FileNotFoundError:
        raise GroupsError(f"{path}: there is no such file. --groups takes {', '.join(RULES)}, or a file.") from None
    except (OSError, text.EncodingError) as error:
        raise GroupsError(f"{path}: cannot be read ({error}). Save it as text in UTF-8.") from None
    group_of: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        photo, _, group = (part.strip() for part in line.rpartition("\t" if "\t" in line else ","))
        if not (photo and group):
            raise GroupsError(f"{path}: line {number} is not a photo, a comma and a group: '{line}'. Correct it.")
        if group_of.setdefault(composed(photo), group) != group:
            raise GroupsError(f"{path}: line {number} puts {photo} into a second group, '{group}'. Remove one.")
    missing = [sample.name for sample in samples if composed(sample.name) not in group_of]
    if missing:
        what = f"{path}: misses {len(missing)} of {len(samples)} photos, the first is {missing[0]}."
        raise GroupsError(f"{what} Add a line for each: the photo, a comma, and the name of its group.")
    return [group_of[composed(sample.name)] for sample in samples]
