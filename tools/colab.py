"""Install the packages that Google Colab lacks. The notebooks' first cell runs this after it has cloned the workshop.

A notebook that needs an extra of pyproject.toml, such as `video`, calls `main` with its name.

Colab comes with TensorFlow, NumPy and hundreds of packages that fit together. They keep their versions, and the
packages added here have to fit them. Running this again changes nothing.
"""

import importlib
import importlib.metadata
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

# Our package is not installed on Colab.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError

COLABS_OWN = {"ipython", "ipywidgets", "jupyterlab", "keras", "numpy", "protobuf", "tensorflow"}
"""Packages that Colab itself consists of, or that it replaces (it has its own page instead of JupyterLab). Never
installed here."""


class ColabError(WorkshopError, RuntimeError):
    """Missing packages could not be installed. The message says what to do."""


def main(*extras: str) -> None:
    """Prepare Colab for the notebooks and print one line. Raises ColabError, PretrainedError, KeyError.

    Args:
        extras: The names of extras in pyproject.toml to install too.
    """
    here = installed()
    lines = (settings.PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = requirements([*lines, *(line for name in extras for line in extra(name))])
    lacking, odd = missing(wanted, here)
    for requirement in odd:
        print(f"Colab has {requirement.name} {here[requirement.name]}; the workshop was tested with {requirement}.")
    if lacking:
        print(f"Installing {', '.join(each.name for each in lacking)} (about a minute).", flush=True)
        install(lacking, here)
    add_to_path(settings.PROJECT)

    from workshop_utils.core.tensorflow import tf
    from workshop_utils.model import pretrained
    from workshop_utils.training.fast import precision

    pretrained.fetch()
    from google.colab import output  # pyright: ignore[reportMissingImports]

    output.enable_custom_widget_manager()  # without it, Colab does not show the labelling widget
    os.chdir(settings.PROJECT / "notebooks")
    packages = f"{len(lacking) or 'no'} packages installed"
    gpu = "" if tf.config.list_physical_devices("GPU") else ", no GPU (Runtime → Change runtime type gives one)"
    print(f"Ready: the workshop in {settings.PROJECT}, {packages}, COCO weights downloaded.", end=" ")
    print(f"Computing on {precision.device()}{gpu}.")


def requirements(lines: Iterable[str]) -> list[Requirement]:
    """Return the requirements in the lines of a requirements.txt that apply here, with canonical names."""
    found = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    for requirement in found:
        requirement.name = canonicalize_name(requirement.name)
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def extra(name: str) -> list[str]:
    """Return the requirements of an extra of pyproject.toml. Raises KeyError."""
    described = tomllib.loads((settings.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return described["project"]["optional-dependencies"][name]


def installed() -> dict[str, str]:
    """Return {canonical name: version} of every package that can be imported here.

    Packages whose version pip cannot read are left out; Debian has some.
    """
    found = [each for each in importlib.metadata.distributions() if each.name and is_version(each.version)]
    return {canonicalize_name(each.name): each.version for each in reversed(found)}


def is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def missing(wanted: list[Requirement], here: dict[str, str]) -> tuple[list[Requirement], list[Requirement]]:
    """Return the requirements to install, and those that COLABS_OWN packages do not meet.

    Any other package with the wrong version counts as missing.
    """
    unmet = [each for each in wanted if not _met(each, here.get(each.name))]
    lacking = [each for each in unmet if each.name not in COLABS_OWN]
    return lacking, [each for each in unmet if each.name in COLABS_OWN and each.name in here]


def install(lacking: list[Requirement], here: dict[str, str]) -> None:
    """Install with pip, without changing the version of any other package. Raises ColabError."""
    names = {each.name for each in lacking}
    kept = [f"{name}=={version}" for name, version in sorted(here.items()) if name not in names]
    with tempfile.TemporaryDirectory() as scratch:
        constraints = pathlib.Path(scratch, "constraints.txt")
        constraints.write_text("\n".join(kept) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # If the newest version does not fit Colab's, pip tries older ones. None of them may have to be compiled.
        command += ["--only-binary", ":all:", "--constraint", str(constraints), *map(str, lacking)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ColabError(
            f"pip could not install {', '.join(sorted(names))}; run this cell again. If that does not help, choose "
            "Runtime → Disconnect and delete runtime, and open the notebook again. pip's message:\n"
            + done.stderr[-1500:]
        )
    importlib.invalidate_caches()


def _met(requirement: Requirement, version: str | None) -> bool:
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def add_to_path(folder: pathlib.Path) -> None:
    """Add a folder to PYTHONPATH, so that commands started by a notebook find the package."""
    known = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(folder), *known]))


if __name__ == "__main__":
    main()
