"""Show the page in a notebook: live where your browser reaches this machine, as a picture everywhere else."""

import atexit
import base64
import functools
import html
import os
import pathlib
import sys
import threading

from workshop_utils.core import settings
from workshop_utils.deploy.web import local_network, server
from workshop_utils.deploy.web.server import ServerError

PICTURE = settings.PROJECT / "docs" / "pictures" / "page.jpg"
"""The page with a detector of yoghurt cups. `python tools/page_picture.py` took it."""

ALT = "The page: a photo with boxes around yoghurt cups, a slider for the score, the counts of each class, kept frames."

HEIGHT = 900

IN_COLAB = "google.colab"
"""The module that only Colab has."""

IN_JUPYTER = "JPY_SESSION_NAME"
"""The environment variable that Jupyter sets for notebooks that are open in a browser."""

IN_JUPYTERHUB = "JUPYTERHUB_SERVICE_PREFIX"
"""The environment variable of notebooks on a JupyterHub, such as Binder's. The browser cannot reach ports there."""


class Shown:
    """What a cell shows: a page that is served at `address`, or its picture if it is not served."""

    def __init__(self, address: str | None, content: str):
        self.address, self._content = address, content

    def _repr_html_(self) -> str:
        return self._content

    def __repr__(self) -> str:
        return f"The page is at {self.address}" if self.address else ALT


def show(folder: pathlib.Path) -> Shown | None:
    """Show a page in JupyterLab or Colab, where it is served until the kernel stops; elsewhere show its picture.

    JupyterLab also gets the picture, folded: a notebook that you save there and convert to HTML has no page to show.
    On Colab there is also a link, because a page inside Colab's own may not use the camera.

    Raises ServerError if the folder holds no page.
    """
    if IN_COLAB in sys.modules:
        from google.colab import output  # pyright: ignore[reportMissingImports]

        port = _serve(folder).server_port
        output.serve_kernel_port_as_window(port, anchor_text="Open the page in its own tab, for the camera")
        output.serve_kernel_port_as_iframe(port, height=HEIGHT)
        return None
    if IN_JUPYTER not in os.environ or IN_JUPYTERHUB in os.environ:
        return Shown(None, f"{_picture()}<p>In JupyterLab on your own machine, the page itself appears here.</p>")
    address = _serve(folder).address
    folded = f"<details><summary>A picture of the page, for when it is no longer served</summary>{_picture()}</details>"
    return Shown(address, f"{_link(address)}{_frame(address)}{folded}")


def show_to_phones(folder: pathlib.Path, host: str | None = None) -> Shown:
    """Serve a page to everyone in the local network until the kernel stops; show a QR code that opens it.

    Args:
        folder: The page's folder.
        host: This machine's address; None looks it up.

    Raises:
        ServerError: If phones cannot reach this machine, or the packages for it are not installed.
    """
    if IN_COLAB in sys.modules or IN_JUPYTERHUB in os.environ:
        raise ServerError(
            "Phones in the room cannot reach this notebook's machine. Put the page on a static host instead: section 9 "
            "of notebook 08 shows how."
        )
    address = _serve(folder, host or local_network.address(), secure=True).address
    code = local_network.qr_code(address).svg_inline(scale=6, light="white", title="A QR code of the page's address")
    warning = (
        "<p>Everyone in this network can open the page until you shut this kernel down. Photos stay on each phone. "
        "Phones warn about the connection, because this machine signed its certificate itself.</p>"
    )
    return Shown(address, f"{_link(address)}{warning}{code}")


@functools.cache
def _serve(folder: pathlib.Path, host: str = server.LOCAL, secure: bool = False) -> server.Server:
    """Serve a page in the background; once, however often it is shown."""
    context = local_network.context(host) if secure else None
    serving = server.serving(folder, host, context=context)
    page = serving.__enter__()
    threading.Thread(target=page.serve_forever, daemon=True).start()
    atexit.register(serving.__exit__, None, None, None)
    return page


def _link(address: str) -> str:
    return f'<p><a href="{address}" target="_blank">Open the page in its own tab</a> ({address})</p>'


def _frame(address: str) -> str:
    return f'<iframe src="{address}" title="The page" allow="camera" style="width: 100%; height: {HEIGHT}px"></iframe>'


def _picture() -> str:
    if not PICTURE.exists():
        return f"<p>{html.escape(ALT)}</p>"
    encoded = base64.b64encode(PICTURE.read_bytes()).decode()
    return f'<img alt="{html.escape(ALT)}" src="data:image/jpeg;base64,{encoded}" style="max-width: 100%">'
