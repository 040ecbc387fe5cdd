"""Fine-tune on several machines at once, with TensorFlow's MultiWorkerMirroredStrategy.

Each worker has the whole detector and computes its part of every batch. The gradients are summed over the network, and
all workers take the same step (https://www.tensorflow.org/guide/distributed_training). Keras 3 has no `fit` for this
strategy, so the workers run the loop of `trainer`, which sums losses and gradients over all workers.

- **Batch**: the recipe's batch size counts the photos of all workers together. Worker i of n takes every n-th photo,
  starting with the i-th. So photos, augmented views and losses are those of one process with the same recipe.
- **Records**: every worker can read all shards, in a shared folder or a copy. At the start each worker reads all
  shards once and keeps the boxes and the position of each record; during training it reads only the photos of its part
  of a batch. With a shard per worker, the split, the batches and the results would depend on the number of workers.
- **Loss**: it is divided by the number of matched anchors in the whole batch, which no single worker knows. So sums and
  counts are added up over all workers and then divided (see `Team.mean`). Gradients are clipped after that.
- **Chief**: only worker 0 evaluates and writes. The run folder is on its machine, and is the same as one process would
  write with `--thaw 0 --views 0`. When training resumes, the other workers get their weights from the chief.
- **Lost workers**: no step is possible without a worker's part, so if one is lost, all end. Start all of them again.

A worker computes on one device: its first GPU, or else the processor. To use several GPUs of a machine, start a worker
for each and set its CUDA_VISIBLE_DEVICES. TensorFlow's workers have no password, so let them listen only in a private
network.
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
from workshop_utils.training import connections, starting_weights
from workshop_utils.training.callbacks import Callback, ProgressBar
from workshop_utils.training.cluster_spec import ClusterError, ClusterSpec
from workshop_utils.training.connections import Connections
from workshop_utils.training.fast import precision
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder
from workshop_utils.training.trainer import Trainer, train


@dataclasses.dataclass(frozen=True)
class Team:
    """A worker's view of a cluster whose workers are connected.

    Attributes:
        strategy: Sums tensors over the workers.
        cluster: All workers, and which of them this is.
        connections: The worker's connections, for everything that is not a tensor sum.
    """

    strategy: tf.distribute.Strategy
    cluster: ClusterSpec
    connections: Connections

    @property
    def chief(self) -> bool:
        """Whether this worker is the one that evaluates and writes the run."""
        return self.cluster.index == 0

    @property
    def part(self) -> slice:
        """The photos of each batch that this worker computes."""
        return slice(self.cluster.index, None, len(self.cluster.workers))

    def total(self, *values: tf.Tensor) -> list[tf.Tensor]:
        """Return the sum of each value over all workers. Every worker must call it; all values have one dtype."""

        def all_reduce(*values):
            placed = [tf.identity(value) for value in values]  # all_reduce needs values with a known device
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, placed)

        return self.strategy.run(all_reduce, args=values)

    def mean(self, class_targets: tf.Tensor, *values: tf.Tensor) -> list[tf.Tensor]:
        """Return losses or gradients of the whole batch, given those of this worker's part.

        Args:
            class_targets: The part's class targets, (n, 1917), 0 for background.
            *values: Losses or gradients: sums over the part, divided by its number of matched anchors or by 1 if
                there are none (see `multibox_loss`).
        """
        matched = tf.reduce_sum(tf.cast(class_targets > 0, tf.float32))
        *sums, all_matched = self.total(*(value * tf.maximum(matched, 1.0) for value in values), matched)
        return [each / tf.maximum(all_matched, 1.0) for each in sums]

    def broadcast(self, variables: list[keras.Variable]) -> None:
        """Copy the chief's variables to every worker."""
        values = self.connections.broadcast([np.asarray(variable) for variable in variables])
        if not self.chief:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def agree(self, plan: Plan, done: bool) -> bool:
        """Return whether the chief's run is `done`. Raises ClusterError if a worker has a different plan."""
        decisive = repr((plan.identity(), precision.policy()))
        digest = hashlib.sha256(decisive.encode()).hexdigest()
        plans, finished = zip(*self.connections.all_gather([digest, done]), strict=True)
        differing = [index for index, each in enumerate(plans) if each != plans[0]]
        if differing:
            raise ClusterError(
                f"Worker {differing[0]} ({self.cluster.workers[differing[0]]}) has different photos, options or "
                f"{precision.VARIABLE} than worker 0. Start all workers with the same data and, except for "
                "--index, the same command."
            )
        return finished[0]


