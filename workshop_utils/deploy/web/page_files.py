"""What the page consists of: its own files, the runtime, and the detector with its settings."""

import hashlib
import importlib.resources
import json

from workshop_utils.core import settings
from workshop_utils.data import photos
from workshop_utils.deploy.web import litert_js
from workshop_utils.deploy.web.networks import Network
from workshop_utils.model.anchors import anchors
from workshop_utils.plots import drawing

NETWORK = "detector.tflite"
SETTINGS = "detector.json"


def contents(network: Network) -> dict[str, bytes]:
    """Return {path in the page's folder: bytes} of everything the page needs.

    Raises PackageError if the runtime is not available.
    """
    return _static() | litert_js.contents() | {
        f"{litert_js.FOLDER}LICENSE.txt": (settings.PROJECT / "LICENSE").read_bytes(),
        NETWORK: network.data,
        SETTINGS: _settings(network),
    }  # fmt: skip


def _static() -> dict[str, bytes]:
    folder = importlib.resources.files(__package__ or "") / "static"
    return {each.name: each.read_bytes() for each in sorted(folder.iterdir(), key=lambda each: each.name)}


def _settings(network: Network) -> bytes:
    """Return detector.json: the classes with their colours, how far photos are shrunk, how outputs are decoded."""
    names = network.label_map.values()
    described = {
        "id": hashlib.sha256(network.data).hexdigest()[:16],
        "source": network.description,
        "labels": [
            {"id": identity, "name": name, "colour": drawing.colour(name, names)}
            for identity, name in network.label_map.items()
        ],
        "shrink_to": photos.WORKING_SIDE,
        "network": {
            "file": NETWORK,
            "bytes": len(network.data),
            "anchors": None if network.decodes else [[round(float(edge), 7) for edge in box] for box in anchors()],
        },
    }
    return json.dumps(described, ensure_ascii=False).encode()
