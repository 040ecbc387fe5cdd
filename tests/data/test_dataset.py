import dataclasses
import io
import itertools
import pathlib
import shutil
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import dataset, label_map, photos, voc
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.model import anchors
from workshop_utils.training import augmentation, batches

FLAVOURS = {1: "blueberry", 2: "natural", 3: "peach", 4: "strawberry", 5: "vanilla"}


def names(samples):
    return [sample.name for sample in samples]


def edit(folder: pathlib.Path, name: str, **changes) -> None:
    """Change fields of one annotation."""
    path = folder / "annotations" / name
    voc.write(dataclasses.replace(voc.read(path), **changes), path)


def grey_samples(count: int) -> list[dataset.Sample]:
    """Return photos with one box, each in another shade of grey, so that a batch shows which is which."""
    samples = []
    for number in range(count):
        stream = io.BytesIO()
        Image.new("L", (20, 10), 10 * number).save(stream, "PNG")
        box = [0.2, 0.3, 0.6, 0.5]
        samples.append(dataset.from_encoded(f"{number}.png", stream.getvalue(), [box], ["cup"], [0], [0]))
    return samples


@pytest.fixture
def plain_views(monkeypatch):
    """Make batches without augmentation: each view is the whole photo."""
    monkeypatch.setattr(augmentation, "random_view", lambda image, boxes, ids, _: augmentation.plain(image, boxes, ids))


# The workshop's photos


def test_the_yoghurt_data_set_is_whole(yoghurt):
    assert yoghurt.findings == []
    assert names(yoghurt.samples) == [f"{number:04}.jpg" for number in range(1, 361)]
    assert yoghurt.label_map == FLAVOURS
    assert len({sample.sha256 for sample in yoghurt.samples}) == 360, "no photo twice"


def test_every_yoghurt_box_is_inside_its_photo_and_big_enough_to_see(yoghurt):
    for sample in yoghurt.samples:
        assert len(sample.boxes) == len(sample.classes) == len(sample.difficult) == len(sample.truncated)
        assert (sample.boxes >= 0).all() and (sample.boxes <= 1).all()
        assert ((sample.boxes[:, 2:] - sample.boxes[:, :2]) * 300 > 5).all(), sample.name


def test_every_flavour_is_well_represented_in_training_and_in_validation(yoghurt):
    for part, least in zip(yoghurt.split(), (150, 40), strict=True):
        counts = {name: sum(sample.classes.count(name) for sample in part) for name in FLAVOURS.values()}
        assert min(counts.values()) >= least, counts


# Reading a folder


def test_a_sample_matches_its_photo_and_annotation(voc_folder):
    sample = dataset.load(voc_folder).samples[0]
    annotation = voc.read(voc_folder / "annotations" / "0001.xml")
    assert (sample.name, sample.width, sample.height) == ("0001.jpg", 512, 384)
    assert sample.image.shape == (384, 512, 3) and sample.image.dtype == np.uint8
    assert sample.encoded == (voc_folder / "images" / "0001.jpg").read_bytes()
    assert sample.classes == tuple(box.name for box in annotation.boxes)
    np.testing.assert_allclose(sample.boxes, voc.normalised(annotation), rtol=1e-6)
    assert sample.boxes.dtype == np.float32


def test_a_large_photo_is_stored_small_with_its_true_size(voc_folder):
    photo = voc_folder / "images" / "0001.jpg"
    Image.open(photo).resize((1024, 768)).save(photo)
    boxes = voc.read(voc_folder / "annotations" / "0001.xml").boxes
    edit(voc_folder, "0001.xml", width=1024, height=768)
    sample = dataset.load(voc_folder).samples[0]
    assert (sample.width, sample.height) == (1024, 768)
    assert sample.image.shape == (384, 512, 3)
    assert sample.boxes[0][1] == np.float32(boxes[0].xmin / 1024)


def test_photos_stay_on_the_disk_until_they_are_used(voc_folder):
    first, second, third, *_ = dataset.load(voc_folder).samples
    (voc_folder / "images" / "0002.jpg").unlink()
    shutil.copy(voc_folder / "images" / "0004.jpg", voc_folder / "images" / "0003.jpg")
    assert first.image.shape == (384, 512, 3)
    with pytest.raises(photos.PhotoError, match=r"0002\.jpg: "):
        _ = second.image
    with pytest.raises(photos.PhotoError, match=r"0003\.jpg: "):
        _ = third.image


def test_using_more_photos_takes_no_more_memory(yoghurt):
    one = yoghurt.samples[0].image.nbytes
    tracemalloc.start()
    try:
        for sample in yoghurt.samples[:30]:
            assert sample.image.nbytes == one
        assert tracemalloc.get_traced_memory()[0] < 2 * one
    finally:
        tracemalloc.stop()


