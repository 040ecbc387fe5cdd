"""Run uv, which resolves versions faster than pip, and other programs."""

import subprocess
import sys

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError


class ResolverError(WorkshopError, RuntimeError):
    """uv or another program failed. The message is its output."""


def uv(*arguments) -> str:
    """Run the uv of this Python; return its output. Raises ResolverError."""
    return output(sys.executable, "-m", "uv", *arguments)


def output(*command) -> str:
    """Run a command; return its output without white space around it. Raises ResolverError."""
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, cwd=settings.PROJECT)
    if done.returncode:
        raise ResolverError(f"{' '.join(command)}\n{done.stderr.strip()[-3000:]}")
    return done.stdout.strip()
