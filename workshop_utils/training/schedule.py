"""Which layers learn when, and what the network sees meanwhile.

Fine-tuning has two stages, after FreezeOut (Brock et al. 2017, arXiv 1706.04983). At first nearly all layers learn, but
those up to `train_from` at a rate that soon falls to zero. Then these are frozen; what they make of the photos is
computed once, for some augmented views of each (see `trunk`), and only the layers behind them are run at each step.
All else has one stage.
"""

import dataclasses
import functools
import math
import pathlib
import shutil
from collections.abc import Callable

from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.training import batches, strategies
from workshop_utils.training.fast import feature_cache, folded_layers, fused_batch_norm, precision
from workshop_utils.training.run_folder import Plan


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of training, up to the step `stop`.

    `weights` are all that learn in it, or later. `begin` makes ready and returns the network that is run at each step
    and a function from two steps to the batches between them. `scaled` is for `training.make_step`.
    """

    stop: int
    weights: list
    begin: Callable
    scaled: Callable | None = None


def stages(
    strategy: strategies.Strategy,
    plan: Plan,
    samples: list[dataset.Sample],
    folder: pathlib.Path,
    part: slice = slice(None),
) -> list[Stage]:
    """Return the stages of a plan, trained on the samples. What frozen layers make of them lies in `folder`.

    `part` is the part of each batch that is learnt from here, where nothing that frozen layers give is kept.
    """
    model, recipe, steps = strategy.model, plan.recipe, plan.recipe.steps
    live = functools.partial(batches.batches, samples, plan.label_map, recipe.batch_size, recipe.seed, part=part)
    if not plan.train_from:
        return [Stage(steps, model.trainable_variables, lambda: (_network(strategy), live))]
    strategies.freeze_up_to(model, plan.train_from)
    begin_frozen = functools.partial(_begin_frozen, strategy, plan, samples, folder, live)
    last = Stage(steps, model.trainable_variables, begin_frozen)
    thawed = round(steps * plan.thaw)
    early = _learning_early(model, plan.train_from)
    if not (thawed and early):
        return [last]

    def begin():
        shutil.rmtree(folder, ignore_errors=True)  # made by these layers as they were in a run that broke off
        strategies.freeze_up_to(model, strategies.NEVER_THAWED)
        return _network(strategy), live

    def scaled(gradients, weights, step):
        factor = falling(step, thawed, steps)
        pairs = zip(gradients, weights, strict=True)
        return [gradient * factor if weight.path in early else gradient for gradient, weight in pairs]

    return [Stage(thawed, [*early.values(), *model.trainable_variables], begin, scaled), last]


def policy(strategy: strategies.Strategy) -> str:
    """Return the Keras dtype policy a strategy trains in: where batch norm learns, its statistics need float32."""
    return "float32" if strategy.batch_norm_learns else precision.policy()


def falling(step, thawed: int, steps: int) -> tf.Tensor:
    """Return by what the rate is multiplied for layers that are frozen after `thawed` of all `steps`.

    Their rate falls to zero along a cosine of its own, and begins higher by as much as it is shorter, so that in sum it
    is the same (FreezeOut, with scaled learning rates).
    """
    step = tf.cast(step, tf.float32)
    return steps / thawed * (1 + tf.cos(math.pi * step / thawed)) / (1 + tf.cos(math.pi * step / steps))


def _learning_early(model: keras.Model, train_from: str) -> dict[str, keras.Variable]:
    """Return by path the weights that learn only as long as the layers up to `train_from` are not frozen."""
    always = {weight.path for weight in model.trainable_variables}
    strategies.freeze_up_to(model, strategies.NEVER_THAWED)
    early = {weight.path: weight for weight in model.trainable_variables if weight.path not in always}
    strategies.freeze_up_to(model, train_from)
    return early


def _network(strategy: strategies.Strategy) -> keras.Model:
    """Return what is run at each step where the whole network is: the same weights, in less time and memory."""
    if strategy.batch_norm_learns:
        return fused_batch_norm.lean(strategy.model)
    return folded_layers.fold(strategy.model, policy(strategy))


def _begin_frozen(strategy, plan: Plan, samples, folder: pathlib.Path, live):
    """Freeze; return the tail and cached batches, or the whole and live ones where no view would be seen twice."""
    strategies.freeze_up_to(strategy.model, plan.train_from)
    size, steps = plan.recipe.batch_size, plan.recipe.steps
    thawed = round(steps * plan.thaw)
    left = (steps - thawed) * size
    views = math.ceil(left / len(samples) / strategies.SEEN) if plan.views is None else plan.views
    if not 0 < views * len(samples) < left:
        return _network(strategy), live
    frozen, tail = feature_cache.split(strategy.model, plan.train_from)
    epoch = thawed * size // len(samples)
    cache = feature_cache.FeatureCache(folder, samples, plan.label_map, views, plan.recipe.seed, epoch)
    cache.fill(frozen)
    return folded_layers.fold(tail, policy(strategy)), functools.partial(cache.batches, size)
