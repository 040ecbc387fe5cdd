"""Make the recorded runs that the README and the notebooks show: `make record`. What is recorded of these photos stays.

A run is trained by the command that its file names, in runs/recorded/; an interrupted one goes on where it was.
"""

import dataclasses
import pathlib
import shlex
import subprocess
import sys

from workshop_utils import dataset, recorded, settings
from workshop_utils.experiment import Experiment

RANDOM_RATE = ("--set", "learning_rate=0.1", "warmup=50")


@dataclasses.dataclass(frozen=True)
class Run:
    """One recorded run: its file's name, the folder of the file, and what follows `train data/yoghurt`."""

    name: str
    folder: pathlib.Path
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        return shlex.join(("python", "-m", "workshop_utils", "train", "data/yoghurt", *self.arguments))


def rung(strategy: str, size: int, *more: str) -> Run:
    """A short run on one rung of the ladder of photos."""
    photos = ("--train-on", f"data/yoghurt/ladder/{size}.txt")
    arguments = ("--strategy", strategy, "--recipe", "workshop", *photos, *more)
    return Run(f"{strategy}-{size:03}", settings.RESULTS / "ladder", arguments)


def long(name: str, *arguments: str) -> Run:
    return Run(name, settings.RESULTS, arguments)


RUNS = (
    long("fine_tune-seed", "--strategy", "fine_tune", "--recipe", "seed"),
    long("as_is-seed", "--strategy", "as_is", "--recipe", "seed"),
    long("random_init-seed", "--strategy", "random_init", "--recipe", "seed"),
    *(rung("fine_tune", size) for size in settings.LADDER),
    *(rung("random_init", size, *RANDOM_RATE) for size in settings.LADDER),
)


def is_recorded(run: Run, fingerprint: str) -> bool:
    """Whether there is a file of this run, by this command, on these photos."""
    there = [path.stem for path in sorted(run.folder.glob("*.json"))]
    runs = dict(zip(there, recorded.load(run.folder)))
    return run.name in runs and (runs[run.name].fingerprint, runs[run.name].command) == (fingerprint, run.command)


def main() -> int:
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
        recorded.keep(Experiment(folder), run.command, run.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
