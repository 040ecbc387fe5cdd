"""SSD MobileNet v1 computes what the original graph computes, and gets its COCO weights from the zoo's archive."""

import http.server
import shutil
import tarfile
import threading

import mobilenet_v1_graph as original
import numpy as np
import pytest

from workshop_utils.cli import main
from workshop_utils.core import download
from workshop_utils.model import anchors, architectures, pretrained, ssd_mobilenet_v1, tf1_checkpoint
from workshop_utils.training.fast import feature_cache, folded_layers, fused_batch_norm

V1 = architectures.get("ssd_mobilenet_v1")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The folder of a checkpoint with COCO's classes and random weights, as in the zoo's archive."""
    folder = tmp_path_factory.mktemp("zoo") / "ssd_mobilenet_v1_coco_2018_01_28"
    original.save(folder / "model.ckpt", original.weights(90))
    (folder / "pipeline.config").write_text("model { ssd { num_classes: 90 } }")
    return folder


@pytest.fixture(scope="module")
def archive(checkpoint):
    path = checkpoint.with_name(ssd_mobilenet_v1.ARCHIVE.name)
    with tarfile.open(path, "w:gz", compresslevel=1) as packed:
        packed.add(checkpoint, checkpoint.name)
    return path


@pytest.fixture
def served(archive, monkeypatch):
    """Serve the archive on this machine, and expect its hash; return the requests."""
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=archive.parent)

        def do_GET(self):
            requests.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{archive.name}"
        monkeypatch.setattr(ssd_mobilenet_v1, "ARCHIVE", original.as_download(archive, address))
        yield requests
        server.shutdown()


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


# The network


@pytest.mark.parametrize("classes", [1, 5])
def test_it_computes_what_the_original_graph_computes(classes, tmp_path):
    values = original.weights(classes)
    model = V1.build(classes)
    with tf1_checkpoint.opened(original.save(tmp_path / "model.ckpt-7", values)) as found:
        for layer, arrays in found.weights(V1.variables(), model).items():
            model.get_layer(layer).set_weights(arrays)
    images = np.random.default_rng(2).uniform(-1, 1, (2, 300, 300, 3)).astype(np.float32)
    for ours, wanted in zip(model.predict_on_batch(images), original.run(values, images), strict=True):
        assert wanted.std() > 0.1
        np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_every_weight_of_the_network_has_one_variable_of_the_original_and_no_other():
    values, model = original.weights(3), V1.build(3)
    names = [name for variables in V1.variables().values() for name in variables]
    assert sorted(names) == sorted(values)
    assert {layer.name for layer in model.layers if layer.weights} == V1.variables().keys()


def test_its_feature_maps_fit_the_anchors():
    model = V1.build(1)
    sides = [model.get_layer(f"box_{level}").input.shape[1] for level in range(6)]
    assert sides == list(anchors.GRIDS) == [19, 10, 5, 3, 2, 1]
    assert [tuple(output.shape[1:]) for output in model.outputs] == [(1917, 4), (1917, 2)]


def test_its_batch_norm_is_mobilenets():
    model = V1.build(1)
    assert {layer.epsilon for layer in model.layers if layer.name.endswith("_BN")} == {1e-3}
    assert {layer.max_value for layer in model.layers if layer.name.endswith("_relu")} == {6.0}


@pytest.mark.parametrize("training", [False, True])
def test_the_fast_layers_compute_the_same(training):
    model = V1.build(2)
    images = np.random.default_rng(4).uniform(-1, 1, (2, 300, 300, 3)).astype(np.float32)
    fast = fused_batch_norm.fuse(model, V1.recomputed_up_to) if training else folded_layers.fold(model)
    for ours, wanted in zip(fast(images, training=training), model(images, training=training), strict=True):
        assert np.linalg.norm(ours - wanted) <= 1e-3 * np.linalg.norm(wanted)


def test_its_layers_can_be_frozen_and_their_features_cached():
    model = V1.build(2)
    sides = []
    for name in V1.freezing_depths:
        frozen, trained = feature_cache.split(model, name)
        sides.append(frozen.outputs[0].shape[1])
        assert len(frozen.outputs) == 1 and frozen.count_params() + trained.count_params() == model.count_params()
    assert sides == [75, 38, 19]


# COCO's weights


def test_the_archive_is_the_zoos():
    wanted = ssd_mobilenet_v1.ARCHIVE
    assert wanted.name == "ssd_mobilenet_v1_coco_2018_01_28.tar.gz" and wanted.size == 76_541_073
    assert wanted.sha256.startswith("8788f891") and len(wanted.sha256) == 64


def test_fetch_downloads_verifies_and_converts_once(served, checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pretrained.fetch, "__defaults__", (tmp_path, architectures.get()))
    assert main(["fetch", "--architecture", "ssd_mobilenet_v1"]) == 0
    assert str(tmp_path / V1.weights_file) in capsys.readouterr().out
    assert main(["fetch", "--architecture", "ssd_mobilenet_v1"]) == 0
    assert len(served) == 1
    assert files_in(tmp_path) == sorted([ssd_mobilenet_v1.ARCHIVE.name, V1.weights_file])
    model = pretrained.coco_detector(tmp_path, V1)
    values = original.weights(90)
    for layer, names in V1.variables().items():
        for array, name in zip(model.get_layer(layer).get_weights(), names, strict=True):
            np.testing.assert_array_equal(array, values[name])


def test_an_archive_that_is_there_needs_no_network(archive, tmp_path, monkeypatch):
    shutil.copy(archive, tmp_path)
    monkeypatch.setattr(ssd_mobilenet_v1, "ARCHIVE", original.as_download(archive))
    assert pretrained.fetch(tmp_path, V1) == tmp_path / V1.weights_file


def test_an_archive_with_a_wrong_hash_is_not_opened(archive, tmp_path, monkeypatch):
    shutil.copy(archive, tmp_path)
    monkeypatch.setattr(tarfile, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(pretrained.PretrainedError, match="8788f89108519fd1"):
        pretrained.fetch(tmp_path, V1)
    assert files_in(tmp_path) == [archive.name]


def test_a_download_with_a_wrong_hash_is_deleted(served, archive, tmp_path, monkeypatch):
    wanted = download.Download(ssd_mobilenet_v1.ARCHIVE.address, ssd_mobilenet_v1.ARCHIVE.size, "0" * 64)
    monkeypatch.setattr(ssd_mobilenet_v1, "ARCHIVE", wanted)
    with pytest.raises(pretrained.PretrainedError, match="0" * 64):
        pretrained.fetch(tmp_path, V1)
    assert len(served) == 1 and files_in(tmp_path) == []


def test_without_a_network_the_message_names_the_file_the_folder_and_ways_without_it(tmp_path, monkeypatch):
    wanted = download.Download("http://127.0.0.1:9/weights.tar.gz", 10, "0" * 64)
    monkeypatch.setattr(ssd_mobilenet_v1, "ARCHIVE", wanted)
    with pytest.raises(pretrained.PretrainedError) as caught:
        pretrained.fetch(tmp_path, V1)
    for each in ("http://127.0.0.1:9/weights.tar.gz", str(tmp_path), "random_init", "--start-from"):
        assert each in str(caught.value)
    assert files_in(tmp_path) == []


def test_fine_tuning_without_weights_says_what_to_do(tmp_path, voc_folder, monkeypatch, capsys):
    wanted = download.Download("http://127.0.0.1:9/weights.tar.gz", 10, "0" * 64)
    monkeypatch.setattr(ssd_mobilenet_v1, "ARCHIVE", wanted)
    monkeypatch.setattr(pretrained.load_into, "__defaults__", (tmp_path / "none", V1))
    run = ["--experiment", str(tmp_path / "run"), "--recipe", "quick"]
    assert main(["train", str(voc_folder), "--architecture", "ssd_mobilenet_v1", *run]) == 1
    said = capsys.readouterr().err
    assert all(each in said for each in ("weights.tar.gz", "--strategy random_init", "--start-from"))
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []


def test_an_archive_without_one_of_the_variables_names_it(tmp_path, monkeypatch):
    values = original.weights(90)
    del values["FeatureExtractor/MobilenetV1/Conv2d_3_depthwise/depthwise_weights"]
    original.save(tmp_path / "made" / "model.ckpt", values)
    archive = tmp_path / "made.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(tmp_path / "made", "made")
    monkeypatch.setattr(ssd_mobilenet_v1, "ARCHIVE", original.as_download(archive))
    with pytest.raises(pretrained.PretrainedError, match=r"Conv2d_3_depthwise/depthwise_weights: is missing"):
        pretrained.fetch(tmp_path, V1)
    assert files_in(tmp_path) == ["made", "made.tar.gz"]


def test_a_damaged_archive_with_the_right_hash_is_an_error(tmp_path, monkeypatch):
    archive = tmp_path / "made.tar.gz"
    archive.write_bytes(b"\x1f\x8b damaged")
    monkeypatch.setattr(ssd_mobilenet_v1, "ARCHIVE", original.as_download(archive))
    with pytest.raises(pretrained.PretrainedError, match=r"made\.tar\.gz"):
        pretrained.fetch(tmp_path, V1)
    assert files_in(tmp_path) == ["made.tar.gz"]
