"""Finding photos and annotations, and pairing them."""

import pathlib
import shutil

import pytest

from workshop_utils.data import folders
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind


def test_photos_and_annotations_are_paired_by_stem_in_order(voc_folder):
    pairs, findings = folders.pairs(voc_folder)
    assert [(photo.name, xml.name) for photo, xml in pairs] == [(f"{n:04}.jpg", f"{n:04}.xml") for n in range(1, 7)]
    assert findings == []


def test_files_without_a_partner_are_named_and_the_rest_is_paired(voc_folder):
    (voc_folder / "images" / "0002.jpg").unlink()
    (voc_folder / "annotations" / "0005.xml").unlink()
    (voc_folder / "images" / ".hidden.jpg").touch()
    (voc_folder / "annotations" / ".hidden.xml").touch()
    pairs, findings = folders.pairs(voc_folder)
    assert [photo.stem for photo, _ in pairs] == ["0001", "0003", "0004", "0006"]
    assert sorted((finding.file, finding.kind.name) for finding in findings) == [
        (voc_folder / "annotations" / "0002.xml", "NO_PHOTO"),
        (voc_folder / "images" / "0005.jpg", "NO_ANNOTATION"),
    ]


def test_a_file_set_aside_is_named_once_and_its_partner_is_not(voc_folder):
    (voc_folder / "annotations" / "0001.xml").unlink()
    (voc_folder / "annotations" / "0001.xml").symlink_to("/etc/hostname")
    (voc_folder / "annotations" / "nobodys.xml").symlink_to("/etc/hostname")
    (voc_folder / "images" / "0002.jpg").rename(voc_folder / "images" / "0002.jxl")
    pairs, findings = folders.pairs(voc_folder)
    assert [photo.stem for photo, _ in pairs] == ["0003", "0004", "0005", "0006"]
    assert sorted(finding.file.name for finding in findings) == ["0001.xml", "0002.jxl", "nobodys.xml"]


def test_an_umlaut_in_two_forms_of_unicode_is_the_same_stem(voc_folder):
    (voc_folder / "images" / "0001.jpg").rename(voc_folder / "images" / "Ku\u0308he.jpg")
    (voc_folder / "annotations" / "0001.xml").rename(voc_folder / "annotations" / "K\u00fche.xml")
    pairs, findings = folders.pairs(voc_folder)
    assert (len(pairs), findings) == (6, [])


def test_an_annotations_ending_may_be_in_capitals(voc_folder):
    (voc_folder / "annotations" / "0001.xml").rename(voc_folder / "annotations" / "0001.XML")
    pairs, findings = folders.pairs(voc_folder)
    assert (pairs[0][1].name, findings) == ("0001.XML", [])


def test_a_jpeg_next_to_its_heic_is_used(voc_folder):
    (voc_folder / "images" / "0001.HEIC").touch()
    pairs, findings = folders.pairs(voc_folder)
    assert pairs[0][0].name == "0001.jpg"
    assert [(finding.file.name, finding.kind) for finding in findings] == [("0001.HEIC", Kind.SAME_STEM)]


def test_a_folder_that_may_not_be_listed_is_refused_with_its_path(voc_folder, monkeypatch):
    iterdir = pathlib.Path.iterdir

    def denied(folder):
        if folder.name == "images":
            raise PermissionError(13, "Permission denied")
        return iterdir(folder)

    monkeypatch.setattr(pathlib.Path, "iterdir", denied)
    with pytest.raises(VocError, match=r"images: .*Permission denied"):
        folders.pairs(voc_folder)


def test_of_two_photos_with_one_stem_the_first_is_used_and_both_are_named(voc_folder):
    (voc_folder / "images" / "0001.png").touch()
    pairs, findings = folders.pairs(voc_folder)
    assert pairs[0][0].name == "0001.jpg"
    [finding] = findings
    assert (finding.file.name, finding.kind) == ("0001.png", Kind.SAME_STEM) and "0001.jpg" in finding.what


