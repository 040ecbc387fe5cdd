"""Each problem of labels in COCO, YOLO and zip files: how it is reported, and that no box becomes background."""

import dataclasses
import io
import json
import pathlib
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from workshop_utils.cli import main
from workshop_utils.data import archives, coco_file, dataset, formats, inspection, labels, yolo_lines
from workshop_utils.data.finding_kinds import Group, Kind, Outcome

SIZE = (64, 48)
STEMS = ("a", "b", "c", "d")
EDGES = (10, 8, 40, 30)
"""The box of each photo, as xmin, ymin, xmax, ymax."""


def jpeg(place: int, size=SIZE) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(place).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def put(path: pathlib.Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def coco(folder: pathlib.Path, change: Callable[[dict], None] = lambda content: None) -> pathlib.Path:
    """Write four photos with a cup each, as COCO's JSON, after a change to its content."""
    xmin, ymin, xmax, ymax = EDGES
    content = {
        "images": [
            {"id": 7 * number, "file_name": f"{stem}.jpg", "width": 64, "height": 48}
            for number, stem in enumerate(STEMS, start=1)
        ],
        "annotations": [
            {"id": 100 + number, "image_id": 7 * number, "category_id": 90, "iscrowd": 0,
             "bbox": [xmin, ymin, xmax - xmin, ymax - ymin]} for number in range(1, 5)
        ],
        "categories": [{"id": 5, "name": "never used"}, {"id": 90, "name": "cup"}],
    }  # fmt: skip
    change(content)
    for place, stem in enumerate(STEMS):
        put(folder / "images" / f"{stem}.jpg", jpeg(place))
    put(folder / "annotations" / "instances_default.json", json.dumps(content))
    return folder


def first(**fields) -> Callable[[dict], None]:
    """Change the first annotation."""
    return lambda content: content["annotations"][0].update(fields)


def yolo(folder: pathlib.Path, line: str | None = None, **others: str) -> pathlib.Path:
    """Write four photos with a cup each, as YOLO. `line` is the first one's file; `others` are {name: content}."""
    xmin, ymin, xmax, ymax = EDGES
    values = ((xmin + xmax) / 128, (ymin + ymax) / 96, (xmax - xmin) / 64, (ymax - ymin) / 48)
    usual = " ".join(["1", *map(str, values)])
    for place, stem in enumerate(STEMS):
        put(folder / "images" / f"{stem}.jpg", jpeg(place))
        put(folder / "labels" / f"{stem}.txt", line if line is not None and stem == "a" else usual)
    put(folder / "data.yaml", "train: images\nval: images\nnames: [plate, cup]\n")
    for name, content in others.items():
        put(folder / name.replace("__", "/").replace("_txt", ".txt").replace("_yaml", ".yaml"), content)
    return folder


def zipped(folder: pathlib.Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> pathlib.Path:
    """Write four photos as COCO into a zip file, and more entries."""
    coco(folder / "set")
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in sorted((folder / "set").rglob("*.*")):
            archive.write(each, each.relative_to(folder))
        for name, content in entries:
            archive.writestr(name, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


@pytest.fixture(autouse=True)
def unpacked_here(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "UNPACKED", tmp_path / "unpacked")


def used(data: dataset.Dataset) -> dict[str, list]:
    """Return {stem: boxes in pixels, rounded to hundredths}."""
    found = {}
    for sample in data.samples:
        size = np.array([sample.width, sample.height, sample.width, sample.height])
        boxes = sample.boxes[:, [1, 0, 3, 2]] * size
        found[sample.name.split(".")[0]] = [tuple(float(round(edge, 2)) for edge in box) for box in boxes.tolist()]
    return found


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem: `make(folder)` writes the data set and returns its path.

    `boxes` are those of the first photo if it is used, and None if it is not. `others` is whether all three others are.
    """

    kind: Kind
    make: Callable[[pathlib.Path], pathlib.Path]
    boxes: tuple | None = (EDGES,)
    others: bool = True


def changed(change: Callable[[dict], None]) -> Callable:
    return lambda folder: coco(folder, change)


def lined(line: str | None = None, **others: str) -> Callable:
    return lambda folder: yolo(folder, line, **others)


def as_corners(content: dict) -> None:
    for row in content["annotations"]:
        row["bbox"] = list(EDGES)
    content["annotations"][1]["bbox"] = [40, 30, 63, 47]


def without_box(**fields) -> Callable[[dict], None]:
    def change(content: dict) -> None:
        del content["annotations"][0]["bbox"]
        content["annotations"][0].update(fields)

    return change


def two_images_of_one_id(content: dict) -> None:
    content["images"][0]["id"] = content["images"][1]["id"]


def two_names_of_one_id(content: dict) -> None:
    content["categories"].append({"id": 5, "name": "mug"})
    content["annotations"][0]["category_id"] = 5


def paths(written: str) -> Callable[[dict], None]:
    def change(content: dict) -> None:
        for image in content["images"]:
            image["file_name"] = written.format(image["file_name"])

    return change


POLYGON = [[10, 8, 40, 8, 40, 30], [12, 9, 14, 9, 14, 11]]
LISTED = "./images/a.jpg\nimages/b.jpg\n"

PROBLEMS = {
    "crowd": Problem(Kind.CROWD, changed(first(iscrowd=1, segmentation={"counts": [1], "size": [48, 64]}))),
    "coco_polygon": Problem(Kind.POLYGON, changed(without_box(segmentation=POLYGON))),
    "coco_polygon_and_empty_box": Problem(Kind.POLYGON, changed(first(bbox=[], segmentation=POLYGON))),
    "mask": Problem(Kind.UNREAD_LABEL, changed(without_box(segmentation={"counts": "", "size": [48, 64]})), None),
    "three_numbers": Problem(Kind.UNREAD_LABEL, changed(first(bbox=[1, 2, 3])), None),
    "a_word": Problem(Kind.UNREAD_LABEL, changed(first(bbox=[1, 2, 3, "x"])), None),
    "true": Problem(Kind.UNREAD_LABEL, changed(first(bbox=[1, 2, 3, True])), None),
    "nan": Problem(Kind.UNREAD_LABEL, changed(first(bbox=[1, 2, 3, float("nan")])), None),
    "infinity": Problem(Kind.UNREAD_LABEL, changed(first(bbox=[1, 2, 3, float("inf")])), None),
    "unlisted_category": Problem(Kind.UNLISTED_CLASS, changed(first(category_id=91)), None),
    "image_id_twice": Problem(Kind.REPEATED_ID, changed(two_images_of_one_id), None, others=False),
    "category_id_twice": Problem(Kind.REPEATED_ID, changed(two_names_of_one_id), None),
    "no_listed_image": Problem(Kind.UNREAD_LABEL, changed(lambda content: content["annotations"].append(
        {"id": 1, "image_id": 6, "category_id": 90, "bbox": [1, 2, 3, 4]}))),
    "corners": Problem(Kind.BOX_ORDER, changed(as_corners), None, others=False),
    "rotated_box": Problem(Kind.ROTATED_BOX, changed(first(attributes={"rotation": 90.0})), ((14, 4, 36, 34),)),
    "listed_photo_missing": Problem(Kind.NO_PHOTO, changed(
        lambda content: content["images"].append({"id": 99, "file_name": "gone.jpg", "width": 1, "height": 1}))),
    "photo_not_listed": Problem(Kind.NO_ANNOTATION, changed(
        lambda content: (content["images"].pop(0), content["annotations"].pop(0))), None),
    "listed_without_box": Problem(Kind.NO_OBJECT, changed(lambda content: content["annotations"].pop(0)), ()),
    "absolute_path": Problem(Kind.OTHER_PLACE, changed(paths("/home/someone/photos/{}"))),
    "windows_path": Problem(Kind.OTHER_PLACE, changed(paths("C:\\photos\\{}"))),
    "url": Problem(Kind.OTHER_PLACE, changed(paths("/data/local-files/?d=cups/{}"))),
    "other_size": Problem(Kind.OTHER_SIZE, changed(lambda content: content["images"][0].update(width=99)), None),
    "no_size": Problem(Kind.NO_SIZE, changed(lambda content: content["images"][0].pop("width"))),
    "coco_reversed": Problem(Kind.REVERSED_BOX, changed(first(bbox=[40, 30, -30, -22]))),
    "coco_partly_outside": Problem(
        Kind.BOX_PARTLY_OUTSIDE, changed(first(bbox=[10, 8, 60, 22])), ((10, 8, 64, 30),)),
    "coco_case": Problem(Kind.CLASS_CASE, changed(lambda content: (
        content["categories"].append({"id": 6, "name": "Cup"}), first(category_id=6)(content)))),

    "yolo_polygon": Problem(Kind.POLYGON, lined(f"1 0.15625 {8 / 48} 0.625 {8 / 48} 0.625 0.625\n")),
    "yolo_obb": Problem(Kind.POLYGON, lined(f"1 0.15625 {8 / 48} 0.625 {8 / 48} 0.625 0.625 0.15625 0.625\n")),
    "yolo_confidence": Problem(Kind.CONFIDENCE, lined(f"1 0.390625 {19 / 48} 0.46875 {22 / 48} 0.9\n")),
    "yolo_pose": Problem(Kind.POLYGON, lined(
        f"1 0.390625 {19 / 48} 0.46875 {22 / 48} 0.1 0.2 2\n",
        data_yaml="names: [plate, cup]\nkpt_shape: [1, 3]\n")),
    "yolo_three_numbers": Problem(Kind.UNREAD_LABEL, lined("1 0.5 0.5 0.2\n"), None),
    "yolo_eight_numbers": Problem(Kind.UNREAD_LABEL, lined("1 0.1 0.2 0.3 0.4 0.5 0.6 0.7\n"), None),
    "yolo_word": Problem(Kind.UNREAD_LABEL, lined("cup 0.5 0.5 0.2 0.2\n"), None),
    "yolo_commas": Problem(Kind.UNREAD_LABEL, lined("1,0.5,0.5,0.2,0.2\n"), None),
    "yolo_nan": Problem(Kind.UNREAD_LABEL, lined("1 0.5 0.5 nan 0.2\n"), None),
    "yolo_class_2": Problem(Kind.UNLISTED_CLASS, lined("2 0.5 0.5 0.2 0.2\n"), None),
    "yolo_class_1.5": Problem(Kind.UNLISTED_CLASS, lined("1.5 0.5 0.5 0.2 0.2\n"), None),
    "yolo_class_minus_1": Problem(Kind.UNLISTED_CLASS, lined("-1 0.5 0.5 0.2 0.2\n"), None),
    "yolo_pixels": Problem(Kind.BOX_OUTSIDE, lined("1 25 19 30 22\n"), None),
    "yolo_partly_outside": Problem(Kind.BOX_PARTLY_OUTSIDE, lined("1 0.9 0.5 0.5 0.5\n"), ((41.6, 12, 64, 36),)),
    "yolo_empty": Problem(Kind.NO_OBJECT, lined(""), ()),
    "yolo_twice": Problem(Kind.SAME_BOX, lined(f"1 0.390625 {19 / 48} 0.46875 {22 / 48}\n" * 2)),
    "yolo_no_photo": Problem(Kind.NO_PHOTO, lined(labels__z_txt="1 0.5 0.5 0.2 0.2")),
    "yolo_outside": Problem(Kind.OUTSIDE_PATH, lined(
        data_yaml="path: /datasets/elsewhere\ntrain: a/b\nval: ../../c\nnames: [plate, cup]\n")),
    "yolo_list_outside": Problem(Kind.OUTSIDE_PATH, lined(train_txt="../../etc/passwd.jpg\n" + LISTED,
                                                          data_yaml="train: train.txt\nnames: [plate, cup]\n")),
    "yolo_two_parts": Problem(Kind.TWO_PARTS, lined(
        train_txt=LISTED, val_txt="images/a.jpg\nimages/c.jpg\n",
        data_yaml="train: train.txt\nval: val.txt\nnames: [plate, cup]\n")),

    "zip_path_out": Problem(Kind.ZIP_ENTRY, lambda folder: zipped(folder, ("../out.jpg", jpeg(9)))),
    "zip_absolute": Problem(Kind.ZIP_ENTRY, lambda folder: zipped(folder, ("/tmp/out.jpg", jpeg(9)))),
    "zip_windows": Problem(Kind.ZIP_ENTRY, lambda folder: zipped(folder, ("C:\\out.jpg", jpeg(9)))),
    "zip_backslashes": Problem(Kind.ZIP_ENTRY, lambda folder: zipped(folder, ("set\\..\\..\\out.jpg", jpeg(9)))),
    "zip_link": Problem(Kind.ZIP_ENTRY, lambda folder: zipped(folder, (link("set/images/z.jpg"), b"/etc/passwd"))),
    "zip_twice": Problem(Kind.ZIP_ENTRY, lambda folder: zipped(folder, ("set/images/A.JPG", jpeg(9)))),
}  # fmt: skip

EVERY = pytest.mark.parametrize("name", PROBLEMS)


@EVERY
def test_a_problem_is_found_and_no_box_becomes_background(name, tmp_path):
    problem = PROBLEMS[name]
    path = problem.make(tmp_path)
    found = formats.inspect(path)
    assert isinstance(found, inspection.Inspection)
    assert problem.kind in {each.kind for each in found.all_findings}
    allowed = {problem.kind, Kind.OTHER_SIZE, Kind.OTHER_PLACE, Kind.BOX_OUTSIDE}
    allowed |= {Kind.UNREAD_LABEL} if name == "image_id_twice" else set()  # an annotation has lost its image
    assert {each.kind for each in found.findings} <= allowed
    boxes = {} if found.problem else used(formats.open_dataset(path))
    expected = {stem: [EDGES] for stem in STEMS[1:]} if problem.others else {stem: boxes.get(stem) for stem in boxes}
    if problem.boxes is not None:
        expected["a"] = list(problem.boxes)
    assert boxes == expected and ("a" in boxes) == (problem.boxes is not None)


@EVERY
def test_check_names_the_file_of_a_problem_first(name, tmp_path, capsys):
    problem = PROBLEMS[name]
    path = problem.make(tmp_path)
    is_problem = problem.kind.outcome in (Outcome.REPAIRED, Outcome.SET_ASIDE)
    assert main(["check", str(path)]) == int(is_problem)
    lines = capsys.readouterr().out.splitlines()
    assert bool(lines) == is_problem
    assert all(pathlib.Path(line.split(": ")[0]).exists() for line in lines)


def test_every_kind_of_label_problem_has_a_fixture():
    wanted = {kind for kind in Kind if kind.group is Group.LABELS}
    assert wanted <= {problem.kind for problem in PROBLEMS.values()}


@pytest.mark.parametrize("make", [coco, yolo, lambda folder: zipped(folder)])
def test_labels_without_problems_have_no_findings(make, tmp_path):
    found = formats.inspect(make(tmp_path))
    assert isinstance(found, inspection.Inspection)
    assert found.all_findings == [] and found.label_map == {1: "cup"}
    assert {
        each.photo.stem: (each.annotation.boxes[0].xmin, each.annotation.boxes[0].ymax) for each in found.usable
    } == {stem: (10, 30) for stem in STEMS}


# Errors: the whole data set cannot be used


def cut(path: pathlib.Path) -> pathlib.Path:
    path.write_bytes(path.read_bytes()[:-20])
    return path


def both(folder: pathlib.Path) -> pathlib.Path:
    return coco(yolo(folder))


def coco_and_voc(folder: pathlib.Path) -> pathlib.Path:
    put(coco(folder) / "annotations" / "a.xml", "<annotation/>")
    return folder


def large(folder: pathlib.Path) -> pathlib.Path:
    """Add a JSON file of 2 GB that needs no space on the disk."""
    with open(coco(folder) / "annotations" / "more.json", "wb") as stream:
        stream.write(b'{"images": [], "annotations": [')
        stream.truncate(2_000_000_000)
    return folder


def renamed(folder: pathlib.Path, old: str, new: str) -> pathlib.Path:
    path = folder / "annotations" / "instances_default.json"
    path.write_text(path.read_text().replace(old, new))
    return folder


def bomb(folder: pathlib.Path) -> pathlib.Path:
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.bmp", bytes(150_000_000))
    return path


def lying(folder: pathlib.Path) -> pathlib.Path:
    """Return a zip file whose directory says that an entry is smaller than it is."""
    path = folder / "lying.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.bmp", bytes(5_000_000))
    size = (5_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (5000).to_bytes(4, "little")))
    return path


def encrypted(folder: pathlib.Path) -> pathlib.Path:
    path = zipped(folder)
    data = bytearray(path.read_bytes())
    place = data.find(b"PK\1\2")
    while place >= 0:
        data[place + 8] |= 1
        place = data.find(b"PK\1\2", place + 1)
    path.write_bytes(data)
    return path


ERRORS = {
    "two_formats": both,
    "coco_and_voc": coco_and_voc,
    "2_gb": large,
    "cut_json": lambda folder: (cut(coco(folder) / "annotations" / "instances_default.json"), folder)[1],
    "key_twice": lambda folder: renamed(coco(folder), '"categories":', '"annotations": [], "categories":'),
    "images_are_no_list": lambda folder: renamed(coco(folder), '"images": [', '"images": {"a": 1}, "b": ['),
    "deep_json": lambda folder: renamed(coco(folder), '"categories": [', '"categories": [' + "[" * 100_000),
    "names_missing": lambda folder: ((yolo(folder) / "data.yaml").unlink(), folder)[1],
    "names_differ": lambda folder: yolo(folder, labels__classes_txt="cup\nplate\n"),
    "name_twice": lambda folder: yolo(folder, data_yaml="names: [cup, cup]\n"),
    "name_empty": lambda folder: yolo(folder, data_yaml='names: [cup, ""]\n'),
    "yaml_runs_code": lambda folder: yolo(
        folder, data_yaml="names: !!python/object/apply:os.system ['echo hacked > hacked.txt']\n"),
    "yaml_broken": lambda folder: yolo(folder, data_yaml="names: [cup\n"),
    "yaml_grows": lambda folder: yolo(
        folder, data_yaml="a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi")
        ) + "names: *i\n"),
    "zip_bomb": bomb,
    "zip_lying": lying,
    "zip_cut": lambda folder: cut(zipped(folder)),
    "zip_password": encrypted,
    "zip_of_nothing": lambda folder: (put(folder / "no.zip", b"PK\5\6" + bytes(18)), folder / "no.zip")[1],
    "not_a_zip": lambda folder: (put(folder / "no.zip", b"something"), folder / "no.zip")[1],
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_a_set_that_cannot_be_used_is_a_message_and_nothing_is_written(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = ERRORS[name](tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(dataset.DatasetError) as caught:
        formats.open_dataset(path)
    assert str(caught.value).startswith(str(path)) and len(str(caught.value)) < 1000
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().out.startswith(str(path))
    assert [each for each in sorted(tmp_path.rglob("*")) if each.parent.name != "unpacked"] in (
        before, [*before, tmp_path / "unpacked"], sorted([*before, tmp_path / "unpacked"]))  # fmt: skip


@pytest.mark.parametrize("name", ["zip_path_out", "zip_absolute", "zip_windows", "zip_backslashes", "zip_link"])
def test_a_hostile_zip_writes_nothing_outside_its_folder(name, tmp_path):
    (tmp_path / "here").mkdir()
    path = PROBLEMS[name].make(tmp_path / "here")
    before = {each for each in tmp_path.rglob("*")}
    formats.open_dataset(path)
    new = {each for each in tmp_path.rglob("*")} - before
    assert new and all(each.is_relative_to(tmp_path / "unpacked") and not each.is_symlink() for each in new)
    assert not pathlib.Path("/tmp/out.jpg").exists()


# Found by the end of a path


def test_photos_are_found_by_the_end_of_their_path_and_never_twice(tmp_path):
    paths = [tmp_path / place for place in ("images/a/1.jpg", "images/b/1.jpg", "images/2.jpg")]
    for path in paths:
        put(path, b"")
    index = labels.PhotoIndex(tmp_path, paths)
    written = ["a/1.jpg", "D:\\set\\images\\b\\1.jpg", "2.JPG", "c/1.jpg", "../images/2.jpg", "gone.jpg", ""]
    found = labels.claims(dict(enumerate(map(index.find, written))))
    assert found[0] == paths[0] and found[1] == paths[1]
    assert found[4] == paths[2]
    assert all(isinstance(found[place], str) for place in (2, 3, 5, 6))


def test_the_part_of_a_split_is_read_from_names():
    names = {"train/a.jpg": "train", "valid/images/a.jpg": "val", "annotations/instances_val2017.json": "val",
             "test/a.jpg": "test", "training.json": "train", "a/b.jpg": "", "trains/a.jpg": "",
             "obj_train_data/a.jpg": "train"}  # fmt: skip
    assert {name: labels.part_of(pathlib.PurePath(name)) for name in names} == names


def test_a_text_of_numbers_looks_like_labels_and_others_do_not():
    assert yolo_lines.looks_like_labels("\n1 0.5 0.5 1e-3 0.2\n")
    for content in ("", "a cup on a table", "1 2 3", "cup 1 2 3 4", "2021-01-01 1 2 3 4"):
        assert not yolo_lines.looks_like_labels(content)


def test_the_limit_of_a_json_file_is_the_one_in_its_message(tmp_path):
    with pytest.raises(dataset.DatasetError, match=f"{coco_file.MAX_BYTES // 10**6} MB"):
        formats.open_dataset(large(tmp_path))
