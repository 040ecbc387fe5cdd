import dataclasses
import pathlib
import shutil

import numpy as np
import pytest
from conftest import first_photos
from PIL import Image

from workshop_utils.cli import main
from workshop_utils.data import dataset, groups


@pytest.fixture(scope="module")
def cups(tmp_path_factory):
    """A data set of four photos, and a smaller copy of the first."""
    folder = first_photos(tmp_path_factory.mktemp("data") / "cups", 4)
    first = sorted((folder / "images").iterdir())[0]
    xml = folder / "annotations" / f"{first.stem}.xml"
    Image.open(first).resize((256, 192)).save(folder / "images" / "small.jpg")
    text = xml.read_text()
    size = dataset.load(folder).samples[0]
    assert (size.width, size.height) == (512, 384)
    half = "".join(
        f"<{part[0]}>{float(part[1]) / 2:g}</{part[0]}>" if isinstance(part, tuple) else part for part in _parts(text)
    )
    (folder / "annotations" / "small.xml").write_text(half.replace(first.name, "small.jpg"))
    return folder


def _parts(text):
    """Split an annotation into text and (edge, number) pairs."""
    import re

    at = 0
    for found in re.finditer(r"<(xmin|ymin|xmax|ymax|width|height)>([\d.]+)</\1>", text):
        yield text[at : found.start()]
        yield found[1], found[2]
        at = found.end()
    yield text[at:]


@pytest.fixture(scope="module")
def samples(cups):
    return dataset.load(cups).samples


def named(sample, name, source=b""):
    return dataclasses.replace(sample, name=name, source=source)


def test_near_duplicates_are_one_group(samples):
    assert groups.by("near", samples).photos == [[samples[0].name, "small.jpg"]]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("film_0007.jpg", "film"),
        ("film-2 0007.png", "film-2"),
        ("IMG_2041_BURST003.jpg", "IMG_2041_BURST"),
        ("belt_jpg.rf.4f1b9c.jpg", "belt_jpg"),
        ("day1/film_0007.jpg", "day1/film"),
        ("0007.jpg", "0007.jpg"),
        ("2024-11-28_07.jpg", "2024-11-28_07.jpg"),
        ("cup.jpg", "cup"),
    ],
)
def test_the_stem_of_a_series_ends_before_its_last_number(name, stem):
    assert groups.stem(name) == stem


def test_photos_are_grouped_by_stem_or_folder(samples):
    some = [
        named(samples[0], name, pathlib.Path(name)) for name in ("a/x_1.jpg", "a/x_2.jpg", "b/y_1.jpg", "b/z_1.jpg")
    ]
    assert groups.by("stem", some).photos == [["a/x_1.jpg", "a/x_2.jpg"]]
    assert groups.by("folder", some).photos == [["a/x_1.jpg", "a/x_2.jpg"], ["b/y_1.jpg", "b/z_1.jpg"]]
    from_records = [named(each, each.name) for each in some]
    assert groups.by("folder", from_records) == groups.by("folder", some)
    assert groups.by("none", some).photos == []


def test_a_file_names_the_group_of_each_photo(samples, tmp_path):
    path = tmp_path / "groups.txt"
    lines = [f"{sample.name}, {'left' if number % 2 else 'right'}" for number, sample in enumerate(samples)]
    path.write_text("\n".join([*lines, "", "not_used.jpg\tleft"]), encoding="utf-16")
    names = [sample.name for sample in samples]
    assert groups.by(str(path), samples) == groups.Grouping(groups.FILE, [names[0::2], names[1::2]])


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda lines: lines[:-1], r"misses 1 of 5 photos.*small\.jpg"),
        (lambda lines: [*lines, "no group"], "line 6.*'no group'"),
        (lambda lines: [*lines, "a.jpg,"], "line 6"),
        (lambda lines: [*lines, "small.jpg,another"], r"line 6.*small\.jpg.*'another'"),
        (lambda lines: [], "misses 5 of 5"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line_or_photo(samples, tmp_path, change, wanted):
    path = tmp_path / "groups.txt"
    path.write_text("\n".join(change([f"{sample.name},one" for sample in samples])))
    with pytest.raises(groups.GroupsError, match=wanted) as caught:
        groups.by(str(path), samples)
    assert str(path) in str(caught.value)


def test_a_choice_that_is_neither_a_rule_nor_a_file_is_refused_with_the_rules(samples):
    with pytest.raises(groups.GroupsError, match=r"nera.*near, stem, folder, none"):
        groups.by("nera", samples)


def test_check_reports_the_groups_and_calls_the_data_set_clean(cups, samples, capsys):
    assert main(["check", str(cups)]) == 0
    printed = capsys.readouterr()
    assert f"{samples[0].name}, small.jpg" in printed.err and "2 photos" in printed.err and printed.out == ""
    assert main(["check", str(cups), "--groups", "none"]) == 0
    assert "small.jpg" not in capsys.readouterr().err
    assert main(["check", str(cups), "--groups", "nera"]) == 1
    assert "nera" in capsys.readouterr().err


def test_check_says_which_groups_a_given_split_divides(cups, tmp_path, capsys):
    for part, chosen in (("train", lambda name: name != "small"), ("valid", lambda name: name == "small")):
        for kind in ("images", "annotations"):
            (tmp_path / "set" / part / kind).mkdir(parents=True)
            for path in (cups / kind).iterdir():
                if chosen(path.stem):
                    shutil.copy(path, tmp_path / "set" / part / kind)
    assert main(["check", str(tmp_path / "set")]) == 0
    assert "train, val" in capsys.readouterr().err


def test_a_photo_read_from_records_has_the_same_groups(samples):
    encoded = [dataclasses.replace(sample, source=sample.encoded) for sample in samples]
    assert groups.by("near", encoded) == groups.by("near", samples)
    assert isinstance(encoded[0].image, np.ndarray)
