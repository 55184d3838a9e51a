"""Several crops through several encoders."""

import keras
import numpy as np
import pytest

from simlearn import models
from simlearn.errors import UserError
from simlearn.faces import EYES, MOUTH, WHOLE, FaceCrop, multi_crop


def mean_colour(size):
    pixels = keras.Input((*size, 3))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels))


def test_each_part_is_the_encoders_answer_to_its_crop_at_unit_length():
    faces = np.random.default_rng(0).uniform(1, 255, (2, 20, 10, 3)).astype(np.float32)
    boxes = [WHOLE, (0.2, 0.25, 0.9, 0.5)]
    encoders = [mean_colour((20, 10)), mean_colour((5, 7))]
    model = multi_crop(list(zip(encoders, boxes, strict=True)), size=(20, 10))
    # Rows 5 to 10 and columns 2 to 9, which needs no resizing.
    expected = [faces.mean((1, 2)), faces[:, 5:10, 2:9].mean((1, 2))]
    expected = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in expected]
    np.testing.assert_allclose(model(faces), np.concatenate(expected, axis=1), rtol=1e-5)


def test_a_crop_is_resized_and_keeps_a_plane():
    rows, columns = np.mgrid[:32, :32].astype(np.float32)
    face = np.stack([rows, columns, rows + columns], axis=2)[np.newaxis]
    found = np.asarray(FaceCrop((0.25, 0.25, 0.75, 0.75), (8, 8))(face))[0]
    # 16x16 pixels to 8x8: within, each value is that of the middle of its four.
    expected = 8.5 + 2 * np.arange(8)
    np.testing.assert_allclose(found[2:-2, 4, 0], expected[2:-2], atol=1e-4)
    np.testing.assert_allclose(found[4, 2:-2, 1], expected[2:-2], atol=1e-4)


def test_one_encoder_for_two_crops_has_its_weights_once():
    pixels = keras.Input((6, 6, 3))
    encoder = keras.Model(pixels, keras.layers.Dense(4)(keras.layers.Flatten()(pixels)))
    model = multi_crop([(encoder, EYES), (encoder, MOUTH)], size=(24, 24))
    assert model.output_shape == (None, 8)
    assert len(model.trainable_variables) == 2


def test_it_is_saved_and_loaded(tmp_path):
    encoders = [(mean_colour((9, 7)), EYES), (mean_colour((8, 8)), MOUTH)]
    model = models.embedding(multi_crop(encoders, size=(30, 26)), dim=5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    faces = np.random.default_rng(0).integers(0, 256, (2, 30, 26, 3)).astype(np.uint8)
    np.testing.assert_allclose(loaded(faces), model(faces), atol=1e-6)


@pytest.mark.parametrize("box", [(0.5, 0, 0.5, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.1)])
def test_boxes_outside_the_face(box):
    with pytest.raises(UserError, match="within the face"):
        FaceCrop(box, (4, 4))


def test_encoders_that_do_not_fit():
    with pytest.raises(UserError, match="at least one"):
        multi_crop([], size=(8, 8))
    with pytest.raises(UserError, match="fixed size with 1 channels"):
        multi_crop([(mean_colour((4, 4)), WHOLE)], size=(8, 8), channels=1)
