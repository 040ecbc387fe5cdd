"""A data set is opened in any registered format, and survives being written in another."""

import csv
import dataclasses
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from conftest import FIXTURES
from hypothesis import HealthCheck, given, settings, strategies
from PIL import Image

from workshop_utils.cli import main
from workshop_utils.data import archives, dataset, formats, photos, tfrecords, voc
from workshop_utils.data.formats import DataFormat, open_dataset
from workshop_utils.data.voc_folder import write as write_voc


def png(width: int, height: int, grey: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (grey, grey, grey)).save(stream, "PNG")
    return stream.getvalue()


def everything_in(folder) -> dict:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Opened


def test_a_folder_and_its_records_are_opened_as_the_same_data_set(voc_folder, tmp_path):
    data = dataset.load(voc_folder)
    tfrecords.write(data, tmp_path / "one")
    tfrecords.write(data, tmp_path / "shards", shards=3)
    for folder in (voc_folder, tmp_path / "one", tmp_path / "shards"):
        assert open_dataset(folder).fingerprint() == data.fingerprint()
        assert open_dataset(str(folder)).fingerprint() == data.fingerprint()


WITHOUT_EMPTY = ("datumaro-voc_detection", "label-studio-voc", "pylabel-coco", "pylabel-yolo")
"""The programs that write nothing for a photo without objects, so that it counts as not labelled."""

EXPORTS = sorted((FIXTURES / "exports").glob("*.zip"))


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_what_other_programs_write_is_converted_with_every_box(path, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "UNPACKED", tmp_path / "unpacked")
    truth = json.loads((FIXTURES / "exports" / "truth.json").read_text())
    lost = path.stem in WITHOUT_EMPTY
    code = main(["convert", str(path), "--to", "voc", "--out", str(tmp_path / "voc")])
    assert code == (lost and not path.stem.startswith("pylabel")), "pylabel does not copy the photo either"
    data = open_dataset(tmp_path / "voc")
    assert len(data.samples) == len(truth) - lost and not data.findings
    for sample in data.samples:
        (boxes,) = [rows for name, rows in truth.items() if sample.name.endswith((name, name.replace(" ", "_")))]
        assert sample.classes == tuple(name for name, *_ in boxes)
        found = sample.boxes[:, [1, 0, 3, 2]] * [128, 96, 128, 96]
        assert found == pytest.approx(np.reshape([edges for _, *edges in boxes], (-1, 4)), abs=1.01)


OPEN = """
import json, sys
from workshop_utils.data import formats
data = formats.open_dataset(sys.argv[1])
print(json.dumps([len(data.samples), "tensorflow" in sys.modules]))
"""


