"""An annotation as it fits its photo."""

import dataclasses
import pathlib

import pytest

from workshop_utils.data import mending, voc
from workshop_utils.data.finding_kinds import Kind

CUP = voc.Box("cup", 10, 20, 110, 220)
PHOTO = voc.Annotation("cup.jpg", 512, 384, (CUP,))


def test_an_annotation_that_agrees_with_its_photo_has_no_mismatch():
    assert mending.mismatches(PHOTO, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384)) == []


@pytest.mark.parametrize("size", [(384, 512), (512, 383), (511, 384)])
def test_another_size_and_another_name_are_told_with_both_values(size):
    findings = mending.mismatches(PHOTO, pathlib.Path("a.xml"), pathlib.Path("images/a.jpg"), size)
    assert str(findings[0]).startswith(f"a.xml: says the photo is 512x384, but a.jpg is {size[0]}x{size[1]}. ")
    assert str(findings[1]).startswith("a.xml: names the photo 'cup.jpg', but stands beside a.jpg. ")
    assert [finding.kind for finding in findings] == [Kind.OTHER_SIZE, Kind.OTHER_FILENAME]


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "cup",
        "cup.png",
        "CUP.JPG",
        "Cup.jpg",
        "C:\\Users\\ola\\Photos\\cup.jpg",
        "../images/cup.jpg",
        "D:\\cup",
        "cup.JPEG",
    ],
)
def test_the_photos_own_name_in_another_form_is_told_from_another_photos_name(filename):
    annotation = dataclasses.replace(PHOTO, filename=filename)
    (finding,) = mending.mismatches(annotation, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384))
    assert finding.kind is Kind.FILENAME_FORM
    assert (
        str(finding)
        == f"cup.xml: names the photo '{filename}', but stands beside cup.jpg. The photo's own name is taken."
    )


@pytest.mark.parametrize("filename", ["mug.jpg", "cup2.jpg", "C:\\cup\\mug.jpg", "cup.jpg.bak.png"])
def test_another_photos_name_is_told_as_such(filename):
    annotation = dataclasses.replace(PHOTO, filename=filename)
    (finding,) = mending.mismatches(annotation, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384))
    assert finding.kind is Kind.OTHER_FILENAME


def test_an_umlaut_in_two_forms_of_unicode_is_the_same_name():
    annotation = dataclasses.replace(PHOTO, filename="Ku\u0308he.jpg")
    assert mending.mismatches(annotation, pathlib.Path("a.xml"), pathlib.Path("K\u00fche.jpg"), (512, 384)) == []
