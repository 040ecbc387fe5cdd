"""The folder of a merged data set."""

import csv
import dataclasses

import pytest
from conftest import first_photos

from workshop_utils.curation import merged_folder, merging
from workshop_utils.data import dataset, inspection, voc
from workshop_utils.data.dataset import Dataset


@pytest.fixture(scope="module")
def merged(yoghurt) -> merging.Merged:
    """Two people label four photos; on the first, one of them gives a cup another name."""
    data = Dataset(yoghurt.samples[:4], yoghurt.label_map)
    first, *others = data.samples
    other = dataclasses.replace(first, classes=("other" + first.classes[0], *first.classes[1:]))
    mapping = data.label_map | {9: other.classes[0]}
    return merging.merge({"ana": data, "ben": Dataset([other, *others], mapping)}, truth=data)


@pytest.fixture
def folder(merged, tmp_path):
    merged_folder.write(merged, tmp_path / "class")
    return tmp_path / "class"


def test_what_people_agree_on_is_a_data_set_and_a_photo_to_decide_waits_without_an_annotation(folder, merged):
    data = dataset.load(folder)
    assert [each.name for each in data.samples] == [each.name for each in merged.agreed.samples]
    assert all((a.boxes == b.boxes).all() for a, b in zip(data.samples, merged.agreed.samples, strict=True))
    waiting = merged.undecided[0].photo
    assert [each.kind.name for each in inspection.inspect(folder).findings] == ["NO_ANNOTATION"]
    assert (folder / "images" / waiting.name).exists()
    assert len(voc.read(folder / "undecided" / f"{waiting.name[:-4]}.xml").boxes) == len(waiting.boxes)


def test_the_table_of_decisions_gives_back_every_version_in_pixels(folder, merged):
    (photo,) = merged.undecided
    ((versions,),) = merged_folder.read_undecided(folder).values()
    assert [people for people, _ in versions] == ["ana", "ben"]
    (one,), (other,) = (boxes for _, boxes in versions)
    assert other.name == "other" + one.name
    assert one.xmin == pytest.approx(photo.labels_of["ana"].boxes[0][1] * photo.photo.width, abs=0.01)


def test_the_agreement_of_each_pair_is_a_row(folder):
    with open(folder / "agreement.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["first"], row["second"]) for row in rows][-1] == ("consensus", "truth")
    ben = next(row for row in rows if row["first"] == "ben")
    assert float(ben["agreement"]) < 1 and ben["most confused"].startswith("other")


def test_a_class_name_that_is_a_formula_computes_nothing_in_a_spreadsheet_and_is_read_back(yoghurt, tmp_path):
    name = "=1+1"
    first = yoghurt.samples[0]
    other = dataclasses.replace(first, classes=(name, *first.classes[1:]))
    sets = {"ana": Dataset([first], yoghurt.label_map), "ben": Dataset([other], yoghurt.label_map | {9: name})}
    merged_folder.write(merging.merge(sets), tmp_path / "class")
    assert f",{name}," not in (tmp_path / "class" / "undecided.csv").read_text()
    ((versions,),) = merged_folder.read_undecided(tmp_path / "class").values()
    assert [boxes[0].name for _, boxes in versions] == [first.classes[0], name]


def test_a_folder_that_was_not_merged_or_a_damaged_table_is_named_with_its_line(folder, tmp_path):
    with pytest.raises(merged_folder.MergedFolderError, match=r"undecided\.csv"):
        merged_folder.read_undecided(first_photos(tmp_path / "cups", 1))
    table = folder / "undecided.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:2], lines[2].replace("2,ben", "2,ben,x")]))
    with pytest.raises(merged_folder.MergedFolderError, match="line 3"):
        merged_folder.read_undecided(folder)
    table.write_text("photo\n0001.jpg\n")
    with pytest.raises(merged_folder.MergedFolderError, match="line 2"):
        merged_folder.read_undecided(folder)


def test_a_full_folder_is_never_written_to(folder, merged):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(OSError, match="not empty"):
        merged_folder.write(merged, folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
