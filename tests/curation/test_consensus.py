"""What several people agree on, at each place of one photo."""

import numpy as np
import pytest

from workshop_utils.curation import consensus
from workshop_utils.data.dataset import Sample

CUP = (0.2, 0.2, 0.6, 0.4)
SHIFTED = (0.21, 0.21, 0.61, 0.41)
CARELESS = (0.2, 0.2, 0.6, 0.52)
LOOSE = (0.2, 0.2, 0.75, 0.62)
ELSEWHERE = (0.7, 0.7, 0.9, 0.9)


def drawn(*labels: tuple[str, tuple[float, ...]], difficult: int = 0) -> Sample:
    names, boxes = [name for name, _ in labels], np.array([box for _, box in labels], np.float32).reshape(-1, 4)
    flags = (difficult,) * len(names)
    return Sample("a.jpg", 300, 300, boxes, tuple(names), flags, flags, "", b"")


def test_boxes_that_overlap_enough_become_the_median_which_one_careless_box_does_not_move():
    people = {"ana": drawn(("peach", CUP)), "ben": drawn(("peach", SHIFTED)), "eve": drawn(("peach", CARELESS))}
    (label,) = consensus.of_photo(people).agreed
    assert label.name == "peach" and label.box == pytest.approx((0.2, 0.2, 0.6, 0.41), abs=1e-6)


def test_the_majority_gives_the_name_and_the_boxes_of_the_majority_the_edges():
    people = {"ana": drawn(("peach", CUP)), "ben": drawn(("peach", CUP)), "eve": drawn(("vanilla", SHIFTED))}
    found = consensus.of_photo(people)
    assert [(each.name, each.box) for each in found.agreed] == [("peach", pytest.approx(CUP))]
    assert not found.undecided
    assert [(each.people, each.labels[0].name) for each in found.outvoted[0]] == [(("eve",), "vanilla")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (drawn(("peach", CUP)), drawn(("vanilla", CUP))),
        (drawn(("peach", CUP)), drawn()),
        (drawn(("peach", CUP)), drawn(("peach", LOOSE))),
        (drawn(("peach", (0.2, 0.2, 0.6, 0.6))), drawn(("peach", CUP), ("peach", (0.2, 0.4, 0.6, 0.6)))),
    ],
    ids=["names", "missing", "edges", "one box over two"],
)
def test_two_people_who_differ_are_one_place_to_decide_with_a_version_each(first, second):
    found = consensus.of_photo({"ana": first, "ben": second})
    assert not found.agreed and not found.outvoted
    ((one, other),) = found.undecided
    assert (one.people, other.people) == (("ana",), ("ben",))
    assert (len(one.labels), len(other.labels)) == (len(first.classes), len(second.classes))


def test_a_place_to_decide_leaves_the_other_places_agreed():
    found = consensus.of_photo(
        {"ana": drawn(("peach", CUP), ("vanilla", ELSEWHERE)), "ben": drawn(("peach", SHIFTED), ("natural", ELSEWHERE))}
    )
    assert [each.name for each in found.agreed] == ["peach"] and len(found.undecided) == 1


BEHIND = (0.2, 0.25, 0.6, 0.45)  # IoU 0.6 with CUP


def test_cups_that_overlap_are_two_objects_each_with_its_own_boxes():
    both = drawn(("peach", CUP), ("peach", BEHIND))
    found = consensus.of_photo({"ana": both, "ben": both})
    assert sorted(each.box for each in found.agreed) == [pytest.approx(CUP), pytest.approx(BEHIND)]


def test_cups_that_overlap_are_decided_one_by_one():
    people = {"ana": drawn(("peach", CUP), ("vanilla", BEHIND)), "ben": drawn(("peach", CUP), ("natural", BEHIND))}
    found = consensus.of_photo(people)
    assert [each.name for each in found.agreed] == ["peach"] and len(found.undecided) == 1


def test_a_second_box_of_one_person_on_the_same_cup_is_not_lost():
    found = consensus.of_photo({"ana": drawn(("peach", CUP), ("peach", SHIFTED)), "ben": drawn(("peach", CUP))})
    assert len(found.agreed) == len(found.undecided) == 1


def test_half_is_no_majority_and_more_than_half_is():
    with_box, without = drawn(("peach", CUP)), drawn()
    assert consensus.of_photo({"a": with_box, "b": with_box, "c": without, "d": without}).undecided
    assert consensus.of_photo({"a": with_box, "b": with_box, "c": without}).agreed
    assert consensus.of_photo({"a": with_box, "b": without, "c": without}) == consensus.Consensus(
        (), (), ((consensus.Version(("a",), (consensus.Label("peach", tuple(np.float32(CUP).tolist())),)),),)
    )


def test_one_person_is_right_about_everything_even_about_boxes_that_overlap():
    alone = drawn(("peach", CUP), ("peach", SHIFTED), difficult=1)
    found = consensus.of_photo({"ana": alone})
    assert len(found.agreed) == 2 and all(each.difficult == each.truncated == 1 for each in found.agreed)


def test_the_order_of_the_people_does_not_change_what_they_agree_on():
    people = {"ana": drawn(("peach", CUP)), "ben": drawn(("peach", SHIFTED)), "eve": drawn(("vanilla", CARELESS))}
    backwards = dict(reversed(people.items()))
    assert consensus.of_photo(people).agreed == consensus.of_photo(backwards).agreed


def test_the_threshold_decides_what_is_one_object():
    people = {"ana": drawn(("peach", CUP)), "ben": drawn(("peach", CARELESS))}  # IoU 0.625
    assert consensus.of_photo(people, 0.6).agreed and consensus.of_photo(people, 0.7).undecided
