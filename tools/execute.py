"""Execute notebooks, each in a fresh kernel of the Python that runs this or of another, and keep what they showed."""

import asyncio
import base64
import copy
import logging
import os
import pathlib
import re
import sys
import time
from collections.abc import Callable

import nbformat
import pages
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert import HTMLExporter
from traitlets.config import Config

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError

LONGEST_CELL = 4 * 3600
"""Seconds after which a cell hangs: 1,000 steps from random weights take half an hour on two cores."""

TEX = (
    "*This page loads nothing from the web, so its formulas stand as TeX, between dollar signs. JupyterLab sets them, "
    "and on the pages that `make site` makes they are set.*"
)

HIDING = {"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"hide-input", "remove-input"}}}
"""For nbconvert: a page shows what such a cell says and leaves out its code."""

logging.getLogger("asyncio").setLevel(logging.CRITICAL)
"""An interrupted nbclient leaves a task behind, which asyncio would tell with a traceback."""


class NotebookError(WorkshopError, RuntimeError):
    """A notebook that did not run to its end; the message names it, the cell and what happened."""


class OnePython(KernelSpecManager):
    """Whatever kernel a notebook names, this Python."""

    def __init__(self, python: str):
        super().__init__()
        self._python = python

    def get_kernel_spec(self, kernel_name):
        spec = get_kernel_dict()
        return KernelSpec(**spec | {"argv": [self._python, *spec["argv"][1:]]})


def execute(
    notebook: pathlib.Path,
    out: pathlib.Path,
    python: str = sys.executable,
    environment: dict[str, str] | None = None,
    watch: Callable[[int, int], None] = lambda number, count: None,
) -> float:
    """Execute a notebook in its own folder; return the seconds it took.

    The executed notebook, its HTML and what the kernel logged are written into `out`, also where a cell failed; the
    notebook itself is left as it is. `environment` is the kernel's, ours without it. `watch` is called as each code
    cell begins, with its number, from 1, and with how many there are. Raises NotebookError.
    """
    try:
        content = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError) as fault:
        raise NotebookError(f"{notebook}: cannot be read as a notebook ({fault}).") from None
    started, cells = [], code_cells(content)

    def begins(cell, cell_index):
        if cell.cell_type == "code":  # it is called for text, too
            started.append(cell)
            watch(len(started), len(cells))

    kernel = KernelManager(
        kernel_spec_manager=OnePython(python), client_class="jupyter_client.asynchronous.AsyncKernelClient"
    )
    client = NotebookClient(
        content,
        km=kernel,
        timeout=LONGEST_CELL,
        resources={"metadata": {"path": str(notebook.parent)}},
        on_cell_start=begins,
    )
    out.mkdir(parents=True, exist_ok=True)
    log = out / f"{notebook.stem}.log"
    began = time.monotonic()
    try:
        with open(log, "w", encoding="utf-8") as stream:
            client.execute(stdout=stream, stderr=stream, env=environment or dict(os.environ))
    except CellExecutionError as fault:
        raise NotebookError(_told(notebook, content, started, f"{fault.ename}: {fault.evalue}", out)) from None
    except CellTimeoutError:
        slow = f"it took longer than {LONGEST_CELL / 3600:g} hours. Try a shorter recipe, or a machine with less to do."
        raise NotebookError(_told(notebook, content, started, slow, out)) from None
    except (RuntimeError, asyncio.CancelledError):  # the kernel is gone: DeadKernelError and its like
        if hasattr(client, "_async_cleanup_kernel_future"):  # on Ctrl-C, nbclient ends it
            raise KeyboardInterrupt from None
        died = f"its kernel died. Most often the memory was full: close other programs and try again. Its log: {log}"
        raise NotebookError(_told(notebook, content, started, died, out)) from None
    finally:
        if kernel.has_kernel:
            kernel.shutdown_kernel()
        files.write_text(nbformat.writes(content) + "\n", out / notebook.name)
        files.write_text(_html(content, notebook), out / f"{notebook.stem}.html")
    return time.monotonic() - began


def code_cells(content) -> list:
    """Return the cells of a notebook that are executed."""
    return [cell for cell in content.cells if cell.cell_type == "code" and cell.source.strip()]


def _told(notebook, content, started, what: str, out: pathlib.Path) -> str:
    """Return what to tell of a failure: the notebook, the cell by its number as Jupyter counts, its code."""
    if not started:
        return f"{notebook}: the kernel did not start. Try `jupyter lab` and see what it says."
    cell = started[-1]
    lines = "".join(f"\n    {line}" for line in cell.source.splitlines())
    return (
        f"{notebook}: code cell {len(started)} of {len(code_cells(content))} failed: {what.strip()}\n{lines}\n\n"
        f"The notebook up to there, with the whole traceback: {out / notebook.stem}.html"
    )


def _html(content, notebook: pathlib.Path) -> str:
    """Return an executed notebook as one HTML page, which loads nothing; its links to notebooks lead to their pages.

    Without scripts, a widget is the text that it also has, and formulas stay TeX. The pictures in the text are put into
    the page here: nbconvert's own way of that closes a `<details>` too early.
    """

    def embedded(found: re.Match) -> str:
        picture = base64.b64encode((settings.PROJECT / "notebooks" / found[1]).read_bytes()).decode()
        return f'src="data:image/svg+xml;base64,{picture}"'

    resources = {"metadata": {"name": notebook.stem, "path": str(notebook.parent)}}
    page, _ = HTMLExporter(config=Config(HIDING)).from_notebook_node(_without_scripts(content), resources)
    page = re.sub(r'<script src="https?://[^"]*"[^>]*>\s*</script>', "", page)
    page = re.sub(r'src="(\.\./docs/[\w/]+\.svg)"', embedded, page)
    return re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', page)


def _without_scripts(content):
    """Return a copy of an executed notebook, without Colab's cell, in which nothing waits for a script to draw it."""
    still = copy.deepcopy(content)
    still.metadata.pop("widgets", None)
    still.cells = [cell for cell in still.cells if cell.get("id") != "colab"]
    for cell in still.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not pages.is_bar(output)]
            for output in cell.outputs:
                output.get("data", {}).pop(pages.WIDGET, None)
    if pages.has_formulas(still):
        still.cells.insert(1, nbformat.v4.new_markdown_cell(TEX))
    return still
