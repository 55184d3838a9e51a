import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from caption.data import flickr, scenes
from caption.encoder import Encoder, FeatureCache, feature_model, mobilenet_v2, vgg16
from caption.encoder import _progress as progress_module
from simlearn.data.files import Files
from simlearn.data.frames import Cover, Crop, Inside
from simlearn.data.loading import Skipped
from simlearn.data.records import PictureArray, StoredPictures
from simlearn.errors import DatasetError, UserError
from tests.simlearn.data.pictures import archive, encoded, folder, noise

ROOT = Path(__file__).parents[2]
HEIGHT, WIDTH, CHANNELS = 15, 21, 5
NAMES = tuple(f"{name}.png" for name in "abcdefghijk")


def backbone(seed=0, extras=(), channels=CHANNELS):
    """(15, 21, 3) -> (5, 7, channels)."""
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    start = keras.initializers.GlorotUniform(seed=seed)
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(channels, 3, strides=3, kernel_initializer=start)(x)
    for extra in extras:
        x = extra(x)
    return keras.Model(inputs, x)


def contents(names=NAMES):
    return {name: encoded(noise(23, 17, seed=ord(name[0]))) for name in names}


def stored(path, names=NAMES):
    return StoredPictures(Files(path), names)


@pytest.fixture(scope="module")
def encoder():
    return Encoder(backbone())


@pytest.fixture
def pictures(tmp_path):
    return stored(folder(tmp_path / "pictures", contents()))


class Cache:
    """A cache that says how many pictures it had to encode."""

    def __init__(self, path):
        self.cache = FeatureCache(path)

    def __call__(self, pictures, encoder, **options):
        self.encoded = 0
        return self.cache.of(pictures, encoder, batch=2, progress=self._count, **options)

    def _count(self, done, total):
        self.encoded = done
        assert done <= total


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def the_files(path):
    """The entries and their index in a cache of one encoder."""
    (values,), (index,) = path.glob("*/features.bin"), path.glob("*/index.bin")
    return values, index


def same(features, expected):
    # One batch or another changes the last bits of float32, and so the last of float16.
    np.testing.assert_allclose(features, expected, rtol=2e-3, atol=1e-6)


# What features are.


def test_a_feature_is_the_mean_of_its_own_part_of_the_picture_row_by_row():
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    means = Encoder(keras.Model(inputs, layers.AveragePooling2D((3, 7))(inputs)))
    assert means.grid == (5, 3)
    assert means.shape == (15, 3)
    pixels = np.stack([noise(WIDTH, HEIGHT, seed=seed) for seed in range(2)])
    features = means.encode(PictureArray(pixels))
    assert features.dtype == np.float16
    for picture, found in zip(pixels, features, strict=True):
        for place in range(15):
            top, left = place // 3 * 3, place % 3 * 7
            part = picture[top : top + 3, left : left + 7]
            np.testing.assert_allclose(found[place], part.mean(axis=(0, 1)), rtol=1e-3)


def test_a_picture_is_stretched_to_the_size_of_the_backbone(encoder):
    whole = Image.fromarray(noise(WIDTH, HEIGHT))
    # Each pixel four times: stretching brings the same picture back.
    large = np.asarray(whole).repeat(2, axis=0).repeat(2, axis=1)
    small = encoder.encode(PictureArray(np.asarray(whole)[np.newaxis]))
    same(encoder.encode(PictureArray(large[np.newaxis])), small)
    # And the whole of it, where the sides were stretched: halves of one colour stay halves.
    halves = np.zeros((1, 40, 10, 3), np.uint8)
    halves[:, 20:] = 255
    found = encoder.encode(PictureArray(halves)).reshape(5, 7, CHANNELS)
    same(found[0], np.zeros((7, CHANNELS)))
    same(found[4], np.broadcast_to(found[4, 0], (7, CHANNELS)))
    assert np.abs(found[4]).max() > 0.05


def test_a_cache_gives_what_the_encoder_does(cache, encoder, pictures):
    features = cache(pictures, encoder)
    assert cache.encoded == len(NAMES) == len(features)
    assert features.shape == (len(NAMES), 35, CHANNELS)
    assert features.good.all()
    same(features[:], encoder.encode(pictures))


