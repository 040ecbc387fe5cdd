import pytest

from workshop_utils.data import names


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("cup", "cup"),
        (" cup ", "cup"),
        ("peach  cup\n", "peach cup"),
        ("no\u00a0break", "no break"),
        ("Ka\u0308se", "K\u00e4se"),
        ("\ufeffcup", "cup"),
        ("c\u200bu\u2060p", "cup"),
        ("\u200b", ""),
        ("\U0001f469\u200d\U0001f373", "\U0001f469\u200d\U0001f373"),  # the emoji of a cook: a woman and a pan
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
    ],
)
def test_a_class_name_loses_only_invisible_characters(written, taken):
    assert names.tidy(written) == taken


def test_a_files_name_keeps_its_spaces_and_capitals():
    assert names.composed(" Ka\u0308se  \ufeff1.JPG") == " K\u00e4se  1.JPG"
