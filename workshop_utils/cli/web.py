"""The command that makes and serves the page: web."""

import contextlib
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from workshop_utils.cli.parser import COCO_ARCHITECTURE, check_architecture, command
from workshop_utils.core.arguments import Options, argument
from workshop_utils.core.errors import UsageError

ANYONE = """Anyone in this network can open the page while this command runs. Photos stay on the phone that takes them.
Phones warn that the connection is not private, because this machine signed the certificate itself. Continue: on Android
with "Advanced" and "Proceed", on an iPhone with "Show Details" and "visit this website"."""


@command(
    "make a page that runs a detector in the browser, with the camera",
    argument("source", metavar="RUN|EXPORT|coco", help="the folder of a run, a LiteRT file, or COCO's detector"),
    COCO_ARCHITECTURE,
    argument("--out", type=Path, metavar="DIR", help="the page's folder, for any static host"),
    argument("--int8", action="store_true", help="use the quantised detector, a third as large"),
    argument("--single-file", action="store_true", help="write one HTML file to --out instead, which works from disk"),
    argument("--serve", action="store_true", help="serve the page on this machine"),
    argument("--lan", nargs="?", const="", metavar="IP", help="with --serve: serve it to phones in the local network, "
             "over https; IP: the address of this machine, if it has several"),
    argument("--port", type=int, metavar="N", help="with --serve: listen on this port"),
    argument("--open", action="store_true", help="with --serve: also open it in the browser"),
)  # fmt: skip
def web(options: Options) -> int:
    """Write the page, print where it is, and serve it if asked to, until you press Ctrl-C."""
    _check(options)
    from workshop_utils.deploy.web import networks, page_folder

    if options.lan is not None:  # what is missing for it is better known before a minute's work
        _lan(options.lan)
    network = networks.open_network(options.source, options.int8, options.architecture)
    if options.single_file:
        out = options.out if options.out.suffix == ".html" else options.out / "index.html"
        print(f"Wrote {page_folder.write_single(network, out)}. Open it with a double click.")
        return 0
    with _folder(options.out) as folder:
        for path in page_folder.write(network, folder):
            print(f"{path}: was changed since it was written, and is kept. Delete it to have it written again.")
        if options.out:
            print(f"Wrote {folder}. Put it on any static host, or add --serve.")
        if options.serve:
            _serve(folder, options)
    return 0


def _check(options: Options) -> None:
    check_architecture(options)
    if options.out is None and not options.serve:
        raise UsageError("usage: web needs --out DIR, or --serve, or both")
    if options.single_file and (options.serve or options.out is None):
        raise UsageError("usage: web takes --single-file with --out FILE.html and without --serve")
    for name in ("lan", "port", "open"):
        if getattr(options, name) not in (None, False) and not options.serve:
            raise UsageError(f"usage: web takes --{name} only with --serve")


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out:
        yield out
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield pathlib.Path(scratch, "page")


def _lan(host: str):
    """Return this machine's address in the local network and what encrypts connections to it. Raises ServerError."""
    from workshop_utils.deploy.web import local_network

    host = host or local_network.address()
    local_network.qr_code(host)
    return host, local_network.context(host)


def _serve(folder: Path, options: Options) -> None:
    """Serve until Ctrl-C."""
    import webbrowser

    from workshop_utils.deploy.web import local_network, server

    host, context = (server.LOCAL, None) if options.lan is None else _lan(options.lan)
    with server.serving(folder, host, options.port, context) as page:
        print(f"The page is at {page.address}", flush=True)
        if context:
            print(ANYONE, flush=True)
            local_network.qr_code(page.address).terminal(compact=True)
        print("Press Ctrl-C to stop.", file=sys.stderr, flush=True)
        if options.open:
            webbrowser.open(page.address)
        with contextlib.suppress(KeyboardInterrupt):
            page.serve_forever()
