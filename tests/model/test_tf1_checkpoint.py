"""A checkpoint of TensorFlow 1 is opened from a folder, a file or an archive, and what does not fit is named."""

import re
import tarfile

import mobilenet_v1_graph as original
import numpy as np
import pytest

from workshop_utils.core.archives import ArchiveError
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.model import architectures, coco_download, pretrained, ssdlite_mobilenet_v2, tf1_checkpoint
from workshop_utils.model.tf1_checkpoint import CheckpointError

NAMES = tf1_checkpoint.convolution("layer", "scope")


@pytest.fixture(scope="module")
def small():
    """A network of one convolution and one batch norm."""
    image = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 1, use_bias=False, name="layer")(image)
    return keras.Model(image, keras.layers.BatchNormalization(name="layer_BN")(x), name="small")


def values(factor: float = 1.0) -> dict[str, np.ndarray]:
    found = {"scope/weights": np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3) * factor}
    return found | {f"scope/BatchNorm/{part}": np.full(3, factor, np.float32) for part in tf1_checkpoint.BATCH_NORM}


def kernel(path, small):
    with tf1_checkpoint.opened(path) as checkpoint:
        return checkpoint.weights(NAMES, small)["layer"][0]


def same(array, factor=1.0):
    np.testing.assert_array_equal(array, values(factor)["scope/weights"])
    return True


# What is opened


def test_a_folder_a_file_of_it_a_prefix_and_an_archive_are_the_same_checkpoint(tmp_path, small):
    folder = tmp_path / "exported"
    original.save(folder / "model.ckpt-30", values())
    archive = tmp_path / "any_name"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, "zoo/exported")
    (folder / "model.ckpt-30.meta").write_bytes(b"a graph, which is not read")
    names = ("model.ckpt-30", "model.ckpt-30.index", "model.ckpt-30.meta", "model.ckpt-30.data-00000-of-00001")
    for path in (folder, archive, *(folder / name for name in names)):
        assert same(kernel(path, small)), path


def test_of_several_checkpoints_the_listed_one_or_else_the_last_is_opened(tmp_path, small):
    for step in (900, 1000, 80):
        original.save(tmp_path / f"model.ckpt-{step}", values(step))
    assert same(kernel(tmp_path, small), 1000)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/home/me/train/model.ckpt-900"\n')
    assert same(kernel(tmp_path, small), 900)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "../elsewhere"\n')
    assert same(kernel(tmp_path, small), 1000)


@pytest.mark.parametrize("name", ["", "missing", "missing.index"])
def test_without_a_checkpoint_the_message_names_the_files_it_consists_of(name, tmp_path):
    with (
        pytest.raises(CheckpointError, match=r"\.index.*\.data-00000-of-00001"),
        tf1_checkpoint.opened(tmp_path / name),
    ):
        pytest.fail("it was opened")


def test_a_hostile_archive_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as packed:
        link = tarfile.TarInfo("model.ckpt.index")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    with pytest.raises(ArchiveError, match="refused"), tf1_checkpoint.opened(tmp_path / "a.tar.gz"):
        pytest.fail("it was opened")


def test_a_checkpoint_of_tensorflow_2_is_named_as_one(tmp_path):
    tf.train.Checkpoint(weights=tf.Variable([1.0])).write(str(tmp_path / "ckpt-1"))
    with pytest.raises(CheckpointError, match="TensorFlow 2"), tf1_checkpoint.opened(tmp_path):
        pytest.fail("it was opened")


# What is read


def test_moving_averages_are_preferred_and_slots_of_the_optimizer_ignored(tmp_path, small):
    slots = {
        f"scope/weights/{slot}": np.ones((1, 1, 2, 3), np.float32) for slot in ("RMSProp", "RMSProp_1", "Momentum")
    }
    average = {"scope/weights/ExponentialMovingAverage": values(7)["scope/weights"]}
    other = {"elsewhere/weights": np.ones(2, np.float32), "global_step": np.array(1234, np.int64)}
    original.save(tmp_path / "model.ckpt", values() | slots | average | other)
    with tf1_checkpoint.opened(tmp_path) as checkpoint:
        assert same(checkpoint.weights(NAMES, small)["layer"][0], 7)
        np.testing.assert_array_equal(checkpoint.weights(NAMES, small)["layer_BN"], np.ones((4, 3)))
        assert checkpoint.unused(NAMES) == ["elsewhere/weights"]
        assert checkpoint.step() == 1234


