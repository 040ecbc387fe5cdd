"""The command for checkpoints of the Object Detection API: import."""

import sys
from pathlib import Path

from workshop_utils.cli.parser import architecture_names, command
from workshop_utils.core.arguments import Options, argument


@command(
    "make a run from a checkpoint of TensorFlow 1's Object Detection API",
    argument("checkpoint", type=Path, help="its folder, its .index file, or a .tar.gz with it"),
    argument("--architecture", choices=architecture_names, required=True, help="the network of the checkpoint"),
    argument("--label-map", type=Path, required=True, metavar="FILE", help="its label_map.pbtxt"),
    argument("--out", type=Path, required=True, metavar="RUN", help="the folder of the new run"),
)
def import_(options: Options) -> None:
    """Print the run's folder on standard output, and variables that the network does not have on standard error."""
    from workshop_utils.core import phrases
    from workshop_utils.data import label_map
    from workshop_utils.training import importing

    classes = label_map.read(options.label_map)
    run, unused = importing.run_of(options.checkpoint, options.architecture, classes, options.out)
    if unused:
        what = f"{options.checkpoint}: {len(unused)} variables are not part of {options.architecture}"
        print(f"{what} and were left out: {phrases.listed(unused)}", file=sys.stderr)
    print(f"Imported {len(classes)} classes at step {run.steps()[-1]} as a run: {run.folder}")
    print("Next: `evaluate` it with --data, `export` it, or `train` with --start-from.", file=sys.stderr)