def test_the_default_is_vgg16_before_its_last_pooling():
    assert vgg16(weights=None).shape == (196, 512)
    assert vgg16(weights=None).grid == (14, 14)


def test_the_feature_model_shares_the_backbone_and_freezes_it():
    network = backbone(extras=[layers.BatchNormalization()])
    x = noise(WIDTH, HEIGHT)[np.newaxis].astype(np.float32)
    frozen = feature_model(network)
    assert not frozen.trainable_variables
    np.testing.assert_array_equal(frozen(x, training=True), frozen(x, training=False))
    moving = [np.array(v) for v in network.non_trainable_variables]
    for before, now in zip(moving, network.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(before, now)
    tuned = feature_model(network, trainable=True)
    assert len(tuned.trainable_variables) == 4
    assert tuned.trainable_variables[0] is network.trainable_variables[0]
    assert np.abs(tuned(x, training=True) - tuned(x, training=False)).max() > 0.01


@pytest.mark.parametrize(
    "network",
    [
        keras.Sequential([keras.Input((HEIGHT, WIDTH, 3)), layers.GlobalAveragePooling2D()]),
        keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)]),
        keras.Sequential([keras.Input((HEIGHT, WIDTH, 2)), layers.Conv2D(2, 3)]),
        "vgg16",
    ],
    ids=["pooled", "any size", "two channels", "a name"],
)
def test_other_backbones_are_refused(network):
    with pytest.raises(UserError, match="expected a backbone from pictures"):
        feature_model(network)


@pytest.mark.parametrize(
    "frame", [Cover((WIDTH, HEIGHT)), Crop((HEIGHT, WIDTH), [[0, 0, 5, 5]])], ids=["size", "boxes"]
)
def test_frames_that_do_not_fit_are_refused(frame):
    with pytest.raises(UserError, match="expected a frame of 15x21 pixels"):
        Encoder(backbone(), frame=frame)


@pytest.mark.parametrize("batch", [0, 2.0])
def test_a_batch_holds_at_least_one_picture(encoder, pictures, batch):
    with pytest.raises(UserError, match="batch must be an integer of at least 1"):
        encoder.encode(pictures, batch=batch)


def test_features_too_large_for_half_precision_are_an_error_with_the_name(cache, pictures):
    large = Encoder(backbone(extras=[layers.Rescaling(1e6)]))
    with pytest.raises(UserError, match=r"a\.png: expected finite features of at most 65504"):
        cache(pictures, large)


# When features are computed again, and when not.


def test_nothing_is_encoded_twice(cache, encoder, pictures, tmp_path):
    first = cache(pictures, encoder)
    again = Cache(tmp_path / "cache")
    second = again(pictures.take(slice(None, None, -1)), encoder)
    assert again.encoded == 0
    np.testing.assert_array_equal(second[:], first[::-1])
    third = again(pictures, Encoder(backbone()))  # Built anew: Keras counts its layers on.
    assert again.encoded == 0
    assert third.fingerprint == first.fingerprint != second.fingerprint


def test_one_content_under_several_names_is_one_entry(cache, encoder, tmp_path):
    one, two = encoded(noise(23, 17, seed=1)), encoded(noise(23, 17, seed=2))
    files = {"a.png": one, "b.png": two, "c/d.png": one, "e.png": one}
    features = cache(stored(folder(tmp_path / "f", files), tuple(files)), encoder)
    assert cache.encoded == 2
    np.testing.assert_array_equal(features[[0, 0]], features[[2, 3]])
    assert np.abs(features[0] - features[1]).max() > 0.01
    packed = stored(archive(tmp_path / "f.zip", {"x.png": two, "y.png": one}), ("x.png", "y.png"))
    np.testing.assert_array_equal(cache(packed, encoder)[:], features[[1, 0]])
    assert cache.encoded == 0


def test_data_sets_share_a_folder(cache, encoder, tmp_path):
    rendered = scenes.render(3, seed=0, size=(64, 64)).pictures
    files = stored(folder(tmp_path / "f", contents()))
    first = cache(rendered, encoder)
    cache(files, encoder)
    assert cache.encoded == len(NAMES)
    again = cache(rendered, encoder)
    assert cache.encoded == 0
    np.testing.assert_array_equal(again[:], first[:])
    same(first[:], encoder.encode(rendered))


