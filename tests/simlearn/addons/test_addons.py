"""The contract with code written for tensorflow-addons: signatures, `compile`, `fit`, saved models.

Numbers and gradients are in test_parity.py.
"""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import simlearn.addons as tfa
from simlearn.addons.losses import metric_learning
from simlearn.errors import UserError
from tests.simlearn.addons import oracle
from tests.simlearn.addons.test_parity import REFERENCE, assert_close, manhattan
from tests.simlearn.losses.backend import compiled

TRAINED = REFERENCE["training"]
FEATURES = np.array(REFERENCE["batches"]["random"]["rows"], "float32")
LABELS = np.array(REFERENCE["batches"]["random"]["labels"])
ODDITIES = REFERENCE["oddities"]

over_trained = pytest.mark.parametrize(
    "case", TRAINED, ids=lambda case: "-".join([case["loss"], *map(str, case["arguments"])])
)


@keras.saving.register_keras_serializable(package="test_addons")
def doubled(embeddings):
    return 2.0 * metric_learning.pairwise_distance(embeddings)


@pytest.fixture(autouse=True)
def _clean_keras():
    yield
    keras.backend.clear_session()


def model_of(case):
    kernel = np.array(case["start"], "float32")
    layer = keras.layers.Dense(kernel.shape[1], use_bias=False, activation=case["activation"])
    model = keras.Sequential([keras.Input((5,)), layer])
    layer.set_weights([kernel])
    loss = getattr(tfa, case["loss"])(**case["arguments"])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    return model


def fit(model, labels, weights=None):
    arguments = {"batch_size": 13, "epochs": 3, "shuffle": False, "verbose": 0}
    history = model.fit(FEATURES, np.array(labels), sample_weight=weights, **arguments)
    return history.history["loss"], model.get_weights()[0]


def test_nothing_of_theirs_is_missing_and_arguments_are_the_same():
    for name, expected in REFERENCE["signatures"].items():
        parameters = inspect.signature(getattr(tfa, name)).parameters.values()
        found = [
            [argument.name, None if argument.default is argument.empty else argument.default]
            for argument in parameters
            if argument.kind is argument.POSITIONAL_OR_KEYWORD
        ]
        assert found == expected, name
    assert set(tfa.__all__) == {*REFERENCE["signatures"], "losses"}


def test_their_ways_to_import_are_ours():
    assert tfa.losses.metric_learning is metric_learning
    for name in REFERENCE["signatures"]:
        home = metric_learning if name.endswith("distance") else tfa.losses
        assert getattr(home, name) is getattr(tfa, name)


@over_trained
def test_fit_takes_the_same_steps(case):
    history, kernel = fit(model_of(case), case["labels"])
    if case["loss"] != "NpairsLoss":
        assert_close(history, case["history"])
        assert_close(kernel, case["end"])
        return
    # Keras hands labels over as a column, of which theirs makes NaN from the first step on.
    assert case["history"] == ["nan"] * 3
    sets = [[label] for label in case["labels"]]
    start, last = (np.array(weights, "float64") for weights in (case["start"], kernel))
    assert_close(history[0], oracle.npairs(sets, FEATURES @ start))
    assert oracle.npairs(sets, FEATURES @ last) < history[2] < history[1] < history[0]


@over_trained
def test_what_theirs_saved_becomes_ours(case):
    loss = keras.saving.deserialize_keras_object(case["config"])
    assert type(loss) is getattr(tfa, case["loss"])
    for key, value in case["arguments"].items():
        assert getattr(loss, key) == value


@over_trained
def test_saved_models_load(case, tmp_path):
    model = model_of(case)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is type(model.loss)
    assert loaded.loss.get_config() == model.loss.get_config()
    rows = FEATURES @ model.get_weights()[0]
    rows = np.abs(rows) if case["loss"] == "ContrastiveLoss" else rows
    values = [each.loss(np.array(case["labels"]), rows) for each in (loaded, model)]
    assert float(values[0]) == float(values[1])


def test_a_function_for_a_metric_is_saved_if_keras_knows_it():
    loss = tfa.TripletHardLoss(distance_metric=doubled)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.distance_metric is doubled
    plain = tfa.triplet_hard_loss(LABELS, 2.0 * FEATURES)
    assert_close(float(again(LABELS, FEATURES)), float(plain))
    with pytest.raises(UserError, match=r"can be saved, received 'manhattan'; decorate it"):
        tfa.TripletSemiHardLoss(distance_metric=manhattan).get_config()


@pytest.mark.parametrize("compile_with", ["graph", "xla"])
@pytest.mark.parametrize("name", ["triplet_semihard_loss", "lifted_struct_loss", "npairs_loss"])
def test_compiled(name, compile_with):
    function = getattr(tfa, name)
    run = compiled(lambda labels, rows: function(labels, rows))[compile_with]
    rows = FEATURES @ FEATURES.T if name == "npairs_loss" else FEATURES
    assert_close(run(tf.constant(LABELS), tf.constant(rows)), function(LABELS, rows))


