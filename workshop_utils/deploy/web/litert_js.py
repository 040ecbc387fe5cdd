"""Google's LiteRT.js: the runtime that runs a `.tflite` file in a browser, as files of the page.

Two npm packages by Google (Apache License 2.0) hold it. They are downloaded and checked as the COCO weights are, and
only the files below are read from them, as bytes.
"""

import pathlib
import tarfile
from typing import NamedTuple

from workshop_utils.core import files, npm, settings

VERSION = "2.5.3"

FOLDER = "litert/"
"""Where the files are in the page's folder."""


class Package(NamedTuple):
    """An npm package: its tarball, the hash of that, and {name in FOLDER: name in the tarball}."""

    name: str
    tarball: str
    sha256: str
    files: dict[str, str]


BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal", "litert_wasm_threaded_internal")
"""The builds of the runtime. LiteRT.js loads the one that suits the browser: the first needs relaxed SIMD, the second
only SIMD, the third threads in addition."""

PACKAGES = (
    Package(
        "@litertjs/core",
        f"litertjs-core-{VERSION}.tgz",
        "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
        {"core.js": "package/dist/index.js"}
        | {f"{build}{suffix}": f"package/wasm/{build}{suffix}" for build in BUILDS for suffix in (".js", ".wasm")},
    ),
    Package(
        "@litertjs/wasm-utils",
        f"litertjs-wasm-utils-{VERSION}.tgz",
        "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
        {"wasm-utils.js": "package/dist/index.js"},
    ),
)


def fetch(folder: pathlib.Path = settings.PRETRAINED) -> list[pathlib.Path]:
    """Return the paths of the tarballs in `folder`; download those that are missing.

    Raises PackageError for a wrong hash or a missing network, WriteError if the folder cannot be written to.
    """
    if not folder.is_dir():
        files.make_folder(folder)
    try:
        return [npm.fetch(f"{each.name}@{VERSION}", folder / each.tarball, each.sha256) for each in PACKAGES]
    except OSError as fault:
        raise files.WriteError(f"{folder}: cannot be written ({files.reason(fault)}). {files.remedy(fault)}.") from None


def contents(folder: pathlib.Path = settings.PRETRAINED) -> dict[str, bytes]:
    """Return {path in the page's folder: bytes} of the runtime, fetched first if need be. Raises as `fetch` does."""
    found = {}
    for package, tarball in zip(PACKAGES, fetch(folder), strict=True):
        npm.verify(tarball, package.sha256)
        with tarfile.open(tarball) as archive:
            for name, place in package.files.items():
                found[FOLDER + name] = npm.member(archive, place)
    return found
