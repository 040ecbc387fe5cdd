"""The training schedule: which layers are frozen when, and which features are cached.

Fine-tuning freezes the layers up to `train_from`. It can cache their outputs for some augmented views of each photo:
they are computed once, and a training step runs only the layers after them. With `thaw` there are two stages, after
FreezeOut (Brock et al. 2017, arXiv 1706.04983): first nearly all layers learn, those up to `train_from` at a rate that
soon falls to zero, and then they are frozen. Strategies that freeze nothing have one stage.

`fast` says whether the same results are computed by plain Keras layers or, faster, by those in `training.fast`.
"""

import dataclasses
import difflib
import functools
import math
import pathlib
import shutil
from collections.abc import Callable

from workshop_utils.core import phrases
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data.dataset import Sample
from workshop_utils.model import architectures
from workshop_utils.training import batches
from workshop_utils.training.plan import Freezing, Plan
from workshop_utils.training.strategies import StrategyError

LOOKS = 3
"""How often a run of version 1 that chooses its number of views learns from each cached view, on average."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of training.

    Attributes:
        stop: The step before which it ends.
        weights: All that learn in it, or later.
        begin: Prepares it; returns the network to run at each step, and a function from two steps to the batches
            between them.
        scaled: Changes gradients before they are applied; see `train_step.make_step`.
    """

    stop: int
    weights: list[keras.Variable]
    begin: Callable[[], tuple[keras.Model, Callable]]
    scaled: Callable | None = None


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The stages in which a plan trains a model.

    Attributes:
        plan: What to train, and how.
        model: The detector to train.
        samples: The training photos.
        cache: The folder for the outputs of frozen layers.
        part: Which photos of each batch this process learns from. With fewer than all, nothing is cached.
        fast: Whether to compute with `training.fast` or with plain Keras.
    """

    plan: Plan
    model: keras.Model
    samples: list[Sample]
    cache: pathlib.Path
    part: slice
    fast: bool = True

    def stages(self) -> list[Stage]:
        """Return the stages, in order. Raises StrategyError for a layer that does not exist."""
        steps, frozen_from = self.plan.recipe.steps, self.plan.frozen_from
        if frozen_from is None:
            return [Stage(steps, self.model.trainable_variables, lambda: (self._network(self.model), self._live()))]
        freeze_up_to(self.model, self._freezing.train_from)
        last = Stage(steps, self.model.trainable_variables, self._begin_frozen)
        early = self._early_weights()
        if not (frozen_from and early):
            return [last]

        def scaled(gradients, weights, step):
            factor = falling(step, frozen_from, steps)
            pairs = zip(gradients, weights, strict=True)
            return [gradient * factor if weight.path in early else gradient for gradient, weight in pairs]

        weights = [*early.values(), *self.model.trainable_variables]
        return [Stage(frozen_from, weights, self._begin_thawed, scaled), last]

    @property
    def _freezing(self) -> Freezing:
        assert self.plan.freezing is not None  # `stages` asks for it only where the plan freezes
        return self.plan.freezing

    def _early_weights(self) -> dict[str, keras.Variable]:
        """Return by path the weights that learn only until the layers up to `train_from` are frozen."""
        always = {weight.path for weight in self.model.trainable_variables}
        freeze_up_to(self.model, self._architecture.freezing_depths[0])
        early = {weight.path: weight for weight in self.model.trainable_variables if weight.path not in always}
        freeze_up_to(self.model, self._freezing.train_from)
        return early

    def _begin_thawed(self) -> tuple[keras.Model, Callable]:
        shutil.rmtree(self.cache, ignore_errors=True)  # an interrupted run computed it from other weights
        freeze_up_to(self.model, self._architecture.freezing_depths[0])
        return self._network(self.model), self._live()

    def _begin_frozen(self) -> tuple[keras.Model, Callable]:
        """Freeze; return the layers that still learn with cached batches, or the whole network where no view would be
        seen twice."""
        plan, size, frozen_from = self.plan, self.plan.recipe.batch_size, self.plan.frozen_from or 0
        freeze_up_to(self.model, self._freezing.train_from)
        steps_left = (plan.recipe.steps - frozen_from) * size
        views = self._freezing.views
        if views is None:
            views = math.ceil(steps_left / len(self.samples) / LOOKS)
        if not 0 < views * len(self.samples) < steps_left:
            return self._network(self.model), self._live()
        first_epoch = frozen_from * size // len(self.samples)
        if not self.fast:
            return self.model, self._live(repeat=(first_epoch, views))
        from workshop_utils.training.fast import feature_cache, folded_layers, precision

        frozen, tail = feature_cache.split(self.model, self._freezing.train_from)
        cache = feature_cache.FeatureCache(self.cache, self.samples, plan.classes, views, plan.recipe.seed, first_epoch)
        cache.fill(frozen)
        return folded_layers.fold(tail, precision.policy()), functools.partial(cache.batches, size)

    def _live(self, repeat: tuple[int, int] | None = None) -> Callable:
        """Return a function that makes batches of images; `repeat` is as for `batches.batch`."""
        recipe = self.plan.recipe
        return functools.partial(
            batches.batches,
            self.samples,
            self.plan.classes,
            recipe.batch_size,
            recipe.seed,
            part=self.part,
            repeat=repeat,
        )

    def _network(self, model: keras.Model) -> keras.Model:
        """Return the network to run if no features are cached: the model, or a faster one that shares its weights."""
        if not self.fast:
            return model
        from workshop_utils.training.fast import folded_layers, fused_batch_norm, precision

        if self.plan.chosen.batch_norm_learns:
            return fused_batch_norm.fuse(model, self._architecture.recomputed_up_to)
        return folded_layers.fold(model, precision.policy())

    @property
    def _architecture(self) -> architectures.Architecture:
        return architectures.get(self.plan.architecture)


def freeze_up_to(model: keras.Model, name: str) -> None:
    """Freeze the layer called `name` and all before it, and no other. Raises StrategyError if it does not exist."""
    names = [layer.name for layer in model.layers]
    if name not in names:
        close = phrases.listed(difflib.get_close_matches(name, names, cutoff=0))
        raise StrategyError(f"The detector has no layer '{name}'. Layers with similar names: {close}.")
    for place, layer in enumerate(model.layers):
        layer.trainable = place > names.index(name)


def falling(step: tf.Tensor, frozen_from: int, steps: int) -> tf.Tensor:
    """Return the factor of the learning rate for layers that are frozen from step `frozen_from` of `steps` on.

    Their rate falls to zero along its own cosine, which starts higher the shorter it is, so that its sum over all steps
    is the same (FreezeOut, with scaled learning rates).
    """
    step = tf.cast(step, tf.float32)
    return steps / frozen_from * (1 + tf.cos(math.pi * step / frozen_from)) / (1 + tf.cos(math.pi * step / steps))
