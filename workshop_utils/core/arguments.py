"""Build a command line from functions, each decorated with its arguments, and parse the values of arguments."""

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from workshop_utils.core import text

Options = argparse.Namespace
Command = Callable[[Options], int | None]


class LazyChoices:
    """The allowed values of an argument, looked up when they are needed: some of their modules import TensorFlow.

    Args:
        names: Returns the values.
    """

    def __init__(self, names: Callable[[], Iterable[str]]):
        self._names = names

    def __contains__(self, value: object) -> bool:
        return value in tuple(self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())


class CommandLine(argparse.ArgumentParser):
    """A parser for commands. The parsed options have the chosen command's function as `command`."""

    def __init__(self, prog: str, description: str):
        super().__init__(prog=prog, description=description)
        self._commands = self.add_subparsers(required=True, metavar="COMMAND", parser_class=argparse.ArgumentParser)

    def command(self, summary: str, *arguments: Callable[[argparse.ArgumentParser], None]) -> Callable:
        """Return a decorator that adds a function as a command with the function's name, without a last `_`.

        The function receives the options and may return an exit code.

        Args:
            summary: The command's help text.
            *arguments: Functions that add arguments to its parser, as `argument` returns them.
        """

        def add(run: Command) -> Command:
            parser = self._commands.add_parser(run.__name__.rstrip("_"), help=summary, description=summary)
            parser.set_defaults(command=run)
            for add_to in arguments:
                add_to(parser)
            return run

        return add


def argument(*names: str, choices: Callable[[], Iterable[str]] | None = None, **options: Any) -> Callable:
    """Return a function that adds an argument to a parser.

    Args:
        *names: The argument's names, as for `add_argument`.
        choices: A function that returns the allowed values. It is called only when a value is given or the help is
            shown; `add_argument` itself would iterate over choices immediately.
        **options: Other options of `add_argument`.
    """

    def add(parser: argparse.ArgumentParser) -> None:
        added = parser.add_argument(*names, **options)
        added.choices = LazyChoices(choices) if choices else None

    return add


def lines(path: str) -> list[str]:
    """Return the lines of a text file without empty ones. The file may be UTF-16, as PowerShell writes it.

    Raises:
        argparse.ArgumentTypeError: If the file cannot be read.
    """
    try:
        content = text.read(path)
    except (OSError, text.EncodingError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read ({error}); it must list one photo per line") from None
    return [line.strip() for line in content.splitlines() if line.strip()]


def share(written: str) -> float:
    """Parse a number from 0 to 1. Raises argparse.ArgumentTypeError for another number."""
    value = float(written)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{written} is not between 0 and 1")
    return value


def positive(written: str) -> float:
    """Parse a number above 0. Raises argparse.ArgumentTypeError for another number."""
    value = float(written)
    if not 0 < value < 1000:
        raise argparse.ArgumentTypeError(f"{written} is not a number above 0 and below 1000")
    return value


def duration(written: str) -> float:
    """Parse a time such as 1s, 0.5s, 250ms or 2min; return seconds.

    Raises:
        argparse.ArgumentTypeError: If it is not a time, or not above 0.
    """
    units = {"ms": 0.001, "s": 1.0, "min": 60.0}
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+) *(ms|s|min)", written.strip())
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"'{written}' is not a time such as 1s, 0.5s, 250ms or 2min")
    return float(found[1]) * units[found[2]]


def checkpoint(written: str) -> str | int:
    """Parse `best`, `last` or a step. Raises argparse.ArgumentTypeError for anything else."""
    if written in ("best", "last"):
        return written
    if not written.isascii() or not written.isdigit():
        raise argparse.ArgumentTypeError(f"{written} is neither best, nor last, nor a step")
    return int(written)


def count(written: str) -> int:
    """Parse a whole number from 1 to 99999. Raises argparse.ArgumentTypeError for another number."""
    value = int(written)
    if not 0 < value < 100_000:
        raise argparse.ArgumentTypeError(f"{written} is not between 1 and 99999")
    return value