def test_a_changed_file_is_encoded_again_whatever_its_name_size_and_time(cache, encoder, tmp_path):
    old, new = (encoded(noise(23, 17, seed=seed), "BMP") for seed in (1, 2))
    assert len(old) == len(new)
    path = folder(tmp_path / "f", {"a.bmp": old, "b.bmp": encoded(noise())}) / "a.bmp"
    status = path.stat()
    pictures = stored(path.parent, ("a.bmp", "b.bmp"))
    before = cache(pictures, encoder)
    path.write_bytes(new)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = cache(pictures, encoder)
    assert cache.encoded == 1
    assert after.fingerprint != before.fingerprint
    same(after[:], encoder.encode(pictures))
    assert np.abs(after[0] - before[0]).max() > 0.01


def test_changed_weights_are_another_encoder(cache, pictures):
    encoder = Encoder(backbone())
    before = cache(pictures, encoder)
    weights = encoder.model.get_weights()
    encoder.model.set_weights([weights[0] * 2, weights[1]])
    after = cache(pictures, encoder)
    assert cache.encoded == len(NAMES)
    assert after.fingerprint != before.fingerprint
    same(after[:], 2 * before[:])
    encoder.model.set_weights(weights)
    again = cache(pictures, encoder)
    assert cache.encoded == 0
    np.testing.assert_array_equal(again[:], before[:])


def test_changed_preprocessing_is_another_encoder(cache, encoder, pictures, monkeypatch):
    cache(pictures, encoder)
    size = (HEIGHT, WIDTH)
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    plain = backbone()
    others = {
        "frame": Encoder(backbone(), frame=Cover(size)),
        "black": Encoder(backbone(), frame=Inside(size)),
        "grey": Encoder(backbone(), frame=Inside(size), fill=128),
        "scale": Encoder(keras.Model(inputs, plain(layers.Rescaling(0.5)(inputs)))),
    }
    for name, other in others.items():
        features = cache(pictures, other)
        assert cache.encoded == len(NAMES), name
        same(features[:], other.encode(pictures))
    monkeypatch.setattr("PIL.__version__", "0.0")
    cache(pictures, encoder)
    assert cache.encoded == len(NAMES)


def test_a_picture_that_changes_while_it_is_encoded_is_not_kept(cache, encoder, tmp_path):
    path = folder(tmp_path / "f", contents(NAMES[:1])) / NAMES[0]

    class Changing(StoredPictures):
        def open(self, row, **options):
            path.write_bytes(encoded(noise(seed=7)))
            return super().open(row, **options)

    with pytest.raises(DatasetError, match=r"a\.png: changed while it was encoded"):
        cache(Changing(Files(path.parent), NAMES[:1]), encoder)
    path.write_bytes(contents()[NAMES[0]])
    pictures = stored(path.parent, NAMES[:1])
    same(cache(pictures, encoder)[:], encoder.encode(pictures))
    assert cache.encoded == 1


# Damage, kills and others at work.


@pytest.mark.parametrize("which", [0, 1], ids=["entries", "index"])
@pytest.mark.parametrize("place", [0.0, 0.37, 0.74, 0.9999])
def test_a_damaged_byte_costs_one_entry(cache, encoder, pictures, tmp_path, which, place):
    expected = cache(pictures, encoder)[:]
    path = the_files(tmp_path / "cache")[which]
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0x40
    path.write_bytes(content)
    again = cache(pictures, encoder)
    assert cache.encoded == 1
    same(again[:], expected)
    same(cache(pictures, encoder)[:], expected)
    assert cache.encoded == 0


def test_a_damaged_place_costs_one_entry(cache, encoder, pictures, tmp_path):
    expected = cache(pictures, encoder)[:]
    path = the_files(tmp_path / "cache")[1]
    content = bytearray(path.read_bytes())
    content[44 + 32 + 7] = 0xFF  # Key, place and checksum take 44 bytes; a place beyond all files.
    path.write_bytes(content)
    same(cache(pictures, encoder)[:], expected)
    assert cache.encoded == 1


