"""The page of suspicious labels is complete, safe and readable, and no file of the participant is overwritten."""

import csv
import dataclasses

import accessibility
import browser
import pytest
from conftest import first_photos
from PIL import Image

from workshop_utils.curation import review_page
from workshop_utils.curation.review import Kind, NamedBox, Suspicion
from workshop_utils.data import dataset


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return dataset.load(first_photos(tmp_path_factory.mktemp("page") / "cups")).samples


@pytest.fixture(scope="module")
def suspicions(samples):
    """A suspicion of each kind, about real labels."""
    first, second, *_ = (sample for sample in samples if len(sample.classes) >= 2)
    labels = [NamedBox(name, tuple(map(float, box))) for name, box in zip(first.classes, first.boxes, strict=True)]
    up, left, down, right = second.boxes[0].tolist()
    moved = NamedBox("peach", (up, left + 0.05, down, right + 0.05))
    return [
        Suspicion(
            first.name, Kind.WRONG_NAME, labels[0], dataclasses.replace(labels[0], name="lemon", score=0.7), 0.95
        ),
        Suspicion(second.name, Kind.SHIFTED_BOX, moved, NamedBox("peach", (up, left, down, right), 0.6), 0.8),
        Suspicion(second.name, Kind.MISSING_BOX, None, NamedBox("vanilla", (0.0, 0.0, 0.3, 0.2), 0.5), 0.7),
        Suspicion(first.name, Kind.BOX_ON_NOTHING, labels[1], None, 0.6),
    ]


def test_the_table_has_a_row_for_each_suspicion_in_pixels(samples, suspicions, tmp_path):
    assert review_page.write(samples, suspicions, tmp_path, "cups") == []
    with open(tmp_path / "suspicions.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["kind"] for row in rows] == [str(each.kind) for each in suspicions]
    assert [row["photo"] for row in rows] == [each.photo for each in suspicions]
    assert (rows[2]["label"], rows[2]["label_xmin"], rows[2]["detection_xmax"]) == ("", "", f"{0.2 * 512:.1f}")
    assert (rows[3]["detection"], rows[3]["detection_score"]) == ("", "") and float(rows[3]["label_ymax"]) > 1


def test_each_suspicion_has_a_picture_of_its_own(samples, suspicions, tmp_path):
    review_page.write(samples, suspicions, tmp_path, "cups")
    crops = sorted((tmp_path / "crops").iterdir())
    assert len(crops) == 4 and len({crop.read_bytes() for crop in crops}) == 4
    assert all(max(Image.open(crop).size) == 360 for crop in crops)


def test_names_are_text_and_not_html_or_formulas(samples, suspicions, tmp_path):
    evil = "=<img src=x onerror=alert(1)>"
    label = dataclasses.replace(suspicions[0].label, name=evil)
    review_page.write(samples, [dataclasses.replace(suspicions[0], label=label)], tmp_path, evil)
    assert evil not in (tmp_path / "index.html").read_text(encoding="utf-8")
    with open(tmp_path / "suspicions.csv", newline="", encoding="utf-8") as stream:
        assert next(csv.DictReader(stream))["label"] == f"'{evil}"


def test_a_shorter_list_removes_the_pictures_of_a_longer_one(samples, suspicions, tmp_path):
    review_page.write(samples, suspicions, tmp_path, "cups")
    (tmp_path / "crops" / "mine.jpg").write_bytes(b"mine")
    review_page.write(samples, suspicions[:1], tmp_path, "cups")
    assert sorted(path.name for path in (tmp_path / "crops").iterdir()) == ["0001.jpg", "mine.jpg"]
    assert review_page.write(samples, [], tmp_path, "cups") == []
    assert "<li>" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_table_with_your_own_notes_is_kept_and_named(samples, suspicions, tmp_path):
    review_page.write(samples, suspicions, tmp_path, "cups")
    table = tmp_path / "suspicions.csv"
    table.write_text("my notes", encoding="utf-8")
    assert review_page.write(samples, suspicions[:1], tmp_path, "cups") == [table]
    assert table.read_text(encoding="utf-8") == "my notes"


def test_everyone_can_use_the_page_on_a_wide_and_on_a_narrow_screen(samples, suspicions, tmp_path):
    browser.require()
    review_page.write(samples, suspicions, tmp_path, "a_data_set_with_a_long_name_" * 3)
    with browser.chromium() as chromium:
        page = chromium.new_page()
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        for width in (400, 1300):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto((tmp_path / "index.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.wait_for_function("[...document.images].every(each => each.complete)")  # they load when in view
            loaded = page.locator("img").evaluate_all("all => all.map(each => each.complete && each.naturalWidth)")
            assert len(loaded) == 4 and all(loaded)
            assert accessibility.serious_faults(page) == []
        assert all(url.startswith(("file:", "data:")) for url in requests)
