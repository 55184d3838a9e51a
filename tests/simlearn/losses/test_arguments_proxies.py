"""What the losses over proxies refuse, and values worked out by hand."""

import math

import keras
import numpy as np
import pytest

from simlearn import heads, losses
from simlearn.errors import UserError
from tests.simlearn.losses.backend import value_and_gradient


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.NormalizedSoftmaxLoss(temperature=0.0), "temperature in .*, received 0.0"),
        (lambda: losses.ProxyNCALoss(scale=0.0), "scale in .*, received 0.0"),
        (lambda: losses.ProxyNCAPlusPlusLoss(temperature=-1.0), "temperature in .*, received -1"),
        (lambda: losses.SoftTripleLoss(scale=0.0), "scale in .*, received 0.0"),
        (lambda: losses.SoftTripleLoss(gamma=0.0), "gamma in .*, received 0.0"),
        (lambda: losses.SoftTripleLoss(margin=-0.1), r"margin in \[0.0, inf\), received -0.1"),
        (lambda: losses.CosFaceLoss(margin=-0.1), "margin in .*, received -0.1"),
        (lambda: losses.CosFaceLoss(scale=0.0), "scale in .*, received 0.0"),
        (lambda: losses.SubCenterArcFaceLoss(margin=3.2), "margin in .*, received 3.2"),
        (lambda: losses.SubCenterArcFaceLoss(scale=0.0), "scale in .*, received 0.0"),
        (lambda: losses.SphereFaceLoss(margin=0), "margin as a whole number .*, received 0"),
        (lambda: losses.SphereFaceLoss(margin=1.5), "margin as a whole number .*, received 1.5"),
        (lambda: losses.SphereFaceLoss(annealing=-1.0), "annealing in .*, received -1.0"),
        (lambda: losses.AdaFaceLoss(margin=-0.1), "margin in .*, received -0.1"),
        (lambda: losses.AdaFaceLoss(h=0.0), "h in .*, received 0.0"),
        (lambda: losses.AdaFaceLoss(scale=0.0), "scale in .*, received 0.0"),
        (lambda: losses.ProxyAnchorLoss(margin=-0.1), "margin in .*, received -0.1"),
        (lambda: losses.ProxyAnchorLoss(alpha=0.0), "alpha in .*, received 0.0"),
        (lambda: losses.ProxyNCALoss()([0], [[0.5]]), "2 classes or more, received 1"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize("kind", [losses.SoftTripleLoss, losses.SubCenterArcFaceLoss])
@pytest.mark.parametrize(
    ("labels", "shape", "weights", "message"),
    [
        ([0, 1], (2, 3), None, r"shape \(batch, centers, classes\).*received \(2, 3\)"),
        ([0, 1, 1], (2, 3, 5), None, "expected labels for 2 items, received 3"),
        ([0.0, 1.0], (2, 3, 5), None, "expected integer labels, received float32"),
        ([0, 1], (2, 3, 5), [1.0], "expected sample_weight for 2 items, received 1"),
    ],
)
def test_wrong_batches_of_several_centres_are_refused(kind, labels, shape, weights, message):
    with pytest.raises(UserError, match=message):
        kind()(labels, np.zeros(shape), sample_weight=weights)


def test_sphereface_counts_an_angle_m_times():
    # theta = 50 degrees lies in [45, 90], so k = 1: psi = -cos(200 degrees) - 2.
    cosine = math.cos(math.radians(50.0))
    psi = -math.cos(math.radians(200.0)) - 2.0
    for length in (1.0, 7.0):
        value = losses.sphereface_loss([0], np.array([[cosine, 0.3, length]]), margin=4)
        expected = math.log(1.0 + math.exp(length * (0.3 - psi)))
        assert float(value[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("margin", [1, 2, 3, 5])
def test_sphereface_falls_from_1_to_its_last_step(margin):
    # psi(0) = 1 and psi(pi) = (-1)^(m - 1) (-1)^m - 2 (m - 1) = 1 - 2 m; it falls all the way.
    angles = np.linspace(0.0, math.pi, 41)
    rows = np.stack([np.cos(angles), 0.0 * angles, 1.0 + 0.0 * angles], axis=1)
    values = np.asarray(losses.sphereface_loss(np.zeros(41, int), rows, margin=margin))
    # log(1 + exp(-psi)) undone.
    psi = -np.log(np.expm1(values))
    assert psi[[0, -1]].tolist() == pytest.approx([1.0, 1.0 - 2.0 * margin], abs=1e-5)
    assert (np.diff(psi) < 0.0).all()


def test_large_annealing_is_no_margin():
    rows = np.array([[0.2, 0.4, 3.0]])
    value = losses.sphereface_loss([0], rows, annealing=1e6)
    assert float(value[0]) == pytest.approx(math.log(1.0 + math.exp(3.0 * 0.2)), rel=1e-4)


def test_adaface_is_arcface_of_bad_pictures_and_cosface_of_average_ones():
    cosines = np.array([[0.4, 0.1, -0.3]])
    settings = {"margin": 0.4, "scale": 7.0}
    for quality, other in ((-1.0, losses.arcface_loss), (0.0, losses.cosface_loss)):
        # h is 0.5: two deviations are the whole range, and more is clipped.
        rows = np.append(cosines, [[2.0 * quality]], axis=1)
        value = losses.adaface_loss([0], rows, h=0.5, **settings)
        expected = other([0], cosines, **settings)
        assert float(value[0]) == pytest.approx(float(expected[0]), rel=1e-5)
    far, farther = (
        losses.adaface_loss([0], np.append(cosines, [[z]], axis=1), h=0.5) for z in (2.0, 9.0)
    )
    assert float(far[0]) == float(farther[0])


def test_the_softmax_losses_are_one_another_where_they_should():
    cosines = np.array([[0.4, 0.1, -0.3], [0.2, 0.9, 0.5]])
    labels = np.array([0, 2])
    plain = np.asarray(losses.normalized_softmax_loss(labels, cosines, temperature=0.1))
    same = [
        losses.cosface_loss(labels, cosines, margin=0.0, scale=10.0),
        losses.arcface_loss(labels, cosines, margin=0.0, scale=10.0),
        losses.proxy_nca_plus_plus_loss(labels, cosines, temperature=0.2),
        losses.soft_triple_loss(labels, cosines[:, None], margin=0.0, scale=10.0),
        losses.sub_center_arcface_loss(labels, cosines[:, None], margin=0.0, scale=10.0),
    ]
    for values in same:
        np.testing.assert_allclose(values, plain, rtol=1e-5)


def test_proxy_anchor_means_over_all_proxies_and_over_those_with_items():
    # Two items of class 0 at cosine 0.1, margin 0.1: pull log(1 + 2) over one proxy. The push of
    # the four others, at cosine -0.1, is log(1 + 2) each; over five proxies, class 0's being 0.
    cosines = np.array([[0.1, -0.1, -0.1, -0.1, -0.1]] * 2)
    value = losses.proxy_anchor_loss([0, 0], cosines)
    assert float(value) == pytest.approx(math.log(3.0) * (1.0 + 4.0 / 5.0), rel=1e-5)
    # A weight of 3 is three items.
    weighted = losses.proxy_anchor_loss([0, 0], cosines, sample_weight=np.array([3.0, 0.0]))
    assert float(weighted) == pytest.approx(math.log(4.0) * (1.0 + 4.0 / 5.0), rel=1e-5)


@pytest.mark.parametrize("alpha", [32.0, 1e4])
def test_proxy_anchor_does_not_overflow(alpha):
    cosines = np.array([[-1.0, 1.0], [1.0, -1.0], [-0.9, 0.2]], "float32")
    loss = losses.ProxyAnchorLoss(alpha=alpha)
    value, gradient, _ = value_and_gradient(loss, np.array([0, 0, 1]), cosines)
    # The hardest item rules: pull alpha 1.1 and alpha -0.1; push alpha -0.8 and alpha 1.1.
    assert float(value) == pytest.approx(alpha * (1.1 / 2 + 1.1 / 2), rel=1e-2)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "weights", [None, np.zeros(3, "float32")], ids=["no items", "items of no weight"]
)
def test_proxy_anchor_of_nothing_is_nothing(weights):
    cosines = np.zeros((0 if weights is None else 3, 4), "float32")
    labels = np.arange(len(cosines))
    value, gradient, _ = value_and_gradient(losses.ProxyAnchorLoss(), labels, cosines, weights)
    assert float(value) == 0.0
    assert not np.any(gradient)


def test_center_loss_is_half_the_squared_distance_to_the_own_centre():
    layer = heads.Centers(2)
    layer(np.zeros((1, 2)))
    layer.set_weights([np.array([[0.0, 0.0], [1.0, 1.0]])])
    features = np.array([[3.0, 4.0], [1.0, 3.0]])
    # 25 / 2 and 4 / 2.
    value = losses.CenterLoss()(np.array([0, 1]), layer(features))
    assert float(value) == pytest.approx((12.5 + 2.0) / 2, rel=1e-6)


TRAINED = {
    losses.AdaFaceLoss: heads.ProxiesWithQuality,
    losses.ArcFaceLoss: heads.Proxies,
    losses.CenterLoss: heads.Centers,
    losses.CosFaceLoss: heads.Proxies,
    losses.NormalizedSoftmaxLoss: heads.Proxies,
    losses.ProxyAnchorLoss: heads.Proxies,
    losses.ProxyNCALoss: heads.Proxies,
    losses.ProxyNCAPlusPlusLoss: heads.Proxies,
    losses.SoftTripleLoss: lambda classes: heads.MultiProxies(classes, centers=2, tau=0.2),
    losses.SphereFaceLoss: heads.ProxiesWithNorm,
    losses.SubCenterArcFaceLoss: heads.MultiProxies,
}


@pytest.mark.parametrize("kind", TRAINED, ids=lambda kind: kind.__name__)
def test_loss_and_layer_learn_together_and_are_saved(kind, tmp_path):
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 5
    # Five corners of a cube, some noise.
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [-1, -1, -1]])
    points = (2.0 * corners[labels] + 0.3 * rng.normal(size=(60, 3))).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(7), TRAINED[kind](5)])
    model.compile(keras.optimizers.Adam(0.05), loss=kind())
    history = model.fit(points, labels, batch_size=30, epochs=30, shuffle=False, verbose=0)
    found = history.history["loss"]
    assert found[-1] < found[0] - 0.1 * abs(found[0])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    value = model.evaluate(points, labels, verbose=0)
    assert loaded.evaluate(points, labels, verbose=0) == pytest.approx(value, rel=1e-6)
    outputs = np.asarray(model(points))
    if kind is losses.CenterLoss:
        return  # Alone it pulls everything into one point.
    cosines = outputs.max(axis=1) if outputs.ndim == 3 else outputs[:, :5]
    assert (cosines.argmax(axis=1) == labels).mean() > 0.95