@pytest.mark.parametrize("which", [0, 1], ids=["entries", "index"])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.41, 0.86, 0.999])
def test_a_truncated_file_costs_what_was_cut(cache, encoder, pictures, tmp_path, which, kept):
    expected = cache(pictures, encoder)[:]
    path = the_files(tmp_path / "cache")[which]
    os.truncate(path, int(kept * path.stat().st_size))
    again = cache(pictures, encoder)
    assert cache.encoded == len(NAMES) - int(kept * len(NAMES))
    same(again[:], expected)
    same(cache(pictures, encoder)[:], expected)
    assert cache.encoded == 0


@pytest.mark.parametrize("which", [0, 1], ids=["entries", "index"])
def test_a_file_that_is_gone_is_made_anew(cache, encoder, pictures, tmp_path, which):
    expected = cache(pictures, encoder)[:]
    the_files(tmp_path / "cache")[which].unlink()
    same(cache(pictures, encoder)[:], expected)
    assert cache.encoded == len(NAMES)


def test_whoever_reads_goes_on_reading_while_damage_is_repaired(cache, encoder, pictures, tmp_path):
    reading = cache(pictures, encoder)
    expected = reading[:]
    _, index = the_files(tmp_path / "cache")
    os.truncate(index, 100)
    cache(pictures.take(slice(None, None, -1)), encoder)
    assert cache.encoded
    np.testing.assert_array_equal(reading[:], expected)


def test_a_file_cut_off_under_a_reader_is_one_clear_error(cache, encoder, pictures, tmp_path):
    features = cache(pictures, encoder)
    os.truncate(the_files(tmp_path / "cache")[0], 1000)
    with pytest.raises(UserError, match=r"features\.bin: expected .* entries, and it was cut off"):
        features[:]


CHILD = """
import os, signal, sys, time
from pathlib import Path
from caption.encoder import Encoder, FeatureCache
from caption.encoder import _store
from tests.caption.test_encoder import backbone, stored

cache, pictures, what = sys.argv[1:]

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def progress(done, total):
    print(done, flush=True)
    if what == "between batches" and done >= 4:
        kill()
    if what == "slowly":
        time.sleep(0.2)

if what == "between entry and record":
    calls = []
    class Killing:
        def crc32(self, content):
            calls.append(content)
            return kill() if len(calls) == 6 else 0
    _store.zlib = Killing()

FeatureCache(cache).of(stored(Path(pictures)), Encoder(backbone()), batch=2, progress=progress)
"""


def child(tmp_path, what):
    command = [sys.executable, "-c", CHILD, str(tmp_path / "cache"), str(tmp_path / "f"), what]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )


@pytest.mark.parametrize(
    ("what", "kept"), [("between batches", 4), ("between entry and record", 0)]
)
def test_a_killed_process_leaves_whole_entries_or_none(cache, encoder, tmp_path, what, kept):
    pictures = stored(folder(tmp_path / "f", contents()))
    process = child(tmp_path, what)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    features = cache(pictures, encoder)
    assert cache.encoded == len(NAMES) - kept
    same(features[:], encoder.encode(pictures))
    assert the_files(tmp_path / "cache")[0].stat().st_size >= 4 * 35 * CHANNELS * 2


def test_two_processes_take_turns_and_encode_nothing_twice(cache, encoder, tmp_path, caplog):
    pictures = stored(folder(tmp_path / "f", contents()))
    process = child(tmp_path, "slowly")
    assert process.stdout.readline() == "2\n"
    features = cache(pictures, encoder)
    assert cache.encoded == 0
    assert "another process encodes" in caplog.text
    process.communicate(timeout=60)
    assert process.returncode == 0
    same(features[:], encoder.encode(pictures))


def test_threads_do_no_harm(encoder, pictures, tmp_path):
    expected = encoder.encode(pictures)
    caches = [Cache(tmp_path / "cache") for _ in range(4)]
    found = [None] * 4

    def run(number):
        part = pictures.take(np.roll(np.arange(len(NAMES)), number)[:8])
        found[number] = caches[number](part, encoder)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, features in enumerate(found):
        same(features[:], np.roll(expected, number, axis=0)[:8])
    assert sum(cache.encoded for cache in caches) == len(NAMES)


