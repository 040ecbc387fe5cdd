"""The page in a notebook: live where the browser reaches this machine, a picture elsewhere, a QR code for phones."""

import base64
import html
import re
import sys
import types
import urllib.request

import pytest

from workshop_utils.deploy.web import local_network, notebook, server


@pytest.fixture
def folder(tmp_path):
    """A page."""
    (tmp_path / "index.html").write_text("a page")
    return tmp_path


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    """Neither JupyterLab nor Colab: each test adds its own."""
    monkeypatch.delenv(notebook.IN_JUPYTER, raising=False)
    monkeypatch.delenv(notebook.IN_JUPYTERHUB, raising=False)
    monkeypatch.delitem(sys.modules, notebook.IN_COLAB, raising=False)


@pytest.mark.parametrize("environment", [{}, {notebook.IN_JUPYTER: "x", notebook.IN_JUPYTERHUB: "/user/x/"}])
def test_where_the_browser_does_not_reach_this_machine_the_picture_is_shown(folder, monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown = notebook.show(folder)
    assert shown.address is None and repr(shown) == notebook.ALT
    (encoded,) = re.findall(r'<img alt="[^"]+" src="data:image/jpeg;base64,([^"]+)"', shown._repr_html_())
    assert base64.b64decode(encoded) == notebook.PICTURE.read_bytes()
    assert notebook.PICTURE.stat().st_size < 150_000, "each page of the site holds it"


def test_in_jupyterlab_the_page_is_served_once_however_often_it_is_shown(folder, monkeypatch):
    monkeypatch.setenv(notebook.IN_JUPYTER, "notebooks/08.ipynb")
    first, again = notebook.show(folder), notebook.show(folder)
    assert first.address == again.address and repr(first).endswith(first.address)
    assert urllib.request.urlopen(first.address, timeout=20).read() == b"a page"
    assert f'<iframe src="{first.address}" title="The page" allow="camera"' in first._repr_html_()
    assert f'href="{first.address}"' in first._repr_html_()


def test_a_notebook_saved_in_jupyterlab_holds_the_picture_too(folder, monkeypatch):
    monkeypatch.setenv(notebook.IN_JUPYTER, "notebooks/08.ipynb")
    content = notebook.show(folder)._repr_html_()
    assert notebook._picture() in re.search(r"<details><summary>.+?</summary>(.+)</details>", content)[1]


def test_on_colab_the_page_is_shown_in_the_notebook_and_linked(folder, monkeypatch):
    calls = {}
    output = types.SimpleNamespace(
        serve_kernel_port_as_iframe=lambda port, **_: calls.setdefault("iframe", port),
        serve_kernel_port_as_window=lambda port, **_: calls.setdefault("window", port),
    )
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, notebook.IN_COLAB, types.SimpleNamespace(output=output))
    assert notebook.show(folder) is None
    assert calls["iframe"] == calls["window"]
    assert urllib.request.urlopen(f"http://127.0.0.1:{calls['iframe']}/", timeout=20).read() == b"a page"


def test_phones_get_an_address_over_https_and_its_qr_code(folder):
    shown = notebook.show_to_phones(folder, host="127.0.0.1")
    content = shown._repr_html_()
    assert shown.address.startswith("https://127.0.0.1:")
    drawn = re.search(r'<path[^>]* d="([^"]+)"', local_network.qr_code(shown.address).svg_inline(scale=6))[1]
    assert drawn in content and html.escape(shown.address) in content
    assert notebook.show_to_phones(folder, host="127.0.0.1").address == shown.address


def test_phones_are_offered_nothing_where_they_cannot_reach_the_machine(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv(notebook.IN_JUPYTERHUB, "/user/x/")
        with pytest.raises(server.ServerError, match="notebook 08"):
            notebook.show_to_phones(folder)
    monkeypatch.setitem(sys.modules, notebook.IN_COLAB, types.SimpleNamespace())
    with pytest.raises(server.ServerError, match="notebook 08"):
        notebook.show_to_phones(folder)


def test_a_folder_without_a_page_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(notebook.IN_JUPYTER, "notebooks/08.ipynb")
    with pytest.raises(server.ServerError, match=re.escape(str(tmp_path))):
        notebook.show(tmp_path)
