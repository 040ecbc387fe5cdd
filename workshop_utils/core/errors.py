"""What the workshop's own errors have in common: a message that is enough, and an exit code."""


class WorkshopError(Exception):
    """An error whose message says everything: what is wrong, where (file, object, value) and what to do.

    A notebook shows only the message: a traceback would point into our code, where nothing is wrong.
    """

    exit_code = 1
    """What the command line exits with: 1 after a failure, 2 after wrong usage."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback."""
        return str(self).split("\n")


class UsageError(WorkshopError):
    """A command, an option or a setting that does not exist or cannot have this value."""

    exit_code = 2
