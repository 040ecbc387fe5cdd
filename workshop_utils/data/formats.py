"""Open a labelled data set in any format the workshop knows; which one it is, its files say."""

import pathlib

from workshop_utils.data import dataset, tfrecords
from workshop_utils.data.dataset import Dataset


def open_dataset(folder: pathlib.Path) -> Dataset:
    """Open a VOC folder (`images/` and `annotations/`) or a folder of TFRecords.

    Raises DatasetError, VocError or LabelMapError for a folder that holds neither, or a broken one.
    """
    return tfrecords.read(folder) if tfrecords.are_in(folder) else dataset.load(folder)
