import functools

import keras
import numpy as np
import pytest

from simlearn import backbones, heads, models
from simlearn.errors import UserError

SHAPE = (11, 13, 3)
PAIRS = 7
SAME = np.array([1, 0, 0, 1, 1, 0, 1])


@pytest.fixture
def mixed_float16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


def pictures(seed=0, count=PAIRS):
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE)).astype("uint8")


def encoder():
    return backbones.conv4(SHAPE, filters=17)


def dense_encoder():
    """A cheap one: 429 inputs, 5 features."""
    return keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
         keras.layers.Dense(5)]
    )  # fmt: skip


def test_embedding_is_a_normalised_projection():
    source = encoder()
    model = models.embedding(source, dim=5)
    kernel, bias = model.get_layer("projection").get_weights()
    assert kernel.shape == (17, 5)
    projected = np.asarray(source(pictures())) @ kernel + bias
    lengths = np.sqrt((projected**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(model(pictures()), projected / lengths, rtol=1e-4, atol=1e-5)


def test_embedding_without_unit_length():
    source = encoder()
    model = models.embedding(source, dim=5, normalize=False)
    kernel, bias = model.get_layer("projection").get_weights()
    expected = np.asarray(source(pictures())) @ kernel + bias
    np.testing.assert_allclose(model(pictures()), expected, rtol=1e-4, atol=1e-5)


def test_embedding_gives_access_to_the_encoders_layers():
    source = encoder()
    model = models.embedding(source)
    assert all(model.get_layer(layer.name) is layer for layer in source.layers)


def test_siamese_holds_one_encoder():
    source = encoder()
    model = models.siamese(source, heads.KochHead())
    # 17 weights and a bias in the head.
    assert model.count_params() == source.count_params() + 17 + 1
    shared = model.get_layer("encoder")
    assert all(ours is theirs for ours, theirs in zip(shared.weights, source.weights, strict=True))


def test_siamese_applies_the_encoder_to_both_sides():
    source, head = encoder(), heads.ConcatenatedHead(units=5)
    model = models.siamese(source, head)
    left, right = pictures(1), pictures(2)
    expected = head(source(left), source(right))
    np.testing.assert_allclose(model((left, right)), expected, rtol=1e-5)


@pytest.mark.parametrize("head", [heads.KochHead, heads.DistanceHead])
def test_siamese_is_symmetric_where_its_head_is(head):
    model = models.siamese(encoder(), head())
    left, right = pictures(1), pictures(2)
    forth, back = model((left, right)), model((right, left))
    np.testing.assert_allclose(forth, back, rtol=1e-6)
    assert np.std(forth) > 1e-6


def test_siamese_takes_lists_tuples_and_dicts():
    model = models.siamese(encoder(), heads.ConcatenatedHead(units=5))
    left, right = pictures(1), pictures(2)
    expected = model.predict((left, right), verbose=0)
    assert expected.shape == (PAIRS, 1)
    for inputs in ([left, right], {"left": left, "right": right}, {"right": right, "left": left}):
        np.testing.assert_array_equal(model.predict(inputs, verbose=0), expected)


def test_siamese_takes_a_plain_function_for_a_head():
    source = encoder()
    model = models.siamese(source, lambda left, right: keras.ops.sum(left * right, axis=-1))
    left, right = pictures(1), pictures(2)
    expected = (np.asarray(source(left)) * np.asarray(source(right))).sum(axis=1)
    np.testing.assert_allclose(model((left, right)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("head", "loss", "jit_compile"),
    [
        (heads.DistanceHead, keras.losses.MeanSquaredError, False),
        (heads.DistanceHead, keras.losses.MeanSquaredError, True),
        (heads.KochHead, keras.losses.BinaryCrossentropy, False),
        (lambda: heads.ConcatenatedHead(units=5), keras.losses.BinaryCrossentropy, True),
    ],
)
def test_training_the_siamese_network_trains_the_encoder(head, loss, jit_compile):
    source = models.embedding(dense_encoder(), dim=3)
    model = models.siamese(source, head())
    before = source.get_weights()
    model.compile("adam", loss(), metrics=["accuracy"], jit_compile=jit_compile)
    inputs = {"left": pictures(1), "right": pictures(2)}
    history = model.fit(inputs, SAME, batch_size=PAIRS, sample_weight=np.ones(PAIRS), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for old, new in zip(before, source.get_weights(), strict=True):
        assert np.abs(new - old).max() > 0


def test_fit_reports_the_loss_of_the_pairs():
    # The first batch is scored before the step: the mean square of (distance - target).
    model = models.siamese(dense_encoder(), heads.DistanceHead())
    left, right = pictures(1), pictures(2)
    expected = np.mean((np.asarray(model((left, right))) - SAME) ** 2)
    model.compile("sgd", keras.losses.MeanSquaredError())
    history = model.fit((left, right), SAME, batch_size=PAIRS, shuffle=False, verbose=0)
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_duplicate_pairs_do_not_break_training():
    model = models.siamese(models.embedding(dense_encoder(), dim=3), heads.DistanceHead())
    model.compile("adam", keras.losses.MeanSquaredError())
    model.fit((pictures(1), pictures(1)), 1 - SAME, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_frozen_encoder_stays_as_it_is_in_training():
    source = encoder()
    model = models.siamese(source, heads.KochHead())
    source.trainable = False
    before, features = source.get_weights(), np.asarray(source(pictures()))
    assert len(model.trainable_variables) == 2
    model.compile("adam", keras.losses.BinaryCrossentropy())
    model.fit((pictures(1), pictures(2)), SAME, epochs=2, verbose=0)
    for old, new in zip(before, source.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(model.get_layer("encoder")(pictures(), training=True), features)


def test_siamese_file_round_trip_gives_the_encoder_back(tmp_path):
    source = models.embedding(encoder(), dim=5)
    model = models.siamese(source, heads.ConcatenatedHead(units=3))
    model.save(tmp_path / "siamese.keras")
    loaded = keras.models.load_model(tmp_path / "siamese.keras")
    inputs = {"left": pictures(1), "right": pictures(2)}
    np.testing.assert_allclose(loaded(inputs), model(inputs), rtol=1e-6)
    np.testing.assert_allclose(
        loaded.get_layer("encoder")(pictures()), source(pictures()), rtol=1e-5, atol=1e-6
    )
    assert loaded.count_params() == model.count_params()


def test_proxy_classifier_gives_cosines_and_its_embedding_back(tmp_path):
    source = models.embedding(encoder(), dim=5, normalize=False)
    model = models.proxy_classifier(source, classes=3)
    model.save(tmp_path / "proxies.keras")
    model = keras.models.load_model(tmp_path / "proxies.keras")
    vectors = np.asarray(source(pictures()))
    np.testing.assert_allclose(model.get_layer("embedding")(pictures()), vectors, rtol=1e-5)
    (proxies,) = model.get_layer("proxies").get_weights()
    for row, vector in enumerate(vectors):
        for column, proxy in enumerate(proxies):
            cosine = vector @ proxy / np.linalg.norm(vector) / np.linalg.norm(proxy)
            assert float(model(pictures())[row, column]) == pytest.approx(cosine, abs=1e-5)


@pytest.mark.parametrize(
    ("head", "shape"),
    [
        (functools.partial(heads.MultiProxies, centers=2, tau=0.2), (PAIRS, 2, 3)),
        (heads.ProxiesWithNorm, (PAIRS, 4)),
        (heads.ProxiesWithQuality, (PAIRS, 4)),
        (heads.Centers, (PAIRS, 3)),
    ],
)
def test_proxy_classifier_takes_other_heads(head, shape, tmp_path):
    source = models.embedding(dense_encoder(), dim=5, normalize=False)
    model = models.proxy_classifier(source, classes=3, head=head)
    output = model(pictures())
    assert tuple(output.shape) == shape
    np.testing.assert_allclose(model.get_layer("proxies")(source(pictures())), output, rtol=1e-5)
    model.save(tmp_path / "proxies.keras")
    loaded = keras.models.load_model(tmp_path / "proxies.keras")
    np.testing.assert_allclose(loaded(pictures()), output, rtol=1e-5)
    assert [float(term) for term in loaded.losses] == [float(term) for term in model.losses]


def test_proxy_classifier_refuses_a_layer_already_made():
    made = heads.MultiProxies(3, name="made")
    with pytest.raises(UserError, match=r"what makes the layer.*received the layer 'made'"):
        models.proxy_classifier(dense_encoder(), classes=3, head=made)


def test_proxy_classifier_learns_with_a_plain_softmax():
    keras.utils.set_random_seed(3)
    source = models.embedding(dense_encoder(), dim=3)
    model = models.proxy_classifier(source, classes=2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=True)
    losses = model.fit(pictures(), SAME, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.03


@pytest.mark.usefixtures("mixed_float16")
def test_mixed_precision_trains_and_gives_float32():
    source = models.embedding(encoder(), dim=5)
    assert source(pictures()).dtype == "float32"
    assert models.embedding(encoder(), normalize=False)(pictures()).dtype == "float32"
    assert models.proxy_classifier(source, classes=3)(pictures()).dtype == "float32"
    model = models.siamese(source, heads.ConcatenatedHead(units=3))
    model.compile("adam", keras.losses.BinaryCrossentropy())
    history = model.fit((pictures(1), pictures(2)), SAME, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model((pictures(1), pictures(2))).dtype == "float32"


@pytest.mark.parametrize(
    "build",
    [
        lambda source: models.embedding(source),
        lambda source: models.siamese(source, heads.KochHead()),
        lambda source: models.proxy_classifier(source, 3),
        lambda source: models.two_views(source),
        lambda source: models.simsiam(source, dim=3),
    ],
    ids=["embedding", "siamese", "proxy_classifier", "two_views", "simsiam"],
)
def test_wrong_encoders_are_refused(build):
    with pytest.raises(UserError, match=r"one output of shape .*'conv4'.*1, 1, 64.*pooling"):
        build(backbones.conv4((16, 16, 1), pooling=None))
    two = models.siamese(dense_encoder(), heads.KochHead())
    with pytest.raises(UserError, match="got 'siamese' with 2 inputs"):
        build(two)
    with pytest.raises(UserError, match="got 'unbuilt' with 0 inputs"):
        build(keras.Sequential([keras.layers.Dense(3)], name="unbuilt"))


def test_dim_is_checked():
    with pytest.raises(UserError, match="dim to be at least 1; got 0"):
        models.embedding(dense_encoder(), dim=0)


def stacked(model, *views):
    return np.stack([np.asarray(model(view)) for view in views], axis=1)


def test_two_views_stacks_what_one_model_makes_of_each():
    source = models.embedding(encoder(), dim=5, normalize=False)
    model = models.two_views(source)
    assert model.count_params() == source.count_params()
    assert model.output_shape == (None, 2, 5)
    left, right = pictures(1), pictures(2)
    expected = stacked(source, left, right)
    np.testing.assert_allclose(model((left, right)), expected, rtol=1e-5)
    given = {"right": right, "left": left}
    np.testing.assert_allclose(model.predict(given, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_simsiam_stacks_prediction_and_projection_of_each_view():
    source = encoder()
    model = models.simsiam(source, dim=7, hidden=11, bottleneck=3)
    # Projector 17 -> 11 -> 11 -> 7, predictor 7 -> 3 -> 7; four numbers a normalised unit.
    projector = 17 * 11 + 11 * 11 + 11 * 7 + 4 * (11 + 11 + 7)
    predictor = 7 * 3 + 4 * 3 + 3 * 7 + 7
    assert model.count_params() == source.count_params() + projector + predictor
    assert model.output_shape == (None, 2, 2, 7)
    left, right = pictures(1), pictures(2)
    z = [model.get_layer("projector")(source(view)) for view in (left, right)]
    p = [model.get_layer("predictor")(view) for view in z]
    expected = np.stack([np.stack(view, axis=1) for view in zip(p, z, strict=True)], axis=1)
    np.testing.assert_allclose(model((left, right)), expected, rtol=1e-4, atol=1e-6)


def test_simsiam_has_the_papers_sizes_and_ends():
    model = models.simsiam(dense_encoder())
    kinds = {}
    for part in ("projector", "predictor"):
        layers = model.get_layer(part).layers
        dense = [layer for layer in layers if isinstance(layer, keras.layers.Dense)]
        kinds[part] = [type(layer).__name__ for layer in layers], [d.units for d in dense]
    block = ["Dense", "BatchNormalization", "ReLU"]
    assert kinds["projector"] == ([*block, *block, *block[:2]], [2048, 2048, 2048])
    assert kinds["predictor"] == ([*block, "Dense"], [512, 2048])


def test_simsiam_with_one_layer_projects_straight():
    model = models.simsiam(dense_encoder(), dim=3, bottleneck=2, layers=1)
    names = [type(layer).__name__ for layer in model.get_layer("projector").layers]
    assert names == ["Dense", "BatchNormalization"]


def agreement(y_true, y_pred):
    """Any loss that reaches all of the output."""
    return keras.ops.mean(keras.ops.square(y_pred - 1.0))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "build",
    [models.two_views, lambda source: models.simsiam(source, dim=7, hidden=11, bottleneck=3)],
    ids=["two_views", "simsiam"],
)
def test_training_two_views_trains_the_encoder(build, jit_compile, tmp_path):
    source = dense_encoder()
    model = build(source)
    before = source.get_weights()
    model.compile("adam", agreement, jit_compile=jit_compile)
    inputs = {"left": pictures(1), "right": pictures(2)}
    model.fit(inputs, np.zeros(PAIRS), batch_size=PAIRS, verbose=0)
    for old, new in zip(before, source.get_weights(), strict=True):
        assert np.abs(new - old).max() > 0

    model.save(tmp_path / "views.keras")
    loaded = keras.models.load_model(tmp_path / "views.keras", compile=False)
    np.testing.assert_allclose(loaded(inputs), model(inputs), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        loaded.get_layer("encoder")(pictures()), source(pictures()), rtol=1e-5, atol=1e-6
    )


@pytest.mark.usefixtures("mixed_float16")
def test_two_views_in_mixed_precision_give_float32():
    inputs = {"left": pictures(1), "right": pictures(2)}
    source = encoder()
    model = models.simsiam(source, dim=7, hidden=11, bottleneck=3)
    assert model(inputs).dtype == "float32"
    assert model.get_layer("projector").layers[0].compute_dtype == "float16"
    both = models.two_views(models.embedding(source, dim=5, normalize=False))
    assert both(inputs).dtype == "float32"


@pytest.mark.parametrize("size", ["dim", "hidden", "bottleneck", "layers"])
def test_sizes_of_simsiam_are_checked(size):
    with pytest.raises(UserError, match=f"expected {size} to be at least 1; got 0"):
        models.simsiam(dense_encoder(), **{size: 0})
