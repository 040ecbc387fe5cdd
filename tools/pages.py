"""Make a site of the executed notebooks and of what is written about the workshop: what `make site` does.

    python tools/pages.py SPHINX_PYTHON

The pages are gathered in build/site-source/, as they lie in the project, and SPHINX_PYTHON, a Python that has
docs/site/requirements.txt, makes build/site/ of them. The site needs no server and loads nothing from elsewhere.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

from workshop_utils import files, settings
from workshop_utils.errors import WorkshopError

EXECUTED = settings.PROJECT / "build" / "notebooks"
SOURCE = settings.PROJECT / "build" / "site-source"
SITE = settings.PROJECT / "build" / "site"
WRITTEN = ("README.md", "INSTRUCTORS.md", "data/README.md", "tests/README.md", "docs/*.md", "docs/site/**/*")
PICTURES = ("docs/**/*.svg", "docs/**/*.png", "docs/**/*.jpg", "data/pictures/*")
WIDGET = "application/vnd.jupyter.widget-view+json"
FROM_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=[\"'](?:https?:)?//[^\"']+")


class SiteError(WorkshopError, RuntimeError):
    """The site could not be made; the message says why."""


def main(sphinx_python: str) -> int:
    try:
        gather(EXECUTED, SOURCE)
        build(sphinx_python, SOURCE, SITE)
        called = calls_elsewhere(SITE)
        if called:
            raise SiteError("The site would load from elsewhere:\n" + "\n".join(called))
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"The site: {(SITE / 'index.html').relative_to(settings.PROJECT)}")
    return 0


def gather(executed: pathlib.Path, source: pathlib.Path) -> None:
    """Put everything that becomes a page, and its pictures, into a folder. Raises SiteError.

    The cell for Colab is left out, and progress bars, of which only the beginning was kept: on a page they say nothing.
    """
    shutil.rmtree(source, ignore_errors=True)
    for pattern in (*WRITTEN, *PICTURES):
        for path in settings.PROJECT.glob(pattern):
            if path.is_file():
                copied = source / path.relative_to(settings.PROJECT)
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copied)
    for name in ("conf.py", "index.md"):
        shutil.move(source / "docs" / "site" / name, source / name)
    for notebook in sorted((settings.PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        path = executed / notebook.name
        if not path.exists():
            raise SiteError(f"{path}: is not there. `make run` executes the notebooks; then give this command again.")
        content = json.loads(path.read_text(encoding="utf-8"))
        content["cells"] = [cell for cell in content["cells"] if cell.get("id") != "colab"]
        for cell in content["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = [each for each in cell["outputs"] if not is_bar(each)]
        files.write_text(json.dumps(content), _made(source / "notebooks") / notebook.name)


def is_bar(output: dict) -> bool:
    """Return whether an output is tqdm's widget."""
    data = output.get("data", {})
    return WIDGET in data and re.match(r".*?\d+%\|", "".join(data.get("text/plain", ""))) is not None


def build(sphinx_python: str, source: pathlib.Path, site: pathlib.Path) -> None:
    """Run Sphinx. Raises SiteError."""
    shutil.rmtree(site, ignore_errors=True)
    command = [sphinx_python, "-m", "sphinx", "-q", "-b", "html", "-d", source / "doctrees", source, site]
    done = subprocess.run(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    print(done.stderr, file=sys.stderr, end="")
    if done.returncode:
        raise SiteError("Sphinx could not make the site; it says why above.")


def calls_elsewhere(site: pathlib.Path) -> list[str]:
    """Return what the site's pages would load from another place, by page."""
    return [
        f"{page.relative_to(site)}: {found[0]}"
        for page in sorted(site.rglob("*.html"))
        for found in FROM_ELSEWHERE.finditer(page.read_text(encoding="utf-8"))
        if 'rel="canonical"' not in found[0]
    ]


def _made(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
