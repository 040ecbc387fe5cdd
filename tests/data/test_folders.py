"""Where photos and annotations lie, and which belong together."""

import pathlib

import pytest

from workshop_utils.data import folders
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind


def test_photos_and_annotations_are_paired_by_stem_in_order(voc_folder):
    pairs, findings = folders.pairs(voc_folder)
    assert [(photo.name, xml.name) for photo, xml in pairs] == [(f"{n:04}.jpg", f"{n:04}.xml") for n in range(1, 7)]
    assert findings == []


def test_whatever_has_no_partner_is_named_and_the_rest_is_paired(voc_folder):
    (voc_folder / "images" / "0002.jpg").unlink()
    (voc_folder / "annotations" / "0005.xml").unlink()
    (voc_folder / "images" / ".hidden.jpg").touch()
    (voc_folder / "annotations" / ".hidden.xml").touch()
    pairs, findings = folders.pairs(voc_folder)
    assert [photo.stem for photo, _ in pairs] == ["0001", "0003", "0004", "0006"]
    assert sorted(map(str, findings)) == [
        f"{voc_folder / 'annotations' / '0002.xml'}: has no photo; bring the photo back or take the annotation out.",
        f"{voc_folder / 'images' / '0005.jpg'}: has no annotation; label it or take it out.",
    ]


def test_what_is_set_aside_is_named_once_and_its_partner_not_at_all(voc_folder):
    (voc_folder / "annotations" / "0001.xml").unlink()
    (voc_folder / "annotations" / "0001.xml").symlink_to("/etc/hostname")
    (voc_folder / "annotations" / "nobodys.xml").symlink_to("/etc/hostname")
    (voc_folder / "images" / "0002.jpg").rename(voc_folder / "images" / "0002.heic")
    pairs, findings = folders.pairs(voc_folder)
    assert [photo.stem for photo, _ in pairs] == ["0003", "0004", "0005", "0006"]
    assert sorted(finding.file.name for finding in findings) == ["0001.xml", "0002.heic", "nobodys.xml"]


def test_an_umlaut_in_two_forms_of_unicode_is_the_same_stem(voc_folder):
    (voc_folder / "images" / "0001.jpg").rename(voc_folder / "images" / "Ku\u0308he.jpg")
    (voc_folder / "annotations" / "0001.xml").rename(voc_folder / "annotations" / "K\u00fche.xml")
    pairs, findings = folders.pairs(voc_folder)
    assert (len(pairs), findings) == (6, [])


def test_an_annotations_ending_may_be_in_capitals(voc_folder):
    (voc_folder / "annotations" / "0001.xml").rename(voc_folder / "annotations" / "0001.XML")
    pairs, findings = folders.pairs(voc_folder)
    assert (pairs[0][1].name, findings) == ("0001.XML", [])


def test_a_photo_in_jpeg_beside_its_heic_is_taken(voc_folder):
    (voc_folder / "images" / "0001.HEIC").touch()
    pairs, findings = folders.pairs(voc_folder)
    assert pairs[0][0].name == "0001.jpg"
    assert [finding.kind for finding in findings] == [Kind.FOREIGN_FORMAT]


def test_a_folder_that_may_not_be_listed_is_refused_with_its_path(voc_folder, monkeypatch):
    iterdir = pathlib.Path.iterdir

    def denied(folder):
        if folder.name == "images":
            raise PermissionError(13, "Permission denied")
        return iterdir(folder)

    monkeypatch.setattr(pathlib.Path, "iterdir", denied)
    with pytest.raises(VocError, match=r"images: cannot be listed \(Permission denied\)\. Give yourself the right"):
        folders.pairs(voc_folder)


def test_two_photos_of_one_stem_are_named_and_the_first_is_taken(voc_folder):
    (voc_folder / "images" / "0001.png").touch()
    pairs, findings = folders.pairs(voc_folder)
    assert pairs[0][0].name == "0001.jpg"
    assert [(finding.file.name, finding.what) for finding in findings] == [
        ("0001.png", "has the same stem as 0001.jpg; rename one of them.")
    ]


@pytest.mark.parametrize("part", ["images", "annotations"])
def test_a_folder_that_is_no_data_set_is_refused_with_what_is_missing(part, voc_folder):
    (voc_folder / part).rename(voc_folder / "elsewhere")
    with pytest.raises(VocError, match=f"has no folder '{part}'"):
        folders.pairs(voc_folder)
