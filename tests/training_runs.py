"""Train in one call, for tests: the arguments form the plan, and `watch` is called with each row."""

import types

from workshop_utils.core import settings
from workshop_utils.training import trainer
from workshop_utils.training.callbacks import Callback, History
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import Progress, RunFolder


class Watch(Callback):
    """Calls a function with each new row of the history."""

    def __init__(self, function):
        self.function = function

    def on_row(self, trainer, row):
        self.function(row)


def train(
    strategy,
    data,
    recipe,
    folder,
    source="",
    train_from=None,
    watch=None,
    train_on=None,
    views=None,
    thaw=None,
    **options,
) -> RunFolder:
    plan = Plan.of(
        data, strategy, recipe, source=source, train_on=train_on, train_from=train_from, thaw=thaw, views=views
    )
    callbacks = [Watch(watch)] if watch else []
    return trainer.train(plan, data, folder, callbacks=callbacks, **options)


class Rows:
    """Writes rows to a run's history, as training from step `start` does."""

    def __init__(self, run: RunFolder, start: int):
        self.start, self.progress, self.scores = start, Progress(start), None
        self.plan = types.SimpleNamespace(recipe=settings.recipe("quick", steps=10_000))
        self.optimizer = types.SimpleNamespace(learning_rate=0.1)
        self.history = History(run)
        self.history.on_begin(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.history.on_end(self)

    def add(self, step: int, loss: float, AP: float | None = None) -> None:
        self.scores = None if AP is None else {"AP": AP, "AP50": AP}
        self.progress = Progress(step, step / 2, [[loss, 0.0]])
        self.history.on_step(self)

    def reset_losses(self) -> None:
        self.progress = self.progress._replace(losses=[])

    def notify(self, event: str, row: dict) -> None:
        assert event == "on_row" and row["step"] == self.progress.step
