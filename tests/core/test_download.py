"""A download is verified before it counts, stops at the expected size, and leaves nothing if it fails."""

import hashlib
import http.server
import threading

import pytest

from workshop_utils.core import download
from workshop_utils.core.download import Download
from workshop_utils.core.npm import PackageError

DATA = bytes(range(256)) * 2000


@pytest.fixture
def server():
    """Serve DATA at /whole; /short ends early, /endless does not end, and anything else is missing."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in ("/whole", "/short", "/endless"):
                return self.send_error(404)
            self.send_response(200)
            if self.path != "/endless":
                self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            try:
                self.wfile.write(DATA[: 1000 if self.path == "/short" else None])
                while self.path == "/endless":
                    self.wfile.write(DATA)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def wanted(address: str, data: bytes = DATA) -> Download:
    return Download(address, len(data), hashlib.sha256(data).hexdigest())


def test_a_file_is_downloaded_once(server, tmp_path):
    path = download.fetch(wanted(f"{server}/whole"), tmp_path)
    assert path == tmp_path / "whole" and path.read_bytes() == DATA
    assert download.fetch(wanted("http://127.0.0.1:9/whole"), tmp_path) == path


def test_the_bar_counts_the_bytes(server, tmp_path, capsys):
    download.fetch(wanted(f"{server}/whole"), tmp_path)
    assert "whole: 100%" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["/missing", "/short", "/endless"])
def test_a_failed_download_names_the_address_and_leaves_nothing(fault, server, tmp_path):
    with pytest.raises(PackageError) as caught:
        download.fetch(wanted(f"{server}{fault}"), tmp_path)
    assert fault in str(caught.value) and list(tmp_path.iterdir()) == []


def test_a_download_with_another_hash_is_deleted(server, tmp_path):
    with pytest.raises(PackageError, match="sha256"):
        download.fetch(Download(f"{server}/whole", len(DATA), "0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_that_name_with_another_hash_is_refused_and_kept(tmp_path):
    (tmp_path / "whole").write_bytes(b"other")
    with pytest.raises(PackageError, match="sha256"):
        download.fetch(wanted("http://127.0.0.1:9/whole"), tmp_path)
    assert (tmp_path / "whole").read_bytes() == b"other"
