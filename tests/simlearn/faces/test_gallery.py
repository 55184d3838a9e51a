"""Known people on disk, who a face is, and how sure that is."""

import hashlib
import io
import json
import os
import zipfile

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from simlearn.errors import UserError
from simlearn.faces import Calibration, Gallery, calibrate


def unit(*angles):
    """Vectors in the plane, by angle in degrees."""
    radians = np.deg2rad(np.array(angles, float))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def gallery():
    return Gallery(["ann", "ann", "bob"], ["1", "2", "3"], unit(0, 20, 90), "f" * 64)


def test_the_nearest_face_names_the_person_within_the_threshold():
    # 30 degrees is 10 from ann's nearest: 1 - cos 10 = 0.0152; 60 is 30 from bob's.
    near, far = gallery().identify(unit(30, 60), threshold=0.02)
    assert (near.name, near.nearest) == ("ann", "ann")
    assert near.distance == pytest.approx(1 - np.cos(np.deg2rad(10)), abs=1e-6)
    assert (far.name, far.nearest) == ("", "bob")
    # At 50 degrees a threshold of half a right angle lets ann in.
    assert gallery().identify(unit(50), threshold=0.2)[0].name == "ann"


def test_a_classifier_weighs_what_tells_these_people_apart():
    random = np.random.default_rng(0)

    def faces(which, count):
        # The first number says who it is; the second varies much, and says nothing.
        vectors = np.stack([np.full(count, which), random.normal(0, 1.5, count)], axis=1)
        vectors = np.concatenate([vectors, np.ones((count, 1))], axis=1)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    names = ["ann"] * 20 + ["bob"] * 20
    enrolled = np.concatenate([faces(-0.4, 20), faces(0.4, 20)])
    known = Gallery(names, [str(n) for n in range(40)], enrolled, "f")
    told = known.identify(faces(0.4, 200), threshold=2.0, method="classifier")
    assert np.mean([one.name == "bob" for one in told]) > 0.95
    refused = known.identify(faces(0.4, 5), threshold=-1.0, method="classifier")
    assert {one.name for one in refused} == {""}
    with pytest.raises(UserError, match="at least two people"):
        known.without("bob").identify(faces(0.4, 1), threshold=1.0, method="classifier")


def test_faces_are_replaced_by_name_and_source_and_people_leave():
    found = gallery().with_faces(["ann", "cid"], ["2", "2"], unit(25, 180))
    assert sorted(zip(found.names, found.sources, strict=True)) == [
        ("ann", "1"), ("ann", "2"), ("bob", "3"), ("cid", "2"),
    ]  # fmt: skip
    assert found.people == ("ann", "bob", "cid")
    np.testing.assert_allclose(found.vectors[found.names.index("cid")], unit(180)[0], atol=1e-6)
    assert found.without("ann").names == ("bob", "cid")
    with pytest.raises(UserError, match="expected one of ann, bob, cid, got 'dan'"):
        found.without("dan")


def test_a_round_trip_with_any_name(tmp_path):
    names = ["Zoë 🙂", "a\nb", 'quote"'] * 2
    vectors = unit(*range(6))
    known = Gallery(names, [f"ü/{n}.jpg" for n in range(6)], vectors, "f")
    known.save(tmp_path / "Gäste")
    known.save(tmp_path / "Gäste")
    found = Gallery.load(tmp_path / "Gäste", model_fingerprint="f")
    assert found.names == tuple(names)
    assert found.sources == known.sources
    np.testing.assert_array_equal(found.vectors, vectors)
    found.without("a\nb").save(tmp_path / "Gäste")
    assert len(Gallery.load(tmp_path / "Gäste")) == 4
    # Nothing of the old numbers stays: they are of people who asked to be removed.
    assert len(list((tmp_path / "Gäste").glob("*.npz"))) == 1
    Gallery([], [], np.empty((0, 2), np.float32), "f").save(tmp_path / "nobody")
    assert len(Gallery.load(tmp_path / "nobody")) == 0


def test_another_models_gallery_is_refused(tmp_path):
    gallery().save(tmp_path)
    with pytest.raises(UserError, match="enrol its pictures anew"):
        Gallery.load(tmp_path, model_fingerprint="e" * 64)


