"""The messy example has one error of each kind, and leaves our photos as they are."""

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.teaching import messy_photos


def test_each_photo_has_an_error_of_its_own_kind_also_when_it_is_written_again(tmp_path):
    ours = settings.YOGHURT / "annotations" / "0005.xml"
    before = ours.read_bytes()
    for _ in range(2):
        messy_photos.write(tmp_path)
        found = {finding.file.stem: finding.kind for finding in dataset.load(tmp_path).findings}
        assert sorted(found) == ["0001", "0002", "0003", "0004", "0005"] and len(set(found.values())) == 5
        assert found["0001"] is Kind.BROKEN_PHOTO and found["0003"] is Kind.REVERSED_BOX
        assert found["0005"] is Kind.NO_AREA
    assert ours.read_bytes() == before
