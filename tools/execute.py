"""Execute notebooks, each in a fresh kernel of this Python or another, and save them with their outputs."""

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

import formulas
import nbformat
import pages
import still
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert import HTMLExporter
from traitlets.config import Config

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError

LONGEST_CELL = 4 * 3600
"""Seconds after which a cell counts as hanging: 1,000 steps from random weights take half an hour on two cores."""

HIDING = {"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"hide-input", "remove-input"}}}
"""For nbconvert: a page shows what such a cell says and leaves out its code."""

STYLE = """<style>
.jp-InputPrompt, .jp-OutputPrompt { color: #5b6875; opacity: 1 !important; }
:root { --jp-mirror-editor-number-color: #006b00; --jp-mirror-editor-operator-color: #8a00d6;
        --jp-mirror-editor-comment-color: #2c6464; }
.jp-RenderedHTMLCommon a:not(.anchor-link) { text-decoration: underline; }
</style>"""
"""nbconvert's prompts and code are too pale to be read by everyone, and its links look like text without colours."""

logging.getLogger("asyncio").setLevel(logging.CRITICAL)
"""An interrupted nbclient leaves an unfinished task, for which asyncio would print a traceback."""


class NotebookError(WorkshopError, RuntimeError):
    """A notebook that did not run to its end. The message names the notebook, the cell and the error."""


class OnePython(KernelSpecManager):
    """Start the given Python for any kernel that a notebook names."""

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
    """Execute a notebook in its own folder; return the seconds it took. The notebook itself does not change.

    Args:
        notebook: The notebook.
        out: The folder for the executed notebook, its HTML and the kernel's log. They are written even if a cell fails.
        python: The Python of the kernel.
        environment: The kernel's environment variables; ours by default.
        watch: Called when a code cell begins, with its number, from 1, and the number of code cells.

    Raises:
        NotebookError: If a cell fails or hangs, or the kernel dies.
    """
    try:
        content = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError) as fault:
        raise NotebookError(f"{notebook}: cannot be read as a notebook ({fault}).") from None
    started, cells = [], code_cells(content)

    def begins(cell, cell_index):
        if cell.cell_type == "code":  # text cells, too, trigger this
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
        raise NotebookError(_failure(notebook, content, started, f"{fault.ename}: {fault.evalue}", out)) from None
    except CellTimeoutError:
        slow = f"it took longer than {LONGEST_CELL / 3600:g} hours. Try a shorter recipe, or a machine with less to do."
        raise NotebookError(_failure(notebook, content, started, slow, out)) from None
    except (RuntimeError, asyncio.CancelledError):  # the kernel is gone: DeadKernelError and similar
        if hasattr(client, "_async_cleanup_kernel_future"):  # Ctrl-C: nbclient has ended the kernel
            raise KeyboardInterrupt from None
        died = f"its kernel died. The memory was probably full: close other programs and try again. Its log: {log}"
        raise NotebookError(_failure(notebook, content, started, died, out)) from None
    finally:
        if kernel.has_kernel:
            kernel.shutdown_kernel()
        files.write_text(nbformat.writes(content) + "\n", out / notebook.name)
        files.write_text(_html(content, notebook), out / f"{notebook.stem}.html")
    return time.monotonic() - began


def code_cells(content) -> list:
    """Return the cells of a notebook that Jupyter executes."""
    return [cell for cell in content.cells if cell.cell_type == "code" and cell.source.strip()]


def _failure(notebook, content, started, what: str, out: pathlib.Path) -> str:
    """Return the message for a failure: the notebook, the number of the code cell, the error and the cell's code."""
    if not started:
        return f"{notebook}: the kernel did not start. Start `jupyter lab` and read its messages."
    cell = started[-1]
    lines = "".join(f"\n    {line}" for line in cell.source.splitlines())
    return (
        f"{notebook}: code cell {len(started)} of {len(code_cells(content))} failed: {what.strip()}\n{lines}\n\n"
        f"The notebook up to this cell, with the whole traceback: {out / notebook.stem}.html"
    )


def _html(content, notebook: pathlib.Path) -> str:
    """Return an executed notebook as one HTML page that loads nothing. Links to notebooks point to their pages.

    It runs no script, so widgets and formulas are pictures. Pictures in the text are embedded here, because nbconvert
    would close a `<details>` too early.
    """

    def embedded(found: re.Match) -> str:
        picture = base64.b64encode((settings.PROJECT / "notebooks" / found[1]).read_bytes()).decode()
        return f'src="data:image/svg+xml;base64,{picture}"'

    resources = {"metadata": {"name": notebook.stem, "path": str(notebook.parent)}}
    page, _ = HTMLExporter(config=Config(HIDING)).from_notebook_node(_without_scripts(content), resources)
    page = re.sub(r'<script src="https?://[^"]*"[^>]*>\s*</script>', "", page)
    page = page.replace("</head>", f"{STYLE}</head>", 1)
    page = re.sub(r'src="(\.\./docs/[\w/]+\.svg)"', embedded, page)
    return re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', page)


def _without_scripts(content):
    """Return a copy of an executed notebook, without Colab's cell, in which nothing waits for a script to draw it."""
    plain = copy.deepcopy(content)
    plain.cells = [cell for cell in plain.cells if cell.get("id") != "colab"]
    for cell in plain.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not pages.is_bar(output)]
        elif cell.cell_type == "markdown":
            cell.source = formulas.typeset(cell.source)
    still.put_pictures(plain)
    for cell in plain.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(pages.WIDGET, None)
    return plain
