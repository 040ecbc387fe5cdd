"""What all faults have in common that this workshop raises itself."""


class WorkshopError(Exception):
    """A fault whose message says it all: what is wrong, where (file, object, value) and what to do.

    A notebook shows the message alone: a traceback would be about our code, and the fault is not there.
    """

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback."""
        return str(self).split("\n")
