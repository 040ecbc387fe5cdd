"""axe-core, which finds what keeps people with a screen reader, a keyboard or weak eyes from using a page."""

import tarfile

from workshop_utils.core import npm, settings

PACKAGE = "axe-core@4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
GRAVE = ("serious", "critical")


def serious_violations(page) -> list[str]:
    """Return what axe-core finds on a page of Playwright's that is serious or critical: the rule and the elements."""
    page.evaluate(_source())
    found = page.evaluate("() => axe.run()")["violations"]
    return [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}" for each in found if each["impact"] in GRAVE
    ]


def _source() -> str:
    folder = settings.PROJECT / "build" / "axe"
    folder.mkdir(parents=True, exist_ok=True)
    tarball = npm.fetch(PACKAGE, folder / f"{PACKAGE.replace('@', '-')}.tgz", SHA256)
    with tarfile.open(tarball) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()
