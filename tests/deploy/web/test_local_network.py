"""Showing the page to phones: https with this machine's own certificate, and a QR code."""

import ipaddress
import socket
import ssl
import sys
import threading
import urllib.request

import pytest

from workshop_utils.deploy.web import local_network, server


@pytest.fixture
def page(tmp_path):
    """A page served over https."""
    (tmp_path / "index.html").write_text("a page")
    with server.serving(tmp_path, port=0, context=local_network.context(server.LOCAL)) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        yield page
        page.shutdown()


def test_the_page_is_served_over_https_to_anyone_who_accepts_the_certificate(page):
    assert page.address.startswith("https://127.0.0.1:")
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(page.address, timeout=20)
    certificate = ssl.get_server_certificate(page.server_address)
    trusting = ssl.create_default_context(cadata=certificate)
    with urllib.request.urlopen(page.address, context=trusting, timeout=20) as answer:
        assert answer.read() == b"a page"
    assert ssl.get_server_certificate(page.server_address) == certificate


def test_a_client_that_says_nothing_keeps_no_other_waiting(page):
    with socket.create_connection(page.server_address):
        assert ssl.get_server_certificate(page.server_address, timeout=10)


def test_each_certificate_is_new_and_for_its_address():
    first, second = (local_network._signed("192.168.1.20") for _ in range(2))
    assert first != second
    from cryptography import x509

    names = x509.load_pem_x509_certificate(first[0]).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("192.168.1.20")]


def test_the_qr_code_leads_to_the_page():
    import segno

    address = "https://192.168.1.20:8431/"
    assert local_network.qr_code(address) == segno.make_qr(address)


@pytest.mark.parametrize("package", ["segno", "cryptography"])
def test_a_package_that_is_missing_is_named_with_the_way_to_install_it(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(server.ServerError, match=r"pip install.*segno.*cryptography"):
        local_network.qr_code("x")
        local_network.context("127.0.0.1")


def test_what_is_not_an_address_is_refused():
    with pytest.raises(server.ServerError, match=r"^phones: "):
        local_network.context("phones")


def test_a_machine_without_a_network_says_so(monkeypatch):
    monkeypatch.setattr(local_network, "SOMEWHERE", ("127.0.0.1", 9))
    with pytest.raises(server.ServerError, match="network"):
        local_network.address()
