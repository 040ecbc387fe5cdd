"""An architecture, a data format, an export format and a strategy can be added from outside the package, with one entry
each, and work from the data set to the labelled photo, as docs/architecture.md promises."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
from conftest import first_photos

from workshop_utils.cli import main
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import dataset, formats
from workshop_utils.deploy import export_formats
from workshop_utils.model import architectures, detection, nms, preprocessing
from workshop_utils.training import strategies
from workshop_utils.training.run_folder import RunFolder

SIZE = ("steps=2", "photos=all", "batch_size=2", "evaluate_every=2", "checkpoint_every=2")


def toy_network(classes: int) -> keras.Model:
    """Return a tiny network with the inputs and outputs of a detector."""
    image = keras.Input((preprocessing.INPUT_SIDE, preprocessing.INPUT_SIDE, 3))
    features = keras.layers.Conv2D(4, 30, strides=30, name="toy_convolution")(image)
    features = keras.layers.BatchNormalization(name="toy_norm")(features)
    features = keras.layers.GlobalAveragePooling2D()(features)
    outputs = [
        keras.layers.Reshape((1917, size))(keras.layers.Dense(1917 * size, name=f"toy_{size}")(features))
        for size in (4, classes + 1)
    ]
    return keras.Model(image, outputs)


TOY_ARCHITECTURE = architectures.Architecture(
    name="toy_network",
    build=toy_network,
    read_coco=lambda folder: {},  # it was never trained on COCO
    class_layers=r"toy_\d+",
    freezing_depths=("toy_convolution", "toy_norm"),
    recomputed_up_to="toy_norm",
)

TOY_STRATEGY = strategies.Strategy(
    "toy_strategy", "random weights, batch norm in inference mode", strategies.random_weights
)


def read_toy(folder: pathlib.Path) -> dataset.Dataset:
    """Read a data set of photos next to one JSON file that lists their boxes."""
    boxes = json.loads((folder / "toy.json").read_text())
    samples = [
        dataset.from_encoded(name, (folder / name).read_bytes(), [box for _, *box in each], [n for n, *_ in each],
                             [0] * len(each), [0] * len(each))
        for name, each in sorted(boxes.items())
    ]  # fmt: skip
    return dataset.Dataset(samples, {1: "cup"})


TOY_DATA = formats.DataFormat("toy", "toy.json", lambda folder: (folder / "toy.json").exists(), read_toy)


def write_toy(model, path: pathlib.Path, photos) -> None:
    model.save_weights(path.with_suffix(".weights.h5"))
    path.write_text(json.dumps({"classes": model.output_shape[1][-1] - 1}))


def open_toy(path: pathlib.Path) -> export_formats.OpenFile:
    classes = json.loads(path.read_text())["classes"]
    model = toy_network(classes)
    model.load_weights(path.with_suffix(".weights.h5"))

    def run(image: np.ndarray, least_score: float):
        boxes, scores = detection.predict(model, preprocessing.resize(image)[None])
        return nms.suppress(
            np.asarray(boxes[0]), np.asarray(scores[0]), least_score, detection.NMS_IOU, detection.MAX_DETECTIONS
        )

    return export_formats.OpenFile(run, classes)


TOY_EXPORT = export_formats.ExportFormat("toy", "detector.toy", write_toy, open_toy, speed_rank=0)


@pytest.fixture
def added(monkeypatch):
    """The four additions in their registries, which are restored afterwards."""
    monkeypatch.setattr(architectures, "ARCHITECTURES", dict(architectures.ARCHITECTURES))
    monkeypatch.setattr(strategies, "STRATEGIES", dict(strategies.STRATEGIES))
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    monkeypatch.setattr(export_formats, "FORMATS", dict(export_formats.FORMATS))
    architectures.register(TOY_ARCHITECTURE)
    strategies.register(TOY_STRATEGY)
    formats.register(TOY_DATA)
    export_formats.register(TOY_EXPORT)


@pytest.fixture
def toy_data(tmp_path):
    cups = dataset.load(first_photos(tmp_path / "cups"))
    folder = tmp_path / "toy_data"
    folder.mkdir()
    for sample in cups.samples:
        (folder / sample.name).write_bytes(sample.encoded)
    boxes = {each.name: [["cup", *box] for box in each.boxes.tolist()] for each in cups.samples}
    (folder / "toy.json").write_text(json.dumps(boxes))
    shutil.rmtree(tmp_path / "cups")
    return folder


def test_all_four_additions_work_together_from_the_command_line(added, toy_data, tmp_path, capsys):
    run, found = RunFolder(tmp_path / "run"), tmp_path / "found"
    chosen = ["--architecture", "toy_network", "--strategy", "toy_strategy", "--recipe", "quick"]
    assert main(["train", str(toy_data), *chosen, "--experiment", str(run.folder), "--set", *SIZE]) == 0
    assert (run.plan.architecture, run.plan.strategy) == ("toy_network", "toy_strategy")
    assert run.steps() == [2] and run.metrics()["per_class"].keys() == {"cup"}
    assert main(["evaluate", str(run.folder), "--data", str(toy_data)]) == 0
    assert main(["export", str(run.folder), "--formats", "toy"]) == 0
    photos = [str(path) for path in sorted(toy_data.glob("*.jpg"))]
    capsys.readouterr()
    assert main(["detect", str(run.folder / "export"), *photos, "--out", str(found), "--min-score", "0.001"]) == 0
    assert len(list(found.glob("*.labeled.jpg"))) == 6
    assert "cup" in capsys.readouterr().out


def test_an_added_architecture_can_be_fine_tuned_with_any_strategys_fields(added, toy_data, tmp_path):
    """The COCO weights come from `read_coco`, and the architecture says which layers are frozen."""
    tune = dataclasses.replace(strategies.get("fine_tune"), load=strategies.random_weights)
    strategies.register(dataclasses.replace(tune, name="toy_strategy"))
    chosen = ["--architecture", "toy_network", "--strategy", "toy_strategy", "--recipe", "quick", "--views", "1"]
    assert main(["train", str(toy_data), *chosen, "--experiment", str(tmp_path / "run"), "--set", *SIZE]) == 0
    assert RunFolder(tmp_path / "run").plan.freezing.train_from == "toy_norm"