def test_only_records_need_tensorflow(voc_folder, tmp_path):
    tfrecords.write(dataset.load(voc_folder), tmp_path / "records")
    for folder, needs_tensorflow in ((voc_folder, False), (tmp_path / "records", True)):
        done = subprocess.run([sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == [6, needs_tensorflow]


@pytest.mark.parametrize("parts", [[], ["images"], ["annotations"]])
def test_if_no_format_fits_the_error_says_what_is_missing_and_what_each_format_needs(parts, tmp_path):
    for part in parts:
        (tmp_path / part).mkdir()
    missing = "annotations" if "images" in parts else "images"
    with pytest.raises(dataset.DatasetError, match=f"'{missing}'") as caught:
        open_dataset(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")
    assert all(
        each.name in str(caught.value) and each.contents in str(caught.value) for each in formats.FORMATS.values()
    )


def test_photos_without_annotations_are_named_one_by_one(voc_folder):
    for path in (voc_folder / "annotations").iterdir():
        path.unlink()
    with pytest.raises(dataset.DatasetError) as caught:
        open_dataset(voc_folder)
    assert {finding.file for finding in caught.value.findings} == set((voc_folder / "images").iterdir())


# A format from outside the package: photos next to a table of boxes in pixels


def read_table(folder) -> dataset.Dataset:
    rows = {}
    with open(folder / "boxes.csv", newline="") as stream:
        for name, label, *edges in csv.reader(stream):
            rows.setdefault(name, []).append((label, [float(edge) for edge in edges]))
    samples = []
    for name, boxes in sorted(rows.items()):
        encoded = (folder / name).read_bytes()
        width, height = photos.read(encoded, name).size
        edges = np.array([each for _, each in boxes]) / (height, width, height, width)
        none = [0] * len(boxes)
        samples.append(dataset.from_encoded(name, encoded, edges, [label for label, _ in boxes], none, none))
    return dataset.Dataset(samples, {1: "cup", 2: "mug"})


@pytest.fixture
def table(tmp_path):
    """Create a folder in a format that the package does not know."""
    folder = tmp_path / "table"
    folder.mkdir()
    for name, grey in (("first.png", 0), ("second.png", 200)):
        (folder / name).write_bytes(png(64, 48, grey))
    (folder / "boxes.csv").write_text("first.png,cup,2,3,30,40\nfirst.png,mug,10,11,20,21\nsecond.png,cup,0,0,48,64\n")
    return folder


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    formats.register(DataFormat("table", "boxes.csv", lambda folder: (folder / "boxes.csv").exists(), read_table))


def test_a_format_registered_from_outside_is_opened(table, registered):
    assert [len(sample.boxes) for sample in open_dataset(table).samples] == [2, 1]


def test_a_format_that_is_not_registered_is_not_opened(table):
    with pytest.raises(dataset.DatasetError):
        open_dataset(table)


def test_the_command_line_shards_and_evaluates_a_format_registered_from_outside(table, registered, tmp_path, capsys):
    assert main(["shard", str(table), "--out", str(tmp_path / "shards"), "--shards", "2"]) == 0
    assert tfrecords.read(tmp_path / "shards").fingerprint() == read_table(table).fingerprint()
    capsys.readouterr()
    assert main(["evaluate", "coco", "--data", str(table)]) == 0
    assert json.loads(capsys.readouterr().out)["per_class"].keys() == {"cup", "mug"}


def test_a_registered_format_is_named_if_no_format_fits(registered, tmp_path):
    with pytest.raises(dataset.DatasetError, match=r"boxes\.csv"):
        open_dataset(tmp_path)


# Written


def test_folder_to_records_to_folder_keeps_every_box_and_every_byte_of_a_photo(yoghurt, tmp_path):
    few = dataset.Dataset(yoghurt.samples[:40], yoghurt.label_map)
    formats.FORMATS["tfrecords"].write(few, tmp_path / "records")
    formats.FORMATS["voc"].write(open_dataset(tmp_path / "records"), tmp_path / "folder")
    again = open_dataset(tmp_path / "folder")
    assert again.fingerprint() == few.fingerprint() and again.findings == []
    for sample, other in zip(few.samples, again.samples, strict=True):
        assert (tmp_path / "folder" / "images" / sample.name).read_bytes() == sample.encoded
        assert (sample.difficult, sample.truncated) == (other.difficult, other.truncated)
        before, after = (voc.read(folder / "annotations" / sample.name.replace(".jpg", ".xml"))
                         for folder in (pathlib.Path(sample.source).parents[1], tmp_path / "folder"))  # fmt: skip
        assert before.boxes == after.boxes
    assert main(["check", str(tmp_path / "folder")]) == 0


SIZES = {(1000, 750): png(1000, 750), (97, 61): png(97, 61), (3, 2): png(3, 2)}


@given(strategies.data())
def test_every_box_is_read_back_to_the_last_bit(data):
    size = data.draw(strategies.sampled_from(sorted(SIZES)))
    edge = strategies.floats(0, 1, width=32)
    corner = strategies.tuples(edge, edge).filter(lambda pair: abs(pair[0] - pair[1]) * min(size) > 0.2).map(sorted)
    down, across = (data.draw(strategies.lists(corner, min_size=3, max_size=3)) for _ in range(2))
    boxes = [(ymin, xmin, ymax, xmax) for (ymin, ymax), (xmin, xmax) in zip(down, across)]
    flags = [data.draw(strategies.lists(strategies.sampled_from([0, 1]), min_size=3, max_size=3)) for _ in range(2)]
    sample = dataset.from_encoded("cup.png", SIZES[size], boxes, ["cup", "mug", "jar"], *flags)
    with tempfile.TemporaryDirectory() as folder:
        write_voc(dataset.Dataset([sample], {1: "jar", 2: "cup", 5: "mug"}), f"{folder}/cups")
        again = dataset.load(f"{folder}/cups")
    assert again.label_map == {1: "jar", 2: "cup", 5: "mug"}
    assert np.array_equal(again.samples[0].boxes, sample.boxes)
    for field in ("name", "width", "height", "classes", "difficult", "truncated", "sha256"):
        assert getattr(again.samples[0], field) == getattr(sample, field)


def test_integer_pixels_are_written_as_integers(voc_folder, tmp_path):
    formats.FORMATS["voc"].write(dataset.load(voc_folder), tmp_path / "copy")
    edges = [line for path in (tmp_path / "copy" / "annotations").iterdir()
             for line in path.read_text().splitlines() if "min>" in line or "max>" in line]  # fmt: skip
    assert len(edges) > 60 and not any("." in line for line in edges)


def test_a_photo_without_objects_and_a_photo_turned_by_exif_survive(tmp_path):
    turned = Image.new("RGB", (64, 48))
    turned.getexif()[0x0112] = 6
    stream = io.BytesIO()
    turned.save(stream, "JPEG", exif=turned.getexif())
    samples = [
        dataset.from_encoded("empty.png", png(20, 30), [], [], [], []),
        dataset.from_encoded("turned.jpg", stream.getvalue(), [(0, 0.5, 0.25, 1)], ["cup"], [0], [1]),
    ]
    write_voc(dataset.Dataset(samples, {1: "cup"}), tmp_path / "cups")
    empty, upright = dataset.load(tmp_path / "cups").samples
    assert empty.boxes.shape == (0, 4)
    assert (upright.width, upright.height) == (48, 64) and upright.boxes.tolist() == [[0, 0.5, 0.25, 1]]


# What must not be written


def named(*names: str) -> dataset.Dataset:
    samples = [dataset.from_encoded(name, png(8, 8, place), [], [], [], []) for place, name in enumerate(names)]
    return dataset.Dataset(samples, {1: "cup"})


@pytest.mark.parametrize("name", ["../../out.png", "/etc/out.png", r"..\..\out.png", r"C:\photos\out.png"])
def test_a_path_in_a_record_cannot_leave_the_folder(name, tmp_path):
    write_voc(named(name), tmp_path / "in" / "side" / "cups")
    assert [path.name for path in tmp_path.rglob("*.png")] == ["out.png"]
    assert (tmp_path / "in" / "side" / "cups" / "images" / "out.png").exists()


@pytest.mark.parametrize(
    ("names", "at_fault"),
    [
        (["cup.png", "cup.jpg"], "cup.jpg"),
        (["cup.png", "CUP.png"], "CUP.png"),
        ([".cup.png"], ".cup.png"),
        (["cup"], "cup"),
        (["cup.gif"], "cup.gif"),
        ([""], ""),
        (["a\0b.png"], "a\0b.png"),
    ],
)
def test_a_name_that_would_lose_a_photo_is_refused(names, at_fault, tmp_path):
    with pytest.raises(dataset.DatasetError) as caught:
        write_voc(named(*names), tmp_path / "cups")
    assert str(caught.value).startswith(f"{at_fault!r}: ")
    assert list(tmp_path.iterdir()) == []


def test_photos_of_the_same_name_in_two_folders_get_the_folder_in_their_name(tmp_path):
    write_voc(named("a/cup.png", "b\\Cup.png", "c/mug.png"), tmp_path / "cups")
    assert {path.name for path in (tmp_path / "cups" / "images").iterdir()} == {"a-cup.png", "b-Cup.png", "mug.png"}
    assert len(dataset.load(tmp_path / "cups").samples) == 3


def test_a_data_set_never_overwrites_another(voc_folder):
    data, before = dataset.load(voc_folder), everything_in(voc_folder)
    smaller = dataclasses.replace(data, samples=data.samples[:2])
    with pytest.raises(OSError, match=f"^{voc_folder}: "):
        write_voc(smaller, voc_folder)
    assert everything_in(voc_folder) == before


def test_if_a_photo_has_changed_no_partial_data_set_is_written(voc_folder, tmp_path):
    data = dataset.load(voc_folder)
    shutil.copy(voc_folder / "images" / "0001.jpg", voc_folder / "images" / "0006.jpg")
    with pytest.raises(photos.PhotoError, match=r"0006\.jpg: "):
        write_voc(data, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["cups"]


# Converted


@strategies.composite
def data_sets(draw) -> dataset.Dataset:
    """A data set of one to three photos, with boxes of at least 0.2 pixels, names in any script, marks and parts."""
    names = draw(
        strategies.lists(strategies.sampled_from(["cup", "Käse 🍵", "no", "a: b", "杯"]), min_size=1, unique=True)
    )
    parts = draw(strategies.sampled_from([("",), ("train", "val", "test")]))
    samples = []
    for place in range(draw(strategies.integers(1, 3))):
        size = draw(strategies.sampled_from([(64, 48), (7, 300), (1001, 3)]))
        edge, apart = strategies.floats(0, 1, width=32), 0.2 / min(size)
        pair = strategies.tuples(edge, edge).filter(lambda pair, apart=apart: abs(pair[0] - pair[1]) > apart)
        corner = pair.map(sorted)
        pairs = draw(strategies.lists(strategies.tuples(corner, corner), min_size=not place, max_size=4, unique_by=str))
        boxes = [(ymin, xmin, ymax, xmax) for (ymin, ymax), (xmin, xmax) in pairs]
        labels = [draw(strategies.sampled_from(names)) for _ in boxes]
        flags = [[draw(strategies.sampled_from([0, 1])) for _ in boxes] for _ in range(2)]
        folder = draw(strategies.sampled_from(["", "a/", "b/"]))
        name = f"{folder}{draw(strategies.sampled_from(['', 'ä ']))}{place}.png"
        sample = dataset.from_encoded(name, png(*size, grey=place), boxes, labels, *flags)
        samples.append(dataclasses.replace(sample, part=draw(strategies.sampled_from(parts))))
    return dataset.Dataset(samples, dict(enumerate(sorted(names), start=1)))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data_sets())
def test_a_round_trip_through_every_format_loses_no_box(data):
    """From one format to the next, all boxes, classes and photos stay; the marks do, too, in formats that have them."""
    with tempfile.TemporaryDirectory() as folder:
        found = data
        for name in ("voc", "coco", "voc", "yolo", "coco"):
            out = f"{folder}/{name}-{len(list(pathlib.Path(folder).iterdir()))}"
            formats.FORMATS[name].write(found, out)
            found = open_dataset(out)
            assert found.findings == []
            before = sorted(data.samples, key=lambda sample: sample.sha256)
            after = sorted(found.samples, key=lambda sample: sample.sha256)
            for old, new in zip(before, after, strict=True):
                assert (new.sha256, new.classes) == (old.sha256, old.classes)
                np.testing.assert_allclose(new.boxes, old.boxes, atol=1e-6)
                if name == "coco" and not pathlib.Path(folder, "yolo-3").exists():
                    assert (new.difficult, new.truncated) == (old.difficult, old.truncated)


@pytest.mark.parametrize("name", ["voc", "coco", "yolo", "tfrecords"])
def test_the_command_line_converts_to_each_format(name, voc_folder, tmp_path, capsys):
    assert main(["convert", str(voc_folder), "--to", name, "--out", str(tmp_path / "out")]) == 0
    assert str(tmp_path / "out") in capsys.readouterr().out
    again, data = open_dataset(tmp_path / "out"), dataset.load(voc_folder)
    assert [sample.classes for sample in again.samples] == [sample.classes for sample in data.samples]
    assert main(["check", str(tmp_path / "out")]) == 0


def test_convert_reports_what_it_leaves_out_and_changes_nothing(voc_folder, tmp_path, capsys):
    (voc_folder / "annotations" / "0001.xml").unlink()
    before = everything_in(voc_folder)
    assert main(["convert", str(voc_folder), "--to", "coco", "--out", str(tmp_path / "out")]) == 1
    assert str(voc_folder / "images" / "0001.jpg") in capsys.readouterr().err
    assert len(open_dataset(tmp_path / "out").samples) == 5 and everything_in(voc_folder) == before


def test_convert_never_writes_into_the_data_set_or_over_another(voc_folder, tmp_path):
    before = everything_in(voc_folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for out in (voc_folder / "coco", voc_folder, tmp_path / "full"):
        assert main(["convert", str(voc_folder), "--to", "coco", "--out", str(out)]) == 1
    assert everything_in(voc_folder) == before and [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_fix_of_another_format_names_the_command_that_converts_it(voc_folder, tmp_path, capsys):
    formats.FORMATS["coco"].write(dataset.load(voc_folder), tmp_path / "coco")
    assert main(["check", str(tmp_path / "coco"), "--fix"]) == 1
    assert f"convert {tmp_path / 'coco'} --to voc" in capsys.readouterr().err


def test_parts_of_pascal_voc_in_folders_are_one_data_set_with_its_split(voc_folder, tmp_path):
    """Roboflow's layout: photos and XML together, in a folder for each part."""
    for place, photo in enumerate(sorted((voc_folder / "images").iterdir())):
        part = tmp_path / "set" / ("valid" if place < 2 else "train")
        part.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, part)
        shutil.copy(voc_folder / "annotations" / f"{photo.stem}.xml", part)
    found = sorted(open_dataset(tmp_path / "set").samples, key=lambda sample: pathlib.PurePath(sample.name).name)
    assert [sample.part for sample in found] == ["val", "val", "train", "train", "train", "train"]
    assert [sample.classes for sample in found] == [s.classes for s in dataset.load(voc_folder).samples]