def test_a_strangers_gallery_cannot_run_code(tmp_path):
    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    buffer = io.BytesIO()
    np.savez(buffer, vectors=np.array([[Harm()]] * 3, object))
    with_numbers(tmp_path, buffer.getvalue())
    with pytest.raises(UserError, match="expected vectors"):
        Gallery.load(tmp_path)
    assert not (tmp_path / "ran").exists()


def with_numbers(folder, content):
    """A gallery whose numbers are somebody else's bytes, by their own digest."""
    gallery().save(folder)
    digest = hashlib.sha256(content).hexdigest()
    told = json.loads((folder / "gallery.json").read_text()) | {"vectors": digest}
    (folder / "gallery.json").write_text(json.dumps(told))
    (folder / f"vectors-{digest[:16]}.npz").write_bytes(content)


def archive(shape, payload, *, compressed=False, flags=0, method=0):
    """An archive of one array whose header says `shape`, whatever follows."""
    head, buffer = io.BytesIO(), io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, about)
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind) as file:
        file.writestr("vectors.npy", head.getvalue() + payload)
    content = bytearray(buffer.getvalue())
    entry = content.find(b"PK\x01\x02")
    # By PKWARE's note: flags at 6 and 8 of a local and a central header, the method two on.
    content[6] |= flags
    content[entry + 8] |= flags
    if method:
        content[8] = content[entry + 10] = method
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        archive((10**12, 2), b""),
        archive((3, 2), bytes(20)),
        archive((10**6, 2), bytes(8 * 10**6), compressed=True),
        archive((3, 2), bytes(24), flags=1),
        archive((3, 2), bytes(24), method=99),
        archive((3, 2), bytes(24))[:-30],
        b"no archive",
    ],
    ids=["huge", "short", "bomb", "encrypted", "method", "cut", "other"],
)
def test_a_strangers_numbers_end_in_one_error(tmp_path, content):
    with_numbers(tmp_path, content)
    with pytest.raises(UserError, match=r"vectors-.*npz: expected vectors, got \w"):
        Gallery.load(tmp_path)


def test_a_list_nested_beyond_reason(tmp_path):
    gallery().save(tmp_path)
    (tmp_path / "gallery.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="expected a gallery in JSON"):
        Gallery.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, "expected 'simlearn face gallery 1'"),
        ({"vectors": "../../etc/passwd"}, "expected 'simlearn face gallery 1'"),
        ({"faces": [{"name": 3, "source": ""}]}, "expected 'simlearn face gallery 1'"),
        ({"faces": []}, "as many names"),
        ({"vectors": "0" * 64}, "cannot read"),
    ],
)
def test_what_was_changed_is_refused(tmp_path, change, message):
    gallery().save(tmp_path)
    content = json.loads((tmp_path / "gallery.json").read_text()) | change
    (tmp_path / "gallery.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        Gallery.load(tmp_path)


def test_damaged_numbers_and_files_that_are_not_there(tmp_path):
    gallery().save(tmp_path)
    (vectors,) = tmp_path.glob("*.npz")
    vectors.write_bytes(vectors.read_bytes() + b"x")
    with pytest.raises(UserError, match="something else"):
        Gallery.load(tmp_path)
    (tmp_path / "gallery.json").write_bytes(b"\xff{")
    with pytest.raises(UserError, match="expected a gallery in JSON"):
        Gallery.load(tmp_path)
    with pytest.raises(UserError, match="cannot read"):
        Gallery.load(tmp_path / "gone")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((["a"], [], unit(0)), "as many names"),
        (([" "], ["1"], unit(0)), "a name for every face"),
        ((["a"], ["1"], 2 * unit(0)), "unit length"),
        ((["a"], ["1"], np.full((1, 2), np.nan)), "unit length"),
    ],
)
def test_galleries_that_cannot_be(columns, message):
    with pytest.raises(UserError, match=message):
        Gallery(*columns, "f")


def test_numbers_of_another_width_and_faults_by_their_folder(tmp_path):
    with pytest.raises(UserError, match=r"expected vectors \(faces, 2\) as the gallery's"):
        gallery().identify(np.eye(2, 3), threshold=1.0)
    with pytest.raises(UserError, match=r"expected vectors \(faces, 2\) as the gallery's"):
        gallery().with_faces(["a"], ["1"], np.eye(1, 3, dtype=np.float32))
    with_numbers(tmp_path, archive((3, 2), bytes(24)))
    with pytest.raises(UserError, match=rf"{tmp_path}: expected vectors of unit length"):
        Gallery.load(tmp_path)
    with pytest.raises(UserError, match="which is empty"):
        Gallery([], [], np.empty((0, 2)), "f").without("ann")


