"""Fine-tuning on several machines at once, where the photos outgrow one: TensorFlow's MultiWorkerMirroredStrategy.

Each worker holds the whole detector and computes its part of every batch; the gradients of all are summed over the
network, and all take the same step (https://www.tensorflow.org/guide/distributed_training). Keras 3 cannot `fit` with
this strategy, so the loop is ours: that of `trainer`, with the sums put in between.

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
from collections.abc import Iterable, Iterator

import numpy as np

from workshop_utils.core.settings import SettingsError
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data.dataset import Dataset
from workshop_utils.training import connections
from workshop_utils.training.callbacks import Callback, ProgressBar
from workshop_utils.training.cluster_spec import ClusterError, ClusterSpec
from workshop_utils.training.connections import Connections
from workshop_utils.training.fast import precision
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder
from workshop_utils.training.trainer import Trainer, train


@dataclasses.dataclass(frozen=True)
class Team:
    """This worker's side of a cluster whose workers are connected."""

    strategy: tf.distribute.Strategy
    cluster: ClusterSpec
    connections: Connections

    @property
    def chief(self) -> bool:
        """Whether this worker measures and writes."""
        return self.cluster.index == 0

    @property
    def part(self) -> slice:
        """Which photos of each batch are this worker's."""
        return slice(self.cluster.index, None, len(self.cluster.workers))

    def total(self, *values: tf.Tensor) -> list[tf.Tensor]:
        """Return the sum of each value over all workers. All call it at once, with values of one type."""

        def summed(*values):
            here = [tf.identity(value) for value in values]  # TensorFlow must know on which device they are
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)

        return self.strategy.run(summed, args=values)

    def mean(self, class_targets: tf.Tensor, *values: tf.Tensor) -> list[tf.Tensor]:
        """Return what losses or their gradients, given for this worker's part of a batch, are for the whole batch.

        Each is a sum over the part divided by the number of its matched anchors, at least one (`multibox_loss`).
        """
        matched = tf.reduce_sum(tf.cast(class_targets > 0, tf.float32))
        *sums, all_matched = self.total(*(value * tf.maximum(matched, 1.0) for value in values), matched)
        return [each / tf.maximum(all_matched, 1.0) for each in sums]

    def broadcast(self, variables: list[keras.Variable]) -> None:
        """Set every worker's variables to the chief's."""
        values = self.connections.broadcast([np.asarray(variable) for variable in variables])
        if not self.chief:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def agree(self, plan: Plan, done: bool) -> bool:
        """Return whether the chief's run is `done`. Raises ClusterError where another worker has another plan."""
        described = repr((dataclasses.replace(plan, data=""), precision.policy()))
        digest = hashlib.sha256(described.encode()).hexdigest()
        plans, finished = zip(*self.connections.all_gather([digest, done]), strict=True)
        differing = [index for index, each in enumerate(plans) if each != plans[0]]
        if differing:
            raise ClusterError(
                f"Worker {differing[0]} ({self.cluster.workers[differing[0]]}) has other photos, options or "
                f"{precision.VARIABLE} than worker 0. Give all the same command, except for --index, and the same data."
            )
        return finished[0]

    def wait(self) -> None:
        """Return when every worker has come here."""
        self.connections.all_gather("done")


def join(cluster: ClusterSpec, timeout: float = connections.CONNECT_TIMEOUT) -> Team:
    """Return the team when all workers are there.

    TensorFlow must not have computed anything in this process before. Raises ClusterError where this worker's port is
    in use, or another worker does not answer within `timeout` seconds.
    """
    met = connections.connect(cluster, timeout)
    gpus = min(1, len(tf.config.list_physical_devices("GPU")))
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": cluster.workers}),
        task_type="worker",
        task_id=cluster.index,
        num_accelerators={"GPU": gpus},
    )
    with naming_lost_workers(met):
        return Team(tf.distribute.MultiWorkerMirroredStrategy(resolver), cluster, met)


def train_together(
    team: Team, plan: Plan, data: Dataset, folder: pathlib.Path, callbacks: Iterable[Callback] = ()
) -> RunFolder | None:
    """Train as `trainer.train` does, together with the other workers, who call it too; return the chief's run.

    Raises SettingsError for what a cluster cannot do, ClusterError where the workers differ or one is lost.
    """
    _refuse(plan, len(team.cluster.workers))
    run = RunFolder(pathlib.Path(folder))
    with naming_lost_workers(team.connections):
        done = team.agree(plan, team.chief and run.is_started() and run.is_finished())
        if team.chief:
            train(plan, data, folder, callbacks=callbacks, team=team)
        elif not done:
            _follow(team, plan, data)
        team.wait()
    return run if team.chief else None


def _refuse(plan: Plan, workers: int) -> None:
    """Raise SettingsError for a plan that a cluster cannot follow."""
    if plan.freezing is None:
        why = "needs batch norm's statistics of the whole batch" if plan.chosen.trains else "trains nothing"
        raise SettingsError(f"A cluster can only fine-tune: {plan.strategy} {why}.")
    if plan.freezing.thaw or plan.freezing.views:
        raise SettingsError("A cluster freezes layers from the start and caches no features: omit --thaw and --views.")
    if plan.recipe.batch_size < workers:
        raise SettingsError(
            f"A batch of {plan.recipe.batch_size} photos has no part for each of {workers} workers. Take a larger "
            "batch_size (it counts the photos of all workers together), or fewer workers."
        )


def _follow(team: Team, plan: Plan, data: Dataset) -> None:
    """Compute this worker's part of every step that the chief takes."""
    samples, _ = plan.split(data)
    keras.utils.set_random_seed(plan.recipe.seed)
    model, _ = plan.chosen.start(plan.classes, plan.architecture)
    bar = ProgressBar(f"worker {team.cluster.index}")
    Trainer(plan, model, samples, RunFolder(pathlib.Path()).frozen, [bar], team).fit()


@contextlib.contextmanager
def naming_lost_workers(met: Connections) -> Iterator[None]:
    """Raise ClusterError that names the worker that is gone; TensorFlow raises many different errors for that."""
    try:
        yield
    except tf.errors.OpError as fault:
        raise connections.lost_workers_error(met.cluster, met.lost_workers(), fault.message) from None
