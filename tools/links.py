"""Change the workshop's address on the web. pyproject.toml has the address; badges and links repeat it.

    python tools/links.py [--repo OWNER/NAME] [--tag TAG]

`make badges` runs this, and `make badges REPO=OWNER/NAME TAG=v1.0` sets the options. It writes the address of a GitHub
repository, and the tag or branch that Colab and Binder open, everywhere they occur. The default repository is the one
that this one was cloned from, git's remote `origin`. The default tag is the one in pyproject.toml.
"""

import argparse
import re
import subprocess
import sys
import tomllib

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError

GITHUB = "https://github.com/"
COLAB_FOLDER = "/content/workshop"
COLAB_CELL = """\
#@title On Colab, run this cell first. Anywhere else it does nothing.
import os
import runpy
import sys

if "google.colab" in sys.modules:
    repository, tag, folder = "{repository}", "{tag}", "{folder}"
    if not os.path.exists(folder):
        !rm -rf {{folder}}.part
        !git clone --quiet --depth 1 --branch {{tag}} {{repository}} {{folder}}.part && mv {{folder}}.part {{folder}}
        assert os.path.exists(folder), "GitHub did not answer: run this cell again."
    runpy.run_path(f"{{folder}}/tools/colab.py", run_name="__main__")
"""
"""The clone gets its final name when it is complete, so that an interrupted one is never mistaken for the workshop."""

_NAME, _TAG = r"([\w.-]+/[\w-]+)", r"([\w.-]+)"
_OPENED = (
    re.compile(rf"https://colab\.research\.google\.com/github/{_NAME}/blob/{_TAG}"),
    re.compile(rf"https://mybinder\.org/v2/gh/{_NAME}/{_TAG}"),
)
_ON_GITHUB = re.compile(rf"https://github\.com/{_NAME}(?:/(?:blob|tree)/{_TAG})?")


_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]+@)?|(?:[^@/]+@))github\.com(?::\d+)?[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
"""How git writes the address of a repository on GitHub; the group is OWNER/NAME."""


class LinksError(WorkshopError, ValueError):
    """An invalid address."""


def repository() -> str:
    """Return the repository's address, without a trailing slash."""
    return _project()["project"]["urls"]["Repository"].rstrip("/")


def name() -> str:
    """Return the repository's owner and name, as GitHub writes them: OWNER/NAME."""
    return repository().removeprefix(GITHUB)


def tag() -> str:
    """Return the tag (or branch) that Colab and Binder open."""
    return _project()["tool"]["workshop"]["tag"]


def origin() -> str:
    """Return OWNER/NAME of the GitHub repository that is git's remote `origin` here. Raises LinksError."""
    name_it = "Name the repository yourself: make badges REPO=OWNER/NAME"
    try:
        asked = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=settings.PROJECT, capture_output=True, text=True
        )
    except FileNotFoundError:
        raise LinksError(f"git is not installed, so the origin of this folder is unknown. {name_it}") from None
    address = asked.stdout.strip()
    if asked.returncode or not address:
        raise LinksError(f"{settings.PROJECT}: git has no remote 'origin' here. {name_it}")
    found = _REMOTE.fullmatch(address)
    if not found:
        shown = re.sub("//[^/]*@", "//", address)  # there may be a password before the @
        raise LinksError(f"git's remote 'origin', {shown}, is not on GitHub, which Colab and Binder need. {name_it}")
    return found[1]


def badges(notebook: str, pictures: str = "../docs/badges") -> str:
    """Return the badges that open notebooks/`notebook` on Colab and on Binder. Their pictures are local files, so that
    no page loads them from the web."""
    colab = f"https://colab.research.google.com/github/{name()}/blob/{tag()}/notebooks/{notebook}"
    binder = f"https://mybinder.org/v2/gh/{name()}/{tag()}?urlpath=lab/tree/notebooks/{notebook}"
    return f"[![Open in Colab]({pictures}/colab.svg)]({colab}) [![Launch on Binder]({pictures}/binder.svg)]({binder})"


def colab_cell() -> str:
    """Return the first code cell of every notebook. Outside Colab it does nothing."""
    return COLAB_CELL.format(repository=repository(), tag=tag(), folder=COLAB_FOLDER)


def elsewhere(text: str) -> list[str]:
    """Return the addresses in a text that should be the workshop's but differ.

    These are all links to Colab and Binder, and all GitHub repositories with the same name as ours.
    """
    ours, opened = (name(), tag()), [found for pattern in _OPENED for found in pattern.finditer(text)]
    ours_by_name = [found for found in _ON_GITHUB.finditer(text) if found[1].split("/")[1] == name().split("/")[1]]
    return [found[0] for found in opened + ours_by_name if (found[1], found[2] or tag()) != ours]


def move(new_name: str, new_tag: str) -> list[str]:
    """Replace the address and tag everywhere; return the files that changed. Raises LinksError."""
    if not re.fullmatch(r"[\w.-]+/[\w-]+", new_name) or not re.fullmatch(r"[\w.-]+", new_tag):
        raise LinksError(f"'{new_name}' and '{new_tag}' should be like OWNER/NAME and v1.0 (or another tag or branch).")
    changes = {
        f"/github/{name()}/blob/{tag()}": f"/github/{new_name}/blob/{new_tag}",
        f"{repository()}/blob/{tag()}": f"{GITHUB}{new_name}/blob/{new_tag}",
        f"{repository()}/tree/{tag()}": f"{GITHUB}{new_name}/tree/{new_tag}",
        f"/v2/gh/{name()}/{tag()}": f"/v2/gh/{new_name}/{new_tag}",
        # In a notebook's JSON, the cell's quotation marks have backslashes.
        rf"{repository()}\", \"{tag()}\"": rf"{GITHUB}{new_name}\", \"{new_tag}\"",
        repository(): f"{GITHUB}{new_name}",
        f'[tool.workshop]\ntag = "{tag()}"': f'[tool.workshop]\ntag = "{new_tag}"',
    }
    present = re.compile("|".join(rf"{re.escape(old)}(?![\w-])" for old in changes))
    changed = []
    for path in tracked_text():
        before = path.read_text(encoding="utf-8")
        text = present.sub(lambda found: changes[found[0]], before)
        if text != before:
            files.write_text(text, path)
            changed.append(path.relative_to(settings.PROJECT).as_posix())
    return changed


def tracked_text() -> list:
    """Return the paths of all text files of the project that git tracks, except the annotations of photos."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=settings.PROJECT, capture_output=True, text=True, check=True)
    paths = [settings.PROJECT / each for each in listed.stdout.split("\0") if each]
    return [
        path for path in paths if path.is_file() and path.suffix != ".xml" and b"\0" not in path.read_bytes()[:4096]
    ]


def _project() -> dict:
    return tomllib.loads((settings.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools/links.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repo", metavar="OWNER/NAME", help="a repository on GitHub; by default git's remote `origin`")
    parser.add_argument("--tag", help="a tag or a branch; by default the one in pyproject.toml")
    chosen = parser.parse_args(arguments)
    try:
        new_name, new_tag = chosen.repo or origin(), chosen.tag or tag()
        changed = move(new_name, new_tag)
        for path in changed:
            print(f"Wrote {path}")
        if not changed:
            print(f"Everything already points to {new_name}, {new_tag}.")
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
