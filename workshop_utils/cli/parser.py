"""The parser to which each command adds itself, and functions that several commands share."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workshop_utils.core.arguments import CommandLine, Options, argument, checkpoint
from workshop_utils.core.errors import UsageError

if TYPE_CHECKING:
    from workshop_utils.data.dataset import Dataset

PARSER = CommandLine(
    "python -m workshop_utils",
    """Find and name objects in photos, with a detector that you train.

Exit codes: 0 success, 1 findings or failure, 2 wrong usage.
""",
)
command = PARSER.command

CHECKPOINT = argument(
    "--checkpoint",
    type=checkpoint,
    default="last",
    metavar="best|last|STEP",
    help="which checkpoint of the run: the one with the highest AP, the last, or that of a step; default: last",
)
"""The option of commands that use a run."""


def architecture_names() -> Iterable[str]:
    """Return the names of all architectures."""
    from workshop_utils.model import architectures

    return architectures.ARCHITECTURES


COCO_ARCHITECTURE = argument(
    "--architecture", choices=architecture_names, help="coco: the network; default: ssdlite_mobilenet_v2"
)
"""The option of commands that use a run or COCO's detector."""

DATASET = "a folder, or a zip file, with labels in Pascal VOC, COCO or YOLO, or with records"
"""Help for the argument that names a data set."""

GROUPS = argument(
    "--groups",
    metavar="near|stem|folder|none|FILE",
    help="photos that training and validation must not share: near-duplicates (near, the default), photos whose names "
    "differ only in the last number (stem), photos in one folder, none, or the groups in a file",
)
"""The option of commands that group photos. FILE has a photo, a comma and the name of its group in each line."""


SPLIT = argument(
    "--split",
    choices=lambda: ("random", "given"),
    help="given: keep the split that the data set comes with; default: random",
)
"""The option of commands that divide photos into training and validation set."""


def check_architecture(options: Options) -> None:
    """Raise UsageError if a network is chosen for what is not COCO's detector."""
    if options.architecture and options.source != "coco":
        raise UsageError("usage: --architecture is only for coco: a run has its own network")


def load(folder: Path) -> "Dataset":
    """Open a data set in any known format, and print its findings on standard error."""
    from workshop_utils.data import formats

    data = formats.open_dataset(folder)
    for finding in data.findings:
        print(finding, file=sys.stderr)
    if data.findings:
        print(f"{len(data.findings)} findings; {len(data.samples)} photos are used.", file=sys.stderr)
    return data
