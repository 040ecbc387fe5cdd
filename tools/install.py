"""Install the workshop from this folder, without internet.

    python install.py

This folder contains everything: the workshop, its packages (wheels/) and Google's COCO weights. The packages go into a
virtual environment, .venv; nothing else on this machine changes. `make bundle` built this folder.
"""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
WHEELS = HERE / "wheels"


def main() -> int:
    wanted = (WHEELS / "MADE_FOR.txt").read_text(encoding="utf-8").strip()
    if wanted != made_for():
        print(f"These packages are for {wanted}, and this is {made_for()}.\n"
              "Use the right Python, or ask for a bundle that was built on a machine like this one.")  # fmt: skip
        return 2
    print("Creating .venv and installing the packages into it (a minute or two).", flush=True)
    venv.create(HERE / ".venv", clear=True, with_pip=True)
    python = HERE / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    offline = ["--isolated", "--quiet", "--disable-pip-version-check", "--no-index", "--find-links", str(WHEELS)]
    install = [str(python), "-m", "pip", "install", *offline]
    for what in (["-r", str(WHEELS / "versions.txt")], ["--no-deps", "--editable", str(HERE)]):
        if subprocess.run([*install, *what], cwd=HERE).returncode:
            print("The installation failed; pip's message is above. Check that 4 GB of disk are free. Run this again.")
            return 1
    shutil.copytree(HERE / "tools" / "jupyter", HERE / ".venv" / "etc" / "jupyter", dirs_exist_ok=True)
    # Tells make that the installation is complete.
    (HERE / ".venv" / "made").write_text(f"{HERE}\n", encoding="utf-8")
    (HERE / ".venv" / "installed").touch()
    start = python.with_name("jupyter-lab").relative_to(HERE)
    print(f"Done. To open the first notebook, run this in {HERE}:\n\n    {start} notebooks/00_start_here.ipynb")
    return 0


def made_for() -> str:
    """Return the Python version and kind of machine that packages have to fit here."""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
