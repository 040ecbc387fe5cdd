"""docs/architecture.md names existing modules, and its instructions for adding things work."""

import importlib.util
import re
import shutil
import subprocess

import exercises
import pytest

from workshop_utils.core import settings

ROOT = settings.PROJECT
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DIFFS = re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
OWN = "my_"
"""The prefix of modules that a reader would write."""


def apply(diff: str, folder, *options: str) -> None:
    done = subprocess.run(["git", "apply", *options, "-"], cwd=folder, input=diff, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stderr}\n{diff}"


@pytest.mark.parametrize("diff", DIFFS, ids=range(len(DIFFS)))
def test_each_diff_on_the_page_applies_to_the_current_code(diff):
    """The diff of an architecture is applied already: it is how SSD MobileNet v1 was added."""
    apply(diff, ROOT, "--check", *(["--reverse"] if "ssd_mobilenet_v1" in diff else []))


def test_an_architecture_of_the_package_consists_of_its_module_and_its_entry():
    """No other module of the package names it."""
    named = {
        path.name for path in (ROOT / "workshop_utils").rglob("*.py") if "ssd_mobilenet_v1" in path.read_text("utf-8")
    }
    assert named == {"architectures.py", "ssd_mobilenet_v1.py"}


def test_each_recipe_changes_two_files_at_most_and_its_files_exist():
    rows = re.findall(r"^\| \[an? [a-z ]+\]\(#([a-z-]+)\) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == [
        "an-architecture",
        "a-data-format",
        "an-export-format",
        "a-strategy",
        "an-exercise",
    ]
    places = {place for _, cell in rows for place in re.findall(r"`([\w/]+/(?:\w+\.py)?)`", cell)}
    assert len(places) >= 8
    missing = [each for each in places if not (ROOT / each).exists() and not (ROOT / "workshop_utils" / each).exists()]
    assert missing == []
    sections = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
    assert {name.lower().replace(" ", "-") for name in sections} == {name for name, _ in rows}
    for name, text in sections.items():
        touched = set(re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE))
        assert len(touched) <= 2, f"{name}: {touched}"


def test_every_module_and_path_on_the_page_exists():
    paths = re.findall(r"`((?:workshop_utils|tests|notebooks|tools|benchmarks)/[\w/.]*)`", PAGE)
    paths += [name.replace(".", "/") for name in re.findall(r"`(workshop_utils(?:\.\w+)+)`", PAGE)]
    sub_packages = [path.parent.name for path in (ROOT / "workshop_utils").glob("*/__init__.py")]
    modules = re.findall(rf"`((?:{'|'.join(sub_packages)})\.\w+)`", PAGE)
    paths += [f"workshop_utils/{name.replace('.', '/')}" for name in modules]
    assert len(paths) >= 15 and len(modules) >= 8
    there = {name for name in paths if (ROOT / name).exists() or (ROOT / f"{name}.py").exists()}
    assert [name for name in paths if name not in there and OWN not in name] == []


def test_the_exercise_on_the_page_becomes_a_participants_exercise_and_is_checked(tmp_path, monkeypatch):
    (diff,) = [each for each in DIFFS if "teaching/checks" in each]
    solved, module = (
        tmp_path / name
        for name in ("notebooks/solutions/00_start_here.ipynb", "workshop_utils/teaching/checks/start_here.py")
    )
    for path in (solved, module):
        path.parent.mkdir(parents=True)
        shutil.copy(ROOT / path.relative_to(tmp_path), path)
    apply(diff, tmp_path)
    text = exercises.participants_text(solved)
    assert '"### Exercise 3: An hour of photos' in text and '"an_hour = ...  # your answer' in text
    found = importlib.util.spec_from_file_location("with_one_more", module)
    checks = importlib.util.module_from_spec(found)
    found.loader.exec_module(checks)
    answers = {72_000: True, 180: False, 1_200: False, 5: False, "many": False, ...: None}
    assert {answer: checks.photos_an_hour(answer, 0.05).right for answer in answers} == answers
    assert len({checks.photos_an_hour(answer, 0.05).words for answer in answers}) == len(answers)
