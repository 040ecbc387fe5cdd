"""The photos of the workshop match data/README.md."""

import collections
import itertools

import numpy as np
import pytest
from PIL import Image

from tools import datasheet
from workshop_utils.core import settings
from workshop_utils.data import dataset, voc

SETS = datasheet.SETS
FLAVOURS = {"blueberry", "natural", "peach", "strawberry", "vanilla"}


def pairs(name):
    """Return the paths of the set's photos and labels."""
    photo_set = SETS[name]
    for seed in photo_set.seeds:
        stem = photo_set.stem(seed)
        photo = settings.DATA / photo_set.images / f"{stem}.jpg"
        yield photo, settings.DATA / photo_set.annotations / f"{stem}.xml"


ALL = [pair for name in SETS for pair in pairs(name)]


def fingerprint_of_looks(path) -> int:
    """Return a perceptual hash of 256 bits: for 16 x 16 places, whether the next one is lighter."""
    small = np.asarray(Image.open(path).convert("L").resize((17, 16), Image.Resampling.LANCZOS), np.int16)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes())


def test_each_set_has_the_number_of_photos_in_the_data_sheet():
    assert {name: len(photo_set.seeds) for name, photo_set in SETS.items()} == {
        "yoghurt": 360,
        "new_line": 48,
        "to_label": 12,
    }
    for photo_set in SETS.values():
        photos = {path.stem for path in (settings.DATA / photo_set.images).iterdir()}
        labels = {path.stem for path in (settings.DATA / photo_set.annotations).iterdir()}
        assert photos == labels == {photo_set.stem(seed) for seed in photo_set.seeds}


def test_labels_of_the_other_sets_are_in_separate_folders():
    for name in ("new_line", "to_label"):
        assert SETS[name].images != SETS[name].annotations
        assert not list((settings.DATA / SETS[name].images).glob("*.xml"))


@pytest.mark.parametrize(("photo", "labels"), ALL, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_photo_and_labels_agree(photo, labels):
    with Image.open(photo) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (512, 384))
    assert photo.stat().st_size <= 100_000
    annotation = voc.read(labels)
    assert (annotation.width, annotation.height, annotation.filename) == (512, 384, photo.name)
    assert len(annotation.boxes) <= 7
    for box in annotation.boxes:
        assert box.name in FLAVOURS
        assert 1 <= box.xmin < box.xmax <= 512 and 1 <= box.ymin < box.ymax <= 384
        assert min(box.xmax - box.xmin, box.ymax - box.ymin) >= 8, "an object that small cannot be recognised"


def test_no_photo_occurs_twice_in_any_of_the_sets():
    looks = {photo: fingerprint_of_looks(photo) for photo, _ in ALL}
    closest = min(
        ((one ^ other).bit_count(), a, b) for (a, one), (b, other) in itertools.combinations(looks.items(), 2)
    )
    assert closest[0] > 12, closest


def test_the_hash_recognises_a_resaved_photo_and_distinguishes_two_photos(tmp_path):
    (first, _), (second, _) = ALL[:2]
    Image.open(first).resize((500, 375)).save(tmp_path / "again.jpg", quality=60)
    again = fingerprint_of_looks(tmp_path / "again.jpg")
    assert (fingerprint_of_looks(first) ^ again).bit_count() <= 12
    assert (fingerprint_of_looks(second) ^ again).bit_count() > 12


@pytest.mark.parametrize("name", SETS)
def test_flavours_are_balanced_within_15_per_cent(name):
    counts = collections.Counter(box.name for each in datasheet.annotations(name) for box in each.boxes)
    assert set(counts) == FLAVOURS
    if name != "to_label":
        assert datasheet.balance(counts) <= 1.15, counts


def test_between_2_and_5_per_cent_of_the_photos_show_no_cup():
    empty = sum(not each.boxes for each in datasheet.annotations("yoghurt"))
    assert 0.02 <= empty / 360 <= 0.05


def test_the_photos_contain_what_makes_detection_hard():
    found = datasheet.statistics()["yoghurt"]
    assert found["lying cups"] > 100
    assert found["labelled `truncated`"] > 100
    assert found["other cups among them"] > 50
    assert found["cups on a photo, maximum"] == 7


def test_the_data_take_at_most_30_megabytes():
    ignored = (settings.DATA / "pretrained", settings.DATA / "render" / ".venv", settings.DATA / "render" / "build")
    files = [
        path for path in settings.DATA.rglob("*") if path.is_file() and not any(i in path.parents for i in ignored)
    ]
    assert sum(path.stat().st_size for path in files) <= 30e6


@pytest.fixture(scope="module")
def yoghurt():
    return dataset.load(settings.YOGHURT)


def test_the_ladder_s_lists_are_nested_and_balanced_and_name_only_training_photos(yoghurt):
    training, validation = yoghurt.split()
    rungs = {size: datasheet.read_rung(size) for size in settings.LADDER}
    assert {size: len(set(names)) for size, names in rungs.items()} == {size: size for size in settings.LADDER}
    assert set(rungs[288]) == {sample.name for sample in training}
    assert not set(rungs[288]) & {sample.name for sample in validation}
    for smaller, larger in itertools.pairwise(rungs.values()):
        assert set(smaller) < set(larger)
    flavours_of = {sample.name: sample.classes for sample in training}
    for names in rungs.values():
        counts = collections.Counter(flavour for name in names for flavour in flavours_of[name])
        assert datasheet.balance(counts) <= 1.15, counts


def test_the_ladder_is_the_one_that_the_command_computes(yoghurt):
    assert datasheet.ladder(yoghurt) == {size: datasheet.read_rung(size) for size in settings.LADDER}


def test_the_figures_of_the_data_sheet_are_the_computed_ones():
    text = datasheet.DATASHEET.read_text(encoding="utf-8")
    assert datasheet.with_computed(text, datasheet.computed()) == text
    for picture in ("contact_sheet.jpg", "boxes.png", "positions.png"):
        assert f"pictures/{picture}" in text and (datasheet.PICTURES / picture).exists()


def test_a_data_sheet_without_its_markers_is_refused():
    with pytest.raises(ValueError, match="ladder"):
        datasheet.with_computed("no markers here", {"ladder": "| |"})
