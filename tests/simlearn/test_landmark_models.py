"""Landmark heads and models, several tasks at once, and TCDCN's stopping."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from simlearn import backbones, losses, models, training
from simlearn.errors import UserError
from simlearn.heads import LandmarkRegression, SoftArgmax, attribute_heads


def test_regression_spans_the_picture_from_its_middle():
    head = LandmarkRegression(2, size=(30, 50))
    head.build((None, 4))
    head.kernel.assign(np.eye(4))
    # z = (1, 1): half a width right of the middle, the right edge; (-1, 0): the left edge.
    points = ops.convert_to_numpy(head(np.array([[1.0, 1.0, -1.0, 0.0]])))
    np.testing.assert_allclose(points, [[[49.5, 29.5], [-0.5, 14.5]]], atol=1e-5)


def test_soft_argmax_is_the_mean_place_of_the_softmax():
    maps = np.random.default_rng(0).normal(0, 2, (2, 3, 5, 2))
    found = ops.convert_to_numpy(SoftArgmax(size=(12, 40))(maps))
    for b in range(2):
        for p in range(2):
            shares = np.exp(maps[b, :, :, p]) / np.exp(maps[b, :, :, p]).sum()
            # Cells of 8 by 4 pixels; the centre of the first is (3.5, 1.5).
            x = sum(shares[i, j] * (8 * j + 3.5) for i in range(3) for j in range(5))
            y = sum(shares[i, j] * (4 * i + 1.5) for i in range(3) for j in range(5))
            np.testing.assert_allclose(found[b, p], [x, y], rtol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [LandmarkRegression(3, size=(8, 6)), SoftArgmax(size=(8, 6))],
    ids=["regression", "soft argmax"],
)
def test_heads_come_back_from_their_configuration_and_stay_in_float32(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    given = np.ones((2, 4)) if isinstance(layer, LandmarkRegression) else np.ones((2, 4, 3, 3))
    result = again(ops.cast(given, "float16"))
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    assert result.shape == again.compute_output_shape(given.shape) == (2, 3, 2)


def test_what_heads_cannot_take_is_refused():
    for call, message in (
        (lambda: LandmarkRegression(0, size=(4, 4)), "points to be at least 1"),
        (lambda: LandmarkRegression(1, size=(4, 0)), "size as height and width"),
        (lambda: SoftArgmax(size=(4,)), "size as height and width"),
        (lambda: SoftArgmax(size=(4, 4))(np.ones((1, 4, 4))), r"heatmaps \(batch, rows"),
        (lambda: attribute_heads(keras.Input((3,)), {"one": 1}), "at least 2 values"),
        (lambda: models.landmarks(backbones.landmark_cnn(units=4), 2, attributes={"points": 2}),
         "other names than 'points'"),
        (lambda: models.heatmap_landmarks(backbones.landmark_cnn(units=4), 2), "two outputs"),
        (lambda: backbones.landmark_cnn((29, 40, 1)), "at least 30x30"),
        (lambda: backbones.landmark_cnn(dropout=1.0), "dropout in"),
        (lambda: backbones.residual_pyramid((48, 50, 1)), "multiples of 8"),
        (lambda: backbones.residual_pyramid(widths=(8,), blocks=(1, 1)), "one number of blocks"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message):
            call()


def test_the_tutorials_network_has_its_sizes():
    model = backbones.landmark_cnn()
    shapes = [layer.output.shape[1:] for layer in model.layers if "pool" in layer.name]
    # 40 - 4 = 36, halved; 18 - 2 = 16, halved; 8 - 2 = 6, halved; then 3 - 1 = 2.
    assert shapes == [(18, 18, 16), (8, 8, 48), (3, 3, 64)]
    # Weights and biases of each convolution, then 2 * 2 * 64 features to 1024.
    convolutions = 26 * 16 + (9 * 16 + 1) * 48 + (9 * 48 + 1) * 64 + (4 * 64 + 1) * 64
    assert model.count_params() == convolutions + 257 * 1024


def small_model(attributes=None):
    pyramid = backbones.residual_pyramid((16, 16, 1), widths=(4, 8), blocks=(1, 1), merged=4)
    return models.heatmap_landmarks(pyramid, 3, attributes=attributes)


def pictures(count=8, side=16):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 1)).astype("float32")


def test_heatmaps_move_with_the_picture():
    keras.utils.set_random_seed(1)
    pyramid = backbones.residual_pyramid((64, 64, 1), widths=(8, 8), blocks=(1, 1), merged=8)
    heatmaps = keras.Model(
        pyramid.inputs[0], models.heatmap_landmarks(pyramid, 1).get_layer("heatmaps").output
    )
    picture = np.zeros((1, 64, 64, 1), "float32")
    picture[0, 28:31, 24:27] = 255.0
    moved = np.roll(picture, (4, 8), axis=(1, 2))  # Whole cells of the coarsest map.
    first, second = (np.asarray(heatmaps(one)) for one in (picture, moved))
    assert first.shape == (1, 32, 32, 1)
    # What lies far enough from the edges for no padding to be seen.
    np.testing.assert_allclose(first[:, 12:18, 10:16], second[:, 14:20, 14:20], atol=1e-4)
    assert np.ptp(first[:, 12:18, 10:16]) > 1e-3


def multi_task(weighting=None, network=None):
    network = network or small_model({"smile": 2})
    return models.MultiTask(
        network,
        {"points": losses.LandmarkSquaredLoss(), "smile": losses.AttributeLoss()},
        weighting or models.FixedWeights({"points": 1.0, "smile": 0.25}),
        measures={"points": {"error": losses.LandmarkNormalizedLoss()}},
    )


def truth(count=8):
    random = np.random.default_rng(1)
    points = random.uniform(0, 16, (count, 3, 2)).astype("float32")
    known = np.ones((count, 3, 1), "float32")
    return {"points": np.concatenate([points, known], -1), "smile": np.arange(count) % 2}


def test_each_task_is_shown_and_the_loss_is_their_weighted_sum():
    model = multi_task()
    model.compile("sgd")
    scores = model.evaluate(pictures(), truth(), batch_size=8, verbose=0, return_dict=True)
    assert set(scores) == {"loss", "points_loss", "smile_loss", "points_error"}
    assert scores["loss"] == pytest.approx(
        scores["points_loss"] + 0.25 * scores["smile_loss"], rel=1e-5
    )
    outputs = model.network(pictures())
    expected = losses.LandmarkSquaredLoss()(truth()["points"], outputs["points"])
    assert scores["points_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_the_networks_regularizers_count():
    inputs = keras.Input((16, 16, 1))
    outputs = small_model({"smile": 2})(inputs)
    outputs["smile"] = keras.layers.Dense(
        2, kernel_regularizer=keras.regularizers.L2(0.5), kernel_initializer="ones", name="smile"
    )(outputs["smile"])
    model = multi_task(network=keras.Model(inputs, outputs))
    model.compile("sgd")
    scores = model.evaluate(pictures(), truth(), batch_size=8, verbose=0, return_dict=True)
    # Half the sum of the squares of four ones.
    assert scores["loss"] == pytest.approx(
        scores["points_loss"] + 0.25 * scores["smile_loss"] + 2.0, rel=1e-5
    )


def test_a_network_learns_several_tasks_and_its_weights_are_its_own():
    keras.utils.set_random_seed(0)
    network = small_model({"smile": 2})
    model = multi_task(network=network)
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(pictures(), truth(), epochs=80, batch_size=8, verbose=0, shuffle=False)
    for task in ("points_loss", "smile_loss"):
        assert history.history[task][-1] < 0.7 * history.history[task][0]
    before = np.asarray(network(pictures())["points"])
    np.testing.assert_array_equal(before, np.asarray(model(pictures())["points"]))


def test_uncertainty_is_the_papers_formula_and_settles_where_its_derivative_is_zero():
    weighting = models.UncertaintyWeights(["points", "smile"], regressions=["points"])
    for variable, value in zip(weighting.log_variances, (0.7, -0.3), strict=True):
        variable.assign(value)
    given = {"points": ops.array(2.0), "smile": ops.array(0.5)}
    # sigma^2 = exp(s): L / (2 sigma^2) + log sigma, and L / sigma^2 + log sigma.
    expected = 2.0 / (2 * math.exp(0.7)) + 0.35 + 0.5 / math.exp(-0.3) - 0.15
    assert float(weighting(given)) == pytest.approx(expected, rel=1e-6)
    # L / (2 sigma^2) + s / 2 is least at sigma^2 = L; L / sigma^2 + s / 2 at sigma^2 = 2 L.
    for variable, value in zip(weighting.log_variances, (2.0, 1.0), strict=True):
        variable.assign(math.log(value))
    least = float(weighting(given))
    for variable in weighting.log_variances:
        for step in (-0.1, 0.1):
            variable.assign_add(step)
            assert float(weighting(given)) > least
            variable.assign_sub(step)
    assert weighting.weights_by_task()["smile"] == pytest.approx(1.0)


def test_learned_weights_are_trained_with_the_network():
    weighting = models.UncertaintyWeights(["points", "smile"], regressions=["points"])
    model = multi_task(weighting)
    assert {v.name for v in weighting.trainable_variables} <= {
        v.name for v in model.trainable_variables
    }
    model.compile(keras.optimizers.SGD(0.001))
    model.fit(pictures(), truth(), epochs=1, batch_size=4, verbose=0)
    assert all(float(variable) != 0 for variable in weighting.log_variances)


def test_what_several_tasks_cannot_take_is_refused():
    given = {"points": ops.array(1.0)}
    for call, message in (
        (lambda: models.FixedWeights({}), "weights of at least 0"),
        (lambda: models.FixedWeights({"a": -1.0}), "weights of at least 0"),
        (lambda: models.FixedWeights({"a": 1.0})(given), r"losses of the tasks \['a'\]"),
        (lambda: models.FixedWeights({"a": 1.0}).stop("b"), "a task of"),
        (lambda: models.UncertaintyWeights(["a", "a"]), "different tasks"),
        (lambda: models.UncertaintyWeights(["a"], regressions=["b"]), "regressions among them"),
        (lambda: multi_task(network=small_model()), r"tasks among the outputs \['points'\]"),
    ):
        with pytest.raises(UserError, match=message):
            call()


def test_the_measure_is_the_papers():
    train = [9.0, 8.0, 0.5, 2.0, 4.0, 1.0, 2.0]
    # k = 3: the last are 4, 1, 2; k med = 6, their sum 7, so the trend is 6 / 1. The least of all
    # epochs is 0.5.
    assert training.stopping_measure(train, 3.0, 3) == pytest.approx(6.0 * (3.0 - 0.5) / 0.5)
    assert training.stopping_measure(train, 3.0, 3, 4.0) == pytest.approx(7.5)
    assert training.stopping_measure(train[:2], 3.0, 3) == 0.0
    assert training.stopping_measure(train, 0.25, 3) == 0.0  # It generalises.
    assert training.stopping_measure([2.0, 2.0, 2.0], 3.0, 3) == math.inf  # It stands still.


def test_a_side_task_that_stalls_and_overfits_is_stopped_for_good():
    weighting = models.FixedWeights({"points": 1.0, "smile": 0.5, "pose": 0.5})
    callback = training.TaskWiseStopping(weighting, main="points", strip=3, threshold=2.0)
    for epoch in range(5):
        fast = 8.0 * 0.4**epoch
        callback.on_epoch_end(
            epoch,
            {
                "points_loss": 1.0,
                "val_points_loss": 9.0,
                "smile_loss": 1.0 + 0.001 * epoch,
                "val_smile_loss": 2.0,
                "pose_loss": fast,
                "val_pose_loss": fast * 1.05,
            },
        )
    assert weighting.weights_by_task() == {"points": 1.0, "smile": 0.0, "pose": 0.5}
    assert callback.stopped == {"smile": 2}


def test_without_validation_nothing_is_stopped_and_settings_are_checked():
    weighting = models.FixedWeights({"points": 1.0, "smile": 0.5})
    callback = training.TaskWiseStopping(weighting, main="points", strip=2)
    for epoch in range(4):
        callback.on_epoch_end(epoch, {"smile_loss": 1.0})
    assert callback.stopped == {}
    for options in ({"main": "nose"}, {"strip": 1}, {"threshold": 0.0}, {"importances": {"a": 0}}):
        with pytest.raises(UserError, match="expected"):
            training.TaskWiseStopping(weighting, **{"main": "points", **options})


def test_a_resumed_run_goes_on_without_the_stopped_task(tmp_path):
    def fitted(epochs, directory):
        keras.utils.set_random_seed(0)
        model = multi_task()
        model.compile(keras.optimizers.SGD(0.001))
        callback = training.TaskWiseStopping(
            model.weighting, main="points", strip=2, threshold=1e-9
        )
        data = (pictures(), truth())
        training.fit(
            model,
            lambda first: tf.data.Dataset.from_tensors(data).repeat(),
            epochs=epochs,
            steps_per_epoch=1,
            directory=directory,
            callbacks=[callback],
            validation_data=(50 * pictures(), truth()),  # So that it does badly there.
            verbose=0,
        )
        return model, callback

    model, callback = fitted(3, tmp_path / "a")
    assert callback.stopped
    model, callback = fitted(5, tmp_path / "a")
    assert callback.stopped == {"smile": 1}
    assert model.weighting.weights_by_task()["smile"] == 0.0
