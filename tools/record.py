"""Make the recorded runs that the README and the notebooks show: `make record`. What is recorded of these photos stays.

A run is trained by the command that its file names, in runs/recorded/; an interrupted one goes on where it was. After
each, results/README.md is written anew.
"""

import dataclasses
import pathlib
import shlex
import subprocess
import sys

from workshop_utils.core import files, settings
from workshop_utils.data import dataset
from workshop_utils.teaching import recorded
from workshop_utils.training.run_folder import RunFolder

RANDOM_RATE = "0.01"
"""What suits random weights best of the rates in results/own_rate/, in the thousand steps of the recipe `seed`."""

LADDER_RATE = "0.1"
"""What suits them better in the 300 steps of the ladder, where RANDOM_RATE has hardly begun."""

OTHER_RATES = ("0.03", "0.1")
MORE_STEPS = "3000"
OTHER_SEEDS = ("43", "44")
"""Beside settings.Recipe's own, 42. A seed draws the first weights, the order of the photos and how each is cropped."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One recorded run: its file's name, the folder of the file, and what follows `train data/yoghurt`."""

    name: str
    folder: pathlib.Path
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        return shlex.join(("python", "-m", "workshop_utils", "train", "data/yoghurt", *self.arguments))


def rung(strategy: str, size: int, *more: str, name: str = "", folder: str = "ladder") -> Run:
    """A short run on one rung of the ladder of photos."""
    photos = ("--train-on", f"data/yoghurt/ladder/{size}.txt")
    arguments = ("--strategy", strategy, "--recipe", "workshop", *photos, *more)
    return Run(f"{strategy}-{size:03}{name}", settings.RESULTS / folder, arguments)


def long(strategy: str, *more: str, name: str = "seed", folder: str = "") -> Run:
    """A run by the recipe `seed`, or by what is changed of it."""
    return Run(f"{strategy}-{name}", settings.RESULTS / folder, ("--strategy", strategy, "--recipe", "seed", *more))


def other_seed(strategy: str, seed: str) -> Run:
    return long(strategy, "--set", f"seed={seed}", name=seed, folder="seeds")


def at_rate(rate: str, *more: str) -> tuple[str, ...]:
    """What follows the command for a rate of random weights' own. Large ones need a warm-up."""
    return "--set", f"learning_rate={rate}", "warmup=50", *more


def own_rate(rate: str, *more: str) -> Run:
    """A run from random weights that need not take fine-tuning's rate; `more` is what else differs from the recipe."""
    name = "-".join((rate, *(each.split("=")[1] for each in more)))
    return long("random_init", *at_rate(rate, *more), name=name, folder="own_rate")


RUNS = (
    *(long(strategy) for strategy in ("fine_tune", "as_is", "random_init")),
    *(rung("fine_tune", size) for size in settings.LADDER),
    *(rung("random_init", size, *at_rate(LADDER_RATE)) for size in settings.LADDER),
    rung("random_init", settings.LADDER[-1], *at_rate(RANDOM_RATE), name=f"-{RANDOM_RATE}", folder="own_rate"),
    *(other_seed("fine_tune", seed) for seed in OTHER_SEEDS),
    *(own_rate(rate) for rate in (RANDOM_RATE, *OTHER_RATES)),
    *(other_seed("random_init", seed) for seed in OTHER_SEEDS),
    own_rate(RANDOM_RATE, f"steps={MORE_STEPS}"),
)
"""In the order of what they add, so that an interrupted recording leaves the most valuable ones."""


def by_name(folder: pathlib.Path) -> dict[str, recorded.Recorded]:
    """The runs recorded in a folder, by the names of their files."""
    return dict(zip([path.stem for path in sorted(folder.glob("*.json"))], recorded.load(folder), strict=True))


def is_recorded(run: Run, fingerprint: str) -> bool:
    """Whether there is a file of this run, by this command, on these photos."""
    runs = by_name(run.folder)
    return run.name in runs and (runs[run.name].fingerprint, runs[run.name].command) == (fingerprint, run.command)


LISTING = settings.RESULTS / "README.md"
HEAD = """\
# Recorded runs

Written by `make record`; each file holds the command that made it, its recipe, its metrics and its history. Minutes on
two CPU cores, not all on one machine, some beside other work.

| file | learning rate | steps | photos | seed | AP | AP50 | minutes |
|---|--:|--:|--:|--:|--:|--:|--:|
"""
SPREADS = """
What another seed changes, from the lowest to the highest AP:

| runs | seeds | AP |
|---|--:|--:|
"""


def listing(folder: pathlib.Path = settings.RESULTS) -> str:
    """Return what results/README.md says: a line for each recorded run, and the spread of those with several seeds."""
    paths = sorted(folder.rglob("*.json"))
    runs = recorded.everything(folder)
    lines = [_line(path.relative_to(folder).as_posix(), run) for path, run in zip(paths, runs, strict=True)]
    spreads = []
    for run in runs:
        alike = recorded.repeats(runs, run.strategy, run.recipe, run.training_photos)
        if len(alike) > 1 and run is alike[0]:
            scores = sorted(each.metrics["AP"] for each in alike)
            what = f"{run.strategy}, rate {run.recipe.learning_rate:g}, {run.recipe.steps:,} steps"
            spreads.append(f"| {what} | {len(alike)} | {scores[0]:.3f} to {scores[-1]:.3f} |\n")
    return HEAD + "".join(lines) + (SPREADS + "".join(spreads) if spreads else "")


def _line(name: str, run: recorded.Recorded) -> str:
    recipe, metrics = run.recipe, run.metrics
    how = (f"{recipe.learning_rate:g}", f"{recipe.steps:,}", str(run.training_photos or "all"), str(recipe.seed))
    trained = how if run.history else ("", "", "", "")
    scores = (f"{metrics['AP']:.3f}", f"{metrics['AP50']:.3f}", f"{run.minutes:.0f}")
    return f"| {' | '.join((f'`{name}`', *trained, *scores))} |\n"


def main() -> int:
    files.write_text(listing(), LISTING)
    fingerprint = dataset.load(settings.YOGHURT).fingerprint()
    for run in RUNS:
        if is_recorded(run, fingerprint):
            print(f"{run.name}: recorded already", flush=True)
            continue
        print(f"{run.name}: {run.command}", flush=True)
        folder = settings.RUNS / "recorded" / fingerprint / run.name
        command = [sys.executable, *shlex.split(run.command)[1:], "--experiment", str(folder)]
        done = subprocess.run(command, cwd=settings.PROJECT)
        if done.returncode:
            return done.returncode
        recorded.keep(RunFolder(folder), run.command, run.folder)
        files.write_text(listing(), LISTING)
    return 0


if __name__ == "__main__":
    sys.exit(main())
