"""Commands for data sets: fetch, check, convert, shard."""

import sys
from collections.abc import Iterable
from pathlib import Path

from workshop_utils.cli.parser import DATASET, GROUPS, SPLIT, architecture_names, command, load
from workshop_utils.core.arguments import Options, argument, count
from workshop_utils.core.errors import UsageError


@command(
    "download and verify the COCO weights, and the runtime for the browser",
    argument("--architecture", choices=architecture_names, help="only the COCO weights of this network"),
)
def fetch(options: Options) -> None:
    from workshop_utils.deploy.web import litert_js
    from workshop_utils.model import architectures, pretrained

    if options.architecture:
        weights = pretrained.fetch(architecture=architectures.get(options.architecture))
        print(f"The COCO weights are in {weights}")
        return
    print(f"The COCO weights are in {pretrained.fetch()}")
    print(f"The runtime for the browser is in {litert_js.fetch()[0]}")


@command(
    "list what is wrong with a data set",
    argument("dataset", type=Path, help=DATASET),
    argument("--fix", action="store_true", help="write a repaired copy; the data set itself does not change"),
    argument("--out", type=Path, metavar="DIR", help="the folder for the copy; default: DATASET-fixed"),
    GROUPS,
)
def check(options: Options) -> int:
    """Print one line per finding, beginning with the file, on standard output, and a summary on standard error.

    With --fix, also write a repaired copy. The exit code is then 0 if the copy was written.
    """
    from workshop_utils.core.errors import WorkshopError
    from workshop_utils.data import findings, formats, repair
    from workshop_utils.data.dataset import Dataset

    if options.out and not options.fix:
        raise UsageError("usage: check accepts --out only together with --fix")
    out = options.out or repair.default_folder(options.dataset)
    if options.fix:
        _check_fix(options.dataset, out)
    try:
        found = formats.inspect(options.dataset)
    except WorkshopError as error:
        print(error)
        return 1
    if isinstance(found, Dataset):
        photos, boxes, problem = len(found.samples), sum(len(each.boxes) for each in found.samples), None
        all_findings = found.findings
    else:
        photos, boxes = len(found.usable), sum(len(each.annotation.boxes) for each in found.usable)
        problem, all_findings = found.problem, found.all_findings
    for line in (*found.findings, *filter(None, [problem])):
        print(line, flush=True)
    good = f"{photos} photos with {boxes} boxes are usable"
    print(f"{good}; {len(found.findings)} findings." if found.findings else f"{good}. No findings.", file=sys.stderr)
    if all_findings:
        print(findings.summary(all_findings), file=sys.stderr)
    if not problem:
        _report_groups(found, options.groups)
    if options.fix and (found.findings or problem):
        return _fix(found, out)
    if options.fix:
        print("There is nothing to repair, so no copy was written.", file=sys.stderr)
    return 1 if found.findings or problem else 0


def _report_groups(found, choice: str | None) -> None:
    """Print the groups of photos that belong together on standard error."""
    from workshop_utils.core import phrases
    from workshop_utils.data import dataset, groups

    samples = found.samples if isinstance(found, dataset.Dataset) else dataset.from_inspection(found).samples
    grouping = groups.by(choice or groups.DEFAULT, samples)
    if grouping.photos or choice:
        print(f"{grouping.summary}.", file=sys.stderr)
    part_of = {sample.name: sample.part for sample in samples}
    for number, names in enumerate(grouping.photos, start=1):
        parts = sorted({part_of[name] for name in names} - {""})
        divided = f", divided between {phrases.listed(parts)}" if len(parts) > 1 else ""
        print(f"  group {number}, {len(names)} photos{divided}: {phrases.listed(names)}", file=sys.stderr)


def _check_fix(folder: Path, out: Path) -> None:
    """Check that a repaired copy can be written. Raises RepairError for a format that only `convert` can write."""
    from workshop_utils.data import formats, repair

    repair.check_target(folder, out)
    found = formats.recognise(formats.unpacked(folder)[0])
    if found and found.name != "voc":
        what = f"--fix repairs Pascal VOC, and this is {found.name}. To write the usable photos, with repaired boxes: "
        raise repair.RepairError(f"{folder}: {what}python -m workshop_utils convert {folder} --to voc --out {out}")


def _fix(found, out: Path) -> int:
    """Write the repaired copy of an inspected data set and print what is in it."""
    from workshop_utils.data import repair

    copied = repair.copy(found, out)
    for line in copied.messages:
        print(line)
    wrote = f"Wrote {copied.folder}: {copied.photos} photos; {len(copied.set_aside)} files are set aside in its"
    print(f"{wrote} {repair.SET_ASIDE}/. {repair.REPORT} lists what was done.", file=sys.stderr)
    return 0


def _writable() -> Iterable[str]:
    from workshop_utils.data import formats

    return [name for name, each in formats.FORMATS.items() if each.write]


@command(
    "write a data set in another format",
    argument("dataset", type=Path, help=DATASET),
    argument("--to", choices=_writable, required=True, help="voc, coco, yolo or tfrecords"),
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write, which must not exist yet"),
)
def convert(options: Options) -> int:
    """Write the usable photos and their boxes, and print what was left out on standard error.

    The exit code is 1 if a photo or an annotation was left out.
    """
    from workshop_utils.data import formats, repair
    from workshop_utils.data.finding_kinds import Outcome

    repair.check_target(options.dataset, options.out)
    data = load(options.dataset)
    write = formats.FORMATS[options.to].write
    assert write is not None  # --to takes no other format
    write(data, options.out)
    boxes = sum(len(sample.boxes) for sample in data.samples)
    left_out = [each for each in data.findings if each.kind.outcome is Outcome.SET_ASIDE]
    print(f"Wrote {len(data.samples)} photos with {boxes} boxes as {options.to} to {options.out}")
    if left_out:
        print(f"{len(left_out)} files or labels are left out. They are only in {options.dataset}.", file=sys.stderr)
    return 1 if left_out else 0


@command(
    "write a data set as TFRecords in several files, for large data sets or several machines",
    argument("dataset", type=Path, help=DATASET),
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the records"),
    argument("--shards", type=count, default=4, metavar="N", help="the number of files per set (training, validation)"),
    SPLIT,
)
def shard(options: Options) -> None:
    """Write the records and print where they are."""
    from workshop_utils.data import tfrecords

    data = load(options.dataset)
    tfrecords.write(data, options.out, options.shards, keep_split=options.split == "given")
    print(f"Wrote {len(data.samples)} photos as records, in {options.shards} shards for each set, to {options.out}")
