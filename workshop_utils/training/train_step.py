"""One training step: compute the losses and gradients of a batch, and change the weights."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workshop_utils.core.settings import Recipe
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.model.losses import multibox_loss

if TYPE_CHECKING:
    from workshop_utils.training.distributed import Team

MOMENTUM = 0.9
CLIP_NORM = 10.0
"""The norm of all gradients together is clipped to this."""


def make_step(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    batch_norm_learns: bool,
    scaled: Callable | None = None,
    team: "Team | None" = None,
) -> Callable:
    """Compile the training step.

    Args:
        model: The network, or its layers after the frozen ones.
        optimizer: Changes the weights; already built for them.
        batch_norm_learns: Whether batch norm uses and learns the statistics of each batch.
        scaled: Takes the gradients, their weights and the number of steps done; returns the gradients to apply.
        team: The workers that train together, if there are several. The inputs are then this worker's part of the
            batch; losses and gradients are summed over all workers.

    Returns:
        A function from (inputs, box targets, class targets) to the (localisation, classification) loss.
    """

    @tf.function(autograph=False)
    def step(inputs, box_targets, class_targets):
        inputs = tf.nest.map_structure(lambda each: tf.cast(each, tf.float32), inputs)
        with tf.GradientTape() as tape:
            box_encodings, class_logits = model(inputs, training=batch_norm_learns)
            outputs = tf.cast(box_encodings, tf.float32), tf.cast(class_logits, tf.float32)
            localisation, classification = multibox_loss(box_targets, class_targets, *outputs)
            loss = localisation + classification
        weights = model.trainable_variables
        gradients = tape.gradient(loss, weights)
        if team:
            localisation, classification, *gradients = team.mean(
                class_targets, localisation, classification, *gradients
            )
        if scaled:
            gradients = scaled(gradients, weights, optimizer.iterations)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return localisation, classification

    return step


def make_optimizer(recipe: Recipe, fast: bool = True) -> keras.optimizers.SGD:
    """Return SGD with momentum, whose learning rate warms up as in the recipe, then decays to zero along a cosine.

    Args:
        recipe: The learning rate, the steps and the warm-up.
        fast: Whether to use `training.fast.optimizer`, which computes the same in fewer operations.
    """
    rate: Any = keras.optimizers.schedules.CosineDecay(
        0.0 if recipe.warmup else recipe.learning_rate,
        max(1, recipe.steps - recipe.warmup),
        warmup_target=recipe.learning_rate if recipe.warmup else None,
        warmup_steps=recipe.warmup,
    )
    if not fast:
        return keras.optimizers.SGD(rate, momentum=MOMENTUM, global_clipnorm=CLIP_NORM)
    from workshop_utils.training.fast.optimizer import Momentum

    return Momentum(rate, momentum=MOMENTUM, global_clipnorm=CLIP_NORM)
