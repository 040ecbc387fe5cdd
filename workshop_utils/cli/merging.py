"""The command that merges the labels of several people: merge."""

import sys
from pathlib import Path

from workshop_utils.cli.parser import DATASET, command, load
from workshop_utils.core.arguments import Options, argument, share


@command(
    "merge the labels of several people into one data set, with their agreement",
    argument("datasets", type=Path, nargs="+", metavar="DATASET", help=f"one for each person: {DATASET}"),
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, which must not exist yet"),
    argument("--truth", type=Path, metavar="DATASET", help="true labels to compare everyone with, if you have them"),
    argument("--iou", type=share, metavar="SHARE", help="the lowest IoU at which boxes of two people are the same "
             "object; default: 0.55"),
)  # fmt: skip
def merge(options: Options) -> int:
    """Print the agreement of each pair on standard output, and what you should know on standard error.

    The exit code is 1 if a data set, or a file in one, was left out.
    """
    from workshop_utils.core import phrases
    from workshop_utils.curation import consensus, merged_folder, merging
    from workshop_utils.data import repair

    for path in [*options.datasets, *filter(None, [options.truth])]:
        repair.check_target(path, options.out)
    sets, faults = merging.open_sets(options.datasets)
    findings = [finding for data in sets.values() for finding in data.findings]
    truth = load(options.truth) if options.truth else None
    merged = merging.merge(sets, truth, consensus.MIN_IOU if options.iou is None else options.iou)
    merged_folder.write(merged, options.out)
    for line in (*faults, *findings, *merged.notes):
        print(line, file=sys.stderr)
    for pair in merged.pairs():
        row = merged_folder.agreement_row(pair)
        print("  ".join(f"{name} {value}" if name not in ("first", "second") else value for name, value in row.items()))
    agreed, left = merged.agreed, merged.undecided
    boxes = sum(len(each.boxes) for each in agreed.samples)
    print(f"Wrote {len(agreed.samples)} photos with {boxes} boxes of {phrases.listed(merged.people)} to {options.out}")
    if left:
        places = sum(len(each.found.undecided) for each in left)
        what = f"{len(left)} photos wait for a decision at {places} places: {options.out / merged_folder.UNDECIDED}"
        print(f"{what} lists them. Decide in a notebook: Decider({str(options.out)!r})", file=sys.stderr)
    if len(merged.people) == 1:
        print(f"There is only one data set, {merged.people[0]}, so there is nothing to compare.", file=sys.stderr)
    return 1 if faults or findings else 0
