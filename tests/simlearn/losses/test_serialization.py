"""Every loss survives its config, JSON and all, with every argument away from its default."""

import inspect
import json

import keras
import numpy as np
import pytest

from simlearn import distances, losses, mining
from simlearn.errors import UserError
from tests.simlearn.losses import table

over_all = pytest.mark.parametrize("row", table.TABLE, ids=lambda row: row.loss.__name__)


@keras.saving.register_keras_serializable(package="tests")
def manhattan(a, b):
    a, b = keras.ops.convert_to_tensor(a), keras.ops.convert_to_tensor(b)
    return keras.ops.sum(keras.ops.abs(a[:, None, :] - b[None, :, :]), axis=-1)


def through_json(loss):
    return keras.saving.deserialize_keras_object(
        json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    )


@over_all
def test_the_table_moves_every_argument_off_its_default(row):
    parameters = inspect.signature(row.loss.__init__).parameters
    assert all(p.kind is p.KEYWORD_ONLY for name, p in parameters.items() if name != "self")
    defaults = {name: p.default for name, p in parameters.items() if name != "self"}
    assert set(defaults) - {"name", "reduction"} == set(row.settings)
    assert not [name for name, value in row.settings.items() if value == defaults[name]]


@over_all
def test_config_round_trip(row):
    changes = {"name": "renamed"}
    if "reduction" in inspect.signature(row.loss.__init__).parameters:
        changes["reduction"] = "sum"
    loss = row.make(**changes)
    labels, rows = table.batch_for(row, "random")
    value = float(row.make(**changes)(labels, rows))
    for copy in (row.loss.from_config(loss.get_config()), through_json(loss)):
        assert type(copy) is row.loss
        assert copy.name == "renamed"
        assert copy.get_config() == loss.get_config()
        assert float(copy(labels, rows)) == value


@pytest.mark.parametrize("name", [name for name in distances.__all__ if name.islower()])
def test_every_distance_travels_in_a_config(name):
    if name == "paired":  # Not a distance: what makes one of two rows.
        return
    loss = losses.TripletHardLoss(distance=getattr(distances, name))
    assert through_json(loss).distance is getattr(distances, name)


@pytest.mark.parametrize("miner", [mining.batch_hard, mining.easy_positive, mining.semi_hard])
def test_every_miner_travels_in_a_config(miner):
    assert through_json(losses.MinedTripletLoss(miner=miner)).miner is miner


def test_a_miner_with_settings_travels_in_a_config():
    miner = mining.DistanceWeighted(dim=7, cutoff=0.3, nonzero_cutoff=1.1, seed=3)
    copy = through_json(losses.MinedTripletLoss(miner=miner)).miner
    assert isinstance(copy, mining.DistanceWeighted)
    assert copy is not miner
    assert copy.get_config() == miner.get_config()
    assert copy.get_config() == {"dim": 7, "cutoff": 0.3, "nonzero_cutoff": 1.1, "seed": 3}


def test_a_registered_distance_of_ones_own_travels_in_a_config():
    loss = losses.TripletSemiHardLoss(distance=manhattan)
    copy = through_json(loss)
    assert copy.distance is manhattan
    labels, rows = table.CASES["random"]
    assert float(copy(labels, rows)) == float(loss(labels, rows))


def test_a_callable_that_cannot_be_saved_is_refused_by_name():
    def homemade(a, b):
        return distances.euclidean(a, b)

    loss = losses.TripletHardLoss(distance=homemade)
    assert np.isfinite(float(loss(*table.CASES["random"])))
    with pytest.raises(UserError, match="can be saved, received 'homemade'; decorate it with"):
        loss.get_config()


@pytest.mark.parametrize("name", [name for name in losses.__all__ if name.islower()])
def test_every_function_is_registered(name):
    function = getattr(losses, name)
    assert keras.saving.get_registered_name(function) == f"simlearn>{name}"
