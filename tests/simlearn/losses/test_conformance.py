"""What every loss must do, asked of every loss in the table."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from simlearn import losses
from simlearn.errors import UserError
from tests.simlearn.losses import oracle, table
from tests.simlearn.losses.backend import compiled, evaluate, tolerance, value_and_gradient

BATCH = [row for row in table.TABLE if row.kind == "batch"]
SETTLED = [row for row in table.TABLE if not row.drawn]


def named(row):
    return row.loss.__name__


def at_leisure(*values):
    """A case that the quick tests can do without, since others like it are among them."""
    return pytest.param(*values, marks=pytest.mark.slow)


over_all = pytest.mark.parametrize("row", table.TABLE, ids=named)
over_batch = pytest.mark.parametrize("row", BATCH, ids=named)


def slope(function, rows, step):
    """Central differences of a scalar function of an array."""
    result = np.zeros_like(rows)
    for index in np.ndindex(rows.shape):
        ahead, behind = rows.copy(), rows.copy()
        ahead[index] += step
        behind[index] -= step
        result[index] = (function(ahead) - function(behind)) / (2.0 * step)
    return result


def test_no_loss_is_missing_from_the_table():
    # Losses of landmarks and attributes have a table of their own, in test_landmarks.py.
    names = [n for n in losses.__all__ if not n.lower().startswith(("landmark", "attribute"))]
    exported = {getattr(losses, name) for name in names} - {losses.StreamedLoss}
    covered = {row.loss for row in table.TABLE} | {row.function for row in table.TABLE}
    assert exported == covered
    assert len({row.loss for row in table.TABLE}) == len(table.TABLE)


@over_all
@pytest.mark.parametrize("case", table.CASES)
def test_value_is_the_oracles(row, case):
    labels, rows = table.batch_for(row, case)
    expected = row.expected(labels, rows)
    # In float32 equal vectors come out up to 2e-3 apart: sqrt(1e-7 |x|^2).
    loose = 2e-3 if case in ("duplicates", "collapsed") else 1e-5
    close = pytest.approx(expected, rel=tolerance(1e-6, 2e-4), abs=tolerance(1e-6, loose))
    assert evaluate(row.pure, labels, rows) == close
    single = evaluate(row.make(), labels, rows.astype("float32"))
    assert single == pytest.approx(row.expected(labels, rows), rel=2e-4, abs=loose)


@over_all
def test_documented_defaults_hold(row):
    labels, rows = table.batch_for(row, "random")
    expected = row.expected(labels, rows, settings=row.defaults)
    value = evaluate(row.loss(**row.required), labels, rows.astype("float32"))
    assert value == pytest.approx(expected, rel=2e-4)


@over_all
@pytest.mark.parametrize("case", ["random", "singletons"])
def test_gradient_is_the_slope_of_the_oracle(row, case):
    labels, rows = table.batch_for(row, case)
    weights = row.weights_for(rows)
    _, gradient, _ = value_and_gradient(row.pure, labels, rows, weights)
    settings = {**row.settings, "constant": rows} if row.constant else None
    compute = functools.partial(row.expected, labels, weights=weights, settings=settings)
    if row.drawn:
        miner = row.drawn_triplets(rows, labels)
        settings = {"margin": row.settings["margin"], "distance": oracle.euclidean}

        def compute(moved):
            return row.oracle(labels, moved, weights, miner=miner, **settings)

    numeric = slope(compute, rows, 1e-6)
    assert np.abs(numeric).max() > 1e-3, "the case teaches nothing"
    np.testing.assert_allclose(
        gradient, numeric, rtol=tolerance(1e-5, 2e-3), atol=tolerance(1e-7, 2e-5)
    )


@over_all
@pytest.mark.parametrize("case", table.CASES)
def test_gradient_is_finite_and_zero_where_the_loss_does_not_exist(row, case):
    labels, rows = table.batch_for(row, case)
    value, gradient, _ = value_and_gradient(row.make(), labels, rows.astype("float32"))
    assert np.isfinite(gradient).all()
    if row.kind == "batch" and row.expected(labels, rows) == 0.0:
        # The formula may take the logarithm of a ratio that rounding leaves a little off 1.
        assert float(value) == pytest.approx(0.0, abs=1e-6)
        assert np.abs(gradient).max(initial=0.0) < 1e-6


@over_batch
@pytest.mark.parametrize("case", ["one_class", "all_distinct", "one_item", "two_unlike"])
def test_batches_without_triplets_are_worth_nothing(row, case):
    # Pairs alone are enough for some: one class still pulls, distinct ones push.
    labels, rows = table.batch_for(row, case)
    if case in row.pairs_alone:
        assert evaluate(row.make(), labels, rows) > 0.0
    else:
        assert evaluate(row.make(), labels, rows) == 0.0


@over_batch
def test_an_empty_batch_is_worth_nothing(row):
    variants = [row.make()]
    if row.make().streams:
        variants.append(losses.StreamedLoss(row.make()))
    for loss in variants:
        value, gradient, _ = value_and_gradient(loss, np.zeros(0, "int64"), np.zeros((0, 5)))
        assert float(value) == 0.0
        assert gradient.shape == (0, 5)


@over_all
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_single(row, dtype):
    labels, rows = table.batch_for(row, "random")
    narrow = ops.cast(rows, dtype)
    value, gradient, dtypes = value_and_gradient(row.make(), labels, narrow)
    assert dtypes == ("float32", dtype)
    assert np.isfinite(gradient).all()
    # Only the input is rounded: the oracle of the rounded input agrees to single precision.
    rounded = ops.convert_to_numpy(ops.cast(narrow, "float64"))
    assert float(value) == pytest.approx(row.expected(labels, rounded), rel=1e-3)


@over_batch
@pytest.mark.parametrize("base", [2**24, 2**31, 2**53, -(2**31) - 1])
def test_large_labels_that_differ_by_one_stay_apart(row, base):
    _, numbered = np.unique(table.CASES["random"][0], return_inverse=True)
    rows = table.CASES["random"][1]
    value = evaluate(row.make(), np.int64(base) + numbered, rows)
    assert value == evaluate(row.make(), numbered, rows)


@over_batch
def test_labels_may_be_a_column_and_of_any_integer_type(row):
    labels, rows = table.CASES["random"]
    value = evaluate(row.make(), labels, rows)
    for same in (labels[:, None], labels.astype("uint8"), labels.astype("int32"), list(labels)):
        assert evaluate(row.make(), same, rows) == value


@over_all
@pytest.mark.parametrize("bad", [np.nan, at_leisure(np.inf), at_leisure(-np.inf)])
@pytest.mark.parametrize("item", [0, 8], ids=["one of many", "alone in its class"])
def test_one_number_that_is_not_finite_is_never_hidden(row, bad, item):
    labels, rows = table.batch_for(row, "random")
    rows = rows.astype("float32")
    first = (item,) + (0,) * (rows.ndim - 1)
    last = (item,) + (-1,) * (rows.ndim - 1)
    loss = row.make()
    ways = [way for name, way in compiled(loss).items() if name != "xla"]
    if keras.backend.backend() != "jax":  # Nobody trains there without compiling.
        ways.append(loss)
    for where in {first, last}:
        broken = rows.copy()
        broken[where] = bad
        for way in ways:
            value = float(way(ops.convert_to_tensor(labels), ops.convert_to_tensor(broken)))
            # A distance may be infinite, and so its loss; there is no infinite embedding.
            infinite = row.kind == "pairs" and not np.isnan(bad)
            assert np.isnan(value) or (infinite and np.isinf(value))


@pytest.mark.parametrize(
    "row", [row for row in table.TABLE if row.kind in ("proxies", "normed", "centers")], ids=named
)
@pytest.mark.parametrize("number", [2**32, 5, -1])
def test_class_numbers_outside_the_proxies_give_nan(row, number):
    labels, rows = table.batch_for(row, "random")
    assert rows.shape[-1] - (row.kind == "normed") == 5
    labels[3] = number
    assert np.isnan(evaluate(row.make(), labels, rows.astype("float32")))
    if not row.whole:
        values = ops.convert_to_numpy(row.function(labels, rows, **row.settings))
        assert np.isnan(values).tolist() == [item == 3 for item in range(len(labels))]


@pytest.mark.parametrize("row", [row for row in SETTLED if row.kind == "batch"], ids=named)
@pytest.mark.parametrize("case", ["random", "lattice"])
def test_order_of_the_batch_does_not_matter(row, case):
    labels, rows = table.CASES[case]
    order = np.random.default_rng(17).permutation(len(rows))
    value, gradient, _ = value_and_gradient(row.pure, labels, rows)
    moved, moved_gradient, _ = value_and_gradient(row.pure, labels[order], rows[order])
    assert float(moved) == pytest.approx(float(value), rel=tolerance(1e-9, 1e-5))
    if case == "random":
        np.testing.assert_allclose(
            moved_gradient, gradient[order], rtol=tolerance(1e-7, 1e-4), atol=tolerance(1e-9, 1e-6)
        )


@over_all
def test_class_is_its_function(row):
    labels, rows = table.batch_for(row, "random")
    rows = rows.astype("float32")
    for weights in (None, row.weights_for(rows)):
        of_class = evaluate(row.make(), labels, rows, weights)
        assert of_class == pytest.approx(evaluate(row.pure, labels, rows, weights), rel=1e-6)


@over_all
def test_weights_scale_the_anchors(row):
    labels, rows = table.batch_for(row, "random")
    if not row.weighted:
        with pytest.raises(UserError, match="expected no sample_weight"):
            row.make()(labels, rows, sample_weight=np.ones(11))
        return
    weights = table.weights_for(rows)
    expected = row.expected(labels, rows, weights)
    assert expected != pytest.approx(row.expected(labels, rows), rel=1e-3)
    for form in (weights, weights[:, None], weights.astype("float32")):
        value = evaluate(row.make(), labels, rows.astype("float32"), form)
        assert value == pytest.approx(expected, rel=2e-4)
    plain, even = (evaluate(row.make(), labels, rows, w) for w in (None, np.ones(11, int)))
    assert plain == pytest.approx(even, rel=1e-6)


@over_all
def test_weights_have_a_gradient(row):
    if not row.weighted or row.loss is losses.AngularLoss:
        pytest.skip("takes no weights, or gives them no gradient, as documented")
    labels, rows = table.batch_for(row, "random")
    weights = table.weights_for(rows)
    if row.drawn:  # Each anchor has one choice.
        labels, rows, weights = np.array([0, 0, 1]), rows[:3], weights[:3]
    rows = ops.convert_to_tensor(rows)

    def by_weights(labels, weights, rows):
        return row.make()(labels, rows, sample_weight=weights)

    _, gradient, _ = value_and_gradient(by_weights, labels, weights, rows)
    # Some losses come in single precision whatever they are given; nearly all are linear.
    step = tolerance(1e-3, 1e-2)
    numeric = slope(lambda moved: evaluate(row.make(), labels, rows, moved), weights, step)
    np.testing.assert_allclose(gradient, numeric, rtol=2e-3, atol=tolerance(3e-4, 1e-3))


# The last block full, short, the only one; and batches that teach little or nothing.
STREAMS = [(4, "random"), (100, "random"), (5, "lattice"), at_leisure(3, "random")]
STREAMS += [at_leisure(11, "random"), at_leisure(4, "singletons"), at_leisure(2, "all_distinct")]
STREAMS += [at_leisure(4, "one_item")]
if keras.backend.backend() == "jax":  # Each loop is compiled anew, which takes its time.
    STREAMS = [(4, "random")]


@over_batch
@pytest.mark.parametrize(("chunk", "case"), STREAMS)
def test_streamed_is_whole(row, chunk, case):
    if row.drawn:
        pytest.skip("a draw for a block is not a draw for the batch")
    if not row.make().streams:
        pytest.skip("not a sum over anchors")
    labels, rows = table.CASES[case]
    weights = table.weights_for(rows)
    whole = value_and_gradient(row.make(), labels, rows, weights)
    streamed = losses.StreamedLoss(row.make(), chunk=chunk)
    value, gradient, _ = value_and_gradient(streamed, labels, rows, weights)
    assert float(value) == pytest.approx(float(whole[0]), rel=tolerance(1e-9, 1e-5), abs=1e-7)
    np.testing.assert_allclose(
        gradient, whole[1], rtol=tolerance(1e-7, 1e-4), atol=tolerance(1e-9, 1e-6)
    )


@over_batch
def test_what_cannot_be_streamed_is_refused(row):
    if row.make().streams:
        assert losses.StreamedLoss(row.make()).loss is not None
    else:
        with pytest.raises(UserError, match="go through a batch in blocks of anchors, received"):
            losses.StreamedLoss(row.make())


@over_all
def test_eager_and_compiled_agree(row):
    labels, rows = table.batch_for(row, "random")
    if row.drawn and keras.backend.backend() == "jax":
        pytest.skip("a seed's state can only be compiled in Keras' own scope")
    if row.drawn:  # Each anchor has one choice, whatever the compiler's random numbers are.
        labels, rows = np.array([0, 0, 1]), rows[:3]
    loss = row.make()

    def step(labels, rows, weights):
        return loss(labels, rows, sample_weight=weights if row.weighted else None)

    part = [
        ops.convert_to_tensor(values, dtype)
        for values, dtype in (
            (labels, "int64"),
            (rows, "float32"),
            (table.weights_for(rows), "float32"),
        )
    ]
    eager = value_and_gradient(step, *part)
    for way in compiled(step).values():
        assert_same(eager, value_and_gradient(way, *part))


@over_all
def test_batches_of_unknown_size_are_taken(row):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("sizes are always known there")
    import tensorflow as tf

    labels, rows = table.batch_for(row, "random")
    rows, weights = rows.astype("float32"), table.weights_for(rows).astype("float32")
    loss = row.make()
    if row.drawn:
        labels, rows, weights = np.array([0, 0, 1]), rows[:3], weights[:3]
    signature = [
        tf.TensorSpec([None, *np.shape(labels)[1:]], "int64"),
        tf.TensorSpec([None, *rows.shape[1:]], "float32"),
        tf.TensorSpec([None], "float32"),
    ]

    def step(labels, rows, weights):
        return loss(labels, rows, sample_weight=weights if row.weighted else None)

    dynamic = tf.function(step, input_signature=signature, autograph=False)
    for count in (len(rows), len(rows) - 1, *([0] if row.kind == "batch" else [])):
        part = [tf.constant(values[:count]) for values in (labels, rows, weights)]
        part[0] = tf.cast(part[0], "int64")
        assert_same(value_and_gradient(step, *part), value_and_gradient(dynamic, *part))


def assert_same(left, right):
    for a, b in zip(left[:2], right[:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
