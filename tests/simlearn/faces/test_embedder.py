"""A model with all that its embeddings depend on; and what is kept of pictures on disk."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from simlearn import backbones
from simlearn.data.loading import Skipped
from simlearn.data.records import PictureArray
from simlearn.errors import UserError
from simlearn.faces import (
    Aligned,
    Cropped,
    FaceEmbedder,
    FaceModel,
    FixedBox,
    VectorCache,
    embed_faces,
    load_embedder,
)
from simlearn.faces._cache import digest_of
from simlearn.faces._paths import PathPictures, picture_paths


def little(preprocess=None, seed=0):
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((6, 6, 3))
    scaled = (preprocess or keras.layers.Rescaling(1 / 255))(pixels)
    features = keras.layers.Dense(5)(keras.layers.Flatten()(scaled))
    return keras.Model(pixels, features)


def some_faces(count=3):
    return np.random.default_rng(1).integers(0, 256, (count, 6, 6, 3)).astype(np.uint8)


def test_embeddings_are_the_models_at_unit_length():
    model, faces = little(), some_faces()
    expected = np.asarray(model(faces))
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(FaceEmbedder(model).embed(faces), expected, atol=1e-6)
    assert FaceEmbedder(model).embed(faces[:0]).shape == (0, 5)


def test_mirrored_faces_give_the_same_embedding_where_both_are_seen():
    embedder, faces = FaceEmbedder(little(), flip=True), some_faces()
    found = embedder.embed(faces)
    np.testing.assert_allclose(embedder.embed(faces[:, :, ::-1]), found, atol=1e-6)
    one, other = (FaceEmbedder(little()).embed(f) for f in (faces, faces[:, :, ::-1]))
    expected = (one + other) / np.linalg.norm(one + other, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    "faces",
    [
        np.zeros((2, 6, 6, 3), np.float32),
        np.zeros((2, 6, 7, 3), np.uint8),
        np.zeros((2, 6, 6, 1), np.uint8),
        np.zeros((6, 6, 3), np.uint8),
    ],
)
def test_other_pixels_than_the_models_are_refused(faces):
    with pytest.raises(UserError, match=r"uint8 \(n, 6, 6, 3\)"):
        FaceEmbedder(little()).embed(faces)


def test_models_of_another_form_are_refused():
    inputs = keras.Input((None, None, 3))
    free = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(UserError, match="fixed size"):
        FaceEmbedder(free)


@pytest.mark.parametrize("placing", [Aligned(), Cropped(margin=3.5)])
def test_one_folder_holds_it_all(tmp_path, placing):
    embedder = FaceEmbedder(little(), placing=placing, flip=True)
    embedder.save(tmp_path / "ü ü")
    found = FaceEmbedder.load(tmp_path / "ü ü")
    assert (found.placing, found.flip, found.size) == (placing, True, (6, 6))
    assert found.fingerprint == embedder.fingerprint
    np.testing.assert_allclose(found.embed(some_faces()), embedder.embed(some_faces()), atol=1e-6)
    assert load_embedder(tmp_path / "ü ü").fingerprint == embedder.fingerprint


def test_everything_that_an_embedding_depends_on_is_in_the_fingerprint():
    whitened = little(backbones.WhitenedPixels())
    whitened.set_weights(little().get_weights())
    embedders = [
        FaceEmbedder(little()),
        FaceEmbedder(little(seed=1)),
        FaceEmbedder(whitened),
        FaceEmbedder(little(), placing=Cropped(margin=4)),
        FaceEmbedder(little(), placing=Cropped(margin=5)),
        FaceEmbedder(little(), flip=True),
    ]
    assert len({embedder.fingerprint for embedder in embedders}) == len(embedders)


def test_a_model_with_another_standardisation_is_refused(tmp_path):
    whitened = little(backbones.WhitenedPixels())
    whitened.set_weights(little().get_weights())
    FaceEmbedder(little()).save(tmp_path)
    whitened.save(tmp_path / "model.keras")
    with pytest.raises(UserError, match="standardisation"):
        FaceEmbedder.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flip": True}, "expected the model"),
        ({"size": [7, 6]}, "expected the model"),
        ({"placing": {"kind": "cropped", "margin": 3}}, "expected the model"),
        ({"placing": {"kind": "cropped"}}, "aligned or cropped"),
        ({"placing": {"kind": "cropped", "margin": "3"}}, "numbers"),
        ({"format": "another"}, "expected format"),
    ],
)
def test_settings_that_were_changed_are_refused(tmp_path, change, message):
    FaceEmbedder(little()).save(tmp_path)
    about = json.loads((tmp_path / "embedder.json").read_text())
    (tmp_path / "embedder.json").write_text(json.dumps(about | change))
    with pytest.raises(UserError, match=message):
        FaceEmbedder.load(tmp_path)


def test_a_model_that_would_run_code_is_refused(tmp_path):
    FaceEmbedder(little()).save(tmp_path)
    inputs = keras.Input((6, 6, 3))
    outputs = keras.layers.Lambda(lambda x: x[:, 0, 0, :])(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    with pytest.raises(UserError, match="expected a model of Keras"):
        FaceEmbedder.load(tmp_path)


def test_a_damaged_or_missing_model(tmp_path):
    FaceEmbedder(little()).save(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"PK nothing")
    with pytest.raises(UserError, match="expected a model of Keras"):
        FaceEmbedder.load(tmp_path)
    (tmp_path / "model.keras").unlink()
    with pytest.raises(UserError, match="does not exist"):
        FaceEmbedder.load(tmp_path)
    with pytest.raises(UserError, match="found neither"):
        load_embedder(tmp_path / "..")
    with pytest.raises(UserError, match="expected a model"):
        load_embedder(tmp_path / "nothing.xyz")


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(("dim", "whitened"), [(128, True), (512, False), (10**9, True)])
def test_published_weights_get_the_standardisation_of_their_year(
    tmp_path, monkeypatch, suffix, dim, whitened
):
    path, told = tmp_path / f"facenet{suffix}", {}
    if suffix == ".npz":
        # A header alone: the array need not be there to say how long it is.
        head = io.BytesIO()
        about = {"descr": "<f4", "fortran_order": False, "shape": (dim, 1792)}
        np.lib.format.write_array_header_1_0(head, about)
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("Bottleneck/w.npy", head.getvalue())
    else:
        with h5py.File(path, "w") as file:
            name = "model_weights/Bottleneck/Bottleneck/kernel:0"
            file.create_dataset(name, shape=(1792, dim), dtype="f4", chunks=True)

    def build(**given):
        told.update(given)
        return little()

    monkeypatch.setattr(backbones, "inception_resnet_v1", build)
    assert load_embedder(path).placing == Cropped(margin=12)
    # 2017: 128 numbers, whitened; 2018: 512, by fixed numbers. What no model has is not believed.
    assert isinstance(told["preprocess"], backbones.WhitenedPixels) == whitened
    assert told["dim"] == (dim if dim < 10**9 else 128)


@pytest.mark.parametrize("name", ["embedder.json", "calibration.json", "threshold.json"])
def test_settings_nested_beyond_reason(tmp_path, name):
    FaceEmbedder(little()).save(tmp_path)
    (tmp_path / name).write_text("[" * 100_000)
    with pytest.raises(UserError, match=rf"{name}: expected .* in JSON"):
        FaceModel.load(tmp_path)


def test_a_threshold_of_another_model_is_refused(tmp_path):
    from simlearn import metrics, search
    from simlearn.faces import calibrate

    first, second = FaceEmbedder(little()), FaceEmbedder(little(seed=1))
    given = {"distance": search.cosine, "data": "pairs", "model_fingerprint": first.fingerprint}
    near = ([0.1, 0.2, 0.3, 0.9], [True, True, False, False])
    threshold = metrics.choose_threshold(*near, metrics.best_accuracy_threshold, **given)
    calibration = calibrate(*near, **given)
    FaceModel(first, threshold, calibration).save(tmp_path)
    found = FaceModel.load(tmp_path)
    assert found.threshold == threshold
    assert found.calibration == calibration
    with pytest.raises(UserError, match="expected a threshold of the model"):
        FaceModel(second, threshold)
    second.save(tmp_path)
    with pytest.raises(UserError, match="of the model"):
        FaceModel.load(tmp_path)


# --- the cache ----------------------------------------------------------------------------------


def test_entries_are_found_again_by_other_processes(tmp_path):
    path = tmp_path / "a" / "cache.bin"
    first, second = VectorCache(path, 2), VectorCache(path, 2)
    keys = [digest_of(bytes([n])) for n in range(3)]
    rows = [np.full((n, 2), n, np.float32) for n in range(3)]
    first.put({keys[0]: rows[0], keys[1]: rows[1]})
    second.put({keys[2]: rows[2]})
    third = VectorCache(path, 2)
    for key, expected in zip(keys, rows, strict=True):
        np.testing.assert_array_equal(third.get(key), expected)
    assert len(third) == 3
    assert first.get(keys[2]) is None  # Not read yet, and read with the next entry.
    first.put({digest_of(b"x"): rows[1]})
    np.testing.assert_array_equal(first.get(keys[2]), rows[2])


def test_what_a_kill_leaves_is_written_over(tmp_path):
    path = tmp_path / "cache.bin"
    VectorCache(path, 2).put({digest_of(b"a"): np.ones((3, 2), np.float32)})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) - 5])
    VectorCache(path, 2).put({digest_of(b"b"): np.zeros((1, 2), np.float32)})
    found = VectorCache(path, 2)
    assert len(found) == 2
    assert found.get(digest_of(b"b")).tolist() == [[0, 0]]


def test_a_damaged_entry_is_no_entry(tmp_path):
    path = tmp_path / "cache.bin"
    VectorCache(path, 2).put({digest_of(b"a"): np.ones((3, 2), np.float32)})
    VectorCache(path, 2).put({digest_of(b"b"): np.ones((1, 2), np.float32)})
    content = bytearray(path.read_bytes())
    content[45] ^= 1  # Within the first entry's values.
    path.write_bytes(content)
    found = VectorCache(path, 2)
    assert found.get(digest_of(b"a")) is None
    assert found.get(digest_of(b"b")) is not None


def test_keys_are_of_parts_not_of_their_bytes_in_a_row():
    assert digest_of(b"ab", b"c") != digest_of(b"a", b"bc")


# --- from files to embeddings -------------------------------------------------------------------


def counting(embedder):
    calls = []
    original = embedder.embed
    embedder.embed = lambda faces: calls.append(len(faces)) or original(faces)
    return calls


def test_embeddings_are_kept_by_content_place_and_model(tmp_path):
    for number, face in enumerate(some_faces(4)):
        Image.fromarray(face).save(tmp_path / f"{number}.png")
    pictures = PathPictures(picture_paths([tmp_path]))
    frame = FixedBox((6, 6))
    embedder = FaceEmbedder(little())
    calls = counting(embedder)
    first, good = embed_faces(pictures, frame, embedder, cache=tmp_path / "kept")
    np.testing.assert_allclose(first, FaceEmbedder(little()).embed(some_faces(4)), atol=1e-6)
    assert good.all()
    # Under other names, in another order.
    for number in range(4):
        (tmp_path / f"{number}.png").rename(tmp_path / f"{9 - number}.png")
    pictures = PathPictures(picture_paths([tmp_path]))
    again, _ = embed_faces(pictures, frame, embedder, cache=tmp_path / "kept")
    np.testing.assert_array_equal(again, first[::-1])
    assert calls == [4]
    # Laid otherwise, and by another model, they are embedded anew.
    embed_faces(pictures, FixedBox((6, 6), share=0.5), embedder, cache=tmp_path / "kept")
    assert calls == [4, 4]
    other = FaceEmbedder(little(seed=1))
    calls = counting(other)
    embed_faces(pictures, frame, other, cache=tmp_path / "kept")
    assert calls == [4]


def test_a_picture_that_cannot_be_read_shifts_no_other(tmp_path):
    faces = some_faces(3)
    for number, face in enumerate(faces):
        Image.fromarray(face).save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"damaged")
    skipped = Skipped(limit=1.0)
    for cache in (None, tmp_path / "kept", tmp_path / "kept"):
        vectors, good = embed_faces(
            PathPictures(picture_paths([tmp_path])),
            FixedBox((6, 6)),
            FaceEmbedder(little()),
            skipped=skipped,
            cache=cache,
        )
        assert good.tolist() == [True, False, True]
        expected = FaceEmbedder(little()).embed(faces[[0, 2]])
        np.testing.assert_allclose(vectors[good], expected, atol=1e-6)
        assert not vectors[1].any()
    assert len(skipped) == 1


def test_some_rows_of_an_array():
    faces = some_faces(5)
    vectors, _ = embed_faces(
        PictureArray(faces), FixedBox((6, 6)), FaceEmbedder(little()), rows=np.array([4, 1])
    )
    np.testing.assert_allclose(vectors, FaceEmbedder(little()).embed(faces[[4, 1]]), atol=1e-6)


def test_paths_are_found_at_any_depth_and_once(tmp_path):
    for name in ("b/c/2.JPG", "b/1.png", "b/.hidden.png", "b/notes.txt", "ä.ppm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = picture_paths([tmp_path / "b", tmp_path / "ä.ppm", tmp_path / "b" / "1.png"])
    assert [p.relative_to(tmp_path).as_posix() for p in found] == ["b/1.png", "b/c/2.JPG", "ä.ppm"]
    for wrong, message in ((["gone"], "found nothing"), ([], "got none")):
        with pytest.raises(UserError, match=message):
            picture_paths([tmp_path / name for name in wrong])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="found none"):
        picture_paths([tmp_path / "empty"])


def test_a_saved_model_is_a_plain_zip_without_pickles(tmp_path):
    FaceEmbedder(little()).save(tmp_path)
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))]
