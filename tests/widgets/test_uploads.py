"""Photos that are uploaded or copied from a folder, and checked."""

import datetime
import io
import unicodedata

import pytest
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import photos
from workshop_utils.widgets import uploads


def encoded(form: str = "JPEG", colour: str = "grey") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(stream, form)
    return stream.getvalue()


def named(lines: list[str], *names: str) -> bool:
    """Return whether there is a line on each of these files, in this order, and no other line."""
    return len(lines) == len(names) and all(name in line for name, line in zip(names, lines))


HEIC = b"\0\0\0\x18ftypheic" + bytes(40)


def seven(**contents: bytes) -> dict:
    """`FileUpload.value` in ipywidgets 7."""
    return {
        name: {"metadata": {"name": name, "type": "image/jpeg", "size": len(content)}, "content": content}
        for name, content in contents.items()
    }


def eight(**contents: bytes) -> tuple:
    """`FileUpload.value` in ipywidgets 8."""
    return tuple(
        {
            "name": name,
            "type": "image/jpeg",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime.datetime.now(datetime.UTC),
        }
        for name, content in contents.items()
    )


@pytest.mark.parametrize("version", [seven, eight])
def test_uploaded_photos_keep_their_names_in_both_versions_of_ipywidgets(tmp_path, version):
    upload = uploads.PhotoUpload(tmp_path / "images")
    upload.take(version(**{"a.jpg": encoded(), "b.png": encoded("PNG")}))
    assert named(upload.lines, "a.jpg", "b.png")
    assert (tmp_path / "images" / "a.jpg").read_bytes() == encoded()
    assert "2 photos " in upload.children[1].value
    assert upload.children[2].value.count("<img ") == 2 and 'alt="b.png"' in upload.children[2].value
    upload.take(version(**{"c.jpg": b"no photo"}))
    assert upload.children[2].value.count("<img ") == 2 and not upload.button.disabled


def test_while_photos_are_checked_the_button_is_off_and_it_says_at_which_photo_it_is(tmp_path, monkeypatch):
    upload, seen, keep = uploads.PhotoUpload(tmp_path), [], uploads.keep

    def watched(*arguments):
        seen.append((upload.button.disabled, upload.children[1].value))
        return keep(*arguments)

    monkeypatch.setattr(uploads, "keep", watched)
    upload.take(eight(**{"a.jpg": encoded(), "b.jpg": encoded(colour="red")}))
    assert [off for off, _ in seen] == [True, True] and not upload.button.disabled
    assert "photo 1 of 2" in seen[0][1] and "photo 2 of 2" in seen[1][1]


def test_a_page_without_widgets_names_the_folder_to_copy_to(tmp_path):
    assert str(tmp_path / "images") in repr(uploads.PhotoUpload(tmp_path / "images"))


def test_the_button_passes_on_the_chosen_files(tmp_path):
    upload = uploads.PhotoUpload(tmp_path / "images")
    button = upload.children[0]
    version = seven if isinstance(button.value, dict) else eight
    button.set_trait("value", version(**{"a.jpg": encoded()}))
    assert named(upload.lines, "a.jpg") and button.multiple and button.description == "Upload photos"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("IMG_1.HEIC", HEIC, "HEIC"),
        ("IMG_2.jpg", HEIC, ""),
        ("half.jpg", encoded()[:200], ""),
        ("notes.jpg", b"no photo", ""),
        ("moving.gif", encoded("GIF"), "GIF"),
    ],
)
def test_an_unusable_photo_is_left_out_with_a_message_and_the_others_are_kept(tmp_path, name, content, said):
    lines = uploads.keep_all([(name, content), ("good.jpg", encoded())], tmp_path)
    assert named(lines, name, "good.jpg") and said in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["good.jpg"]


def test_nothing_is_overwritten_and_another_photo_with_the_name_gets_a_number(tmp_path):
    first, second = encoded(), encoded(colour="red")
    taken, here = (uploads.keep_all([("a.jpg", first)], tmp_path) for _ in range(2))
    assert named(taken, "a.jpg") and named(here, "a.jpg") and taken != here
    lines = uploads.keep_all([("a.jpg", second), ("a.png", encoded("PNG", "blue")), ("a.jpg", second)], tmp_path)
    assert named(lines, "a.jpg", "a.png", "a.jpg") and named(lines, "a-2.jpg", "a-3.png", "a-2.jpg")
    assert lines[0] != lines[2]
    assert (tmp_path / "a.jpg").read_bytes() == first and (tmp_path / "a-2.jpg").read_bytes() == second


