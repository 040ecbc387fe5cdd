"""Build one file with everything that a room without internet needs: the workshop, its packages, the weights.

    python tools/bundle.py           # `make bundle`: build/bundle/NAME.zip
    python tools/bundle.py try       # `make test-bundle`: unpack, install and use it without a network

The packages are those of requirements.lock, for this Python and this kind of machine. `python install.py` in the
unpacked folder installs them.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import zipfile

import install
import outcomes
from resolver import output

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError
from workshop_utils.deploy.web import litert_js
from workshop_utils.model import pretrained

FOLDER = settings.PROJECT / "build" / "bundle"
WHEELS = FOLDER / "wheels"
NOTEBOOK = "notebooks/00_start_here.ipynb"


class BundleError(WorkshopError, RuntimeError):
    """The bundle could not be built or does not work. The message says why."""


def main(*arguments: str) -> int:
    if arguments not in ((), ("try",)):
        print("usage: python tools/bundle.py [try]", file=sys.stderr)
        return 2
    try:
        bundle = make()
        print(f"{bundle.relative_to(settings.PROJECT)}: {bundle.stat().st_size / 1e9:.2f} GB, {install.made_for()}")
        if arguments:
            try_out(bundle)
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def make() -> pathlib.Path:
    """Build the bundle of the last commit; return its path. Packages that exist are not downloaded again."""
    fetch_wheels()
    name = "-".join(["workshop", *install.made_for().replace("Python ", "python").replace(" on ", " ").split()]).lower()
    bundle = FOLDER / f"{name}.zip"
    bundle.unlink(missing_ok=True)
    output("git", "-C", settings.PROJECT, "archive", "--format=zip", f"--prefix={name}/", "-o", bundle, "HEAD")
    pretrained.fetch()
    litert_js.fetch()
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.write(settings.PROJECT / "tools" / "install.py", f"{name}/install.py", zipfile.ZIP_DEFLATED)
        for path in sorted(settings.PRETRAINED.iterdir()):
            archive.write(path, f"{name}/data/pretrained/{path.name}")
        for path in sorted(WHEELS.iterdir()):  # not compressed again
            archive.write(path, f"{name}/wheels/{path.name}")
    return bundle


def fetch_wheels() -> None:
    """Download the packages of the lock file, and setuptools to build ours. Delete packages of an older lock file."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    download += ["--only-binary", ":all:", "--dest", WHEELS, "--find-links", WHEELS]
    print("Downloading the packages of requirements.lock (about 1 GB).", flush=True)
    wanted = settings.PROJECT / "requirements.lock"
    kept = (WHEELS / "versions.txt").read_bytes() if (WHEELS / "versions.txt").exists() else b""
    if kept != wanted.read_bytes():
        shutil.rmtree(WHEELS)
        WHEELS.mkdir()
    output(*download, "--require-hashes", "-r", wanted)
    output(*download, "setuptools>=77")
    shutil.copy(wanted, WHEELS / "versions.txt")
    (WHEELS / "MADE_FOR.txt").write_text(install.made_for() + "\n", encoding="utf-8")


def try_out(bundle: pathlib.Path) -> None:
    """Unpack the bundle into an empty folder and use it without a network; record the outcome."""
    alone = without_network()
    empty = FOLDER / "tried"
    shutil.rmtree(empty, ignore_errors=True)
    shutil.unpack_archive(bundle, empty)
    (folder,) = empty.iterdir()
    python = folder / ".venv" / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHONPATH"))}
    environment |= {"HOME": str(empty), "WORKSHOP_RECIPE": "quick"}
    commands = {
        "python install.py": [sys.executable, "install.py"],
        "python -m workshop_utils check data/yoghurt": [python, "-m", "workshop_utils", "check", "data/yoghurt"],
        NOTEBOOK: [python, "-m", "nbconvert", "--to", "notebook", "--execute", NOTEBOOK, "--output-dir", empty],
    }
    done = {}
    for name, command in commands.items():
        began = time.monotonic()
        result = subprocess.run([*alone, *command], cwd=folder, env=environment, capture_output=True, text=True)
        if result.returncode:
            raise BundleError(f"Without a network, {name} fails:\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}")
        done[name] = round(time.monotonic() - began, 1)
        print(f"  without a network: {name} ({done[name]:.0f} s)", flush=True)
    outcomes.write(
        "bundle",
        {
            "command": "make test-bundle",
            "date": outcomes.today(),
            "machine": outcomes.here(),
            "made_for": install.made_for(),
            "packages": len(list(WHEELS.glob("*.whl"))),
            "gigabytes": round(bundle.stat().st_size / 1e9, 2),
            "seconds_without_a_network": done,
        },
    )
    shutil.rmtree(empty)


def without_network() -> list[str]:
    """Return a command prefix that leaves a command only this machine's own network. Raises BundleError."""
    prefix = ["unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    try:
        links = output(*prefix, "ip", "-oneline", "link").splitlines()
    except (WorkshopError, OSError) as fault:
        raise BundleError(
            f"Programs cannot be run without a network here (that needs Linux, unshare and ip): {fault}"
        ) from None
    if [link.split()[1] for link in links] != ["lo:"]:
        raise BundleError(f"The network is still there: {links}")
    return prefix


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