@pytest.mark.parametrize("part", ["images", "annotations"])
def test_a_folder_that_is_not_a_data_set_is_refused_with_what_is_missing(part, voc_folder):
    (voc_folder / part).rename(voc_folder / "elsewhere")
    with pytest.raises(VocError, match=f"{voc_folder}: .*'{part}'"):
        folders.pairs(voc_folder)


# Folders that other programs make


def relaid(folder: pathlib.Path, images: str, annotations: str) -> pathlib.Path:
    """Rename the folders of a data set; "" is the data set itself."""
    for old, new in (("images", images), ("annotations", annotations)):
        if new and new.lower() != old:
            (folder / old).rename(folder / new)
        elif new != old:
            (folder / old).rename(folder / "moved")
            if new:
                (folder / "moved").rename(folder / new)
            else:
                for path in sorted((folder / "moved").iterdir()):
                    path.rename(folder / path.name)
                (folder / "moved").rmdir()
    return folder


LAYOUTS = [("JPEGImages", "Annotations"), ("images", "Annotations"), ("Images", "ANNOTATIONS"), ("", ""),
           ("", "Annotations"), ("JPEGImages", "")]  # fmt: skip


@pytest.mark.parametrize(("images", "annotations"), LAYOUTS)
def test_folders_are_found_under_the_names_that_other_programs_use(images, annotations, voc_folder):
    relaid(voc_folder, images, annotations)
    (voc_folder / "label_map.pbtxt").touch()
    (voc_folder / "ImageSets" / "Main").mkdir(parents=True)
    assert folders.find(voc_folder) == (voc_folder / images, voc_folder / annotations)
    pairs, findings = folders.pairs(voc_folder)
    assert [(photo.stem, xml.stem) for photo, xml in pairs] == [(f"{n:04}", f"{n:04}") for n in range(1, 7)]
    assert {finding.kind for finding in findings} <= {Kind.EMPTY_FOLDER}


def test_xml_may_be_next_to_the_photos(voc_folder):
    for path in (voc_folder / "annotations").iterdir():
        path.rename(voc_folder / "images" / path.name)
    (voc_folder / "annotations").rmdir()
    assert folders.find(voc_folder) == (voc_folder / "images", voc_folder / "images")
    assert len(folders.pairs(voc_folder)[0]) == 6 and folders.pairs(voc_folder)[1] == []


def test_the_usual_names_win_over_others(voc_folder):
    for name in ("JPEGImages", "Annotations"):
        (voc_folder / name).mkdir()
    (voc_folder / "9999.jpg").touch()
    (voc_folder / "9999.xml").touch()
    assert folders.find(voc_folder) == (voc_folder / "images", voc_folder / "annotations")


@pytest.mark.parametrize(("images", "annotations"), [("images", "annotations"), ("", "")])
def test_a_folder_with_data_sets_in_it_names_them(images, annotations, voc_folder, tmp_path):
    relaid(voc_folder, images, annotations)
    shutil.copytree(voc_folder, tmp_path / "both" / "valid")
    shutil.copytree(voc_folder, tmp_path / "both" / "train")
    (tmp_path / "both" / "docs").mkdir()
    (tmp_path / "both" / "README.roboflow.txt").touch()
    with pytest.raises(VocError, match=r"both: .*'images'.* train, valid "):
        folders.pairs(tmp_path / "both")


@pytest.mark.parametrize("part", ["images", "annotations"])
def test_a_subfolder_of_a_data_set_points_to_the_data_set(part, voc_folder):
    with pytest.raises(VocError, match=f"^{voc_folder / part}: .* {voc_folder}\\.$"):
        folders.find(voc_folder / part)


def test_photos_without_any_annotation_are_not_a_data_set(voc_folder):
    shutil.rmtree(voc_folder / "annotations")
    with pytest.raises(VocError, match=f"^{voc_folder}: .*'annotations'") as caught:
        folders.find(voc_folder)
    assert str(voc_folder.parent) not in str(caught.value).removeprefix(f"{voc_folder}: ")


