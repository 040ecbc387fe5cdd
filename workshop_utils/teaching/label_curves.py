"""The recorded answer to whether labelling the informative photos first pays: results/label_next.jsonl.

`make label-next` recorded it: one line for each round of label, train, score.
"""

import dataclasses
import json
import pathlib

from workshop_utils.core import settings
from workshop_utils.teaching.recorded import RecordedError

FILE = settings.RESULTS / "label_next.jsonl"
INFORMATIVE, RANDOM = "informative", "random"


@dataclasses.dataclass(frozen=True)
class Round:
    """One round: some photos are labelled, a detector is trained on all of them and scored.

    Attributes:
        seed: The seed of the first photos, of the random order and of training.
        order: INFORMATIVE or RANDOM. The first round belongs to both, and is recorded as INFORMATIVE.
        photos: The number of photos with labels.
        boxes: The number of boxes on them.
        steps: Training steps of this round.
        AP50: On the validation photos of data/yoghurt.
        new_line_AP50: On data/yoghurt_new_line.
        names: The photos with labels, in the order in which they were labelled.
        processor_seconds: Of `ordering` and the whole `round`, in seconds of one core; `elapsed` is by the clock.
        fingerprint: Of the data set.
        command: The command that recorded it.
        date: When.
    """

    seed: int
    order: str
    photos: int
    boxes: int
    steps: int
    AP50: float
    new_line_AP50: float
    names: tuple[str, ...]
    processor_seconds: dict[str, float]
    fingerprint: str
    command: str
    date: str


def rounds(path: pathlib.Path = FILE) -> list[Round]:
    """Return the recorded rounds; none if there is no such file. Raises RecordedError for a line that is not one."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else (), start=1):
        try:
            fields = json.loads(line)
            found.append(Round(**fields | {"names": tuple(fields["names"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise RecordedError(f"{path}: line {number} is not a recorded round ({error}). Delete that line.") from None
    return found


def histories(found: list[Round]) -> dict[str, list[list[dict]]]:
    """Return {order: a history for each seed}, as `charts.bands` takes them, of the seeds that are complete.

    A history has a row for each round, with "photos", "boxes", "AP50" on the validation photos, and "new line": AP50
    there. The rounds of both orders have the same numbers of photos, and the first one is the same.
    """
    rows: dict[int, dict[str, list[dict]]] = {}
    for each in sorted(found, key=lambda each: each.photos):
        row = {"photos": each.photos, "boxes": each.boxes, "AP50": each.AP50, "new line": each.new_line_AP50}
        of_seed = rows.setdefault(each.seed, {INFORMATIVE: [], RANDOM: []})
        first = not of_seed[INFORMATIVE] and each.order == INFORMATIVE
        for order in (INFORMATIVE, RANDOM) if first else (each.order,):
            of_seed[order].append(row)
    most = max((len(each[INFORMATIVE]) for each in rows.values()), default=0)
    complete = [each for each in rows.values() if len(each[INFORMATIVE]) == len(each[RANDOM]) == most]
    return {order: [each[order] for each in complete] for order in (INFORMATIVE, RANDOM)}
