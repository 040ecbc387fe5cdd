"""What came of the long trials: one JSON file each in tests/outcomes/, with the command, the date and the machine."""

import datetime
import json
import platform

import psutil

from workshop_utils import files, machine, settings

FOLDER = settings.PROJECT / "tests" / "outcomes"


def today() -> str:
    return datetime.date.today().isoformat()


def here() -> str:
    """Return a few words on the machine that runs this."""
    gigabytes = psutil.virtual_memory().total / 1e9
    return f"{platform.system()} {platform.machine()}, {machine.cores()} cores, {gigabytes:.0f} GB of memory"


def write(name: str, what: dict) -> None:
    FOLDER.mkdir(exist_ok=True)
    files.write_text(json.dumps(what, indent=1) + "\n", FOLDER / f"{name}.json")


def read(name: str) -> dict:
    """Return what was written, nothing where nothing was."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
