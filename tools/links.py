"""Where the workshop lies on the web: one address, in pyproject.toml, and all that is made of it."""

import tomllib

from workshop_utils import settings

_PYPROJECT = settings.PROJECT / "pyproject.toml"


def repository() -> str:
    """Return the repository's address, without a slash at its end."""
    return _project()["project"]["urls"]["Repository"].rstrip("/")


def tag() -> str:
    """Return the tag (or branch) that is opened on Colab and Binder."""
    return _project()["tool"]["workshop"]["tag"]


def badges(notebook: str) -> str:
    """Return the line of badges that opens notebooks/`notebook` on Colab and on Binder. The pictures are our own:
    a page that shows them calls nobody."""
    name = repository().removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{name}/blob/{tag()}/notebooks/{notebook}"
    binder = f"https://mybinder.org/v2/gh/{name}/{tag()}?urlpath=lab/tree/notebooks/{notebook}"
    pictures = "../docs/badges"
    return f"[![Open in Colab]({pictures}/colab.svg)]({colab}) [![Launch on Binder]({pictures}/binder.svg)]({binder})"


def colab_cell() -> str:
    """Return the first code cell of every notebook. It does nothing unless it finds itself on Colab."""
    return COLAB_CELL.format(repository=repository(), tag=tag())


COLAB_CELL = """\
# On Colab this fetches the workshop. Anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    !git clone --quiet --depth 1 --branch {tag} {repository} /content/workshop
    %run /content/workshop/tools/colab.py
"""


def _project() -> dict:
    return tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))
