import collections

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workshop_utils.data import grouped_split, groups
from workshop_utils.data.dataset import Dataset, Sample


def photo(number: int, classes: str, difficult: int = 0) -> Sample:
    names = tuple(classes)
    boxes = np.zeros((len(names), 4), np.float32)
    return Sample(f"{number:03}.jpg", 9, 9, boxes, names, (difficult,) * len(names), (0,) * len(names), "", b"")


SETS = st.lists(
    st.tuples(st.sampled_from(["", "a", "b", "c", "ab", "bcd"]), st.integers(0, 8)), min_size=1, max_size=60
)
"""The classes and the group of each photo."""


def divided(photos):
    """Return samples, groups, and the names in the training and the validation set."""
    samples = [photo(number, classes) for number, (classes, _) in enumerate(photos)]
    by_group = collections.defaultdict(list)
    for sample, (_, group) in zip(samples, photos, strict=True):
        by_group[group].append(sample.name)
    return samples, list(by_group.values()), grouped_split.split(samples, list(by_group.values()))


@given(SETS)
def test_each_photo_is_in_one_set_and_no_group_is_divided(photos):
    samples, by_group, (training, validation) = divided(photos)
    assert sorted(each.name for each in (*training, *validation)) == [each.name for each in samples]
    there = {each.name for each in validation}
    assert training and all(there.isdisjoint(names) or there.issuperset(names) for names in by_group)


@given(SETS)
def test_each_class_can_be_learned(photos):
    samples, _, (training, _) = divided(photos)
    assert {name for each in training for name in each.classes} == {name for each in samples for name in each.classes}


@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=60))
def test_each_class_is_measured_if_two_photos_show_it(classes):
    samples = [photo(number, name) for number, name in enumerate(classes)]
    _, validation = grouped_split.split(samples, [])
    counts = collections.Counter(classes)
    assert {name for each in validation for name in each.classes} == {name for name in counts if counts[name] > 1}


@given(st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=60), st.integers(1, 70))
def test_without_groups_it_is_the_plain_split_wherever_that_has_every_class_in_both_sets(classes, limit):
    samples = [photo(number, names) for number, names in enumerate(classes)]
    plain = Dataset(samples, {}).split()
    wanted = {name for names in classes for name in names}
    if all({name for each in part for name in each.classes} == wanted for part in plain):
        assert grouped_split.split(samples, []) == plain
        assert grouped_split.split(samples, [], limit) == Dataset(samples, {}).split(limit)


def test_the_default_split_of_the_workshops_photos_is_what_it_always_was(yoghurt):
    near = groups.by(groups.DEFAULT, yoghurt.samples)
    assert near.photos == []
    training, validation = grouped_split.split(yoghurt.samples, near.photos)
    assert (training, validation) == yoghurt.split()
    assert (len(training), len(validation)) == (288, 72)
    assert grouped_split.split(yoghurt.samples, near.photos, 50) == yoghurt.split(50)


def test_the_validation_set_keeps_its_size_if_photos_are_only_exchanged():
    samples = [photo(number, "b" if number in (3, 17) else "a") for number in range(20)]
    _, validation = grouped_split.split(samples, [])
    assert len(validation) == 4 and any("b" in each.classes for each in validation)


def test_groups_that_are_too_large_for_a_fifth_leave_the_smallest_for_validation():
    samples = [photo(number, "a") for number in range(10)]
    names = [each.name for each in samples]
    training, validation = grouped_split.split(samples, [names[:6], names[6:]])
    assert sorted(each.name for each in validation) == names[6:] and len(training) == 6


def test_if_all_photos_are_one_group_all_are_trained_on_and_no_class_is_measured():
    samples = [photo(number, "ab") for number in range(5)]
    training, validation = grouped_split.split(samples, [[each.name for each in samples]])
    assert len(training) == 5 and validation == []
    assert grouped_split.unmeasured(validation, {1: "a", 2: "b"}) == ["a", "b"]


def test_a_class_with_difficult_objects_only_is_not_measured():
    assert grouped_split.unmeasured([photo(0, "a"), photo(1, "b", difficult=1)], {1: "a", 2: "b"}) == ["b"]
