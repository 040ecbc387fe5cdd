"""Choose a checkpoint of a run: the best, the last, or that of one step."""

from workshop_utils.training import early_stopping
from workshop_utils.training.run_folder import RunFolder, RunFolderError

BEST, LAST = "best", "last"


def best_step(run: RunFolder) -> int | None:
    """Return the step of the checkpoint with the highest AP on the validation photos.

    The first, if several have the same. None if no step has both a checkpoint and a measured AP.
    """
    steps = set(run.steps())
    best = early_stopping.best(row for row in run.history() if row["step"] in steps)
    return best[0] if best else None


def choose(run: RunFolder, choice: str | int = LAST) -> int | None:
    """Return the step of a checkpoint; None for the last undamaged one.

    Args:
        run: The run.
        choice: `best`, `last` or a step.

    Raises:
        RunFolderError: If the run has no such checkpoint, or no AP by which one is the best.
    """
    if choice == LAST:
        return None
    plan = run.plan
    if not plan.chosen.trains:
        raise RunFolderError(f"{run.folder}: has no checkpoints, because {plan.strategy} trains nothing. Choose last.")
    if choice != BEST:
        run.checkpoint(int(choice))
        return int(choice)
    run.checkpoint()
    step = best_step(run)
    if step is None:
        existing = ", ".join(map(str, run.steps()))
        raise RunFolderError(
            f"{run.folder}: has no best checkpoint, because history.csv has no AP for any of them. Choose last, or a "
            f"step: {existing}."
        )
    return step


def named(run: RunFolder, step: int | None = None) -> dict[str, int]:
    """Return what metrics.json says about checkpoints: the `best_step`, and the `step` that was measured.

    Args:
        run: The run.
        step: The step, if one was chosen.
    """
    best = best_step(run)
    return ({} if step is None else {"step": step}) | ({} if best is None else {"best_step": best})
