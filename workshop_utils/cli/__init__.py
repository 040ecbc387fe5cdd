"""The command line: one function for each command.

May import everything but `__main__`.
"""

import sys

from workshop_utils.cli import data  # noqa: F401 (each module adds its commands to the parser, in this order)

# isort: split
from workshop_utils.cli import training  # noqa: F401

# isort: split
from workshop_utils.cli import checkpoints  # noqa: F401

# isort: split
from workshop_utils.cli import deployment  # noqa: F401

# isort: split
from workshop_utils.cli import informative  # noqa: F401

# isort: split
from workshop_utils.cli import web  # noqa: F401

# isort: split
from workshop_utils.cli import review  # noqa: F401

# isort: split
from workshop_utils.cli import merging  # noqa: F401

# isort: split
from workshop_utils.cli.parser import PARSER
from workshop_utils.core.errors import WorkshopError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Errors are printed as messages on standard error.

    Args:
        arguments: The command line without the program's name; sys.argv by default.
    """
    try:
        options = PARSER.parse_args(arguments)
        return options.command(options) or 0
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: training resumes, other commands start over.", file=sys.stderr)
        return 1
    except (WorkshopError, OSError) as error:
        print(error, file=sys.stderr)
        return getattr(error, "exit_code", WorkshopError.exit_code)


def run() -> None:
    """Run the command in sys.argv and exit. File names that are not valid text are printed with escapes."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    sys.exit(main())
