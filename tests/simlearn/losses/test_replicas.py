"""Two replicas of half a batch each train as one machine with the whole batch does."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# In a process of its own: a second device can only be had before TensorFlow has started.
REPLICAS = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from simlearn import losses
from tests.simlearn.losses import table
from tests.simlearn.losses.families import classic, proxies, ranking, structured
from tests.simlearn.losses.test_keras import FEATURES, WEIGHTS, labels_for, model_for

def train(strategy, row, loss, size, labels):
    with strategy.scope():
        keras.utils.set_random_seed(3)
        model = model_for(row)
        model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
        weights = WEIGHTS[:size] if row.weighted else None
        history = model.fit(
            FEATURES[:size], labels[:size], batch_size=size, sample_weight=weights, verbose=0,
            shuffle=False,
        )
    return [np.float32(history.history["loss"]), *model.get_weights()]

mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

checked = 0
# Two views have a test of their own.
for row in [*classic.TABLE, *structured.TABLE, *ranking.TABLE, *proxies.TABLE]:
    if row.drawn:
        continue  # Each replica draws for itself.
    variants = [row.make()]
    if getattr(row.make(), "streams", False):
        variants.append(losses.StreamedLoss(row.make(), chunk=5))
    for loss in variants:
        # Keras itself fails where the first batch does not divide evenly.
        one = train(tf.distribute.get_strategy(), row, loss, 16, labels_for(row))
        two = train(mirrored, row, loss, 16, labels_for(row))
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=loss.name)
        checked += 1
    print(row.loss.__name__, flush=True)
    keras.backend.clear_session()
assert checked > 40, checked

# Labels that really are floats are refused, here as anywhere.
row = next(row for row in table.TABLE if row.loss is losses.TripletHardLoss)
try:
    train(mirrored, row, row.make(), 16, labels_for(row).astype("float32"))
except ValueError as error:
    print("refused" if "expected integer labels" in str(error) else error)
"""


@pytest.mark.slow
def test_two_replicas_train_like_one():
    command = [sys.executable, "-c", REPLICAS]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split()[-1:] == ["refused"], done.stderr[-3000:]
