"""Plant wrong labels in copies of data/yoghurt, look for them with `review`, repair what was found, and measure AP.

    python benchmarks/planted_faults.py [--seeds 1 2 3 4] [--rounds 1]

The ranking of `review` was chosen with the planting seeds in CHOSEN_WITH; the others test it. A finished measurement is
appended to planted_faults.jsonl and not repeated, training resumes, and planted_faults.md shows everything measured so
far. Runs, copies and what the detectors said are in runs/planted_faults.
"""

import argparse
import collections
import dataclasses
import datetime
import json
import os
import pathlib
import pickle
import resource
import shutil
import statistics
import subprocess
import sys

import report

from workshop_utils.core import files, settings
from workshop_utils.curation import cross_validation, judging, review
from workshop_utils.curation.judging import Answers
from workshop_utils.curation.review import Kind, Suspicion
from workshop_utils.data import dataset
from workshop_utils.data.dataset import Dataset
from workshop_utils.teaching import planted_faults
from workshop_utils.teaching.planted_faults import PlantedFault
from workshop_utils.training import trainer
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder

HERE = pathlib.Path(__file__).resolve().parent
MEASUREMENTS = HERE / "planted_faults.jsonl"
PAGE = HERE / "planted_faults.md"
FOLDER = settings.RUNS / "planted_faults"
FIRST, REVIEWED = 35, 105
"""How many of the ranked list should be planted ones, and how many are reviewed and repaired."""
TARGETS = {"precision": 0.85, "recall": 0.8}
CHOSEN_WITH = (1, 2)
"""The planting seeds with which the ranking was chosen."""
TESTED_WITH = 3
"""The planting seed for AP and for a run that judges photos that it has seen."""
STATES = ("before planting", "planted", "repaired")


def copy_of(seed: int) -> tuple[pathlib.Path, list[PlantedFault]]:
    """Return a fresh copy of data/yoghurt with planted faults, and the faults."""
    folder = FOLDER / f"seed-{seed}" / "data"
    shutil.rmtree(folder, ignore_errors=True)
    return folder, planted_faults.plant(settings.YOGHURT, folder, seed)


def cached(path: pathlib.Path, make) -> Answers:
    """Return what detectors say from a file, or from `make`, which is called once."""
    if not path.exists():
        answers = make()
        with files.replacing(path) as unfinished, open(unfinished, "wb") as stream:
            pickle.dump(answers, stream)
    return pickle.loads(path.read_bytes())


def cross_validated(seed: int) -> tuple[list[Suspicion], list[PlantedFault]]:
    """Return what cross-validated runs find among the faults planted with a seed, and the faults."""
    folder, faults = copy_of(seed)
    data = dataset.load(folder)
    place = FOLDER / f"seed-{seed}"
    said = cached(place / "answers.pkl", lambda: cross_validation.ask(data, place / "folds"))
    return review.find(data.samples, said.detections, data.label_map, said.crops), faults


def scores(suspicions: list[Suspicion], faults: list[PlantedFault]) -> dict:
    """Count the planted faults in the ranked list. A fault counts once, and a second suspicion about it as none."""
    places = {fault: next((place for place, each in enumerate(suspicions) if fault.is_meant_by(each)), None)
              for fault in faults}  # fmt: skip
    early = [place for place in places.values() if place is not None and place < FIRST]
    found = {fault: place for fault, place in places.items() if place is not None and place < REVIEWED}
    by_kind = collections.Counter(fault.kind for fault in found)
    return {
        "suspicions": len(suspicions),
        "above_min_score": sum(each.score >= review.MIN_SCORE for each in suspicions),
        "precision": len(set(early)) / FIRST,
        "recall": len(found) / len(faults),
        "by_kind": {str(kind): [by_kind[kind], count] for kind, count in planted_faults.COUNTS.items()},
        "kind_named": sum(suspicions[place].kind == fault.kind for fault, place in found.items()) / max(1, len(found)),
    }


