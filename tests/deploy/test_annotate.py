"""Detecting in photos: written, kept and skipped files, and messages about bad photos."""

import csv
import dataclasses
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from workshop_utils import cli
from workshop_utils.core import settings
from workshop_utils.data import voc
from workshop_utils.deploy import annotate, output_folder, runtime
from workshop_utils.deploy.video import films


@pytest.fixture(scope="module")
def coco_open():
    return runtime.open_detector("coco")


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("0001.jpg", "0005.jpg"):
        shutil.copy(settings.YOGHURT / "images" / name, folder)
    return folder


def table(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def two_names(size: int = 100):
    """A detector that finds a cup under two names, and another cup."""
    boxes, classes, scores = np.zeros((size, 4), np.float32), np.zeros(size, np.int32), np.zeros(size, np.float32)
    boxes[:3] = (0.1, 0.1, 0.5, 0.4), (0.11, 0.1, 0.5, 0.4), (0.1, 0.6, 0.5, 0.9)
    classes[:3], scores[:3] = (2, 1, 1), (0.9, 0.8, 0.7)
    names = {1: "peach", 2: "vanilla"}
    return runtime.OpenDetector("two names", names, lambda image, min_score: (boxes, classes, scores))


def test_each_photo_gets_a_picture_an_annotation_and_its_rows(coco_open, album, tmp_path):
    out = tmp_path / "out"
    reports = annotate.annotate(coco_open, annotate.collect([album]), out, min_score=0.3)
    rows = table(out / "detections.csv")
    assert sum(len(report.names) for report in reports) == len(rows) > 0
    for report in reports:
        annotation = voc.read(out / f"{report.path.stem}.xml")
        assert tuple(box.name for box in annotation.boxes) == report.names
        assert annotation.filename == report.path.name
        with Image.open(out / f"{report.path.stem}.labeled.jpg") as picture, Image.open(report.path) as photo:
            assert picture.size == photo.size
            assert picture.tobytes() != photo.convert("RGB").tobytes()
        mine = [row for row in rows if row["photo"] == report.path.name]
        assert [row["class"] for row in mine] == list(report.names)
        assert all(float(row["score"]) >= 0.3 for row in mine)


def test_an_object_is_counted_once_unless_every_name_is_requested(album, tmp_path):
    paths = annotate.collect([album])
    for keep_all_classes, counts in ((False, {"peach": 1, "vanilla": 1}), (True, {"peach": 2, "vanilla": 1})):
        reports = annotate.annotate(
            two_names(), paths, tmp_path / str(keep_all_classes), keep_all_classes=keep_all_classes
        )
        assert [report.counts for report in reports] == [counts, counts]
        assert len(table(tmp_path / str(keep_all_classes) / "detections.csv")) == 2 * sum(counts.values())


def test_class_agnostic_detections_are_padded_like_all_others():
    image = np.zeros((30, 40, 3), np.uint8)
    found = two_names().detect([image, image])
    single = runtime.suppress_across_classes(found)
    assert [part.shape for part in single] == [part.shape for part in found]
    assert [part.dtype for part in single] == [part.dtype for part in found]
    assert single.classes[1, :3].tolist() == [2, 1, 0]
    assert single.scores[1, :3] == pytest.approx([0.9, 0.7, 0])


def test_padding_is_not_a_detection_even_at_a_score_of_0(album, tmp_path):
    paths = annotate.collect([album])
    for keep_all_classes, count in ((False, 2), (True, 3)):
        out = tmp_path / str(keep_all_classes)
        reports = annotate.annotate(two_names(), paths, out, min_score=0.0, keep_all_classes=keep_all_classes)
        assert [len(report.names) for report in reports] == [count, count]


def test_a_class_without_a_name_is_an_error_that_says_what_to_do(album, tmp_path):
    source = dataclasses.replace(two_names(), label_map={1: "peach"})
    with pytest.raises(runtime.InferenceError, match=r"two names: .* 2\b"):
        annotate.annotate(source, annotate.collect([album]), tmp_path / "out")


def test_contents_count_the_classes_on_each_photo(coco_open, album, tmp_path):
    reports = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out", min_score=0.3)
    rows = table(tmp_path / "out" / "contents.csv")
    for report, row in zip(reports, rows, strict=True):
        assert {name: int(count) for name, count in row.items() if name != "photo" and count != "0"} == report.counts


def test_an_unreadable_photo_is_named_and_the_rest_is_labelled(coco_open, album, tmp_path):
    (album / "0003.jpg").write_bytes(b"not a photo")
    reports = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out")
    assert [report.error is None for report in reports] == [True, False, True]
    assert "0003.jpg" in str(reports[1].error)
    assert not (tmp_path / "out" / "0003.xml").exists()


def test_a_large_photo_keeps_its_size_and_the_place_of_its_boxes(coco_open, album, tmp_path):
    with Image.open(settings.TO_LABEL / "0005.jpg") as photo:
        photo.resize((2048, 1536)).save(album / "large.png")
    *_, large = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out", 0.3)[-3:]
    assert Image.open(tmp_path / "out" / "large.labeled.jpg").size == (2048, 1536)
    assert len(large.names) > 0


def test_the_participant_s_own_annotations_are_not_overwritten(coco_open, album):
    (album / "0001.xml").write_text("mine")
    with pytest.raises(runtime.InferenceError, match=r"0001\.xml.* --out"):
        annotate.annotate(coco_open, annotate.collect([album]), album)
    assert (album / "0001.xml").read_text() == "mine"


def test_detecting_again_into_the_same_folder_is_allowed(coco_open, album, tmp_path):
    for _ in range(2):
        reports = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out")
    assert len(reports) == 2


def test_two_photos_with_one_name_are_refused(coco_open, album, tmp_path):
    (tmp_path / "other").mkdir()
    shutil.copy(album / "0001.jpg", tmp_path / "other")
    with pytest.raises(runtime.InferenceError, match=r"album/0001\.jpg and .*other/0001\.jpg"):
        annotate.annotate(coco_open, annotate.collect([album, tmp_path / "other"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_photos_is_named(tmp_path):
    with pytest.raises(runtime.InferenceError, match=str(tmp_path)):
        annotate.collect([tmp_path])


# What was changed by hand


def corrected(xml) -> str:
    text = xml.read_text(encoding="utf-8").replace("<name>peach<", "<name>CORRECTED<", 1)
    assert "CORRECTED" in text
    xml.write_text(text, encoding="utf-8")
    return text


def test_an_annotation_corrected_by_hand_is_kept_and_the_others_are_rewritten(album, tmp_path):
    paths, out = annotate.collect([album]), tmp_path / "out"
    annotate.annotate(two_names(), paths, out)
    text = corrected(out / "0001.xml")
    before = (out / "0005.xml").read_bytes()
    for _ in range(2):
        first, second = annotate.annotate(two_names(), paths, out, keep_all_classes=True)
        assert (first.kept, second.kept) == ((out / "0001.xml",), ())
        assert (out / "0001.xml").read_text(encoding="utf-8") == text
        assert (out / "0005.xml").read_bytes() != before, "each additional name is one more object"
    assert first.error is None and len(table(out / "detections.csv")) == 6, "the tables list what the detector found"
    (out / "0001.xml").unlink()
    assert not any(report.kept for report in annotate.annotate(two_names(), paths, out))
    assert "CORRECTED" not in (out / "0001.xml").read_text(encoding="utf-8")


def test_a_picture_changed_by_hand_is_kept(album, tmp_path):
    paths, out = annotate.collect([album]), tmp_path / "out"
    annotate.annotate(two_names(), paths, out)
    (out / "0005.labeled.jpg").write_bytes(b"circled in red")
    assert [report.kept for report in annotate.annotate(two_names(), paths, out)] == [(), (out / "0005.labeled.jpg",)]
    assert (out / "0005.labeled.jpg").read_bytes() == b"circled in red"


@pytest.mark.parametrize("name", [annotate.DETECTIONS, annotate.CONTENTS])
def test_a_table_from_elsewhere_is_refused_before_anything_is_written(album, tmp_path, name):
    out = tmp_path / "out"
    annotate.annotate(two_names(), annotate.collect([album]), out)
    (out / name).write_text((out / name).read_text() + "my remark\n")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.iterdir()}
    with pytest.raises(runtime.InferenceError, match=name):
        annotate.annotate(two_names(), annotate.collect([album]), out, keep_all_classes=True)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.iterdir()} == before


def test_a_table_changed_while_detecting_is_kept_and_reported(album, tmp_path, monkeypatch):
    out, real = tmp_path / "out", annotate._annotate_one

    def changing_the_table(source, path, *rest):
        if path.name == "0005.jpg":
            (out / annotate.CONTENTS).write_text("saved by a spreadsheet")
        return real(source, path, *rest)

    monkeypatch.setattr(annotate, "_annotate_one", changing_the_table)
    with pytest.raises(runtime.InferenceError, match=annotate.CONTENTS):
        annotate.annotate(two_names(), annotate.collect([album]), out)
    assert (out / annotate.CONTENTS).read_text() == "saved by a spreadsheet"


def test_a_file_without_a_record_is_kept_unless_it_equals_the_new_one(album, tmp_path):
    paths, out = annotate.collect([album]), tmp_path / "out"
    annotate.annotate(two_names(), paths[:1], out)
    annotate.annotate(two_names(), paths[1:], tmp_path / "elsewhere")
    shutil.copy(tmp_path / "elsewhere" / "0005.xml", out)
    assert not any(report.kept for report in annotate.annotate(two_names(), paths, out))
    (out / output_folder.RECORD).write_text('\n["0001.xml", "bro')
    (out / annotate.DETECTIONS).unlink()
    (out / annotate.CONTENTS).unlink()
    with pytest.raises(runtime.InferenceError, match=r"0001\.xml: "):
        annotate.annotate(two_names(), paths, out)


def test_a_broken_line_of_the_record_affects_no_other_line(tmp_path):
    folder = output_folder.OutputFolder(tmp_path)
    folder.write("a.xml", b"a")
    with open(tmp_path / output_folder.RECORD, "ab") as record:
        record.write(b'\n["b.xml", "12\xff')
    folder = output_folder.OutputFolder(tmp_path)
    folder.write("c.xml", b"c")
    again = output_folder.OutputFolder(tmp_path)
    assert not again.is_foreign("a.xml") and not again.is_foreign("c.xml")


def test_a_record_that_is_a_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / output_folder.RECORD).symlink_to(tmp_path / "mine.txt")
    assert output_folder.OutputFolder(tmp_path).write("a.xml", b"a")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not output_folder.OutputFolder(tmp_path).is_foreign("a.xml")


def test_a_link_to_a_written_file_stays_a_link(album, tmp_path):
    paths, out = annotate.collect([album]), tmp_path / "out"
    annotate.annotate(two_names(), paths, out)
    (out / "0001.xml").rename(tmp_path / "moved.xml")
    (out / "0001.xml").symlink_to(tmp_path / "moved.xml")
    assert annotate.annotate(two_names(), paths, out)[0].kept == (out / "0001.xml",)
    assert (out / "0001.xml").is_symlink()


# One bad photo


def copy_of(album, name: str):
    shutil.copy(album / "0001.jpg", album / name)
    return album / name


def test_only_the_photo_whose_name_is_too_long_is_left_out(album, tmp_path):
    long = copy_of(album, "照" * 83 + ".jpg")
    copy_of(album, "z.jpg")
    out = tmp_path / "out"
    reports = {report.path.name: report for report in annotate.annotate(two_names(), annotate.collect([album]), out)}
    assert [name for name, report in reports.items() if report.error] == [long.name]
    assert long.stem in reports[long.name].error
    assert {row["photo"] for row in table(out / "detections.csv")} == {"0001.jpg", "0005.jpg", "z.jpg"}
    assert not [path for path in out.iterdir() if "照" in path.name]


@pytest.mark.parametrize("name", ["a" * 300 + ".jpg", "nul\0.jpg", "no such photo.jpg"])
def test_a_path_that_cannot_be_looked_up_is_an_error(album, tmp_path, name):
    paths = annotate.collect([name, album])
    reports = annotate.annotate(two_names(), paths, tmp_path / "out")
    assert [report.error is None for report in reports] == [False, True, True]


def test_a_photo_whose_name_xml_cannot_store_is_left_out(album, tmp_path):
    copy_of(album, "0003\x01.jpg")
    out = tmp_path / "out"
    reports = annotate.annotate(two_names(), annotate.collect([album]), out)
    assert [report.error is None for report in reports] == [True, False, True]
    assert not [path for path in out.iterdir() if path.name.startswith("0003")]


def test_a_folder_in_the_place_of_an_annotation_is_kept(album, tmp_path):
    out = tmp_path / "out"
    annotate.annotate(two_names(), [], out)
    (out / "0001.xml").mkdir()
    reports = annotate.annotate(two_names(), annotate.collect([album]), out)
    assert [report.kept for report in reports] == [(out / "0001.xml",), ()]
    assert (out / "0001.xml").is_dir()


@pytest.mark.parametrize("suffix", sorted(films.SUFFIXES))
def test_a_film_is_reported_as_a_film(tmp_path, album, suffix):
    film = album / f"belt{suffix.upper()}"
    film.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    (report, _) = annotate.annotate(two_names(), [film, album / "0001.jpg"], tmp_path / "out")
    assert report.error.startswith(str(film)), "it is not a photo; `detect` passes films elsewhere"
    ((why, paths),) = annotate.skipped([album]).items()
    assert "film" in why and paths == [film]


# Skipped files


def test_files_that_are_not_photos_are_skipped_by_reason_and_hidden_ones_are_not_named(album):
    for name in ("IMG_0001.JXL", "doc.pdf", "notes.txt", ".DS_Store", "._0001.jpg", "a.labeled.jpg"):
        (album / name).write_bytes(b"")
    (album / "sub").mkdir()
    (album / "b.jpg").symlink_to(settings.TO_LABEL / "0005.jpg")
    reasons = {tuple(path.name for path in paths): why for why, paths in annotate.skipped([album]).items()}
    assert set(reasons) == {("IMG_0001.JXL",), ("doc.pdf", "notes.txt"), ("a.labeled.jpg",), ("sub",), ("b.jpg",)}
    assert "JXL" in reasons["IMG_0001.JXL",] and "folder" in reasons["sub",] and "link" in reasons["b.jpg",]
    assert [path.name for path in annotate.collect([album])] == ["0001.jpg", "0005.jpg"]


def test_pictures_of_an_earlier_call_are_skipped(album):
    for _ in range(2):
        reports = annotate.annotate(two_names(), annotate.collect([album]), album)
        assert [report.path.name for report in reports] == ["0001.jpg", "0005.jpg"]
    named = [album / "0001.jpg", album / "0001.labeled.jpg"]
    assert annotate.collect(named) == named[:1], "as a shell expands *.jpg"
    assert list(annotate.skipped(named).values()) == [named[1:]]
    with pytest.raises(runtime.InferenceError):
        annotate.collect(named[1:])


def test_the_command_counts_and_names_skipped_and_kept_files(album, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runtime, "open_detector", lambda source, checkpoint, architecture, fast: two_names())
    (album / "movie.mp4").write_bytes(b"")
    for number in range(30):
        (album / f"{number}.txt").write_bytes(b"")
    command = ["detect", "coco", str(album), "--out", str(tmp_path / "out")]
    assert cli.main(command) == 0
    said = capsys.readouterr().err
    assert " 1 (" in said and str(album / "movie.mp4") in said and " 30 (" in said
    corrected(tmp_path / "out" / "0001.xml")
    assert cli.main(command) == 0
    out, err = capsys.readouterr()
    assert str(tmp_path / "out" / "0001.xml") in out and re.search(r"\b1\b", err)
    (album / "0003.jpg").write_bytes(b"not a photo")
    assert cli.main(command) == 1


# Tables while detecting


DETECT_FOR_EVER = """
import pathlib, sys, time
import numpy as np
from workshop_utils.deploy import annotate, runtime

annotate.TABLES_EVERY_SECONDS = 0.2
found = np.array([[0.1, 0.1, 0.5, 0.4]]), np.array([1]), np.array([0.9])
calls = []

def run(image, min_score):
    calls.append(image)
    if len(calls) > 3:
        print("at work", flush=True)
        time.sleep(600)
    time.sleep(0.3)
    return found

folder, out = map(pathlib.Path, sys.argv[1:])
annotate.annotate(runtime.OpenDetector("slow", {1: "cup"}, run), annotate.collect([folder]), out)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot kill like that")
def test_a_killed_call_leaves_its_tables_and_the_next_one_completes_them(album, tmp_path):
    for name in ("0006.jpg", "0007.jpg"):
        copy_of(album, name)
    command = [sys.executable, "-c", DETECT_FOR_EVER, str(album), str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout.readline() == "at work\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    for name in ("detections.csv", "contents.csv"):
        assert [row["photo"] for row in table(tmp_path / "out" / name)] == ["0001.jpg", "0005.jpg", "0006.jpg"]
    reports = annotate.annotate(two_names(), annotate.collect([album]), tmp_path / "out")
    assert not any(report.error or report.kept for report in reports)
    assert len(table(tmp_path / "out" / "contents.csv")) == 4


def test_if_the_detector_fails_the_tables_contain_what_was_done(album, tmp_path):
    answers = [two_names().run(None, 0), (np.zeros((1, 4)), np.array([7]), np.array([0.9]))]
    source = dataclasses.replace(two_names(), run=lambda *_: answers.pop(0))
    with pytest.raises(runtime.InferenceError):
        annotate.annotate(source, annotate.collect([album]), tmp_path / "out")
    assert [row["photo"] for row in table(tmp_path / "out" / "contents.csv")] == ["0001.jpg"]
