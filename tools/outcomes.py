"""What came of the long trials: one JSON file each in tests/outcomes/, with the command, the date and the machine."""

import datetime
import json
import platform
import sys
from collections.abc import Callable

import psutil

from workshop_utils.core import files, machine, settings
from workshop_utils.core.errors import WorkshopError

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


def exit_code(work: Callable[[], int]) -> int:
    """Do what writes outcomes as it goes; return its exit code, or that of a fault or of Ctrl-C, told in words."""
    try:
        return work()
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command again goes on from there.", file=sys.stderr)
        return 130
