"""What every captioner must do, asked of every captioner in the table."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from caption import models
from caption._deferred import deferred
from caption.losses import CaptionCrossentropy
from caption.models import Captioner
from simlearn.errors import UserError
from tests.caption.models import table
from tests.caption.models.table import CAPTIONS, IMAGES, LOCATIONS, TABLE, TIME, VOCABULARY

over_all = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.captioner.__name__)


def spoken(model, inputs):
    """Scores and attention word by word, `(images, captions, time, ...)`, as decoders ask."""
    image = model.look(inputs["features"])
    captions = inputs["tokens"].shape[1]
    state = model.begin(image, captions)
    found = []
    for time in range(inputs["tokens"].shape[2]):
        scores, state, attention = model.step(inputs["tokens"][:, :, time].ravel(), state, image)
        found.append((scores, attention))
    scores, maps = zip(*found, strict=True)
    shape = (len(inputs["features"]), captions)
    scores = np.stack(scores, axis=1).reshape(*shape, len(found), -1)
    if maps[0] is None:
        return scores, None
    return scores, np.stack(maps, axis=1).reshape(*shape, len(found), -1)


def loss_and_gradients(model, inputs, targets):
    """As `fit` sums them, and the gradient of each weight as an array."""
    with tf.GradientTape() as tape:
        scores = model(inputs, training=True)
        loss = CaptionCrossentropy()(targets, scores) + sum(model.losses)
    gradients = tape.gradient(loss, model.trainable_weights)
    missing = [w.path for w, g in zip(model.trainable_weights, gradients, strict=True) if g is None]
    assert not missing
    return float(loss), {
        weight.path.split("/", 1)[-1]: np.asarray(tf.convert_to_tensor(gradient))
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
    }


@pytest.fixture
def likeliest(monkeypatch):
    """Hard attention draws by adding noise to log-probabilities: here the same to all."""
    monkeypatch.setattr(
        keras.random, "uniform", lambda shape, *limits, **_: tf.fill(shape, tf.constant(0.5))
    )


def test_no_captioner_is_missing_from_the_table():
    # FineTuned puts an encoder before any of them.
    exported = {getattr(models, name) for name in models.__all__} - {Captioner, models.FineTuned}
    assert exported == {row.captioner for row in TABLE}
    assert len(TABLE) == len(exported)


@over_all
def test_teacher_forcing_is_step_by_step(row):
    model = row.make()
    scores = model(table.batch())
    assert scores.shape == (IMAGES, CAPTIONS, TIME, VOCABULARY)
    stepped, maps = spoken(model, table.batch())
    np.testing.assert_allclose(scores, stepped, atol=2e-5)
    attention = model.attention(table.batch())
    assert (attention is None) == (maps is None) == (not row.attends)
    if row.attends:
        np.testing.assert_allclose(attention, maps, atol=1e-5)


@over_all
def test_captions_of_an_image_do_not_know_each_other(row):
    model, inputs = row.make(), table.batch()
    together = np.asarray(model(inputs))
    for caption in range(CAPTIONS):
        alone = model({**inputs, "tokens": inputs["tokens"][:, caption : caption + 1]})
        np.testing.assert_allclose(alone[:, 0], together[:, caption], atol=1e-5)


@over_all
def test_images_do_not_know_each_other(row):
    model, inputs = row.make(), table.batch()
    before = np.asarray(model(inputs))
    other = {**inputs, "features": inputs["features"].copy()}
    other["features"][1] = table.features(seed=8)[0]
    after = np.asarray(model(other))
    np.testing.assert_allclose(after[[0, 2]], before[[0, 2]], atol=1e-5)
    # Every step sees the picture, also where it was read before the words.
    assert (np.abs(after[1] - before[1]).max(axis=-1) > 1e-3).all()
    order = [2, 0, 1]
    moved = model({name: values[order] for name, values in inputs.items()})
    np.testing.assert_allclose(moved, before[order], atol=1e-5)


@over_all
def test_no_step_knows_a_later_word(row):
    model, inputs = row.make(), table.batch()
    before = np.asarray(model(inputs))
    for time in range(1, TIME):
        tokens = inputs["tokens"].copy()
        tokens[..., time] = (tokens[..., time] + 3) % VOCABULARY
        after = np.asarray(model({**inputs, "tokens": tokens}))
        np.testing.assert_allclose(after[..., :time, :], before[..., :time, :], atol=1e-6)
        assert (np.abs(after - before)[..., time, :].max(axis=-1) > 1e-3).all()


@over_all
def test_attention_is_shared_out(row):
    model = row.make()
    assert row.captioner.attends == row.attends
    attention = model.attention(table.batch())
    if not row.attends:
        assert attention is None
        return
    attention = np.asarray(attention)
    assert attention.shape == (IMAGES, CAPTIONS, TIME, LOCATIONS)
    assert (attention > 0).all()
    sums = attention.sum(axis=-1)
    if row.leaks:
        assert (sums < 1).all()
        assert sums.max() - sums.min() > 0.01
    else:
        np.testing.assert_allclose(sums, 1, atol=1e-6)
    # Not the same everywhere, which would be no attention.
    assert np.ptp(attention, axis=-1).max() > 0.1


@over_all
def test_a_file_holds_all_of_it(row, tmp_path):
    model = row.make(scheduled=True, dropout=0.2, name="told")
    model.sampling_rate.assign(0.37)
    if row.draws:
        model.baseline.assign(-1.75)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again) is row.captioner
    assert again.get_config() == model.get_config()
    for name, value in (*row.settings, ("scheduled", True), ("dropout", 0.2)):
        assert getattr(again, name) == value
    assert [w.name for w in again.weights] == [w.name for w in model.weights]
    for one, other in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(again(table.batch()), model(table.batch()))


@over_all
def test_every_weight_learns(row):
    model = row.make()
    # An image of a caption without words has nothing to say of most of its steps.
    loss, gradients = loss_and_gradients(model, table.batch(), table.targets())
    assert np.isfinite(loss)
    assert len(gradients) == len(model.trainable_weights)
    for name, gradient in gradients.items():
        assert np.isfinite(gradient).all(), name
        assert np.abs(gradient).max() > 1e-7, name
    assert (len(model.losses) > 0) == row.adds


@over_all
def test_scores_in_training_can_be_had_in_part(row):
    model, inputs, places = row.make(dropout=0.5), table.batch(), [3, 0, 17, 8]
    model.compile(loss=CaptionCrossentropy(), jit_compile=False)
    assert deferred(model(inputs)) is None
    with tf.GradientTape() as tape:
        scores = model(inputs, training=True)
        scores_at = deferred(scores)
        # Whose reward reads all scores anyhow.
        assert (scores_at is None) == row.draws
        if row.draws:
            return
        part = scores_at(tf.constant(places))
    # With the same units dropped.
    np.testing.assert_allclose(part, np.reshape(scores, (-1, VOCABULARY))[places], atol=1e-6)
    assert np.abs(tape.gradient(part, model.next_word.kernel)).max() > 1e-3
    # A graph of XLA has no room for what depends on the captions.
    model.compile(loss=CaptionCrossentropy(), jit_compile=True)
    assert deferred(model(inputs, training=True)) is None


@over_all
def test_units_are_dropped_in_training_alone(row):
    model, inputs = row.make(dropout=0.5), table.batch()
    plain = np.asarray(model(inputs))
    np.testing.assert_array_equal(model(inputs, training=False), plain)
    stepped, _ = spoken(model, inputs)
    np.testing.assert_allclose(stepped, plain, atol=2e-5)
    first, second = (np.asarray(model(inputs, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0.01
    whole = row.make()
    if not row.draws:
        np.testing.assert_allclose(whole(inputs, training=True), plain, atol=1e-6)
    np.testing.assert_allclose(whole(inputs), plain, atol=1e-6)


@over_all
@pytest.mark.usefixtures("likeliest")
def test_scheduled_sampling_of_nothing_changes_nothing(row):
    inputs = table.batch()
    expected = row.make()(inputs, training=True)
    model = row.make(scheduled=True)
    np.testing.assert_allclose(model(inputs, training=True), expected, atol=1e-6)


@over_all
@pytest.mark.usefixtures("likeliest")
def test_scheduled_sampling_of_all_reads_what_it_said(row):
    inputs = table.batch()
    model, plain = row.make(scheduled=True), row.make()
    model.sampling_rate.assign(1.0)
    tokens, said = inputs["tokens"], np.argmax(plain(inputs), axis=-1)
    own = tokens.copy()
    for place in np.ndindex(IMAGES, CAPTIONS):
        for time in range(1, TIME):
            if tokens[(*place, time)] != 0:
                own[(*place, time)] = said[(*place, time - 1)]
    assert (own != tokens).sum() > 5
    expected = plain({**inputs, "tokens": own}, training=True)
    np.testing.assert_allclose(model(inputs, training=True), expected, atol=1e-5)
    # Never outside of training.
    np.testing.assert_allclose(model(inputs), plain(inputs), atol=1e-6)


@over_all
def test_graphs_of_any_number_of_images_say_the_same(row):
    model, inputs = row.make(), table.batch()
    spec = [
        tf.TensorSpec([None, LOCATIONS, table.CHANNELS]),
        tf.TensorSpec([None, CAPTIONS, TIME], "int32"),
    ]
    traced = tf.function(
        lambda features, tokens: model({"features": features, "tokens": tokens}),
        input_signature=spec,
        autograph=False,
    )
    for images in (IMAGES, 1):
        part = {name: values[:images] for name, values in inputs.items()}
        np.testing.assert_allclose(traced(**part), model(part), atol=1e-5)


@over_all
@pytest.mark.parametrize("shape", [(None, TIME), (CAPTIONS, None)], ids=["captions", "steps"])
def test_what_cannot_be_unrolled_is_refused(row, shape):
    model, inputs = row.make(), table.batch()
    traced = tf.function(
        lambda tokens: model({"features": inputs["features"], "tokens": tokens}),
        input_signature=[tf.TensorSpec([IMAGES, *shape], "int32")],
        autograph=False,
    )
    if type(model).read is Captioner.read or row.captioner is models.HardAttention:
        with pytest.raises(UserError, match=r"number of captions and steps .* known"):
            traced(inputs["tokens"])
    else:
        np.testing.assert_allclose(traced(inputs["tokens"]), model(inputs), atol=1e-5)


@over_all
@pytest.mark.usefixtures("likeliest")
def test_a_caption_of_nothing_changes_nothing(row):
    inputs, targets = table.batch(), table.targets()
    one, other = row.make(), row.make()
    loss, gradients = loss_and_gradients(one, inputs, targets)
    more = table.with_nothing(inputs, targets)
    padded_loss, padded = loss_and_gradients(other, *more)
    assert padded_loss == pytest.approx(loss, rel=1e-5)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(padded[name], gradient, rtol=1e-4, atol=1e-6, err_msg=name)
    assert np.isfinite(other(more[0])).all()
    if row.draws:
        assert float(other.baseline) == pytest.approx(float(one.baseline), rel=1e-5)


@over_all
def test_a_batch_of_nothing_is_finite(row):
    inputs, targets = table.batch(), table.targets()
    inputs["tokens"][:], targets[:] = 0, 0
    model = row.make()
    loss, gradients = loss_and_gradients(model, inputs, targets)
    assert loss == pytest.approx(0.0, abs=1e-6)
    for name, gradient in gradients.items():
        assert np.abs(gradient).max() < 1e-6, name
    assert np.isfinite(model(inputs)).all()


# Five pictures with a caption of two words each; the second follows from the first, the first
# from the picture alone. Who does not look pays log 5 a caption, so log 5 / 3 = 0.536 a target.
@over_all
def test_it_learns_to_look_and_to_speak(row):
    keras.utils.set_random_seed(11)
    model = row.captioner(VOCABULARY, width=table.WIDTH, word_width=table.WORD_WIDTH, dropout=0.0)
    features = np.zeros((5, LOCATIONS, table.CHANNELS), "float32")
    places, pictures = [3, 0, 5, 1, 6], np.arange(5)
    features[pictures, places, pictures] = 3.0
    first, second = 4 + pictures, 4 + (pictures * 2 + 1) % 5
    tokens = np.stack([np.ones(5, int), first, second], axis=1)[:, None].astype("int32")
    targets = np.stack([first, second, np.full(5, 2)], axis=1)[:, None].astype("int32")
    model.compile(keras.optimizers.Adam(0.02), loss=CaptionCrossentropy(), jit_compile=False)
    again = np.tile(pictures, 60)  # One epoch of sixty steps: between epochs Keras takes its time.
    inputs = {"features": features[again], "tokens": tokens[again]}
    model.fit(inputs, targets[again], batch_size=5, shuffle=False, verbose=0)
    scores = model({"features": features, "tokens": tokens})
    assert float(CaptionCrossentropy()(targets, scores)) < 0.536 / 4
    assert np.argmax(scores, axis=-1).tolist() == targets.tolist()


def test_a_vocabulary_has_words():
    with pytest.raises(UserError, match="more than the 4 special tokens, got 3"):
        models.ShowAndTell(3)
