"""Fine-tuning on several machines at once, where the photos outgrow one: TensorFlow's MultiWorkerMirroredStrategy.

Each worker holds the whole detector and computes its part of every batch; the gradients of all are summed over the
network, and all take the same step (https://www.tensorflow.org/guide/distributed_training). Keras 3 cannot `fit` with
this strategy, so the loop is ours: it is that of `training`, with what is summed put in between.

- **The batch** of the recipe is that of all workers together. Of its photos, worker i of n takes each n-th from the
  i-th on. So the photos, their augmented views and hence the losses are those of one process with the same recipe.
- **The records** lie in shards that every worker can read, in a shared folder or a copy. When it starts, each worker
  reads all shards whole, once: it keeps the boxes, and where each record lies. From then on it reads the records of the
  photos that are its part of a batch, and no others. A shard that were a worker's own would spare it the other shards,
  but then it could only learn from photos of that shard, and the batches, hence the result, would depend on the number
  of workers; so would the split if shards were split by themselves.
- **The loss** is a sum divided by the number of matched anchors of the whole batch, which no worker knows. So each
  gives its sums and its count, all are added up, and then divided (see `Team.mean`). The clipping by norm comes after.
- **The chief**, worker 0, alone measures and writes: the folder of the run is on its machine, and is what one process
  would have written with `--thaw 0 --views 0`. When training goes on, the others get the weights from it.
- **A worker that is lost** ends the others: no step can be taken without its part. All are then started again.

A worker computes on one device, its first GPU or else its processor; of a machine with several GPUs each can be a
worker, with CUDA_VISIBLE_DEVICES naming its own. TensorFlow's workers ask nobody for a password: let them listen in a
network of your own and nowhere else.
"""

import contextlib
import dataclasses
import hashlib
import pathlib
import re

from tqdm.auto import tqdm

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.training import cluster_spec, schedule, strategies, trainer
from workshop_utils.training.cluster_spec import ClusterError, Place
from workshop_utils.training.fast import precision
from workshop_utils.training.run_folder import Plan, RunFolder


@dataclasses.dataclass(frozen=True)
class Team:
    """This worker's side of a cluster whose workers have found each other."""

    strategy: tf.distribute.Strategy
    place: Place

    @property
    def chief(self) -> bool:
        return self.place.index == 0

    @property
    def part(self) -> slice:
        """Which photos of each batch are this worker's."""
        return slice(self.place.index, None, len(self.place.workers))

    def total(self, *values: tf.Tensor) -> list[tf.Tensor]:
        """Return the sum of each value over all workers. All call it at once, with values of one type."""

        def summed(*values):
            here = [tf.identity(value) for value in values]  # TensorFlow must know on which device they are
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)

        return self.strategy.run(summed, args=values)

    def mean(self, class_targets, *values: tf.Tensor) -> list[tf.Tensor]:
        """Return what losses or their gradients, given for this worker's part of a batch, are for the whole batch.

        Each is a sum over the part divided by the number of its matched anchors, one at least (`multibox_loss`).
        """
        matched = tf.reduce_sum(tf.cast(class_targets > 0, tf.float32))
        *sums, all_matched = self.total(*(value * tf.maximum(matched, 1.0) for value in values), matched)
        return [each / tf.maximum(all_matched, 1.0) for each in sums]

    def share(self, variables) -> None:
        """Set every worker's variables to the chief's: 0 + x is x, to the last bit."""
        values = [tf.cast(tf.convert_to_tensor(variable), tf.float64) for variable in variables]
        chiefs = values if self.chief else [tf.zeros_like(value) for value in values]
        for variable, value in zip(variables, tf.function(self.total)(*chiefs), strict=True):
            variable.assign(value)

    def agree(self, plan: Plan, done: bool) -> bool:
        """Return whether the chief's run is `done`. Raises ClusterError where another worker has another plan."""
        said = repr((dataclasses.replace(plan, data=""), precision.policy()))
        number = int(hashlib.sha256(said.encode()).hexdigest()[:12], 16)  # less than 2^53, so exact as a float
        mine = tf.one_hot(self.place.index, len(self.place.workers), dtype=tf.float64) * number
        numbers, dones = tf.function(self.total)(mine, tf.constant(float(done and self.chief), tf.float64))
        differing = [index for index, each in enumerate(numbers.numpy()) if each != numbers.numpy()[0]]
        if differing:
            raise ClusterError(
                f"Worker {differing[0]} ({self.place.workers[differing[0]]}) has other photos, options or "
                f"{precision.VARIABLE} than worker 0. Give all the same command, but for --index, and the same data."
            )
        return bool(dones)

    def wait(self) -> None:
        """Return when every worker has come here."""
        tf.function(self.total)(tf.zeros([]))


