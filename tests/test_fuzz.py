"""A minute of what `make fuzz` does at length."""

import fuzzing
import pytest


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of EXIF that is broken
@pytest.mark.parametrize(("target", "count"), [("annotation", 5000), ("photo", 3000)])
def test_whatever_a_file_holds_only_our_own_named_errors_come_out(target, count):
    outcomes = fuzzing.fuzz(target, count)
    assert sum(outcomes.values()) >= count
    assert outcomes["taken"] > count / 50 and outcomes["refused"] > count / 50, "both ways are walked"
