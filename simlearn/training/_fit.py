"""Keras' `fit` with a checkpoint after every epoch, a stop when the loss is no longer finite."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import keras
import numpy as np

from simlearn import checkpoint
from simlearn.checkpoint import Progress
from simlearn.errors import RunError, TrainingFailedError, UserError

CHECKPOINT = "checkpoint.npz"


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and Keras, and make TensorFlow's kernels deterministic.

    Args:
        seed: in `[0, 2^32)`.

    Raises:
        UserError: the seed is out of range.
    """
    if not 0 <= seed < 2**32:
        raise UserError(f"expected a seed in [0, 2^32), received {seed}")
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def fit(
    model: keras.Model,
    batches: Callable[[int], Any],
    *,
    epochs: int,
    steps_per_epoch: int,
    directory: str | Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    validation_data: Any = None,
    verbose: int | None = None,
) -> Progress:
    """Train, or go on training, to the last epoch.

    Interrupted at any moment, the same call resumes from the last finished epoch and, with
    `seed_everything` and seeded batches, ends with the same weights bit for bit on one machine.
    Layers and miners must draw from generators of their own, as Keras' layers do: the global ones
    of Python, numpy and Keras start anew with the process.

    Args:
        model: compiled and built; its weights are the result.
        batches: from the number of the first epoch to train (0 in a fresh run) to batches that
            `model.fit` takes, endless or long enough. What epoch k sees must depend on k alone:
            simlearn.data.pipeline's datasets do.
        epochs: in all, interruptions not counted; a finished run goes on where this grows.
        steps_per_epoch: batches an epoch.
        directory: of the run, made where missing; gets `checkpoint.npz` and, for TensorBoard,
            `logs/`.
        callbacks: any of Keras'; what they have counted and collected survives an interruption,
            as `simlearn.checkpoint.save` describes. Resume with the same ones in the same order.
        validation_data: as in `model.fit`.
        verbose: as in `model.fit`; by default a bar on a terminal, else a line an epoch.

    Returns:
        The history over all epochs, and the seconds they took.

    Raises:
        TrainingFailedError: the loss or a weight is no longer finite; the last good epoch is kept.
        RunError: the checkpoint cannot be written, or belongs to another model.
        UserError: `batches` is not a function.
    """
    if not callable(batches):
        raise UserError(
            "expected batches as a function of the first epoch, "
            f"received a {type(batches).__name__}"
        )
    directory = Path(directory)
    logs = directory / "logs"
    _make(logs)
    path = directory / CHECKPOINT
    stored = checkpoint.load(path, model)
    progress = Progress() if stored is None else stored.progress
    if progress.complete and (progress.stopped or progress.epochs >= epochs):
        return progress
    progress.complete = False
    if verbose is None:
        verbose = 1 if sys.stdout.isatty() else 2
    board = keras.callbacks.TensorBoard(str(logs), write_graph=False)
    model.fit(
        batches(progress.epochs),
        epochs=progress.epochs if progress.stopped else epochs,
        initial_epoch=progress.epochs,
        steps_per_epoch=steps_per_epoch,
        validation_data=validation_data,
        shuffle=False,
        # The board comes after the given ones, which may add scores to what it writes.
        callbacks=[_Finite(), *callbacks, board, _Keeper(path, stored, progress, callbacks)],
        verbose=verbose,
    )
    # Callbacks may change the weights at the very end, as an early stopper's best ones do.
    progress.complete = True
    checkpoint.save(path, model, progress, callbacks)
    return progress


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write to {directory}: {error.strerror}") from error
    if not os.access(directory, os.W_OK):
        raise RunError(f"cannot write to {directory}: permission denied")


class _Finite(keras.callbacks.Callback):
    """Ends the run when the loss or a weight is no longer a finite number."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            self._fail(f"the loss became {loss} in epoch {self._epoch + 1}, batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # A ReLU can turn the NaN of a broken weight into a 0, and the loss looks healthy.
        for variable in self.model.trainable_variables:
            if not np.isfinite(keras.ops.convert_to_numpy(variable).astype("float32")).all():
                self._fail(f"the weights {variable.path} are not finite after epoch {epoch + 1}")

    def _fail(self, what: str) -> NoReturn:
        raise TrainingFailedError(
            f"{what}; a lower learning rate may help, or a look at inputs and labels"
        )


class _Keeper(keras.callbacks.Callback):
    """Writes the checkpoint; last in the list, so that it sees what the others did."""

    def __init__(
        self,
        path: Path,
        stored: checkpoint.Stored | None,
        progress: Progress,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        super().__init__()
        self._path = path
        self._stored = stored
        self._progress = progress
        self._callbacks = callbacks
        self._started = 0.0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._stored is not None:
            self._stored.restore(self._callbacks)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            self._progress.history.setdefault(name, []).append(float(value))
        self._progress.epochs = epoch + 1
        self._progress.stopped = bool(self.model.stop_training)
        self._progress.seconds += time.monotonic() - self._started
        checkpoint.save(self._path, self.model, self._progress, self._callbacks)