def join(place: Place, patience: float = cluster_spec.PATIENCE) -> Team:
    """Return the team when all workers are there.

    TensorFlow must not have computed anything in this process before. Raises ClusterError where this worker's port is
    in use, or another worker does not answer within `patience` seconds.
    """
    cluster_spec.meet(place, patience)
    gpus = min(1, len(tf.config.list_physical_devices("GPU")))
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": place.workers}),
        task_type="worker",
        task_id=place.index,
        num_accelerators={"GPU": gpus},
    )
    with _told(place):
        return Team(tf.distribute.MultiWorkerMirroredStrategy(resolver), place)


def train(
    team: Team,
    strategy: str,
    data: dataset.Dataset,
    recipe: settings.Recipe,
    folder: pathlib.Path,
    source: str = "",
    train_from: str | None = None,
    train_on: list[str] | None = None,
    views: int | None = None,
    thaw: float | None = None,
) -> RunFolder | None:
    """Train as `training.train` does, together with the other workers, who call it too; return the chief's experiment.

    The layers up to `train_from` are frozen from the first step on. Raises SettingsError for what a cluster cannot do,
    ClusterError where the workers differ or one is lost.
    """
    if strategy != "fine_tune":
        raise settings.SettingsError(
            f"A cluster can fine_tune and no more: {strategy} "
            + ("trains nothing." if strategy == "as_is" else "needs batch norm's statistics of the whole batch.")
        )
    if thaw or views:
        raise settings.SettingsError(
            "A cluster freezes layers from the start and keeps nothing that they give: leave --thaw and --views out."
        )
    if recipe.batch_size < len(team.place.workers):
        raise settings.SettingsError(
            f"A batch of {recipe.batch_size} photos has no part for each of {len(team.place.workers)} workers. "
            "Take a larger batch_size, it is that of all together, or fewer workers."
        )
    train_from = strategies.TRAIN_FROM if train_from is None else train_from
    plan = Plan(strategy, recipe, data.label_map, str(source), data.fingerprint(), train_from, train_on, 0, 0.0)
    experiment = RunFolder(pathlib.Path(folder))
    with _told(team.place):
        done = team.agree(plan, trainer.finished(plan, experiment))
        if team.chief:
            trainer.train(
                strategy, data, recipe, folder, source, train_from, train_on=train_on, views=0, thaw=0.0, team=team
            )
        elif not done:
            _follow(team, plan, data)
        team.wait()
    return experiment if team.chief else None


def _follow(team: Team, plan: Plan, data: dataset.Dataset) -> None:
    """Compute this worker's part of every step that the chief takes."""
    samples, _ = data.split(plan.recipe.photos)
    if plan.train_on is not None:
        samples = dataset.only(samples, plan.train_on)
    keras.utils.set_random_seed(plan.recipe.seed)
    strategy = strategies.prepare(plan.strategy, data.label_map, plan.train_from)
    optimizer = trainer.make_optimizer(plan.recipe)
    (stage,) = schedule.stages(strategy, plan, samples, RunFolder(pathlib.Path()).frozen, team.part)
    optimizer.build(stage.weights)
    team.share([*strategy.model.variables, *optimizer.variables])
    learner, batches = stage.begin()
    step = trainer.make_step(learner, optimizer, strategy.batch_norm_learns, team=team)
    start, stop = int(optimizer.iterations), plan.recipe.steps
    for batch in tqdm(batches(start, stop), f"worker {team.place.index}", stop, initial=start, unit="step"):
        step(*batch)


@contextlib.contextmanager
def _told(place: Place):
    """Say in words that another worker is gone; TensorFlow raises many errors for that."""
    try:
        yield
    except tf.errors.OpError as fault:
        named = sorted({int(number) for number in re.findall(r"task:(\d+)", fault.message)} - {place.index})
        lost = ", ".join(f"worker {number} ({place.workers[number]})" for number in named) or "another worker"
        raise ClusterError(
            f"Worker {place.index} has lost {lost}: it ended, or cannot be reached any more. What it said last tells "
            "why. Start all workers again, each with the same command: they go on from the last step that was saved."
        ) from None