def test_a_large_photo_is_decoded_once(voc_folder, monkeypatch):
    large = Image.open(voc_folder / "images" / "0001.jpg").resize((2048, 1536))
    large.save(voc_folder / "images" / "0001.jpg")
    edit(voc_folder, "0001.xml", width=2048, height=1536)
    sample, read, times = dataset.load(voc_folder).samples[0], photos.read, []
    monkeypatch.setattr(photos, "read", lambda *about: times.append(about) or read(*about))
    first, second = sample.image, sample.image
    assert len(times) == 1 and first.shape == (384, 512, 3) and np.array_equal(first, second)


def test_a_label_map_in_the_folder_is_used(voc_folder):
    mapping = {7: "vanilla", 8: "blueberry", 9: "natural", 11: "peach", 12: "strawberry"}
    label_map.write(mapping, voc_folder / dataset.LABEL_MAP)
    data = dataset.load(voc_folder)
    assert data.label_map == mapping
    sample = data.samples[0]
    assert [mapping[number] for number in dataset.class_ids(sample, mapping)] == list(sample.classes)


def test_bad_inputs_are_named_and_the_rest_is_used(voc_folder):
    images, annotations = voc_folder / "images", voc_folder / "annotations"
    (images / "0001.jpg").unlink()
    (annotations / "0002.xml").unlink()
    (images / "0003.jpg").write_bytes((images / "0003.jpg").read_bytes()[:9000])
    edit(voc_folder, "0004.xml", width=640, height=480)
    (annotations / "0005.xml").write_text("<annotation>")
    data = dataset.load(voc_folder)
    assert names(data.samples) == ["0006.jpg"]
    assert sorted((finding.file.name, finding.kind.name) for finding in data.findings) == [
        ("0001.xml", "NO_PHOTO"),
        ("0002.jpg", "NO_ANNOTATION"),
        ("0003.jpg", "BROKEN_PHOTO"),
        ("0004.xml", "OTHER_SIZE"),
        ("0005.xml", "BROKEN_XML"),
    ]
    assert all(str(finding).startswith(f"{finding.file}: ") for finding in data.findings)


def test_an_invalid_box_is_named_by_file_and_object(voc_folder):
    path = voc_folder / "annotations" / "0001.xml"
    path.write_text(path.read_text().replace("<xmin>", "<xmin>9", 1))
    data = dataset.load(voc_folder)
    assert len(data.samples) == 5
    [finding] = data.findings
    name = voc.read_as_written(path).boxes[0].name
    assert (finding.file, finding.kind) == (path, Kind.BOX_OUTSIDE)
    assert finding.what.startswith(f"object 1 ({name}) ") and "512x384" in finding.what and "xmin 9" in finding.what


def test_a_class_that_is_not_in_the_label_map_is_named_and_its_photo_left_out(voc_folder):
    label_map.write(label_map.number(set(FLAVOURS.values()) - {"vanilla"}), voc_folder / dataset.LABEL_MAP)
    data = dataset.load(voc_folder)
    assert all("vanilla" not in sample.classes for sample in data.samples)
    assert len(data.samples) + len(data.findings) == 6
    assert {finding.kind for finding in data.findings} == {Kind.UNKNOWN_CLASS}
    assert "0001.xml" in [finding.file.name for finding in data.findings if "'vanilla'" in finding.what]


def test_an_annotation_that_names_another_photo_is_reported_but_used(voc_folder):
    edit(voc_folder, "0002.xml", filename="IMG_7.JPG")
    data = dataset.load(voc_folder)
    assert len(data.samples) == 6
    [finding] = data.findings
    assert (finding.file.name, finding.kind) == ("0002.xml", Kind.OTHER_FILENAME)
    assert "'IMG_7.JPG'" in finding.what and "0002.jpg" in finding.what


def test_a_photo_without_objects_is_a_sample_without_boxes(voc_folder):
    edit(voc_folder, "0002.xml", boxes=())
    data = dataset.load(voc_folder)
    assert data.findings == []
    assert data.samples[1].boxes.shape == (0, 4)
    images, encodings, classes = batches.batch([data.samples[1]], data.label_map, 0, 1, 42)
    assert images.shape == (1, 300, 300, 3) and not encodings.any() and not classes.any()


def test_a_folder_without_one_usable_photo_is_refused_with_the_reasons(voc_folder):
    for photo in (voc_folder / "images").iterdir():
        photo.write_bytes(b"")
    with pytest.raises(dataset.DatasetError, match=rf"^{voc_folder}: .*\n.*0001\.jpg: ") as caught:
        dataset.load(voc_folder)
    assert [finding.kind for finding in caught.value.findings] == [Kind.BROKEN_PHOTO] * 6


