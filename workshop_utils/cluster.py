"""Fine-tuning on several machines at once, where the photos outgrow one: TensorFlow's MultiWorkerMirroredStrategy.

Each worker holds the whole detector and computes its part of every batch; the gradients of all are summed over the
network, and all take the same step (https://www.tensorflow.org/guide/distributed_training). Keras 3 cannot `fit` with
this strategy, so the loop is ours: it is that of `training`, with what is summed put in between.

- **The batch** of the recipe is that of all workers together. Of its photos, worker i of n takes each n-th from the
  i-th on. So the photos, their augmented views and hence the losses are those of one process with the same recipe.
- **The records** lie in shards that every worker can read, in a shared folder or a copy. A worker reads all boxes when
  it starts, and then, of the shards, only the records of the photos that are its part of a batch. A shard that were a
  worker's own would spare it the other shards, but then it could only learn from photos of that shard, and the batches,
  hence the result, would depend on the number of workers; so would the split if shards were split by themselves.
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
import socket
import time

from tqdm.auto import tqdm

from workshop_utils import dataset, precision, settings, stages, strategies, training
from workshop_utils.errors import WorkshopError
from workshop_utils.experiment import Experiment, Plan
from workshop_utils.quiet import keras, tf

PATIENCE = 120.0
"""How many seconds a worker waits for the others to be started."""


class ClusterError(WorkshopError, RuntimeError):
    """Workers that do not find each other, do not fit together or were lost; the message says which and what to do."""


@dataclasses.dataclass(frozen=True)
class Place:
    """The addresses of all workers, each a host and a port, and which of them this process is."""

    workers: tuple[str, ...]
    index: int


def place(workers: str | None, index: int | None) -> Place | None:
    """Return the place that the options name, or else TensorFlow's TF_CONFIG; None where neither names other workers.

    `workers` are addresses host:port with commas between them. Raises SettingsError.
    """
    if workers is None and index is None:
        return _configured()
    if workers is None or index is None:
        raise settings.SettingsError("--workers and --index belong together: who trains, and which of them is this?")
    return _checked(workers.split(","), index, "--workers")


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
        numbers, done = tf.function(self.total)(mine, tf.constant(done and self.chief, tf.float64))
        differing = [index for index, each in enumerate(numbers.numpy()) if each != numbers[0]]
        if differing:
            raise ClusterError(
                f"Worker {differing[0]} ({self.place.workers[differing[0]]}) has other photos, options or "
                f"{precision.VARIABLE} than worker 0. Give all the same command, but for --index, and the same data."
            )
        return bool(done)

    def wait(self) -> None:
        """Return when every worker has come here."""
        tf.function(self.total)(tf.zeros([]))


def join(place: Place, patience: float = PATIENCE) -> Team:
    """Return the team when all workers are there.

    TensorFlow must not have computed anything in this process before. Raises ClusterError where this worker's port is
    in use, or another worker does not answer within `patience` seconds.
    """
    _meet(place, patience)
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
) -> Experiment | None:
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
    experiment = Experiment(pathlib.Path(folder))
    with _told(team.place):
        done = team.agree(plan, training.finished(plan, experiment))
        if team.chief:
            training.train(
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
    optimizer = training.make_optimizer(plan.recipe)
    (stage,) = stages.stages(strategy, plan, samples, Experiment(pathlib.Path()).frozen, team.part)
    optimizer.build(stage.weights)
    team.share([*strategy.model.variables, *optimizer.variables])
    learner, batches = stage.begin()
    step = training.make_step(learner, optimizer, strategy.batch_norm_learns, team=team)
    start, stop = int(optimizer.iterations), plan.recipe.steps
    for batch in tqdm(batches(start, stop), f"worker {team.place.index}", stop, initial=start, unit="step"):
        step(*batch)


def _configured() -> Place | None:
    """Return what TF_CONFIG says, None where it names no other workers. A `chief` in it is the first of the workers."""
    try:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        jobs, job, index = resolver.cluster_spec().as_dict(), resolver.task_type, resolver.task_id
    except (ValueError, TypeError, AttributeError, KeyError) as fault:
        raise settings.SettingsError(f"TF_CONFIG cannot be read ({fault}). TensorFlow's guide says its form.") from None
    chiefs = jobs.pop("chief", [])
    workers = [*chiefs, *jobs.pop("worker", [])]
    if len(workers) < 2 and not jobs:
        return None
    if jobs or job not in ("chief", "worker") or index is None:
        raise settings.SettingsError(
            "TF_CONFIG must name a cluster of a chief and workers, or of workers alone, and a task that is one of them."
        )
    return _checked(workers, index + (len(chiefs) if job == "worker" else 0), "TF_CONFIG")


def _checked(workers: list[str], index: int, where: str) -> Place:
    for worker in workers:
        host, _, port = worker.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise settings.SettingsError(f"{where} names '{worker}', which is no host:port, such as 10.0.0.5:2222.")
    if len(set(workers)) < max(2, len(workers)):
        raise settings.SettingsError(f"{where} must name two workers at least, each once, not {','.join(workers)}.")
    if not 0 <= index < len(workers):
        raise settings.SettingsError(f"There is no worker {index}: {where} names 0 to {len(workers) - 1}.")
    return Place(tuple(workers), index)


def _meet(place: Place, patience: float) -> None:
    """Wait until every worker listens at its address. TensorFlow itself would wait, and not say for whom."""
    own = place.workers[place.index]
    try:
        listening = socket.create_server(("", int(own.rpartition(":")[2])))
    except OSError as fault:
        raise ClusterError(
            f"{own}: this worker cannot listen there ({fault.strerror}). If a run before this one has not ended yet, "
            "wait for it; else name another port, in the commands of all workers."
        ) from None
    print(f"Worker {place.index} of {len(place.workers)} waits for the others.", flush=True)
    with listening:
        deadline = time.monotonic() + patience
        for index, worker in enumerate(place.workers):
            host, _, port = worker.rpartition(":")
            while index != place.index:
                try:
                    socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
                    break
                except OSError as fault:
                    if time.monotonic() > deadline:
                        raise ClusterError(
                            f"Worker {index} ({worker}) does not answer after {patience:.0f} s ({fault}). Start it, "
                            "check its address, and that no firewall is between; then start all again."
                        ) from None
                    time.sleep(0.2)


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
