"""Findings in the files of a data set, and a table that summarises them."""

import dataclasses
import pathlib

from workshop_utils.data.finding_kinds import Kind, Outcome


@dataclasses.dataclass(frozen=True)
class Finding:
    """A finding in one file of a data set. `str()` begins with the file.

    Attributes:
        file: The file's path.
        what: What was found and what to do, as text that follows "FILE: ".
        kind: The kind of finding.
    """

    file: pathlib.Path
    what: str
    kind: Kind = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"

    @property
    def is_problem(self) -> bool:
        """Whether the file was repaired or set aside. A finding that is only noted is not a problem."""
        return self.kind.outcome in (Outcome.REPAIRED, Outcome.SET_ASIDE)


def summary(findings: list[Finding]) -> str:
    """Return a plain-text table with each kind's count, an example, what the workshop does and what you can do."""
    rows: list[str] = []
    for kind in Kind:
        files = [finding.file for finding in findings if finding.kind is kind]
        if files:
            rows.append(f"{len(files):>5}  {kind.found}\n       for example: {files[0]}")
            rows.append(f"       {kind.outcome.value}: {kind.does}\n       what to do: {kind.remedy}")
    return "\n".join(["count  what was found", *rows]) if rows else ""
