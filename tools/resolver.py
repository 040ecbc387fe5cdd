"""Run uv, which resolves versions faster than pip, in its own environment.

python tools/resolver.py pip compile ...
"""

import subprocess
import sys

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError

_VENV = settings.PROJECT / "build" / "uv"


class ResolverError(WorkshopError, RuntimeError):
    """uv or another program failed. The message is its output."""


def uv(*arguments) -> str:
    """Run uv, after installing it if necessary; return its output. Raises ResolverError."""
    if not (_VENV / "bin" / "uv").exists():
        output(sys.executable, "-m", "venv", "--clear", _VENV)
        output(_VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "uv")
    return output(_VENV / "bin" / "uv", *arguments)


def output(*command) -> str:
    """Run a command; return its output without white space around it. Raises ResolverError."""
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
