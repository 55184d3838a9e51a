import keras
import numpy as np
import pytest
import tensorflow as tf

from simlearn import metrics, training
from simlearn.data import digits, pipeline
from simlearn.errors import UserError

PART = digits.splits().validation.take(slice(0, 97))
BATCHES = pipeline.picture_batches(PART.pictures, batch=29)


def make_model():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(5)]
    )
    model.compile("sgd", "mse")
    return model


def fit(model, callback, **options):
    targets = np.random.default_rng(0).normal(size=(len(PART), 5))
    images = PART.images.astype("float32") / 255
    return model.fit(images, targets, callbacks=[callback], verbose=0, **options)


def test_each_epoch_is_scored_as_the_model_then_was():
    model = make_model()
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.predict(PART.images, verbose=0))
    )
    gallery = training.GalleryScores(BATCHES, PART.labels)
    targets = np.random.default_rng(0).normal(size=(len(PART), 5))
    history = model.fit(
        PART.images / 255.0, targets, epochs=3, callbacks=[watch, gallery], verbose=0
    ).history
    expected = [metrics.retrieval_scores(vectors, PART.labels, ks=(1,)) for vectors in seen]
    assert history["val_recall_at_1"] == pytest.approx([e["recall_at_1"] for e in expected])
    assert history["val_map_at_r"] == pytest.approx([e["map_at_r"] for e in expected])
    assert len(set(history["val_map_at_r"])) == 3


def test_ids_encoder_and_score_reach_the_scoring():
    encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    calls = []

    def score(embeddings, labels, ids):
        calls.append((embeddings.shape, labels.tolist(), ids.tolist()))
        return {"share": np.float32(0.25)}

    gallery = training.GalleryScores(
        BATCHES, PART.labels, ids=PART.ids, score=score, encoder=encoder
    )
    assert fit(make_model(), gallery).history["val_share"] == [0.25]
    assert calls == [((97, 64), PART.labels.tolist(), PART.ids.tolist())]


def test_the_scores_reach_tensorboard_and_survive_an_interruption(tmp_path):
    def run(epochs, folder):
        model = make_model()
        data = tf.data.Dataset.from_tensors(
            (PART.images.astype("float32") / 255, np.zeros((97, 5), "float32"))
        ).repeat()
        return training.fit(
            model,
            lambda first_epoch: data,
            epochs=epochs,
            steps_per_epoch=1,
            directory=tmp_path / folder,
            callbacks=[training.GalleryScores(BATCHES, PART.labels)],
            verbose=0,
        ).history

    whole = run(3, "whole")
    run(1, "parts")
    assert run(3, "parts") == whole
    assert len(whole["val_recall_at_1"]) == 3
    written = b"".join(p.read_bytes() for p in (tmp_path / "whole/logs/validation").iterdir())
    assert b"epoch_recall_at_1" in written
    # The gallery is a setting, not something that the run has collected.
    assert (tmp_path / "whole" / training.CHECKPOINT).stat().st_size < 20_000


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(UserError, match=r"one shape, got \(97,\) and \(96,\)"):
        training.GalleryScores(BATCHES, PART.labels, ids=PART.ids[1:])
    with pytest.raises(UserError, match="got 90 and a picture in row 96"):
        fit(make_model(), training.GalleryScores(BATCHES, PART.labels[:90]))
    with pytest.raises(UserError, match="numbers by name, got a float"):
        fit(make_model(), training.GalleryScores(BATCHES, PART.labels, score=lambda *_: 0.5))