def trained(data: Dataset, folder: pathlib.Path, seed: int) -> dict:
    """Train on the training photos of a data set, with its labels; return AP on validation photos with true labels."""
    truth = {sample.name: sample for sample in dataset.load(settings.YOGHURT).samples}
    training, validation = data.split()
    samples = [dataclasses.replace(each, part="train") for each in training]
    samples += [dataclasses.replace(truth[each.name], part="val") for each in validation]
    data = Dataset(sorted(samples, key=lambda each: each.name), data.label_map)
    recipe = settings.recipe("quick", seed=seed, evaluate_every=250, checkpoint_every=250)
    run = trainer.train(Plan.of(data, recipe=recipe, keep_split=True), data, folder)
    return {name: run.metrics()[name] for name in ("AP50", "AP")}


def average_precision_of(seed: int | None, state: str, training_seed: int) -> dict:
    """Return AP before planting, with the faults, or after the first REVIEWED suspicions were reviewed."""
    if seed is None:
        return trained(dataset.load(settings.YOGHURT), FOLDER / f"clean-{training_seed}", training_seed)
    folder, faults = copy_of(seed)
    if state == "repaired":
        suspicions, _ = cross_validated(seed)
        planted_faults.repair(folder, faults, suspicions[:REVIEWED])
    return trained(dataset.load(folder), FOLDER / f"seed-{seed}" / f"{state}-{training_seed}", training_seed)


def with_run(seed: int, training_seed: int) -> dict:
    """Review with the run that was trained on 288 of the photos, faults included; return scores, seconds and memory."""
    folder, _ = copy_of(seed)
    run = FOLDER / f"seed-{seed}" / f"planted-{training_seed}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = datetime.datetime.now()
    command = [sys.executable, "-m", "workshop_utils", "review", str(folder), "--run", str(run), "--min-score", "0"]
    out = FOLDER / f"seed-{seed}" / "page"
    environment = os.environ | {"PYTHONPATH": str(settings.PROJECT)}
    done = subprocess.run([*command, "--out", str(out)], env=environment, capture_output=True, text=True)
    if done.returncode != 1:
        sys.exit(done.stderr[-3000:])
    seconds = (datetime.datetime.now() - began).total_seconds()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 1), "processor_seconds": round(spent, 1), "peak_gb": after.ru_maxrss / 1024**2}


def judged_by_run(seed: int, training_seed: int) -> dict:
    """Return the scores if the run that was trained on the planted set judges, most of whose photos it has seen."""
    folder, faults = copy_of(seed)
    data = dataset.load(folder)
    model, names = trainer.load_model(RunFolder(FOLDER / f"seed-{seed}" / f"planted-{training_seed}"))
    place = FOLDER / f"seed-{seed}" / f"answers-{training_seed}.pkl"
    said = cached(place, lambda: judging.ask(model, data.samples))
    return scores(review.find(data.samples, said.detections, names, said.crops), faults)


def measurements(seeds: list[int], rounds: int):
    """Yield (what, planting seed, training seed, function) for each measurement, in order."""
    for seed in seeds:
        yield "cross-validated", seed, None, lambda seed=seed: scores(*cross_validated(seed))

    def learned(state: str, training_seed: int):
        seed = None if state == "before planting" else TESTED_WITH
        return state, seed, training_seed, lambda: average_precision_of(seed, state, training_seed)

    yield learned("planted", 42)
    yield "judged by the run", TESTED_WITH, 42, lambda: judged_by_run(TESTED_WITH, 42)
    yield "command", TESTED_WITH, 42, lambda: with_run(TESTED_WITH, 42)
    for training_seed in range(42, 42 + rounds):
        yield from (learned(state, training_seed) for state in STATES)