def test_a_folder_without_labels_is_refused(voc_folder):
    for xml in (voc_folder / "annotations").iterdir():
        edit(voc_folder, xml.name, boxes=())
    with pytest.raises(dataset.DatasetError, match=f"^{voc_folder}: "):
        dataset.load(voc_folder)


@pytest.mark.parametrize("kind", ["nothing", "a file"])
def test_a_path_that_is_not_a_folder_is_refused_as_a_data_set(kind, tmp_path):
    path = tmp_path / "cups"
    if kind == "a file":
        path.write_text("cups")
    with pytest.raises(voc.VocError, match=f"^{path}: "):
        dataset.load(path)


# Split


def test_the_split_is_80_to_20_and_every_photo_is_on_one_side(yoghurt):
    training, validation = yoghurt.split()
    assert (len(training), len(validation)) == (288, 72)
    assert sorted(names(training) + names(validation)) == names(yoghurt.samples)


def test_the_split_never_changes(yoghurt):
    """Recorded results and all comparisons depend on the same validation photos."""
    training, validation = yoghurt.split()
    assert names(training[:3]) == ["0108.jpg", "0034.jpg", "0048.jpg"]
    assert names(validation[:3]) == ["0274.jpg", "0047.jpg", "0153.jpg"]


def test_the_split_does_not_depend_on_the_order_of_the_files(voc_folder, monkeypatch):
    before = dataset.load(voc_folder)
    iterdir, glob = pathlib.Path.iterdir, pathlib.Path.glob
    monkeypatch.setattr(pathlib.Path, "iterdir", lambda folder: sorted(iterdir(folder), reverse=True))
    monkeypatch.setattr(pathlib.Path, "glob", lambda folder, pattern: sorted(glob(folder, pattern), reverse=True))
    after = dataset.load(voc_folder)
    assert [names(part) for part in after.split()] == [names(part) for part in before.split()]
    assert after.fingerprint() == before.fingerprint()


def test_the_split_does_not_depend_on_the_order_of_the_samples(yoghurt):
    turned = dataset.Dataset(yoghurt.samples[::-1], yoghurt.label_map)
    assert [names(part) for part in turned.split()] == [names(part) for part in yoghurt.split()]


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 57, 100, 359])
def test_a_limit_counts_both_sides_80_to_20_with_at_least_one_photo_each(yoghurt, limit):
    training, validation = yoghurt.split(limit)
    assert len(training) + len(validation) == max(limit, 2)
    assert abs(len(validation) - 0.2 * limit) <= 1
    assert training and validation


def test_a_larger_limit_keeps_the_photos_of_a_smaller_one_on_the_same_side(yoghurt):
    parts = [yoghurt.split(limit) for limit in (5, 40, 100, 250, None)]
    for smaller, larger in itertools.pairwise(parts):
        for side in (0, 1):
            assert set(names(smaller[side])) < set(names(larger[side]))


@pytest.mark.parametrize("limit", [None, 360, 1000])
def test_without_a_limit_all_photos_are_used(yoghurt, limit):
    assert [len(part) for part in yoghurt.split(limit)] == [288, 72]


def test_one_of_two_photos_is_for_validation(yoghurt):
    assert [len(part) for part in dataset.Dataset(yoghurt.samples[:2], FLAVOURS).split()] == [1, 1]


# Fingerprint


def test_the_fingerprint_stays_the_same_for_the_same_data(voc_folder, tmp_path):
    copy = shutil.copytree(voc_folder, tmp_path / "copy")
    before = dataset.load(voc_folder).fingerprint()
    assert dataset.load(copy).fingerprint() == before
    assert len(before) == 12 and int(before, 16)


@pytest.mark.parametrize("change", ["photo", "box", "class", "difficult", "name", "fewer", "label map"])
def test_the_fingerprint_changes_with_the_data(voc_folder, change):
    before = dataset.load(voc_folder)
    image, xml = voc_folder / "images" / "0002.jpg", voc_folder / "annotations" / "0002.xml"
    first, *others = voc.read(xml).boxes
    if change == "photo":
        image.write_bytes(image.read_bytes() + b" ")
    elif change == "box":
        edit(voc_folder, xml.name, boxes=(dataclasses.replace(first, xmax=first.xmax - 1), *others))
    elif change == "class":
        other = next(name for name in before.label_map.values() if name != first.name)
        edit(voc_folder, xml.name, boxes=(dataclasses.replace(first, name=other), *others))
    elif change == "difficult":
        edit(voc_folder, xml.name, boxes=(dataclasses.replace(first, difficult=1), *others))
    elif change == "name":
        edit(voc_folder, xml.name, filename="0002b.jpg")
        image.rename(image.with_name("0002b.jpg"))
        xml.rename(xml.with_name("0002b.xml"))
    elif change == "fewer":
        image.unlink()
        xml.unlink()
    elif change == "label map":
        label_map.write({number + 1: name for number, name in before.label_map.items()}, voc_folder / dataset.LABEL_MAP)
    assert dataset.load(voc_folder).fingerprint() != before.fingerprint()


