"""Run uv, which finds versions that fit together faster than pip does, in an environment of its own.

python tools/resolver.py pip compile ...
"""

import subprocess
import sys

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError

_VENV = settings.PROJECT / "build" / "uv"


class ResolverError(WorkshopError, RuntimeError):
    """What uv, or another program, did not do; the message is what it said."""


def uv(*arguments) -> str:
    """Run uv, installed first where it is not yet; return what it printed. Raises ResolverError."""
    if not (_VENV / "bin" / "uv").exists():
        output(sys.executable, "-m", "venv", "--clear", _VENV)
        output(_VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "uv")
    return output(_VENV / "bin" / "uv", *arguments)


def output(*command) -> str:
    """Run a command; return what it printed, without white space around it. Raises ResolverError."""
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, cwd=settings.PROJECT)
    if done.returncode:
        raise ResolverError(f"{' '.join(command)}\n{done.stderr.strip()[-3000:]}")
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        print(uv(*sys.argv[1:]))
    except ResolverError as fault:
        sys.exit(str(fault))
