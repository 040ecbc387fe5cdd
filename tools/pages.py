"""Build a site from the executed notebooks and the documentation: `make site`.

    python tools/pages.py SPHINX_PYTHON

Collects the pages in build/site-source/, in the same folders as in the project. SPHINX_PYTHON, a Python with the
packages of docs/site/requirements.txt, builds build/site/ from them. The site needs no server and loads nothing from
the web, so its formulas are MathML, which browsers render without a script.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import links
import still

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError

EXECUTED = settings.PROJECT / "build" / "notebooks"
SOURCE = settings.PROJECT / "build" / "site-source"
SITE = settings.PROJECT / "build" / "site"
WRITTEN = (
    *("README.md", "INSTRUCTORS.md", "data/README.md", "results/README.md", "tests/README.md", "docs/*.md"),
    *("docs/site/**/*", "LICENSE", "NOTICE", "data/LICENSE"),
)
PICTURES = ("docs/**/*.svg", "docs/**/*.png", "docs/**/*.jpg", "data/pictures/*")
WIDGET = still.VIEW
FROM_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=[\"'](?:https?:)?//[^\"']+")
STYLED_FROM_ELSEWHERE = re.compile(r"(?:@import\s*|\burl\(\s*)[\"']?(?:https?:)?//[^\"')\s]+")
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
FORMULA = "$$"
RENAMED = re.compile(r'(<summary\b[^>]*?|<button class="[^"]*\bsearch-button-field\b[^>]*?) aria-label="[^"]*"')
"""Elements to which the theme gives another name than the text on them, so that you cannot address them by speaking."""


class SiteError(WorkshopError, RuntimeError):
    """The site could not be built. The message says why."""


def main(sphinx_python: str) -> int:
    try:
        gather(EXECUTED, SOURCE)
        build(sphinx_python, SOURCE, SITE)
        called = calls_elsewhere(SITE)
        if called:
            raise SiteError("These pages would load something from the web:\n" + "\n".join(called))
        if raw := with_raw_formulas(SOURCE, SITE):
            raise SiteError(f"These pages show formulas as TeX: {', '.join(raw)}")
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"The site: {(SITE / 'index.html').relative_to(settings.PROJECT)}")
    return 0


def gather(executed: pathlib.Path, source: pathlib.Path) -> None:
    """Copy all pages and their pictures to a folder. Raises SiteError.

    Leaves out the cell for Colab, and progress bars, because the notebook only stores how they began. Other widgets
    become pictures.
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
            raise SiteError(f"{path}: does not exist. Run `make run`, which executes the notebooks, and this again.")
        content = json.loads(path.read_text(encoding="utf-8"))
        content["cells"] = [cell for cell in content["cells"] if cell.get("id") != "colab"]
        for cell in content["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = [each for each in cell["outputs"] if not is_bar(each)]
        still.put_pictures(content)
        files.write_text(json.dumps(content), _made(source / "notebooks") / notebook.name)
    for page in source.rglob("*.md"):
        files.write_text(leading_somewhere(page, source), page)


def leading_somewhere(page: pathlib.Path, source: pathlib.Path) -> str:
    """Return a page's text with links to files outside the site replaced by links to the repository on the web."""

    def led(found: re.Match) -> str:
        if (page.parent / found[1]).is_file():
            return found[1]
        path = (page.parent / found[1]).resolve().relative_to(source.resolve())
        kind = "tree" if (settings.PROJECT / path).is_dir() else "blob"
        return f"{links.repository()}/{kind}/{links.tag()}/{path.as_posix()}"

    return LINK.sub(led, page.read_text(encoding="utf-8"))


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
        raise SiteError("Sphinx could not build the site. Its message is above.")
    for page in site.rglob("*.html"):
        files.write_text(RENAMED.sub(r"\1", page.read_text(encoding="utf-8")), page)


def calls_elsewhere(site: pathlib.Path) -> list[str]:
    """Return what the site's pages and styles would load from the web, one line each, with the file."""
    patterns = {".html": FROM_ELSEWHERE, ".css": STYLED_FROM_ELSEWHERE}
    return [
        f"{path.relative_to(site)}: {found[0]}"
        for path in sorted(site.rglob("*"))
        if path.suffix in patterns
        for found in patterns[path.suffix].finditer(path.read_text(encoding="utf-8"))
        if 'rel="canonical"' not in found[0]
    ]


def with_raw_formulas(source: pathlib.Path, site: pathlib.Path) -> list[str]:
    """Return the notebooks with formulas whose pages show no formulas, or TeX."""
    raw = []
    for notebook in sorted((source / "notebooks").glob("*.ipynb")):
        page = (site / "notebooks" / f"{notebook.stem}.html").read_text(encoding="utf-8")
        if has_formulas(json.loads(notebook.read_text(encoding="utf-8"))) and ("<math" not in page or FORMULA in page):
            raw.append(notebook.name)
    return raw


def has_formulas(notebook: dict) -> bool:
    return any(FORMULA in "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")


def _made(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
