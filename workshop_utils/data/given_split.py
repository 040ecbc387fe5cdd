"""The split that a data set comes with, as an alternative to a random one."""

from collections.abc import Sequence

from workshop_utils.data.dataset import DatasetError, Sample

NAMES = ("random", "given")
"""How photos can be divided into training and validation set."""


def split(samples: Sequence[Sample], limit: int | None = None) -> tuple[list[Sample], list[Sample]]:
    """Return training and validation samples as the data set's author divided them, each sorted by name.

    The validation set is the part called val, or test if there is no val. Otherwise the part called test is not used.

    Args:
        samples: The samples of a data set.
        limit: The number of training photos and validation photos together; None uses all. Of both parts, the first by
            name are used, in the ratio 80 to 20.

    Raises:
        DatasetError: If the data set does not come with a split.
    """
    ordered = sorted(samples, key=lambda sample: sample.name)
    parts = {part: [sample for sample in ordered if sample.part == part] for part in ("train", "val", "test")}
    training, validation = parts["train"], parts["val"] or parts["test"]
    if not training or not validation:
        there = ", ".join(f"{part} ({len(each)} photos)" for part, each in parts.items() if each) or "none"
        what = f"The data set has no split into train and val; its parts: {there}."
        raise DatasetError(f"{what} Leave out --split given, or put the photos into folders train/ and val/.")
    if limit is None or limit >= len(training) + len(validation):
        return training, validation
    held_out = min(max(1, round(0.2 * limit)), len(validation))
    return training[: max(1, limit - held_out)], validation[:held_out]


def summary(samples: Sequence[Sample]) -> str:
    """Return the number of photos in each part as text, "" if the data set does not come with a split."""
    counts = {part: sum(sample.part == part for sample in samples) for part in ("train", "val", "test")}
    return ", ".join(f"{part} {count}" for part, count in counts.items() if count)
