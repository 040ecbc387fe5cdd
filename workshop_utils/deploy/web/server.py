"""Serve the page's folder: to this machine, or over https to the local network."""

import contextlib
import email.utils
import errno
import http.server
import os
import pathlib
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import BinaryIO

from workshop_utils.core.errors import WorkshopError

LOCAL = "127.0.0.1"

PORT = 8431
"""The port, if no other is chosen. Browsers remember for each port whether a page may use the camera."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""The first two isolate the page from others, so that browsers let it use threads."""

TAKEN = (errno.EADDRINUSE, errno.EACCES)


class ServerError(WorkshopError, OSError):
    """The page cannot be served; the message says why and what to do."""


class Server(http.server.ThreadingHTTPServer):
    """Serves files, and nothing else.

    Attributes:
        address: Where the page is.
        files: {path in the address: file}.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, pathlib.Path], host: str, port: int, context: ssl.SSLContext | None):
        self.files, self._context = files, context
        super().__init__((host, port), _Handler)
        self.address = f"{'https' if context else 'http'}://{host}:{self.server_port}/"

    def finish_request(self, request: socket.socket, client_address: tuple) -> None:
        """Answer one connection. It is encrypted here, in its own thread: a slow client blocks no other."""
        if self._context:
            request.settimeout(20)
            request = self._context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: socket.socket, client_address: tuple) -> None:
        """Say nothing of a browser that closes a connection or does not trust the certificate yet."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serving(
    folder: pathlib.Path, host: str = LOCAL, port: int | None = None, context: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Yield a server that listens; call its `serve_forever`.

    Args:
        folder: The page's folder. Only files that are in it now are served.
        host: The address of this machine at which to listen.
        port: The port; None takes PORT, or a free one if that is taken. 0 takes any free one.
        context: For https.

    Raises:
        ServerError: If the port is taken, the address is not this machine's, or the folder holds no page.
    """
    files = _files(folder)
    try:
        server = Server(files, host, PORT if port is None else port, context)
    except (OSError, OverflowError) as fault:
        if port is not None or getattr(fault, "errno", None) not in TAKEN:
            raise ServerError(_reason(fault, host, PORT if port is None else port)) from None
        server = Server(files, host, 0, context)
    with server:
        yield server


def _reason(fault: OSError | OverflowError, host: str, port: int) -> str:
    if isinstance(fault, OverflowError):
        return f"There is no port {port}. Choose one from 1024 to 65535 with --port."
    if fault.errno in TAKEN:
        return f"Port {port} is taken by another program, or reserved. Choose another with --port, or leave --port out."
    return f"{host}: the page cannot be served there ({fault.strerror}). Name an address of this machine."


def _files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Return {path in the address: file} of every file in a folder that is not hidden and does not lead out of it."""
    found, inside = {}, folder.resolve()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and path.resolve().is_relative_to(inside):
            found["/" + "/".join(parts)] = path
    if "/index.html" not in found:
        raise ServerError(f"{folder}: has no page (index.html). Make one first.")
    return found | {"/": found["/index.html"]}


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD with the server's files; http.server refuses everything else."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "workshop", ""

    def do_GET(self) -> None:
        """Answer with a file."""
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        """Answer with a file's headers."""
        self._answer(with_content=False)

    def _answer(self, with_content: bool) -> None:
        path = self.server.files.get(self.path.partition("?")[0])
        try:
            stream = open(path, "rb") if path else None  # noqa: SIM115 (closed below)
        except OSError:
            stream = None
        if stream is None or path is None:
            self.send_error(404, "There is no such file")
            return
        with stream:
            status = os.fstat(stream.fileno())
            changed = email.utils.formatdate(status.st_mtime, usegmt=True)
            known = self.headers.get("If-Modified-Since") == changed
            self.send_response(304 if known else 200)
            self.send_header("Last-Modified", changed)
            if not known:
                self.send_header("Content-Type", TYPES.get(path.suffix, "application/octet-stream"))
                self.send_header("Content-Length", str(status.st_size))
            self.end_headers()
            if with_content and not known:
                self._send(stream)

    def _send(self, stream: BinaryIO) -> None:
        """Send a file."""
        while block := stream.read(1 << 16):
            self.wfile.write(block)

    def end_headers(self) -> None:
        """Add the headers of every answer."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""
