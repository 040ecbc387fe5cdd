"""Records have the Object Detection API's keys, and the same samples as their folder."""

import dataclasses
import io
import shutil
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from workshop_utils.data import dataset, label_map, tfrecords
from workshop_utils.training import batches

API_KEYS = {
    "image/height", "image/width", "image/filename", "image/source_id", "image/key/sha256", "image/encoded",
    "image/format", "image/object/bbox/ymin", "image/object/bbox/xmin", "image/object/bbox/ymax",
    "image/object/bbox/xmax", "image/object/class/text", "image/object/class/label", "image/object/difficult",
    "image/object/truncated", "image/object/view",
}  # fmt: skip


@pytest.fixture(scope="module")
def written(yoghurt, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    tfrecords.write(yoghurt, folder)
    return folder


@pytest.fixture(scope="module")
def sharded(yoghurt, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sharded")
    tfrecords.write(yoghurt, folder, shards=4)
    return folder


def test_folder_and_records_give_the_same_batches(yoghurt, written):
    again = tfrecords.read(written)
    assert again.label_map == yoghurt.label_map
    assert again.fingerprint() == yoghurt.fingerprint()
    for ours, theirs in zip(yoghurt.split(), again.split(), strict=True):
        first = batches.batch(ours, yoghurt.label_map, 3, 8, 1)
        second = batches.batch(theirs, again.label_map, 3, 8, 1)
        assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_the_record_files_contain_the_split(yoghurt, written):
    training, validation = yoghurt.split()
    for name, samples in (("train.record", training), ("val.record", validation)):
        found = [tfrecords.from_example(record).name for record in tf.data.TFRecordDataset(str(written / name))]
        assert found == [sample.name for sample in samples]


def test_shards_follow_tensorflow_s_naming_and_give_the_same_samples(yoghurt, sharded):
    names = [f"{part}-{place:05d}-of-00004" for part in tfrecords.FILES for place in range(4)]
    assert sorted(path.name for path in sharded.glob("*.record*")) == sorted(names)
    training, _ = yoghurt.split()
    for place in range(4):
        path = str(sharded / f"train.record-{place:05d}-of-00004")
        found = [tfrecords.from_example(record).name for record in tf.data.TFRecordDataset(path)]
        assert found == [sample.name for sample in training[place::4]]
    again = tfrecords.read(sharded)
    assert again.fingerprint() == yoghurt.fingerprint()
    assert np.array_equal(again.samples[5].image, yoghurt.samples[5].image)


def test_a_given_split_decides_the_files_and_is_read_again(yoghurt, tmp_path):
    parts = ("train", "val", "test", "", "train", "val")
    samples = [dataclasses.replace(each, part=part) for each, part in zip(yoghurt.samples[:6], parts, strict=True)]
    given = dataset.Dataset(samples, yoghurt.label_map)
    tfrecords.write(given, tmp_path / "given", shards=2, keep_split=True)
    for name, places in (("train", (0, 4)), ("val", (1, 5)), ("test", (2, 3))):
        paths = sorted(map(str, (tmp_path / "given").glob(f"{name}.record*")))
        found = [tfrecords.from_example(record).name for record in tf.data.TFRecordDataset(paths)]
        assert len(paths) == 2 and found == [samples[place].name for place in places]
    assert tfrecords.read(tmp_path / "given").fingerprint() == given.fingerprint(), "no photo and no part is lost"
    with pytest.raises(dataset.DatasetError, match=r"test\.record-00000-of-00002: "):
        tfrecords.write(given, tmp_path / "given", shards=2)
    with pytest.raises(dataset.DatasetError, match="no split"):
        tfrecords.write(yoghurt, tmp_path / "none", keep_split=True)


def test_more_shards_than_photos_leave_some_empty(yoghurt, tmp_path):
    few = dataset.Dataset(yoghurt.samples[:3], yoghurt.label_map)
    tfrecords.write(few, tmp_path, shards=5)
    assert tfrecords.read(tmp_path).fingerprint() == few.fingerprint()


def test_records_are_found_in_either_form(written, sharded, tmp_path):
    assert tfrecords.exist_in(written) and tfrecords.exist_in(sharded) and not tfrecords.exist_in(tmp_path)


def test_a_missing_shard_is_named(sharded, tmp_path):
    shutil.copytree(sharded, tmp_path / "copy")
    (tmp_path / "copy" / "train.record-00002-of-00004").unlink()
    with pytest.raises(dataset.DatasetError, match=r"train\.record-00002-of-00004: "):
        tfrecords.read(tmp_path / "copy")


def test_shards_of_two_counts_are_never_mixed(written, sharded, yoghurt, tmp_path):
    shutil.copytree(sharded, tmp_path / "copy")
    with pytest.raises(dataset.DatasetError, match=r"train\.record-00000-of-00004: "):
        tfrecords.write(yoghurt, tmp_path / "copy")
    shutil.copy(written / "train.record", tmp_path / "copy")
    with pytest.raises(dataset.DatasetError, match=r"train\.record: .*\b4 "):
        tfrecords.read(tmp_path / "copy")


def test_an_example_has_the_api_s_keys_and_values(yoghurt):
    sample = yoghurt.samples[0]
    features = tfrecords.to_example(sample, yoghurt.label_map).features.feature
    assert set(features) == API_KEYS
    assert features["image/height"].int64_list.value[:] == [384]
    assert features["image/encoded"].bytes_list.value[0] == sample.encoded
    assert features["image/format"].bytes_list.value[:] == [b"jpeg"]
    assert features["image/key/sha256"].bytes_list.value[0].decode() == sample.sha256
    np.testing.assert_array_equal(features["image/object/bbox/xmax"].float_list.value, sample.boxes[:, 3])
    texts = [text.decode() for text in features["image/object/class/text"].bytes_list.value]
    labels = features["image/object/class/label"].int64_list.value
    assert texts == list(sample.classes)
    assert [yoghurt.label_map[number] for number in labels] == texts


def test_a_photo_without_objects_survives(yoghurt):
    sample = yoghurt.samples[0]
    empty = dataset.from_encoded("empty.jpg", sample.encoded, [], [], [], [])
    again = tfrecords.from_example(tfrecords.to_example(empty, yoghurt.label_map).SerializeToString())
    assert again.boxes.shape == (0, 4)
    assert again.classes == ()


def test_a_broken_record_is_named(written, tmp_path):
    for name in tfrecords.FILES:
        (tmp_path / name).write_bytes((written / name).read_bytes()[:-100])
    shutil.copy(written / "label_map.pbtxt", tmp_path)
    with pytest.raises(dataset.DatasetError, match=r"train\.record: "):
        tfrecords.read(tmp_path)


def test_a_missing_record_is_named(tmp_path):
    label_map.write({1: "cup"}, tmp_path / "label_map.pbtxt")
    with pytest.raises(dataset.DatasetError, match=r"train\.record"):
        tfrecords.read(tmp_path)


# Records from other tools


def cup(trailing: int = 0) -> tf.train.Example:
    """Return the record of a photo of one cup, with extra bytes after the photo."""
    stream = io.BytesIO()
    Image.new("RGB", (64, 48)).save(stream, "PNG")
    encoded = stream.getvalue() + bytes(trailing)
    sample = dataset.from_encoded("a.png", encoded, [(0.1, 0.2, 0.5, 0.8)], ["cup"], [0], [0])
    return tfrecords.to_example(sample, {1: "cup"})


def stored(folder, *examples: tf.train.Example):
    """Write the same records to each of the two files, and the label map of cups."""
    label_map.write({1: "cup"}, folder / "label_map.pbtxt")
    for name in tfrecords.FILES:
        with tf.io.TFRecordWriter(str(folder / name)) as writer:
            for example in examples:
                writer.write(example.SerializeToString())
    return folder


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("filename", [b"K\xe4se.jpg"], "codec can't decode"),
        ("object/class/text", [b"K\xe4se"], "codec can't decode"),
        ("object/bbox/xmax", [], ""),
        ("object/class/text", [], ""),
        ("object/class/text", [b"cup", b"cup"], ""),
        ("object/difficult", [0, 1], ""),
        ("object/bbox/xmax", [40.0], ""),
        ("object/bbox/ymin", [-0.01], ""),
        ("object/bbox/ymin", [float("nan")], ""),
        ("object/bbox/xmin", [0.9], ""),
        ("object/bbox/ymin", [0.5], ""),
        ("object/class/text", [b"vase"], "'vase'.*label_map.pbtxt"),
        ("encoded", [b"no photo"], ""),
        ("height", [], "image/height"),
    ],
)
def test_an_unusable_record_is_named_with_its_file_and_its_number(tmp_path, key, values, said):
    odd = cup()
    feature = odd.features.feature[f"image/{key}"]
    held = getattr(feature, feature.WhichOneof("kind")).value
    del held[:]
    held.extend(values)
    with pytest.raises(dataset.DatasetError, match=rf"(?s)train\.record: record 2 .*{said}"):
        tfrecords.read(stored(tmp_path, cup(), odd))


def test_an_object_in_a_record_is_not_difficult_or_truncated_by_default(tmp_path):
    plain = cup()
    for flag in ("difficult", "truncated"):
        del plain.features.feature[f"image/object/{flag}"]
    sample = tfrecords.read(stored(tmp_path, plain)).samples[0]
    assert (sample.classes, sample.difficult, sample.truncated) == (("cup",), (0,), (0,))


def test_only_the_position_of_a_record_is_kept_in_memory_not_the_photo(tmp_path):
    example = cup(trailing=1_000_000)
    stored(tmp_path, *[example] * 20)
    tfrecords.read(tmp_path)  # once before, so that TensorFlow's own memory does not count
    tracemalloc.start()
    try:
        data = tfrecords.read(tmp_path)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(data.samples) == 40
    assert data.samples[7].encoded == example.features.feature["image/encoded"].bytes_list.value[0]
    assert kept < 4_000_000 and most < 12_000_000  # bytes; the photos are 40,000,000
