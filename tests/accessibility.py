"""axe-core looks at a page as assistive technology does, and names what excludes people from it.

`serious_faults(page)` takes any page that Playwright shows: of a notebook, of the report, of the site, of a detector.
"""

import functools
import tarfile

import pytest

from workshop_utils.core import npm, settings

PACKAGE = "axe-core@4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
TARBALL = settings.PROJECT / "build" / f"{PACKAGE.replace('@', '-')}.tgz"
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
    TARBALL.parent.mkdir(exist_ok=True)
    try:
        npm.fetch(PACKAGE, TARBALL, SHA256)
    except npm.PackageError as fault:
        pytest.skip(str(fault))
    npm.verify(TARBALL, SHA256)
    with tarfile.open(TARBALL) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()
