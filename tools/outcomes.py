"""The outcomes of the long trials: one JSON file each in tests/outcomes/, with command, date and machine."""

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
    """Return a short description of this machine."""
    gigabytes = psutil.virtual_memory().total / 1e9
    return f"{platform.system()} {platform.machine()}, {machine.cores()} cores, {gigabytes:.0f} GB of memory"


def write(name: str, what: dict) -> None:
    FOLDER.mkdir(exist_ok=True)
    files.write_text(json.dumps(what, indent=1) + "\n", FOLDER / f"{name}.json")


def read(name: str) -> dict:
    """Return the recorded outcomes, or an empty dictionary."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def exit_code(work: Callable[[], int]) -> int:
    """Call `work` and return its exit code. Print an error or Ctrl-C as a message and return 1 or 130."""
    try:
        return work()
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to continue.", file=sys.stderr)
        return 130