def test_a_file_in_place_of_a_folder_is_reported_as_a_file(voc_folder):
    with pytest.raises(VocError, match=r"0001\.jpg: ") as file:
        folders.pairs(voc_folder / "images" / "0001.jpg")
    with pytest.raises(VocError, match=r"0009\.jpg: ") as nothing:
        folders.pairs(voc_folder / "images" / "0009.jpg")
    assert str(file.value).replace("0001", "0009") != str(nothing.value)


def test_a_missing_folder_is_reported_as_missing(tmp_path):
    with pytest.raises(VocError, match=r"nowhere: "):
        folders.pairs(tmp_path / "nowhere")


def test_a_whole_drive_is_not_a_data_set():
    with pytest.raises(VocError, match=r"^/: .*'images'"):
        folders.pairs(pathlib.Path("/"))


def test_a_folder_that_may_not_be_entered_is_named_with_the_reason(voc_folder, monkeypatch):
    is_dir = pathlib.Path.is_dir

    def denied(path):
        if path.name == "annotations":
            raise PermissionError(13, "Permission denied")
        return is_dir(path)

    monkeypatch.setattr(pathlib.Path, "is_dir", denied)
    with pytest.raises(VocError, match=r"cups: .*Permission denied"):
        folders.find(voc_folder)


# Names that are almost right


def renamed(folder: pathlib.Path, *names: str) -> None:
    """Rename the first annotation, and copy it if there are several names."""
    xml = folder / "annotations" / "0001.xml"
    for name in names:
        shutil.copy(xml, folder / "annotations" / name)
    xml.unlink()


@pytest.mark.parametrize(
    "name", ["0001", "0001.jpg.xml", "0001.JPG.XML", "0001.xml.xml", "0001.xml.txt", "0001.heic.xml", " 0001 .xml"]
)
def test_an_annotation_named_almost_like_its_photo_is_paired_with_it(name, voc_folder):
    renamed(voc_folder, name)
    pairs, [finding] = folders.pairs(voc_folder)
    assert (pairs[0][0].name, pairs[0][1].name) == ("0001.jpg", name)
    assert len(pairs) == 6 and finding.kind is Kind.NEAR_NAME and finding.file.name == name
    assert "0001.jpg" in finding.what and finding.what.endswith("0001.xml.")


def test_an_annotation_in_other_capitals_is_paired_with_its_photo(voc_folder):
    (voc_folder / "images" / "0001.jpg").rename(voc_folder / "images" / "P1.JPG")
    renamed(voc_folder, "p1.xml")
    pairs, [finding] = folders.pairs(voc_folder)
    assert ("P1.JPG", "p1.xml") in [(photo.name, xml.name) for photo, xml in pairs]
    assert finding.kind is Kind.NEAR_NAME and finding.what.endswith("P1.xml.")


@pytest.mark.parametrize("names", [("0001.jpg.xml", "0001.xml.xml"), ("0001", "0001.jpg.xml")])
def test_of_two_annotations_that_nearly_fit_neither_is_used_and_both_are_named(names, voc_folder):
    renamed(voc_folder, *names)
    pairs, findings = folders.pairs(voc_folder)
    assert len(pairs) == 5
    [alone] = [finding for finding in findings if finding.kind is Kind.NO_ANNOTATION]
    assert all(name in alone.what for name in names) and alone.what.endswith(" 0001.xml.")
    assert {finding.file.name for finding in findings} == {"0001.jpg", *names}


def test_of_two_photos_that_nearly_fit_an_annotation_neither_is_used(voc_folder):
    for name in ("A.jpg", "a.png"):
        (voc_folder / "images" / name).touch()
    (voc_folder / "annotations" / "a.jpg.xml").touch()
    pairs, findings = folders.pairs(voc_folder)
    assert len(pairs) == 6
    assert [finding.kind for finding in findings] == [Kind.NO_ANNOTATION] * 2 + [Kind.NO_PHOTO]
    assert all("a.jpg.xml" in finding.what for finding in findings[:2])


