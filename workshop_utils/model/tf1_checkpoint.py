"""Read a checkpoint of TensorFlow 1's Object Detection API: its variables only; its graph is neither read nor run.

The API's `BatchNorm` and convolution variables have the same shapes as the weights of Keras's layers.
"""

import contextlib
import pathlib
import re
import tempfile
from collections.abc import Iterator

import numpy as np

from workshop_utils.core import archives
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import keras, tf

Names = dict[str, tuple[str, ...]]
"""{layer name: names of its variables in the checkpoint, in the order of `set_weights`}."""

BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
AVERAGE = "/ExponentialMovingAverage"
"""Ends the name of a variable's moving average, which the API evaluates with if there is one."""

STEP = "global_step"
FILES = r"[^/]+\.(index|data-\d{5}-of-\d{5})|checkpoint"
"""The files of a checkpoint that are read. `.meta`, the graph, is not needed."""

LISTED = 20
"""The largest number of variables that a message names."""


class CheckpointError(WorkshopError, ValueError):
    """A checkpoint that cannot be read, or does not fit. The message names the file and each variable."""


def convolution(layer: str, scope: str, kernel: str = "weights", norm: str | None = None) -> Names:
    """Return the names of a convolution without a bias and its batch norm.

    Args:
        layer: The name of the convolution layer.
        scope: The prefix of the variables' names.
        kernel: The name of the kernel.
        norm: The name of the batch-norm layer; by default `layer` and `_BN`.
    """
    variables = tuple(f"{scope}/BatchNorm/{part}" for part in BATCH_NORM)
    return {layer: (f"{scope}/{kernel}",), norm or f"{layer}_BN": variables}


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator["Checkpoint"]:
    """Open a checkpoint.

    Args:
        path: A folder with a checkpoint, a file of it, its prefix such as `model.ckpt-1000`, or a tar archive of it.
            If a folder has several checkpoints, the one that its file `checkpoint` names is opened, or else the last.

    Raises:
        CheckpointError: If there is no checkpoint, or it cannot be opened.
        ArchiveError: If the archive is damaged, or refused.
    """
    path = pathlib.Path(path)
    if path.is_file() and archives.is_archive(path):
        with tempfile.TemporaryDirectory() as scratch:
            archives.unpack(path, pathlib.Path(scratch), FILES)
            yield Checkpoint(path, _latest(path, sorted(pathlib.Path(scratch).rglob("*.index"))))
    elif path.is_dir():
        yield Checkpoint(path, _latest(path, sorted(path.glob("*.index"))))
    else:
        name = re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name)
        yield Checkpoint(path, _latest(path, [path.with_name(f"{name}.index")]))


def _latest(source: pathlib.Path, indices: list[pathlib.Path]) -> pathlib.Path:
    """Return the prefix of the checkpoint to read. Raises CheckpointError if there is none."""
    indices = [each for each in indices if each.is_file()]
    if not indices:
        raise CheckpointError(
            f"{source}: has no checkpoint of TensorFlow 1. Name a folder or an archive with model.ckpt.index and "
            "model.ckpt.data-00000-of-00001, or the .index file."
        )
    listing = indices[0].with_name("checkpoint")
    text = listing.read_text(encoding="utf-8", errors="replace") if listing.is_file() else ""
    named = re.search(r'^model_checkpoint_path: "(?:.*[/\\])?([^"/\\]+)"', text, re.MULTILINE)
    chosen = [each for each in indices if named and each.name == f"{named[1]}.index"]
    chosen = chosen or sorted(indices, key=lambda each: [int(number) for number in re.findall(r"\d+", each.name)])
    return chosen[-1].with_suffix("")


class Checkpoint:
    """The variables of a checkpoint.

    Attributes:
        source: The path that was opened, for messages.
        shapes: The shape of each variable, by name.
    """

    def __init__(self, source: pathlib.Path, prefix: pathlib.Path):
        self.source = source
        try:
            self._reader = tf.train.load_checkpoint(str(prefix))
            self.shapes = {name: tuple(shape) for name, shape in self._reader.get_variable_to_shape_map().items()}
            self._kinds = self._reader.get_variable_to_dtype_map()
        except Exception as error:  # TensorFlow's reader raises errors of many kinds
            raise CheckpointError(f"{source}: cannot be read ({_first_line(error)}). Copy it again.") from None
        if any(name.endswith("/.ATTRIBUTES/VARIABLE_VALUE") for name in self.shapes):
            raise CheckpointError(f"{source}: is a checkpoint of TensorFlow 2. Only those of TensorFlow 1 can be read.")

    def step(self) -> int:
        """Return the training step at which it was saved, or 0 if it does not say."""
        if self.shapes.get(STEP) != () or not self._kinds[STEP].is_integer:
            return 0
        return max(0, int(self._reader.get_tensor(STEP)))

    def weights(self, names: Names, model: keras.Model) -> dict[str, list[np.ndarray]]:
        """Return {layer name: arrays for `set_weights`}; moving averages if there are any.

        Args:
            names: The variables of each layer.
            model: The network, whose shapes have to fit.

        Raises:
            CheckpointError: If variables are missing, have another shape, or cannot be read; it names each of them.
        """
        found, misfits = {}, []
        for layer, variables in names.items():
            weights = model.get_layer(layer).weights
            found[layer] = []
            for name, weight in zip(variables, weights, strict=True):
                try:
                    found[layer].append(self._array(name, tuple(weight.shape)))
                except ValueError as misfit:
                    misfits.append(f"{name}: {misfit}")
        if misfits:
            listed = [*misfits[:LISTED], *([f"and {len(misfits) - LISTED} more"] if misfits[LISTED:] else [])]
            total = sum(map(len, names.values()))
            what = f"{len(misfits)} of the {total} variables of {model.name} do not fit"
            raise CheckpointError("\n  ".join((f"{self.source}: {what}:", *listed)))
        return found

    def unused(self, names: Names) -> list[str]:
        """Return the variables that `names` does not use, except the step and an optimizer's slots of those used."""
        used = {name for variables in names.values() for name in variables} | {STEP}
        return sorted(name for name in self.shapes if not used & {name, name.rpartition("/")[0]})

    def _array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a variable as float32. Raises ValueError, which says what is wrong. Shapes are compared before reading
        because an untrusted file may state any."""
        if name not in self.shapes:
            raise ValueError("is missing")
        name = name + AVERAGE if name + AVERAGE in self.shapes else name
        if self.shapes[name] != shape:
            raise ValueError(f"has the shape {self.shapes[name]}, but the network needs {shape}")
        if not self._kinds[name].is_floating:
            raise ValueError(f"has the type {self._kinds[name].name}, not a float")
        try:
            array = np.asarray(self._reader.get_tensor(name), np.float32)
        except Exception as error:
            raise ValueError(f"cannot be read ({_first_line(error)})") from None
        if not np.isfinite(array).all():
            raise ValueError("has infinite or NaN values")
        return array


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).split("\n")[0][:200]
