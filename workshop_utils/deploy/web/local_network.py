"""What it takes to show the page to phones in the room: this machine's address, a certificate, a QR code.

Browsers give the camera only to pages over https. A certificate that phones trust needs a public host name, so this
machine signs one for itself, and phones warn about it.
"""

import datetime
import ipaddress
import pathlib
import socket
import ssl
import tempfile
from typing import TYPE_CHECKING

from workshop_utils.deploy.web.server import ServerError

if TYPE_CHECKING:
    from segno import QRCode

MISSING = 'segno and cryptography are not installed. Run: python -m pip install "segno>=1.6" "cryptography>=43"'

DAYS = 7
"""How long a certificate is valid. A new one is made each time."""

SOMEWHERE = ("192.0.2.1", 9)
"""An address outside the local network (RFC 5737). Nothing is sent to it."""


def address() -> str:
    """Return this machine's address in the local network. Raises ServerError if it is not in a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(SOMEWHERE)
            found = probe.getsockname()[0]
        except OSError:
            found = str(ipaddress.IPv4Address(0))
    if ipaddress.ip_address(found).is_loopback or ipaddress.ip_address(found).is_unspecified:
        raise ServerError("This machine is not in a network. Connect it to the phones' Wi-Fi, or name its address.")
    return found


def context(host: str) -> ssl.SSLContext:
    """Return what encrypts connections to `host`, with a new certificate that this machine signs for itself.

    Raises ServerError if `cryptography` is not installed, or `host` is not an address.
    """
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = _signed(host)
    with tempfile.TemporaryDirectory() as scratch:  # ssl reads files only
        paths = [pathlib.Path(scratch, name) for name in ("certificate.pem", "key.pem")]
        for path, data in zip(paths, (certificate, key), strict=True):
            path.write_bytes(data)
        result.load_cert_chain(paths[0], paths[1])
    return result


def qr_code(text: str) -> "QRCode":
    """Return a QR code. Raises ServerError if `segno` is not installed."""
    try:
        import segno
    except ImportError:
        raise ServerError(MISSING) from None
    return segno.make(text, micro=False)


def _signed(host: str) -> tuple[bytes, bytes]:
    """Return a certificate for an address and its private key, both as PEM."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise ServerError(MISSING) from None
    try:
        name = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        raise ServerError(f"{host}: is not an address such as 192.168.1.20. Name one of this machine.") from None
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    owner = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Transfer learning workshop")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.public_bytes(pem), key.private_bytes(pem, *plain)