def test_an_annotation_with_the_exact_name_wins_over_a_similar_one(voc_folder):
    shutil.copy(voc_folder / "annotations" / "0001.xml", voc_folder / "annotations" / "0001.jpg.xml")
    pairs, [finding] = folders.pairs(voc_folder)
    assert pairs[0][1].name == "0001.xml"
    assert (finding.file.name, finding.kind) == ("0001.jpg.xml", Kind.NO_PHOTO)


@pytest.mark.parametrize("name", ["0001.txt", "0001.json", "0001.xml.bak", "00011.xml", "0001-copy.xml"])
def test_a_file_of_another_kind_or_name_is_not_an_annotation(name, voc_folder):
    renamed(voc_folder, name)
    pairs, findings = folders.pairs(voc_folder)
    assert len(pairs) == 5 and {Kind.NO_ANNOTATION} < {finding.kind for finding in findings}


def test_names_that_differ_in_an_invisible_mark_are_one_name(voc_folder):
    renamed(voc_folder, "\ufeff0001.xml")
    assert len(folders.pairs(voc_folder)[0]) == 6


# Files in the other's folder


def test_an_annotation_next_to_its_photo_is_paired_and_named(voc_folder):
    (voc_folder / "annotations" / "0001.xml").rename(voc_folder / "images" / "0001.xml")
    pairs, [finding] = folders.pairs(voc_folder)
    assert pairs[0][1] == voc_folder / "images" / "0001.xml"
    assert (finding.file, finding.kind) == (pairs[0][1], Kind.MISPLACED) and "annotations/" in finding.what


def test_a_photo_among_the_annotations_is_paired_and_named(voc_folder):
    (voc_folder / "images" / "0001.jpg").rename(voc_folder / "annotations" / "0001.jpg")
    pairs, [finding] = folders.pairs(voc_folder)
    assert pairs[0][0] == voc_folder / "annotations" / "0001.jpg"
    assert (finding.file, finding.kind) == (pairs[0][0], Kind.MISPLACED) and "images/" in finding.what


def test_both_may_be_in_the_wrong_folder_with_a_name_that_is_almost_right(voc_folder):
    (voc_folder / "images" / "0001.jpg").rename(voc_folder / "annotations" / "0001.jpg")
    (voc_folder / "annotations" / "0001.xml").rename(voc_folder / "images" / "0001.jpg.xml")
    pairs, findings = folders.pairs(voc_folder)
    assert len(pairs) == 6
    assert [finding.kind for finding in findings] == [Kind.MISPLACED, Kind.MISPLACED, Kind.NEAR_NAME]


def test_of_two_annotations_with_one_name_the_one_in_the_right_folder_is_used(voc_folder):
    shutil.copy(voc_folder / "annotations" / "0001.xml", voc_folder / "images" / "0001.xml")
    pairs, [finding] = folders.pairs(voc_folder)
    assert pairs[0][1].parent.name == "annotations"
    assert (finding.file, finding.kind) == (voc_folder / "images" / "0001.xml", Kind.SAME_STEM)
    assert str(pairs[0][1]) in finding.what


def test_a_picture_among_the_annotations_is_skipped_if_the_photo_is_in_its_folder(voc_folder):
    (voc_folder / "annotations" / "0001.png").touch()
    pairs, [finding] = folders.pairs(voc_folder)
    assert pairs[0][0].name == "0001.jpg"
    assert (finding.file.name, finding.kind) == ("0001.png", Kind.OTHER_FILE) and finding.what.endswith(".xml.")


def test_an_annotation_among_photos_without_a_photo_is_reported(voc_folder):
    (voc_folder / "images" / "nobodys.xml").touch()
    _, [finding] = folders.pairs(voc_folder)
    assert (finding.file.name, finding.kind) == ("nobodys.xml", Kind.NO_PHOTO)


def test_two_folders_in_different_places_can_be_paired(voc_folder, tmp_path):
    photos = shutil.copytree(voc_folder / "images", tmp_path / "elsewhere" / "photos")
    pairs, findings = folders.pair_folders(photos, voc_folder / "annotations")
    assert len(pairs) == 6 and findings == [] and pairs[0][0].parent == photos
