"""Commands for data sets: fetch, check, shard."""

import sys
from pathlib import Path

from workshop_utils.cli.parser import command, load
from workshop_utils.core.arguments import Options, argument, count
from workshop_utils.core.errors import UsageError


@command("download and verify the COCO weights, and the runtime for the browser")
def fetch(_: Options) -> None:
    from workshop_utils.deploy.web import litert_js
    from workshop_utils.model import pretrained

    print(f"The COCO weights are in {pretrained.fetch()}")
    print(f"The runtime for the browser is in {litert_js.fetch()[0]}")


@command(
    "list what is wrong with a data set",
    argument("dataset", type=Path, help="a folder with images/ and annotations/"),
    argument("--fix", action="store_true", help="write a repaired copy; the data set itself does not change"),
    argument("--out", type=Path, metavar="DIR", help="the folder for the copy; default: DATASET-fixed"),
)
def check(options: Options) -> int:
    """Print one line per finding, beginning with the file, on standard output, and a summary on standard error.

    With --fix, also write a repaired copy. The exit code is then 0 if the copy was written.
    """
    from workshop_utils.data import findings, inspection, label_map, repair, voc

    if options.out and not options.fix:
        raise UsageError("usage: check accepts --out only together with --fix")
    out = options.out or repair.default_folder(options.dataset)
    if options.fix:
        repair.check_target(options.dataset, out)
    try:
        found = inspection.inspect(options.dataset)
    except (label_map.LabelMapError, voc.VocError) as error:
        print(error)
        return 1
    for line in (*found.findings, *filter(None, [found.problem])):
        print(line, flush=True)
    boxes = sum(len(each.annotation.boxes) for each in found.usable)
    good = f"{len(found.usable)} photos with {boxes} boxes are usable"
    print(f"{good}; {len(found.findings)} findings." if found.findings else f"{good}. No findings.", file=sys.stderr)
    if found.all_findings:
        print(findings.summary(found.all_findings), file=sys.stderr)
    if options.fix and (found.findings or found.problem):
        return _fix(found, out)
    if options.fix:
        print("There is nothing to repair, so no copy was written.", file=sys.stderr)
    return 1 if found.findings or found.problem else 0


def _fix(found, out: Path) -> int:
    """Write the repaired copy of an inspected data set and print what is in it."""
    from workshop_utils.data import repair

    copied = repair.copy(found, out)
    for line in copied.messages:
        print(line)
    wrote = f"Wrote {copied.folder}: {copied.photos} photos; {len(copied.set_aside)} files are set aside in its"
    print(f"{wrote} {repair.SET_ASIDE}/. {repair.REPORT} lists what was done.", file=sys.stderr)
    return 0


@command(
    "write a data set as TFRecords in several files, for large data sets or several machines",
    argument("dataset", type=Path, help="a folder with images/ and annotations/, or with records"),
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the records"),
    argument("--shards", type=count, default=4, metavar="N", help="the number of files per set (training, validation)"),
)
def shard(options: Options) -> None:
    """Write the records and print where they are."""
    from workshop_utils.data import tfrecords

    data = load(options.dataset)
    tfrecords.write(data, options.out, options.shards)
    print(f"Wrote {len(data.samples)} photos as records, in {options.shards} shards for each set, to {options.out}")