@over_trained
def test_weights_scale_the_share_of_each_item(case):
    assert ODDITIES["sample_weight"] == "InvalidArgumentError"  # Theirs takes none.
    loss, labels = model_of(case).loss, np.array(case["labels"])
    rows = FEATURES @ np.array(case["start"], "float32")
    pairs = case["loss"] == "ContrastiveLoss"
    rows = np.abs(rows) if pairs else rows
    alone = [float(loss(labels, rows, sample_weight=row)) for row in np.eye(13)]
    weights = np.linspace(0.2, 2.0, 13)
    # Linear in the weights, and the shares of single items add up to the whole.
    assert_close(float(loss(labels, rows, sample_weight=weights)), weights @ alone)
    assert_close(sum(alone), float(loss(labels, rows)))
    assert len({round(value, 5) for value in alone}) > 3
    if pairs:
        return
    function = {
        "LiftedStructLoss": tfa.lifted_struct_loss,
        "NpairsLoss": tfa.npairs_loss,
        "NpairsMultilabelLoss": tfa.npairs_multilabel_loss,
        "TripletSemiHardLoss": tfa.triplet_semihard_loss,
        "TripletHardLoss": tfa.triplet_hard_loss,
    }[case["loss"]]
    found = function(labels, rows, **case["arguments"], sample_weight=weights)
    assert_close(float(found), weights @ alone)


def test_large_ids_stay_apart_in_fit():
    case = next(case for case in TRAINED if case["loss"] == "NpairsLoss")
    large = [2**24 + label for label in case["labels"]]
    assert fit(model_of(case), large)[0] == fit(model_of(case), case["labels"])[0]


def test_sparse_sets_of_labels():
    sets = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    rows = np.arange(16.0).reshape(4, 4) % 5
    sparse = tf.sparse.from_dense(sets)
    dense = float(tfa.npairs_multilabel_loss(sets, rows))
    assert float(tfa.npairs_multilabel_loss(sparse, rows)) == dense
    assert float(tfa.NpairsMultilabelLoss()(sparse, rows)) == dense


def test_contrastive_is_one_value_a_pair_and_takes_reductions():
    # Theirs broadcasts these to (3, 3).
    assert ODDITIES["shape of contrastive_loss for labels (3, 1) and distances (3,)"] == [3, 3]
    labels, distances = np.array([[1], [0], [1]]), np.array([0.5, 0.25, 1.0], "float32")
    assert_close(tfa.contrastive_loss(labels, distances), [0.25, 0.5625, 1.0])
    flat = labels[:, 0]
    assert_close(tfa.ContrastiveLoss(reduction="none")(flat, distances), [0.25, 0.5625, 1.0])
    assert_close(tfa.ContrastiveLoss(1.0, "sum")(flat, distances), 1.8125)
    assert_close(tfa.ContrastiveLoss(reduction="auto")(flat, distances), 1.8125 / 3)


def test_double_precision_is_kept():
    assert ODDITIES["float64"] == "TypeError"  # Theirs takes none.
    value = tfa.triplet_hard_loss(LABELS, FEATURES.astype("float64"))
    assert keras.backend.standardize_dtype(value.dtype) == "float64"
    expected, _ = oracle.loss_of("triplet_hard_loss", LABELS, FEATURES)
    assert float(value) == pytest.approx(expected, rel=1e-12)


def test_an_item_is_at_0_from_itself():
    rows = 100.0 + FEATURES
    assert not np.diag(ops.convert_to_numpy(tfa.pairwise_distance(rows))).any()


def test_what_cannot_be_meant_is_refused():
    assert ODDITIES["unknown argument"] == "none"  # Theirs drops it.
    with pytest.raises(TypeError, match="margins"):
        tfa.LiftedStructLoss(margins=3.0)
    for loss in (tfa.TripletSemiHardLoss, tfa.TripletHardLoss):
        with pytest.raises(UserError, match=r"'L2', 'squared-L2', 'angular' or a .*'l2'"):
            loss(distance_metric="l2")
        with pytest.raises(UserError, match="margin"):
            loss(margin=-1.0)
    for loss in (tfa.LiftedStructLoss, tfa.ContrastiveLoss):
        with pytest.raises(UserError, match="margin"):
            loss(margin=0.0)
    with pytest.raises(UserError, match="integer labels, received float32"):
        tfa.triplet_semihard_loss(LABELS.astype("float32"), FEATURES)
    with pytest.raises(UserError, match=r"\(batch, batch\), received \(13, 5\)"):
        tfa.npairs_loss(LABELS, FEATURES)
    with pytest.raises(UserError, match=r"\(batch, classes\), received \(13,\)"):
        tfa.npairs_multilabel_loss(LABELS, FEATURES @ FEATURES.T)
    with pytest.raises(UserError, match="13 items, received 12"):
        tfa.npairs_multilabel_loss(np.eye(12), FEATURES @ FEATURES.T)