def test_a_gallery_that_is_written_meanwhile_is_read_anew(tmp_path, monkeypatch):
    from simlearn.faces import _gallery_files

    gallery().save(tmp_path)
    stale = [_gallery_files._list(tmp_path / "gallery.json")]
    gallery().without("bob").save(tmp_path)
    current = _gallery_files._list
    monkeypatch.setattr(_gallery_files, "_list", lambda path: (stale or [current(path)]).pop())
    assert Gallery.load(tmp_path).people == ("ann",)


def test_no_face_is_nobody():
    for method in ("nearest", "classifier"):
        nobody = gallery().identify(np.empty((0, 2)), threshold=1.0, method=method)
        assert nobody == []


def test_an_empty_gallery_identifies_nobody():
    with pytest.raises(UserError, match="got an empty one"):
        Gallery([], [], np.empty((0, 2)), "f").identify(unit(0), threshold=1.0)


# --- calibration --------------------------------------------------------------------------------


def pairs(seed=0):
    random = np.random.default_rng(seed)
    # Of one deviation: only then is logistic regression the true form.
    distances = np.concatenate([random.normal(0.4, 0.15, 3000), random.normal(0.9, 0.15, 20_000)])
    return distances, np.arange(23_000) < 3000


def test_probabilities_are_those_of_logistic_regression_with_equal_weights():
    distances, same = pairs()
    found = calibrate(distances, same, data="made up")
    expected = LogisticRegression(C=1e4, class_weight="balanced", tol=1e-9, max_iter=5000)
    expected.fit(distances[:, None], same)
    grid = np.linspace(0, 1.5, 31)
    np.testing.assert_allclose(
        found.probability(grid), expected.predict_proba(grid[:, None])[:, 1], atol=0.02
    )


def test_told_probabilities_come_true_on_other_pairs():
    found = calibrate(*pairs(), data="made up").prior(3 / 23)
    distances, same = pairs(seed=1)
    told = found.probability(distances)
    for low, high in ((0.0, 0.1), (0.3, 0.7), (0.9, 1.0)):
        within = (told >= low) & (told <= high)
        assert abs(told[within].mean() - same[within].mean()) < 0.04


def test_a_prior_moves_the_odds_by_its_own():
    found = calibrate(*pairs(), data="made up")
    even, rare = (found.prior(share).probability(0.6) for share in (0.5, 0.01))
    assert even == pytest.approx(found.probability(0.6))
    assert rare / (1 - rare) == pytest.approx(even / (1 - even) / 99)
    assert found.probability(found.threshold()) == pytest.approx(0.5)
    assert found.prior(0.01).threshold() < found.threshold()
    with pytest.raises(UserError, match="between 0 and 1"):
        found.prior(1.0)


def test_kinds_that_a_threshold_separates_give_finite_numbers():
    found = calibrate([0.1, 0.2, 0.8, 0.9], [True, True, False, False], data="four")
    assert np.isfinite([found.slope, found.intercept]).all()
    assert found.probability(0.1) > 0.9 > 0.1 > found.probability(0.9)


def test_distances_that_mislead_are_refused():
    with pytest.raises(UserError, match="nearer than others"):
        calibrate([0.8, 0.9, 0.1, 0.2], [True, True, False, False], data="four")


def test_a_calibration_file(tmp_path):
    found = calibrate(*pairs(), data="ü", model_fingerprint="f")
    path = tmp_path / "calibration.json"
    found.save(path)
    assert Calibration.load(path, model_fingerprint="f") == found
    with pytest.raises(UserError, match="of the model e"):
        Calibration.load(path, model_fingerprint="e")
    content = json.loads(path.read_text())
    for change in ({"slope": -1.0}, {"slope": "1"}, {"format": "x"}, {"pairs": 2.5}):
        path.write_text(json.dumps(content | change))
        with pytest.raises(UserError, match="expected"):
            Calibration.load(path, model_fingerprint="f")
