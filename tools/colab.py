"""What the notebooks' first cell runs on Google Colab, once it has fetched the workshop: install what is missing.

Colab brings TensorFlow, NumPy and some hundred packages that fit together. Whatever is there stays as it is; what is
added has to fit it. To run this again changes nothing.
"""

import importlib
import importlib.metadata
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

# Our package is not installed on Colab, and need not be.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError

COLABS_OWN = {"ipython", "ipywidgets", "jupyterlab", "keras", "numpy", "protobuf", "tensorflow"}
"""Packages that Colab is made of, or has a substitute for (its page is no JupyterLab): never installed here."""


class ColabError(WorkshopError, RuntimeError):
    """What was missing could not be installed; the message says what to do."""


def main() -> None:
    """Make Colab ready for the notebooks, and say so in a line. Raises ColabError, PretrainedError."""
    here = installed()
    wanted = requirements((settings.PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines())
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
    from google.colab import output

    output.enable_custom_widget_manager()  # else Colab does not show the labelling widget
    os.chdir(settings.PROJECT / "notebooks")
    done = f"Ready: the workshop in {settings.PROJECT}, {len(lacking) or 'no'} packages installed, COCO weights fetched"
    gpu = "" if tf.config.list_physical_devices("GPU") else ", no GPU (Runtime → Change runtime type gives one)"
    print(f"{done}. Here computes {precision.device()}{gpu}.")


def requirements(lines: Iterable[str]) -> list[Requirement]:
    """Return what the lines of a requirements.txt ask for on this machine, with names in their canonical form."""
    found = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    for requirement in found:
        requirement.name = canonicalize_name(requirement.name)
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def installed() -> dict[str, str]:
    """Return {canonical name: version} of every package that can be imported here.

    Those whose version pip could not read are left out: Debian's own have such.
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
    """Return what has to be installed, and which of Colab's own packages have another version than we ask for.

    Anything else that is there in a wrong version counts as missing.
    """
    unmet = [each for each in wanted if not _met(each, here.get(each.name))]
    lacking = [each for each in unmet if each.name not in COLABS_OWN]
    return lacking, [each for each in unmet if each.name in COLABS_OWN and each.name in here]


def install(lacking: list[Requirement], here: dict[str, str]) -> None:
    """Install with pip, and let it change the version of no package but these. Raises ColabError."""
    names = {each.name for each in lacking}
    kept = [f"{name}=={version}" for name, version in sorted(here.items()) if name not in names]
    with tempfile.TemporaryDirectory() as scratch:
        constraints = pathlib.Path(scratch, "constraints.txt")
        constraints.write_text("\n".join(kept) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # Where the newest version does not fit Colab's, pip tries older ones: of those, none may have to be compiled.
        command += ["--only-binary", ":all:", "--constraint", str(constraints), *map(str, lacking)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ColabError(
            f"pip could not install {', '.join(sorted(names))}; run this cell again. If that does not help, choose "
            f"Runtime → Disconnect and delete runtime, and open the notebook anew. pip said:\n{done.stderr[-1500:]}"
        )
    importlib.invalidate_caches()


def _met(requirement: Requirement, version: str | None) -> bool:
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def add_to_path(folder: pathlib.Path) -> None:
    """Let commands that a notebook starts find the package, too."""
    known = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(folder), *known]))


if __name__ == "__main__":
    main()
