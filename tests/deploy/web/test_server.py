"""The server: the page's files to this machine alone, and nothing else."""

import contextlib
import http.client
import socket
import threading

import pytest

from workshop_utils.deploy.web import server


@pytest.fixture
def folder(tmp_path):
    """A page, a secret next to it, and what a page must not show."""
    (tmp_path / "secret.txt").write_text("secret")
    page = tmp_path / "page"
    (page / "litert").mkdir(parents=True)
    (page / ".git").mkdir()
    for name in ("index.html", "page.js", "detector.tflite", "litert/core.wasm", ".page.jsonl", ".git/config"):
        (page / name).write_text(name)
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    return page


@contextlib.contextmanager
def listening(folder, **options):
    with server.serving(folder, **{"port": 0} | options) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        yield page
        page.shutdown()


def asked(page, method: str, path: str, **headers: str):
    """Return the status, headers and content that a server answers."""
    connection = http.client.HTTPConnection(*page.server_address, timeout=20)
    connection.request(method, path, body=b"x" if method in ("PUT", "POST") else None, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_the_server_answers_with_the_pages_files(folder):
    with listening(folder) as page:
        assert page.address == f"http://127.0.0.1:{page.server_port}/"
        for path, kind, content in (
            ("/", "text/html; charset=utf-8", b"index.html"),
            ("/index.html?again", "text/html; charset=utf-8", b"index.html"),
            ("/page.js", "text/javascript; charset=utf-8", b"page.js"),
            ("/litert/core.wasm", "application/wasm", b"litert/core.wasm"),
        ):
            status, headers, body = asked(page, "GET", path)
            assert (status, headers["Content-Type"], body) == (200, kind, content)
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", "isolated, so that it may use threads"
            assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        status, headers, body = asked(page, "HEAD", "/page.js")
        assert (status, headers["Content-Length"], body) == (200, "7", b"")
        status, headers, body = asked(page, "GET", "/page.js", **{"If-Modified-Since": headers["Last-Modified"]})
        assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/litert", "/litert/", "/../secret.txt", "/litert/../../secret.txt", "/%2e%2e/secret.txt", "//secret.txt",
     "/link.txt", "/.page.jsonl", "/.git/config", "/page/index.html", "*", "http://127.0.0.1/page.js"],
)  # fmt: skip
def test_the_server_shows_no_folder_nothing_hidden_and_nothing_outside(folder, path):
    with listening(folder) as page:
        status, _, body = asked(page, "GET", path)
        assert status in (400, 404) and b"secret" not in body and b"config" not in body


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
def test_the_server_changes_nothing(folder, method):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with listening(folder) as page:
        assert asked(page, method, "/index.html")[0] == 501
        assert asked(page, method, "/new.txt")[0] == 501
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_server_listens_to_this_machine_alone(folder):
    with listening(folder) as page, pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", page.server_port), timeout=5)


def test_a_port_that_is_taken_is_named_and_without_one_another_is_found(folder, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(server.ServerError, match=rf"Port {taken} is taken.*--port"), listening(folder, port=taken):
            pass
        monkeypatch.setattr(server, "PORT", taken)
        with listening(folder, port=None) as page:
            assert page.server_port != taken and asked(page, "GET", "/")[0] == 200


def test_a_port_or_an_address_that_cannot_be_is_refused(folder):
    with pytest.raises(server.ServerError, match="no port 70000"), listening(folder, port=70000):
        pass
    with (
        pytest.raises(server.ServerError, match=r"192\.0\.2\.7: "),
        listening(folder, host="192.0.2.7"),
    ):
        pass


def test_a_folder_without_a_page_is_refused(tmp_path):
    with pytest.raises(server.ServerError, match="page"), listening(tmp_path):
        pass