def page(rows: list[dict]) -> str:
    """Return planted_faults.md."""
    planted = ", ".join(f"{count} × {kind}" for kind, count in planted_faults.COUNTS.items())
    parts = [
        "# Wrong labels found",
        f"""Made by `python benchmarks/planted_faults.py`. In a copy of data/yoghurt, {planted} are planted,
{sum(planted_faults.COUNTS.values())} in all. Three runs of the recipe `quick` judge the photos that they have not seen.
A planted fault counts as found once, whichever kind the list names. The ranking was chosen with the planting seeds
{" and ".join(map(str, CHOSEN_WITH))}; the others were looked at once, after the choice, to test it.
`review` learns from labels that it makes wrong as they are planted here. People's mistakes may differ.
{report.measured_on(rows)}""",
        "## The ranked list",
        *ranked_lists([row for row in rows if "by_kind" in row["result"]]),
    ]
    if aps := [row for row in rows if "AP50" in row["result"]]:
        parts += ["## Average precision", *average_precisions(aps)]
    for row in (row for row in rows if row["what"] == "command"):
        result, note = row["result"], row.get("note", "")
        spent = f"{result['seconds']:.0f} s, {result['processor_seconds']:.0f} processor seconds"
        parts.append("## Time and memory")
        parts.append(
            f"`review` with a run, 360 photos, the page included: {spent}, {result['peak_gb']:.1f} GB. {note}".rstrip()
        )
    return "\n\n".join(parts) + "\n"


def ranked_lists(rows: list[dict]) -> list[str]:
    """Return the table of the lists, and a sentence on the targets."""
    first, reviewed = f"planted among the first {FIRST}", f"found in the first {REVIEWED}"
    head = (
        "judges",
        "planting seed",
        "seed used to",
        first,
        reviewed,
        *Kind,
        f"suspicions of {review.MIN_SCORE} or more",
    )
    lines = []
    for row in rows:
        result = row["result"]
        kinds = ("{} of {}".format(*result["by_kind"][kind]) for kind in Kind)
        shares = (f"{result[name]:.0%}" for name in TARGETS)
        purpose = "choose" if row["seed"] in CHOSEN_WITH else "test"
        lines.append((row["what"], row["seed"], purpose, *shares, *kinds, result["above_min_score"]))
    missed = [f"{row['what']}, seed {row['seed']}" for row in rows
              if any(row["result"][name] < least for name, least in TARGETS.items())]  # fmt: skip
    targets = (
        f"{TARGETS['precision']:.0%} of the first {FIRST} planted, {TARGETS['recall']:.0%} of the planted ones found"
    )
    met = f"These lists miss one: {'; '.join(missed)}." if missed else "All lists meet them."
    return [report.table(head, lines), f"The targets are {targets}. {met}"]


def average_precisions(rows: list[dict]) -> list[str]:
    """Return the table of AP, and a sentence on the means."""
    lines = [
        (row["what"], row["training_seed"], *(report.number(row["result"][key], 3) for key in ("AP50", "AP")))
        for row in sorted(rows, key=lambda row: (row["training_seed"], STATES.index(row["what"])))
    ]
    means = {state: [row["result"]["AP"] for row in rows if row["what"] == state] for state in STATES}
    said = ", ".join(f"{state} {statistics.mean(found):.3f}" for state, found in means.items() if found)
    how = f"""Trained with the recipe `quick` on the 288 training photos of the workshop's split, and measured on the
true labels of the other 72. For "repaired", someone who knows the truth reviewed the first {REVIEWED} suspicions."""
    return [how, report.table(("labels", "training seed", "AP50", "AP"), lines), f"Mean AP: {said}."]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4], help="planting seeds")
    parser.add_argument("--rounds", type=int, default=1, help="training seeds for AP")
    options = parser.parse_args()
    for what, seed, training_seed, make in measurements(options.seeds, options.rounds):
        done = {(row["what"], row["seed"], row["training_seed"]) for row in report.read(MEASUREMENTS)}
        if (what, seed, training_seed) in done:
            continue
        print(f"{datetime.datetime.now():%H:%M:%S} {what}, seed {seed}, training seed {training_seed}", flush=True)
        row = {"what": what, "seed": seed, "training_seed": training_seed, "date": datetime.date.today().isoformat()}
        row |= {"machine": report.describe_machine(), "result": make()}
        with open(MEASUREMENTS, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
    files.write_text(page(report.read(MEASUREMENTS)), PAGE)


if __name__ == "__main__":
    main()
