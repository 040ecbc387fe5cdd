"""What the tests share: the real photos, the real weights, and small data sets cut out of them."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pathlib
import shutil

import hypothesis
import pytest

from workshop_utils import dataset, pretrained, settings

hypothesis.settings.register_profile("same_verdict_twice", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same_verdict_twice"))

FIXTURES = pathlib.Path(__file__).with_name("fixtures")


@pytest.fixture(scope="session")
def coco():
    """The detector with COCO's weights. Nobody may change it."""
    return pretrained.coco_detector()


@pytest.fixture(scope="session")
def tarball() -> pathlib.Path:
    """The tarball the COCO weights come from."""
    pretrained.fetch()
    path = settings.PRETRAINED / pretrained.TARBALL
    assert path.exists(), f"{path} is missing: delete {settings.PRETRAINED} and fetch again"
    return path


@pytest.fixture(scope="session")
def yoghurt() -> dataset.Dataset:
    """The workshop's 360 photos."""
    return dataset.load(settings.YOGHURT)


@pytest.fixture
def voc_folder(tmp_path) -> pathlib.Path:
    """A data set of the first six yoghurt photos, to be spoilt at will."""
    folder = tmp_path / "cups"
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
        for path in sorted((settings.YOGHURT / part).iterdir())[:6]:
            shutil.copy(path, folder / part)
    return folder
