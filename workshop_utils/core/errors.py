"""Base classes for the workshop's errors, with a complete message and an exit code."""


class WorkshopError(Exception):
    """An error whose message says what is wrong, where (file, object, value) and what to do.

    A notebook shows only the message: a traceback would point to code in which nothing is wrong.
    """

    exit_code = 1
    """The exit code of the command line: 1 after a failure, 2 after wrong usage."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback."""
        return str(self).split("\n")


class UsageError(WorkshopError):
    """A command, an option or a setting that does not exist or cannot have this value."""

    exit_code = 2