def join(cluster: ClusterSpec, timeout: float = connections.CONNECT_TIMEOUT) -> Team:
    """Wait until all workers are connected, and return the team.

    Call it before TensorFlow computes anything in this process.

    Args:
        cluster: All workers, and which of them this is.
        timeout: Seconds to wait for the others.

    Raises:
        ClusterError: If this worker's port is in use, or another worker does not answer in time.
    """
    connected = connections.connect(cluster, timeout)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": cluster.workers}),
        task_type="worker",
        task_id=cluster.index,
        num_accelerators={"GPU": min(1, len(tf.config.list_physical_devices("GPU")))},
    )
    with naming_lost_workers(connected):
        return Team(tf.distribute.MultiWorkerMirroredStrategy(resolver), cluster, connected)


def train_together(
    team: Team, plan: Plan, data: Dataset, folder: pathlib.Path, callbacks: Iterable[Callback] = ()
) -> RunFolder | None:
    """Train as `trainer.train` does, together with the other workers, which call it, too.

    Args:
        team: The connected workers.
        plan: What to train, and how; the same on all workers.
        data: The data set.
        folder: Where the chief writes the run.
        callbacks: Called by the chief, after those that write the run.

    Returns:
        The run on the chief; None on the other workers.

    Raises:
        SettingsError: If a cluster cannot train by this plan.
        ClusterError: If the plans of the workers differ, or a worker is lost.
    """
    _check_plan(plan, len(team.cluster.workers))
    run = RunFolder(pathlib.Path(folder))
    with naming_lost_workers(team.connections):
        done = team.agree(plan, team.chief and run.is_started() and run.is_finished())
        if team.chief:
            train(plan, data, folder, callbacks=callbacks, team=team)
        elif not done:
            _train_part(team, plan, data)
        team.connections.all_gather("done")  # no worker ends before all are done
    return run if team.chief else None


def _check_plan(plan: Plan, workers: int) -> None:
    """Raise SettingsError if a cluster cannot train by a plan."""
    if plan.freezing is None:
        why = "needs batch-norm statistics of the whole batch" if plan.chosen.trains else "trains nothing"
        raise SettingsError(f"A cluster can only fine-tune: {plan.strategy} {why}.")
    if plan.freezing.thaw or plan.freezing.views:
        raise SettingsError(
            "A cluster freezes layers from the start and caches no features. Leave out --thaw and --views."
        )
    if plan.patience is not None:
        raise SettingsError("A cluster trains to the last step. Leave out --patience.")
    if plan.recipe.batch_size < workers:
        raise SettingsError(
            f"A batch of {plan.recipe.batch_size} photos is too small for {workers} workers. Use fewer workers, or a "
            "larger batch_size, which counts the photos of all workers together."
        )


def _train_part(team: Team, plan: Plan, data: Dataset) -> None:
    """Compute this worker's part of every step. The chief evaluates and writes."""
    samples, _ = plan.split(data)
    keras.utils.set_random_seed(plan.recipe.seed)
    model, _ = starting_weights.load(plan)
    bar = ProgressBar(f"worker {team.cluster.index}")
    Trainer(plan, model, samples, RunFolder(pathlib.Path()).frozen, [bar], team).fit()


@contextlib.contextmanager
def naming_lost_workers(connected: Connections) -> Iterator[None]:
    """Turn TensorFlow's many errors for a lost worker into a ClusterError that names it."""
    try:
        yield
    except tf.errors.OpError as error:
        lost = connected.lost_workers()
        raise connections.lost_workers_error(connected.cluster, lost, error.message) from None