# Batches


def test_a_batch_contains_the_views_and_their_targets(yoghurt):
    images, encodings, classes = batches.batch(yoghurt.samples[:5], FLAVOURS, 0, 2, 42)
    assert images.shape == (2, 300, 300, 3) and images.dtype == np.float32
    assert images.min() >= -1 and images.max() <= 1 and images.std() > 0.1
    assert encodings.shape == (2, 1917, 4) and encodings.dtype == np.float32
    assert classes.shape == (2, 1917) and classes.dtype == np.int32
    assert set(classes.ravel().tolist()) <= set(range(6))


def test_a_batchs_targets_are_the_labelled_boxes(yoghurt, plain_views):
    samples = yoghurt.samples[:4]
    _, encodings, classes = batches.batch(samples, FLAVOURS, 0, 4, 42)
    order = np.random.default_rng([42, 0]).permutation(4)
    for row, sample in enumerate(samples[place] for place in order):
        positive = classes[row] > 0
        decoded = anchors.decode(encodings[row][positive], anchors.anchors()[positive])
        pixels = np.round(decoded * np.tile([sample.height, sample.width], 2))
        flavours = [FLAVOURS[number] for number in classes[row][positive].tolist()]
        found = {(flavour, *box) for flavour, box in zip(flavours, pixels.tolist(), strict=True)}
        boxes = voc.read(settings.YOGHURT / "annotations" / sample.name.replace("jpg", "xml")).boxes
        assert found == {(box.name, box.ymin, box.xmin, box.ymax, box.xmax) for box in boxes}


def test_a_batch_depends_only_on_its_number_and_the_seed(yoghurt):
    samples = yoghurt.samples[:5]
    np.random.seed(1)
    first = batches.batch(samples, FLAVOURS, 3, 2, 42)
    batches.batch(samples, FLAVOURS, 0, 2, 42)
    np.random.seed(2)
    again = batches.batch(samples, FLAVOURS, 3, 2, 42)
    for part, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(part, same)
    assert (batches.batch(samples, FLAVOURS, 3, 2, 43)[0] != first[0]).any()
    assert (batches.batch(samples, FLAVOURS, 4, 2, 42)[0] != first[0]).any()


def test_each_epoch_has_every_photo_once_in_a_new_order(plain_views):
    samples = grey_samples(7)
    places = []
    for step in range(7):  # 7 batches of 3 are 3 epochs of 7
        images, _, _ = batches.batch(samples, {1: "cup"}, step, 3, 42)
        places += [round((float(image.mean()) + 1) * 127.5 / 10) for image in images]
    epochs = [places[:7], places[7:14], places[14:]]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_photo_looks_different_in_each_epoch(yoghurt):
    views = [batches.batch(yoghurt.samples[:1], FLAVOURS, step, 1, 42)[0] for step in range(6)]
    assert len({view.tobytes() for view in views}) == 6


def test_batches_prepared_in_another_thread_are_the_same_batches(yoghurt):
    samples = yoghurt.samples[:5]
    prepared = list(batches.batches(samples, FLAVOURS, 2, 42, 3, 6))
    assert len(prepared) == 3
    for step, parts in enumerate(prepared, start=3):
        for part, wanted in zip(parts, batches.batch(samples, FLAVOURS, step, 2, 42), strict=True):
            np.testing.assert_array_equal(part, wanted)


def test_a_list_selects_training_photos_and_keeps_their_order(yoghurt):
    training, _ = yoghurt.split()
    chosen = [training[7].name, training[3].name]
    assert [sample.name for sample in dataset.select(training, chosen)] == [training[3].name, training[7].name]


@pytest.mark.parametrize("names", [["0001.jpg", "nowhere.jpg"], []], ids=["an unknown photo", "none"])
def test_a_list_with_a_name_that_is_not_a_training_photo_is_refused(yoghurt, names):
    with pytest.raises(dataset.DatasetError, match=r"'nowhere\.jpg'" if names else ""):
        dataset.select(yoghurt.samples, names)


def test_a_name_in_another_form_of_unicode_is_the_photo_s_name(yoghurt):
    composed, apart = "K\u00e4se.jpg", "Ka\u0308se.jpg"
    samples = [dataclasses.replace(yoghurt.samples[0], name=apart), yoghurt.samples[1]]
    assert names(dataset.select(samples, [composed])) == [apart]
    assert names(dataset.select(samples, [apart])) == [apart]