def test_a_name_in_capitals_is_the_same_name_as_on_windows_and_macos(tmp_path):
    first, second = encoded(), encoded(colour="red")
    lines = uploads.keep_all([("Maß.jpg", first), ("MASS.JPG", second), ("maß.jpg", first)], tmp_path)
    assert named(lines, "Maß.jpg", "MASS-2.JPG", "Maß.jpg")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../evil.jpg", "evil.jpg"),
        ("C:\\photos\\mug.JPG", "mug.JPG"),
        (".hidden.jpg", "hidden.jpg"),
        ("no ending", "no ending.jpg"),
        ("..", "photo.jpg"),
        ("mug.txt", "mug.jpg"),
        ("a\nb\x00.jpg", "ab.jpg"),
        ("\x00.jpg", "photo.jpg"),
        ("\x00.hidden.jpg", "hidden.jpg"),
    ],
)
def test_a_name_cannot_leave_the_folder_and_is_found_again(tmp_path, name, kept):
    path, _ = uploads.keep(name, encoded(), tmp_path / "images")
    assert path.name == kept and photos.find(tmp_path / "images") == [path]
    assert [each.name for each in tmp_path.iterdir()] == ["images"]


def test_names_are_shown_as_text_and_not_as_html(tmp_path):
    upload = uploads.PhotoUpload(tmp_path)
    upload.take(eight(**{"<img src=x>.jpg": b"no photo"}))
    assert "<img" not in upload.children[1].value and "&lt;img" in upload.children[1].value


def test_a_folders_photos_are_copied_and_the_folder_does_not_change(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for path in photos.find(settings.TO_LABEL)[:2]:
        (source / path.name).write_bytes(path.read_bytes())
    (source / "notes.txt").write_text("no photo")
    (source / "IMG.HEIC").write_bytes(HEIC)
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    lines = uploads.copy(source, tmp_path / "mine")
    assert lines[:2] == ["0001.jpg: copied", "0002.jpg: copied"] and "HEIC" in lines[2]
    assert lines[3:] == ["Skipped, not photos: notes.txt"]
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before
    assert uploads.copy(source, tmp_path / "mine")[0] != lines[0] and len(photos.find(tmp_path / "mine")) == 2


def test_skipped_files_of_a_folder_are_counted_and_named(tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    for name in ("movie.mp4", "scan.pdf", "notes.txt", "list.csv", ".DS_Store"):
        (source / name).write_bytes(b"something")
    for name, colour in (("a.jfif", "red"), ("b.jpe", "blue")):
        (source / name).write_bytes(encoded(colour=colour))
    assert uploads.copy(source, tmp_path / "mine") == [
        "a.jfif: copied",
        "b.jpe: copied",
        "Skipped, not photos: list.csv, movie.mp4, notes.txt and 2 more",
    ]


@pytest.mark.parametrize("first, second", [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_in_two_forms_of_unicode_is_one_name(tmp_path, first, second):
    names = [unicodedata.normalize(form, "Käse.jpg") for form in (first, second)]
    assert names[0] != names[1]
    lines = uploads.keep_all(
        [(names[0], encoded()), (names[1], encoded(colour="red")), (names[1], encoded())], tmp_path
    )
    stems = [unicodedata.normalize("NFC", path.stem) for path in photos.find(tmp_path)]
    assert stems == ["Käse-2", "Käse"] and len(lines) == 3
    assert len({line.removeprefix(name) for name, line in zip((*names, names[1]), lines)}) == 3


def test_an_existing_photo_in_the_other_form_of_unicode_is_not_overwritten(tmp_path):
    there = tmp_path / unicodedata.normalize("NFD", "Käse.jpg")
    there.write_bytes(encoded())
    path, _ = uploads.keep(unicodedata.normalize("NFC", "Käse.jpg"), encoded(colour="red"), tmp_path)
    assert path.name == "Käse-2.jpg" and there.read_bytes() == encoded()


@pytest.mark.parametrize("letter", ["a", "照", "🍵"])
def test_the_longest_possible_name_leaves_room_for_derived_files(tmp_path, letter):
    name = letter * (251 // len(letter.encode())) + ".jpg"
    first, second = (uploads.keep(name, encoded(colour=colour), tmp_path)[0] for colour in ("red", "blue"))
    assert first != second and len(photos.find(tmp_path)) == 2
    for path in (first, second):
        assert set(path.stem.removesuffix("-2")) == {letter}
        (tmp_path / f".{path.stem}.labeled.jpg.before").touch()


def test_a_link_out_of_the_folder_is_left_out_and_named(tmp_path):
    source, private = tmp_path / "source", tmp_path / "private.jpg"
    source.mkdir()
    private.write_bytes(encoded(colour="red"))
    (source / "a.jpg").write_bytes(encoded())
    (source / "b.jpg").symlink_to(private)
    (source / "c.jpg").symlink_to(source / "a.jpg")
    lines = uploads.copy(source, tmp_path / "mine")
    assert named(lines, "b.jpg", "a.jpg", "c.jpg") and len(photos.find(tmp_path / "mine")) == 2


def test_a_path_that_is_not_a_folder_is_named(tmp_path):
    with pytest.raises(uploads.UploadError, match="nowhere: "):
        uploads.copy(tmp_path / "nowhere", tmp_path / "mine")
