import dataclasses
import errno
import pathlib

import numpy as np
import pytest
from conftest import interrupting

from workshop_utils.core import files
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.training import batches, strategies
from workshop_utils.training.fast import feature_cache, precision

CUT = "block_12_add"
SEED = 7


@pytest.fixture(scope="module")
def model(yoghurt):
    return strategies.get("fine_tune").start(yoghurt.label_map).model


@pytest.fixture(scope="module")
def parts(model):
    return feature_cache.split(model, CUT)


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    """Compute in float32 on any machine, so that results can be compared."""
    monkeypatch.setenv(precision.VARIABLE, "float32")


@pytest.fixture
def cache(tmp_path, yoghurt, monkeypatch):
    """Three views of five photos, in shards of four."""
    monkeypatch.setattr(feature_cache, "SHARD", 4)
    return feature_cache.FeatureCache(tmp_path / "frozen", yoghurt.samples[:5], yoghurt.label_map, 3, SEED)


def flipped(data: bytes) -> bytes:
    """Return the data with one bit flipped in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        ("block_5_add", [(38, 38, 32)]),
        ("block_12_add", [(19, 19, 96)]),
        ("block_8_project_BN", [(19, 19, 64), (19, 19, 64)]),  # the residual connection crosses the cut, too
        ("out_relu", [(19, 19, 576), (10, 10, 1280)]),
    ],
)
def test_trunk_and_tail_together_are_the_detector(model, yoghurt, layer, shapes):
    images = batches.batch(yoghurt.samples[:5], yoghurt.label_map, 0, 2, SEED)[0]
    frozen, tail = feature_cache.split(model, layer)
    assert [tuple(each.shape[1:]) for each in frozen.outputs] == shapes
    for ours, wanted in zip(tail(frozen(images)), model(images), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-5)


def test_each_weight_is_in_exactly_one_part(model, parts):
    paths = [{variable.path for variable in part.variables} for part in parts]
    assert paths[0] | paths[1] == {variable.path for variable in model.variables}
    assert not paths[0] & paths[1]


def test_cached_features_are_those_of_the_views_of_training(cache, parts, yoghurt):
    cache.fill(parts[0])
    for step, (features, *targets) in enumerate(cache.batches(2, 0, 7)):
        images, *wanted = batches.batch(cache.samples, yoghurt.label_map, step, 2, SEED)
        made = parts[0](images, training=False)
        assert features[0].dtype == np.float16
        np.testing.assert_allclose(features[0], tf.nest.flatten(made)[0], rtol=2e-3, atol=2e-3)
        for ours, theirs in zip(targets, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_views_repeat_after_all_were_seen_and_each_epoch_has_every_photo_once(cache, parts):
    cache.fill(parts[0])
    epochs = [np.concatenate([features[0] for features, *_ in cache.batches(1, 5 * i, 5 * i + 5)]) for i in range(4)]
    sums = [sorted(epoch.astype(np.float64).sum(axis=(1, 2, 3))) for epoch in epochs]
    assert sums[3] == sums[0]
    assert len({tuple(each) for each in sums}) == 3
    assert len(set(sums[0])) == 5


def test_batches_start_at_the_given_step(cache, parts):
    cache.fill(parts[0])
    for (ours, *_), (wanted, *_) in zip(cache.batches(2, 3, 5), list(cache.batches(2, 0, 5))[3:], strict=True):
        np.testing.assert_array_equal(ours[0], wanted[0])


def test_interrupted_filling_resumes(cache, parts, monkeypatch):
    with interrupting(monkeypatch, np, "save", 3), pytest.raises(KeyboardInterrupt):
        cache.fill(parts[0])
    before = {path.name: path.stat().st_mtime_ns for path in cache.folder.glob("*features*")}
    assert len(before) == 2
    cache.fill(parts[0])
    after = {path.name: path.stat().st_mtime_ns for path in cache.folder.glob("*features*")}
    assert len(after) == 4 and before.items() <= after.items()
    whole = feature_cache.FeatureCache(cache.folder.with_name("whole"), cache.samples, cache.label_map, 3, SEED)
    whole.fill(parts[0])
    assert contents(cache.folder).keys() == contents(whole.folder).keys()
    for (ours, *rest), (theirs, *others) in zip(cache.batches(5, 0, 3), whole.batches(5, 0, 3), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(rest[0], others[0])


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", flipped], ids=["half", "empty", "bit"]
)
@pytest.mark.parametrize("name", ["00000004-truth.npz", "00000004-features-0.npy"])
def test_only_a_damaged_file_is_named_and_computed_again(cache, capsys, name, damage):
    image = keras.Input((300, 300, 3))
    averages = keras.Model(image, keras.layers.AveragePooling2D(30)(image))
    cache.fill(averages)
    wanted, path = contents(cache.folder), cache.folder / name
    before = {each: each.stat().st_mtime_ns for each in cache.folder.iterdir() if "00000004" not in each.name}
    path.write_bytes(damage(path.read_bytes()))
    cache.fill(averages)
    assert "00000004-truth.npz: " in capsys.readouterr().err
    assert contents(cache.folder) == wanted
    assert {each: each.stat().st_mtime_ns for each in before} == before


def test_a_full_disk_is_named_with_the_file(cache, parts, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(files.WriteError, match=r"features-0\.npy: .*No space left"):
        cache.fill(parts[0])
    assert not list(cache.folder.glob(".part-*"))


def test_views_continue_at_the_current_epoch(cache, parts, yoghurt):
    later = dataclasses.replace(cache, first_epoch=2)
    later.fill(parts[0])
    features, *targets = next(later.batches(5, 2, 3))  # the third epoch
    images, *wanted = batches.batch(cache.samples, yoghurt.label_map, 2, 5, SEED)
    np.testing.assert_allclose(features[0], tf.nest.flatten(parts[0](images))[0], rtol=2e-3, atol=2e-3)
    np.testing.assert_array_equal(targets[1], wanted[1])