def test_a_folder_that_cannot_be_written_is_one_clear_error(encoder, pictures, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(UserError, match="the cache cannot be used"):
        FeatureCache(tmp_path / "cache").of(pictures, encoder)


# Pictures that are not what they should be.


def gif():
    frames = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    return encoded(noise(), "GIF", save_all=True, append_images=frames)


def animated_png():
    frames = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    return encoded(noise(), "PNG", save_all=True, append_images=frames)


def cmyk():
    stream = io.BytesIO()
    Image.fromarray(noise()).convert("CMYK").save(stream, "JPEG")
    return stream.getvalue()


ODD = {
    "one.png": encoded(noise(1, 1)),
    "grey.png": encoded(noise(channels=1)),
    "animated.png": animated_png(),
    "wide.png": encoded(noise(20_000, 3)),
    "tall.jpg": encoded(noise(2, 20_000), "JPEG"),
    "cmyk.jpg": cmyk(),
}
BAD = {
    "animated.gif": (gif(), "expected a JPEG, PNG"),
    "huge.png": (encoded(np.zeros((5_000, 20_000), np.uint8)), "67108864 pixels"),
    "text.jpg": (b"not a picture", "expected a JPEG, PNG"),
    "empty.jpg": (b"", "an empty file"),
    "cut.jpg": (encoded(noise(231, 171), "JPEG")[:2000], "expected a whole picture"),
    "missing.jpg": (None, "expected a file"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_picture_has_features(cache, encoder, tmp_path, name):
    features = cache(stored(folder(tmp_path / "f", {name: ODD[name]}), (name,)), encoder)
    assert np.isfinite(features[:]).all()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_one_clear_error_with_its_name(cache, encoder, tmp_path, name, caplog):
    content, reason = BAD[name]
    files = {"a.png": encoded(), **({} if content is None else {name: content})}
    pictures = stored(folder(tmp_path / "f", files), ("a.png", name))
    for ask in (lambda: cache(pictures, encoder), lambda: encoder.encode(pictures)):
        with pytest.raises(DatasetError, match=reason) as caught:
            ask()
        message = str(caught.value)
        assert message.startswith(str(tmp_path / "f" / name) + ": ")
        assert message.count(name) == 1
        assert "\n" not in message
    assert not caplog.text


def test_bad_pictures_can_be_skipped_and_mended(cache, encoder, tmp_path):
    bad = b"\x89PNG\r\n\x1a\n and no more"
    files = {"a.png": encoded(), "b.png": bad, "c.png": encoded(noise(seed=3)), "d.png": bad}
    names = (*files, "missing.png")
    pictures = stored(folder(tmp_path / "f", files), names)
    skipped = Skipped(limit=0.7)
    features = cache(pictures, encoder, skipped=skipped)
    assert features.good.tolist() == [True, False, True, False, False]
    assert sorted(Path(where).name for where in skipped.reasons) == ["b.png", "d.png", names[-1]]
    same(features[[0, 2]], encoder.encode(pictures.take([0, 2])))
    with pytest.raises(UserError, match=r"received \[1, 3\] of pictures that could not"):
        features[:4]
    with pytest.raises(DatasetError, match="expected at most 50"):
        cache(pictures, encoder, skipped=Skipped(limit=0.5))
    folder(tmp_path / "f", {"b.png": encoded(noise(seed=5)), "missing.png": encoded()})
    mended = cache(pictures, encoder, skipped=Skipped(limit=0.7))
    assert mended.good.tolist() == [True, True, True, False, True]
    assert cache.encoded == 2  # b.png, and d.png tried again; the last is the same as a.png.
    np.testing.assert_array_equal(mended[4], features[0])


# Reading.


def test_rows_are_taken_as_from_an_array(cache, encoder, pictures):
    features = cache(pictures, encoder)
    whole = features[:]
    mask = np.arange(len(NAMES)) % 3 == 1
    for rows in (
        3, -1, np.int64(2), slice(2, 9, 3), slice(5, 5), [7, 0, 7], (1, 2), [], mask,
        np.array([[1, 2, 3], [4, 5, 6]]),
    ):  # fmt: skip
        expected = whole[np.array(rows, int) if isinstance(rows, (list, tuple)) else rows]
        found = features[rows]
        assert found.shape == expected.shape
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(IndexError):
        features[len(NAMES)]


def test_features_go_to_other_processes(cache, encoder, pictures):
    features = cache(pictures, encoder)
    copy = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(copy[:], features[:])
    assert copy.fingerprint == features.fingerprint


def test_no_pictures_are_no_features(cache, encoder, pictures):
    features = cache(pictures.take([]), encoder)
    assert features.shape == features[:].shape == (0, 35, CHANNELS)


def test_memory_does_not_grow_with_the_pictures(tmp_path):
    encoder = Encoder(backbone(channels=1000))
    entry = 35 * 1000 * 2
    pixels = np.random.default_rng(0).integers(0, 256, (300, HEIGHT, WIDTH, 3), dtype=np.uint8)
    pictures = PictureArray(pixels)
    cache = Cache(tmp_path / "cache")
    cache(pictures.take(slice(0, 8)), encoder)
    tracemalloc.start()
    features = cache(pictures, encoder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cache.encoded == 292
    assert peak < 40 * entry
    assert the_files(tmp_path / "cache")[0].stat().st_size == 300 * entry
    same(features[[0, 299]], encoder.encode(pictures.take([0, 299])))


# Progress.


def test_progress_is_shown_where_something_is_done(encoder, pictures, tmp_path, capsys):
    cache = FeatureCache(tmp_path / "cache")
    cache.of(pictures, encoder, batch=4)
    shown = capsys.readouterr().err.splitlines()
    assert [line[: line.index(" pict")] for line in shown] == [
        "encoding: 4 of 11", "encoding: 8 of 11", "encoding: 11 of 11",
    ]  # fmt: skip
    cache.of(pictures, encoder)
    assert capsys.readouterr().err == ""


def test_progress_tells_the_speed_and_the_time_left(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter, quiet = progress_module.Meter("encoding"), progress_module.Meter("reading", quiet=2.0)
    now[0] = 101.5
    quiet(900, 1000)
    quiet(1000, 1000)
    now[0] = 102.0
    meter(50, 200)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    now[0] = 104.0
    meter(100, 200)
    meter(101, 200)  # Too soon after the last.
    meter(200, 200)
    assert capsys.readouterr().err == (
        "encoding: 50 of 200 pictures, 25 a second, 6 s left\n"
        "\rencoding: 100 of 200 pictures, 25 a second, 4 s left\x1b[K"
        "\rencoding: 200 of 200 pictures, 50 a second\x1b[K\n"
    )


@pytest.mark.real_data
def test_mobilenet_on_photographs(tmp_path):
    data = Path(os.environ["SIMLEARN_DATA"])
    encoder = mobilenet_v2(weights=data / "weights" / "mobilenetv2_1.00_224_notop.weights.h5")
    record = flickr.load_8k(data / "flickr8k" / "flickr8k-subset.zip", "dev").take(slice(0, 5))
    cache = Cache(tmp_path / "cache")
    features = cache(record.pictures, encoder)
    assert (cache.encoded, features.shape) == (5, (5, 49, 1280))
    assert encoder.grid == (7, 7)
    plain = keras.applications.MobileNetV2(
        include_top=False, input_shape=(224, 224, 3),
        weights=str(data / "weights" / "mobilenetv2_1.00_224_notop.weights.h5"),
    )  # fmt: skip
    for row in range(5):
        photograph = record.pictures.open(row).convert("RGB")
        # Another way to shrink: close, not the same.
        pixels = np.asarray(photograph.resize((224, 224), Image.Resampling.BILINEAR), np.float32)
        expected = plain(pixels[np.newaxis] / 127.5 - 1.0).numpy().reshape(49, 1280)
        found = features[row].astype(np.float32)
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9
    again = cache(record.pictures, encoder)
    assert cache.encoded == 0
    np.testing.assert_array_equal(again[:], features[:])
