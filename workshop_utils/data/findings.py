"""What was found in a data set, file by file, and a table that sums it up."""

import dataclasses
import pathlib

from workshop_utils.data.finding_kinds import Kind, Outcome


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing found in one file of a data set; `str()` begins with the file."""

    file: pathlib.Path
    what: str
    kind: Kind = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"

    @property
    def is_problem(self) -> bool:
        """Whether the data set is not as it should be; what is only noted is no fault."""
        return self.kind.outcome in (Outcome.REPAIRED, Outcome.SET_ASIDE)


def summary(findings: list[Finding]) -> str:
    """Return a table in plain text: how often each kind was found, an example, what is done, what to do."""
    rows = []
    for kind in Kind:
        files = [finding.file for finding in findings if finding.kind is kind]
        if files:
            rows.append(f"{len(files):>5}  {kind.found}\n       for example: {files[0]}")
            rows.append(f"       {kind.outcome.value}: {kind.does}\n       what to do: {kind.remedy}")
    return "\n".join(["count  what was found", *rows]) if rows else ""
