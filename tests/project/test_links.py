"""The workshop's address on the web is in many places and comes from pyproject.toml."""

import json
import re
import shutil
import subprocess

import exercises
import links
import pytest

from workshop_utils.core import settings


def test_every_link_to_the_workshop_has_the_same_address():
    assert links.repository().startswith(links.GITHUB)
    for path in links.tracked_text():
        if path.name != "test_links.py":
            assert links.elsewhere(path.read_text(encoding="utf-8")) == [], path


@pytest.mark.parametrize(
    "address",
    [
        "https://colab.research.google.com/github/someone/else/blob/{tag}/notebooks/00.ipynb",
        "https://colab.research.google.com/github/{name}/blob/v0.0.9/notebooks/00.ipynb",
        "https://mybinder.org/v2/gh/someone/else/{tag}?urlpath=lab",
        "https://mybinder.org/v2/gh/{name}/v0.0.9?urlpath=lab",
        "https://github.com/someone/{own}",
        "https://github.com/{name}/blob/v0.0.9/README.md",
    ],
)
def test_a_forgotten_address_is_found(address):
    own = links.name().split("/")[1]
    address = address.format(name=links.name(), tag=links.tag(), own=own)
    assert links.elsewhere(f"see [this]({address}).") == [re.match(r".*?(?=/notebooks|\?|/README|$)", address)[0]]
    assert links.elsewhere(f"{links.repository()} and {links.badges('00_start_here.ipynb')}") == []


def test_every_notebook_and_the_readme_can_be_opened_on_colab_and_binder():
    readme = (settings.PROJECT / "README.md").read_text(encoding="utf-8")
    assert links.badges("00_start_here.ipynb", "docs/badges") in readme
    for path in exercises.NOTEBOOKS.glob("*.ipynb"):
        title, colab, *_ = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert links.badges(path.name) in "".join(title["source"])
        assert f'"{links.repository()}", "{links.tag()}"' in "".join(colab["source"])


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the files that contain the address, in a separate repository."""
    for path in links.tracked_text():
        if path.suffix in (".md", ".toml", ".ipynb"):
            copied = tmp_path / path.relative_to(settings.PROJECT)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copied)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["grace/yoghurts", links.name() + "-2", "ada/" + links.name().split("/")[1]])
def test_a_new_address_is_written_everywhere(project, name):
    old_name, old_tag = links.name(), links.tag()
    changed = links.move(name, "v9.1")
    assert {"pyproject.toml", "README.md", "notebooks/00_start_here.ipynb"} <= set(changed)
    assert (links.name(), links.tag()) == (name, "v9.1")
    for path in links.tracked_text():
        text = path.read_text(encoding="utf-8")
        assert links.elsewhere(text) == [] and not re.search(rf"/{old_name}(?![\w-])", text), path
        if "solutions" not in path.parts and path.suffix == ".ipynb":
            assert text == exercises.participants_text(project / "notebooks" / "solutions" / path.name)
    links.move(old_name, old_tag)
    assert not subprocess.run(["git", "diff", "--stat"], cwd=project, capture_output=True).stdout, "and back"


def test_an_invalid_address_is_refused_and_nothing_is_written(project):
    for name, tag in (("https://github.com/grace/yoghurts", "v1"), ("grace", "v1"), ("grace/yoghurts", "v 1")):
        with pytest.raises(links.LinksError, match="OWNER/NAME"):
            links.move(name, tag)
    assert not subprocess.run(["git", "diff", "--stat"], cwd=project, capture_output=True).stdout


def remote(project, address: str) -> None:
    subprocess.run(["git", "remote", "add", "origin", address], cwd=project, check=True)


@pytest.mark.parametrize("address", [
    *("https://github.com/grace/yoghurts", "https://github.com/grace/yoghurts.git", "https://github.com/grace/yoghurts/"),
    *("git@github.com:grace/yoghurts.git", "git@github.com:grace/yoghurts", "ssh://git@github.com/grace/yoghurts.git"),
    *("https://someone:secret@github.com/grace/yoghurts.git", "ssh://git@github.com:22/grace/yoghurts"),
])  # fmt: skip
def test_by_default_the_badges_point_to_the_repository_this_was_cloned_from(project, address, capsys):
    remote(project, address)
    tag = links.tag()
    assert links.main([]) == 0
    assert (links.name(), links.tag()) == ("grace/yoghurts", tag)
    said = capsys.readouterr().out
    assert "README.md" in said and "secret" not in said
    assert links.main([]) == 0
    assert "README.md" not in capsys.readouterr().out, "nothing is left to write"


def test_arguments_override_the_remote_of_git(project):
    remote(project, "https://github.com/grace/yoghurts")
    assert links.main(["--tag", "v9.1"]) == 0
    assert (links.name(), links.tag()) == ("grace/yoghurts", "v9.1")
    assert links.main(["--repo", "ada/cups"]) == 0
    assert (links.name(), links.tag()) == ("ada/cups", "v9.1")


@pytest.mark.parametrize(
    "address", ["https://a:secret@gitlab.com/grace/yoghurts.git", "/home/grace/github.com/a/b", None]
)
def test_without_a_github_remote_the_message_says_what_to_do_and_nothing_is_written(project, address, capsys):
    if address:
        remote(project, address)
    assert links.main([]) == 1
    said = capsys.readouterr()
    assert "REPO=OWNER/NAME" in said.err and "secret" not in said.err and said.out == ""
    assert not subprocess.run(["git", "diff", "--stat"], cwd=project, capture_output=True).stdout


def test_outside_a_git_repository_the_message_says_what_to_do(tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text((settings.PROJECT / "pyproject.toml").read_text())
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    assert links.main([]) == 1
    assert "REPO=OWNER/NAME" in capsys.readouterr().err


def heading_anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_our_pages_points_to_an_existing_file_and_heading():
    led = 0
    for page in (path for path in links.tracked_text() if path.suffix == ".md"):
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", text):
            home = settings.PROJECT if page.name == "index.md" else page.parent  # the site's front page
            path = home / target if target else page
            assert path.exists(), f"{page}: {target}"
            if anchor:
                assert anchor in heading_anchors(path.read_text(encoding="utf-8")), f"{page}: {target}#{anchor}"
            led += 1
    assert led >= 30