@pytest.mark.parametrize("step", [None, np.float32(3.5), np.arange(3), np.array(-4)])
def test_an_unusable_step_counts_as_0(step, tmp_path):
    original.save(tmp_path / "model.ckpt", values() | ({} if step is None else {"global_step": np.asarray(step)}))
    with tf1_checkpoint.opened(tmp_path) as checkpoint:
        assert checkpoint.step() == 0


def test_every_variable_that_does_not_fit_is_named_with_the_reason(tmp_path, small):
    wrong = values() | {
        "scope/weights": np.ones((3, 3, 2, 3), np.float32),
        "scope/BatchNorm/beta": np.ones(3, np.int32),
        "scope/BatchNorm/moving_mean": np.full(3, np.nan, np.float32),
    }
    del wrong["scope/BatchNorm/gamma"]
    original.save(tmp_path / "model.ckpt", wrong)
    with tf1_checkpoint.opened(tmp_path) as checkpoint, pytest.raises(CheckpointError) as caught:
        checkpoint.weights(NAMES, small)
    said = str(caught.value)
    assert "4 of the 5 variables of small" in said
    for name, why in {"weights": "(3, 3, 2, 3)", "BatchNorm/beta": "int32", "BatchNorm/moving_mean": "NaN",
                      "BatchNorm/gamma": "missing"}.items():  # fmt: skip
        (line,) = [each for each in said.splitlines() if f"scope/{name}:" in each]
        assert why in line
    assert "moving_variance" not in said


def damaged_shard(folder):
    shard = folder / "model.ckpt.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:30])


def missing_shard(folder):
    (folder / "model.ckpt.data-00000-of-00001").unlink()


def damaged_index(folder):
    index = folder / "model.ckpt.index"
    index.write_bytes(index.read_bytes()[:-20])


def text_as_index(folder):
    (folder / "model.ckpt.index").write_text("hello\n" * 100)


@pytest.mark.parametrize("damage", [damaged_shard, missing_shard, damaged_index, text_as_index])
def test_a_damaged_checkpoint_is_named(damage, tmp_path, small):
    original.save(tmp_path / "model.ckpt", values())
    damage(tmp_path)
    with pytest.raises(CheckpointError, match="read"):
        kernel(tmp_path, small)


# SSDLite MobileNetV2


def test_a_checkpoint_of_ssdlite_v2_gives_the_same_network(coco, tmp_path):
    architecture = architectures.get()
    arrays = {
        name: array
        for layer, names in architecture.variables().items()
        for name, array in zip(names, coco.get_layer(layer).get_weights(), strict=True)
    }
    assert sum(array.size for array in arrays.values()) == coco.count_params()
    model = architecture.build(pretrained.COCO_CLASSES)
    with tf1_checkpoint.opened(original.save(tmp_path / "model.ckpt", arrays)) as checkpoint:
        for layer, weights in checkpoint.weights(architecture.variables(), model).items():
            model.get_layer(layer).set_weights(weights)
    for ours, wanted in zip(model.get_weights(), coco.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_the_names_of_ssdlite_v2_are_those_in_googles_graph(tarball):
    """There, batch norm is folded into each kernel except the depthwise ones and those of the heads."""
    ends = r"(/Conv2D/merged_input|/depthwise_weights|/weights|/biases|/BatchNorm/\w+)$"
    in_graph = [name for name in coco_download.read_tarball(tarball)[0] if re.search(ends, name)]
    ours = [name for names in ssdlite_mobilenet_v2.variables().values() for name in names]
    scopes = {re.sub(ends, "", name) for name in ours}
    assert scopes == {re.sub(ends, "", name.replace("/batchnorm/", "/")) for name in in_graph} and len(scopes) > 80
