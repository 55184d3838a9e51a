"""Files of indexes: round trips, random histories, and files that are damaged or forged."""

import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from simlearn import search
from simlearn.errors import UserError
from tests.simlearn.test_index import every_cell, over_distances, over_kinds, vectors

FRONT = struct.Struct("<8sII")


def saved(path, make=search.ExactIndex, ids=None, count=53):
    index = make(5, model="abc")
    index.add(vectors(count), [f"id {i} é" for i in range(count)] if ids is None else ids)
    index.save(path)
    return index


@over_kinds
@over_distances
def test_round_trip(make, distance, tmp_path):
    for name, ids in [("text", [f"{i} é\U0001f600" for i in range(53)]), ("numbers", range(53))]:
        index = make(5, distance=distance, model="abc")
        index.add(vectors(53), ids)
        index.remove([next(iter(ids))])
        index.save(tmp_path / name)
        again = search.Index.load(tmp_path / name, model="abc")
        assert type(again) is type(index)
        assert (again.dim, again.distance, again.model) == (5, distance, "abc")
        np.testing.assert_array_equal(again.ids, index.ids)
        np.testing.assert_array_equal(again.vectors(again.ids), index.vectors(index.ids))
        for k in (1, 60):
            one, two = index.search(vectors(7, seed=1), k), again.search(vectors(7, seed=1), k)
            np.testing.assert_array_equal(one.ids, two.ids)
            np.testing.assert_array_equal(one.distances, two.distances)
        # A loaded index goes on like any other.
        again.add(vectors(1, seed=9), ["new" if name == "text" else 999])
        again.remove(again.ids[:3])
        assert again.search(vectors(1, seed=9), 1).ids[0, 0] in ("new", 999)
        # And is saved as the same bytes.
        search.Index.load(tmp_path / name, model="abc").save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / name).read_bytes()


@over_kinds
def test_an_empty_index_has_a_file_too(make, tmp_path):
    make(5).save(tmp_path / "index")
    again = search.Index.load(tmp_path / "index", model="")
    assert len(again) == 0
    again.add(vectors(2), ["a", "b"])
    assert again.search(vectors(1), 1).ids.tolist() == [["a"]]


def test_cells_settings_and_history_survive(tmp_path):
    index = search.ApproximateIndex(5, nlist=11, nprobe=3, exact_below=40, seed=8)
    index.add(vectors(200), range(200))
    index.build()
    index.add(vectors(150, seed=1), range(200, 350))
    index.save(tmp_path / "index")
    again = search.ApproximateIndex.load(tmp_path / "index", model="")
    assert (again.nlist, again.nprobe, again.exact_below, again.seed) == (11, 3, 40, 8)
    for one, two in zip(index.state()[1].values(), again.state()[1].values(), strict=True):
        np.testing.assert_array_equal(one, two)
    # 150 of 200 had come; with 51 more both start over, and alike.
    for each in (index, again):
        each.add(vectors(51, seed=2), range(350, 401))
    found = [each.search(vectors(31, seed=3), 9) for each in (index, again)]
    np.testing.assert_array_equal(found[0].ids, found[1].ids)
    assert index.state()[1]["history"].tolist() == [401, 0]


def test_another_model_or_kind_is_refused(tmp_path):
    path = tmp_path / "index"
    saved(path)
    with pytest.raises(UserError, match=r"index: expected vectors of model 'xyz', got .* 'abc'"):
        search.Index.load(path, model="xyz")
    with pytest.raises(UserError, match=r"expected an index of kind 'approximate', got 'exact'"):
        search.ApproximateIndex.load(path, model="abc")
    with pytest.raises(UserError, match="model: expected a fingerprint as text, got None"):
        search.Index.load(path, model=None)


def test_what_cannot_be_read_or_written(tmp_path):
    index = search.ExactIndex(2)
    with pytest.raises(UserError, match=r"cannot read .*nowhere"):
        search.Index.load(tmp_path / "nowhere", model="")
    with pytest.raises(UserError, match="cannot read "):
        search.Index.load(tmp_path, model="")
    with pytest.raises(UserError, match=r"cannot write .*nowhere"):
        index.save(tmp_path / "nowhere" / "index")


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "index"
    index = saved(path)
    before = path.read_bytes()
    index.add(vectors(1), ["more"])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simlearn._files.os.fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*No space left"):
        index.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def refused(path, data):
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        search.Index.load(path, model="abc")
    assert str(path) in str(caught.value)


@over_kinds
def test_truncated_anywhere_in_the_header_and_at_many_places_behind(make, tmp_path):
    path = tmp_path / "index"
    saved(path, make)
    data = path.read_bytes()
    header = FRONT.size + FRONT.unpack(data[: FRONT.size])[1]
    for length in [*range(header + 3), *range(header + 3, len(data), 101), len(data) - 1]:
        refused(path, data[:length])
    refused(path, data + b"\0")
    path.write_bytes(data)
    assert len(search.Index.load(path, model="abc")) == 53


@over_kinds
def test_flipped_bits_anywhere(make, tmp_path):
    path = tmp_path / "index"
    saved(path, make)
    data = path.read_bytes()
    header = FRONT.size + FRONT.unpack(data[: FRONT.size])[1]
    random = np.random.default_rng(0)
    for place in [*range(header), *random.integers(header, len(data), 300)]:
        flipped = bytearray(data)
        flipped[place] ^= 1 << random.integers(8)
        refused(path, bytes(flipped))


@pytest.mark.parametrize(
    "data", [b"", b"SIMLIDX1", b"\x89PNG\r\n\x1a\n" * 99, b"\x80\x04N.", b"PK"]
)
def test_foreign_files(data, tmp_path):
    refused(tmp_path / "index", data)


def forged(data, change):
    """The file with its header, or its arrays, changed and all checksums right."""
    _, length, _ = FRONT.unpack(data[: FRONT.size])
    header = json.loads(data[FRONT.size : FRONT.size + length])
    body, at = {}, FRONT.size + length
    for name, kind, shape, _ in header["arrays"]:
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        body[name] = np.frombuffer(data[at : at + size], kind).reshape(shape).copy()
        at += size
    text = change(header, body)
    if text is None:
        sums = {name: zlib.crc32(array.tobytes()) for name, array in body.items()}
        entries = header["arrays"] if isinstance(header["arrays"], list) else []
        for entry in entries:
            if isinstance(entry, list) and entry[0] in sums and entry[3] != "0":
                entry[3] = sums[entry[0]]
        text = json.dumps(header).encode()
    check = zlib.crc32(struct.pack("<I", len(text)) + text)
    rest = b"".join(array.tobytes() for array in body.values())
    return FRONT.pack(b"SIMLIDX1", len(text), check) + text + rest


def set_at(*path_and_value):
    *path, last, value = path_and_value

    def change(header, body):
        for step in path:
            header = header[step]
        header[last] = value

    return change


def put(name, place, value):
    def change(header, body):
        body[name][place] = value

    return change


FORGERIES = {
    "deep json": lambda header, body: b"[" * 900_000,
    "not an object": lambda header, body: b"[]",
    "long number": lambda header, body: b"1" * 9999,
    "no about": lambda header, body: header.pop("about") and None,
    "about is a list": set_at("about", []),
    "another entry": set_at("about", "extra", 1),
    "unknown kind": set_at("about", "kind", "pickle"),
    "kind of a list": set_at("about", "kind", []),
    "unknown distance": set_at("about", "distance", "manhattan"),
    "unknown ids": set_at("about", "ids", "bytes"),
    "count of a bool": set_at("about", "count", True),
    "wrong count": set_at("about", "count", 52),
    "wrong dim": set_at("about", "dim", 4),
    "endless dim": set_at("about", "dim", 10**40),
    "model of a number": set_at("about", "model", 5),
    "setting that is an argument": set_at("about", "settings", {"model": "x"}),
    "setting that is none": set_at("about", "settings", {"run": "x"}),
    "zero cells": set_at("about", "settings", "nlist", 0),
    "object array": set_at("arrays", 0, 1, "|O"),
    "negative shape": set_at("arrays", 0, 2, [-1, 5]),
    "twice negative shape": set_at("arrays", 0, 2, [-53, -5]),
    "endless shape": set_at("arrays", 0, 2, [2**39, 2**39]),
    "shape of floats": set_at("arrays", 0, 2, [53.0, 5]),
    "checksum of text": set_at("arrays", 0, 3, "0"),
    "array renamed": set_at("arrays", 0, 0, "other"),
    "array of another shape": set_at("arrays", 0, 2, [5, 53]),
    "description is text": set_at("arrays", 0, "abcd"),
    "arrays is a number": set_at("arrays", 3),
    "NaN": put("vectors", (3, 1), np.nan),
    "far out": put("vectors", (3, 1), 1e30),
    "lengths beyond the text": put("id_lengths", 0, 2**32 - 1),
    "empty id": lambda header, body: (
        put("id_lengths", 1, body["id_lengths"][0] + body["id_lengths"][1])(header, body)
        or put("id_lengths", 0, 0)(header, body)
    ),
    "no UTF-8": put("id_bytes", 0, 0xFF),
    "NUL": put("id_bytes", 0, 0),
    "the same id twice": put("id_bytes", 10, ord("0")),
    "cell beyond": put("cells", 2, 7),
    "cell below": put("cells", 2, -1),
    "centroid NaN": put("centroids", (0, 0), np.nan),
    "negative history": put("history", 0, -1),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_files(name, tmp_path):
    path = tmp_path / "index"
    saved(path, every_cell)
    data = path.read_bytes()
    path.write_bytes(forged(data, lambda header, body: None))
    assert len(search.Index.load(path, model="abc")) == 53
    changed = forged(data, FORGERIES[name])
    assert changed != data
    refused(path, changed)


def test_one_id_twice_in_a_forged_file_of_numbers(tmp_path):
    path = tmp_path / "index"
    saved(path, ids=range(53))
    refused(path, forged(path.read_bytes(), put("ids", 3, 5)))
    saved(path, ids=range(53))
    refused(path, forged(path.read_bytes(), put("ids", 3, -5)))


GRID = st.tuples(st.integers(-2, 2), st.integers(-2, 2))


class Histories(RuleBasedStateMachine):
    """Random histories of an index beside a plain dict, on a grid full of ties."""

    @initialize(
        approximate=st.booleans(),
        text=st.booleans(),
        distance=st.sampled_from([search.euclidean, search.dot]),
    )
    def start(self, approximate, text, distance):
        self.distance, self.text = distance, text
        self.index = (
            every_cell(2, distance=distance, nlist=3, nprobe=3, exact_below=5)
            if approximate
            else search.ExactIndex(2, distance=distance)
        )
        self.model, self.next_id, self.gone = {}, 0, []

    @rule(points=st.lists(GRID, max_size=12))
    def add(self, points):
        ids = [self.name(self.next_id + i) for i in range(len(points))]
        self.next_id += len(points)
        self.index.add(np.array(points, np.float64).reshape(-1, 2), ids)
        self.model.update(zip(ids, points, strict=True))

    def name(self, number):
        return f"{number * 7919 % 101}/{number}" if self.text else number

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data):
        ids = data.draw(st.lists(st.sampled_from(list(self.model)), unique=True))
        self.index.remove(ids)
        for one in ids:
            self.gone.append(one)
            del self.model[one]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def add_one_again_and_refuse_one_twice(self, data):
        there = data.draw(st.sampled_from(list(self.model)))
        with pytest.raises(UserError, match="not in the index yet"):
            self.index.add([[0, 0], [1, 1]], [self.name(self.next_id), there])
        if self.gone:
            with pytest.raises(UserError, match="in the index"):
                self.index.remove([there, self.gone[-1]])
            self.index.add([[1, -1]], [self.gone[-1]])
            self.model[self.gone.pop()] = (1, -1)

    @rule(query=GRID, k=st.integers(1, 30), data=st.data())
    def search(self, query, k, data):
        known = [*self.model, *self.gone]
        out = data.draw(st.lists(st.sampled_from(known), max_size=3)) if known else []
        found = self.index.search([query], k, exclude=[out] if out else None)

        def apart(point):
            if self.distance is search.dot:
                return -float(np.dot(point, query))
            return float(np.hypot(*np.subtract(point, query)))

        # sorted() is stable and a dict keeps its order: equals by order of addition.
        ranked = sorted((apart(p), n) for n, (one, p) in enumerate(self.model.items()))
        names = list(self.model)
        ranked = [(d, names[n]) for d, n in ranked if names[n] not in out][:k]
        kept = [d for d, _ in ranked]
        ids = found.ids[0, : len(kept)].tolist()
        assert len(set(ids)) == len(ids)
        if isinstance(self.index, search.ExactIndex):
            # Which of equals come at all is open in the other: faiss cuts before they are ordered.
            assert ids == [one for _, one in ranked]
        np.testing.assert_allclose(found.distances[0, : len(kept)], kept, rtol=1e-6)
        assert np.isinf(found.distances[0, len(kept) :]).all()
        assert all(one in ("", -1) for one in found.ids[0, len(kept) :])
        for d, one in zip(kept, ids, strict=True):
            assert d == pytest.approx(apart(self.model[one]), rel=1e-6)
            assert one not in out

    @rule()
    def save_and_load(self):
        path = self.folder / "index"
        self.index.save(path)
        self.index = type(self.index).load(path, model="")

    @invariant()
    def agrees(self):
        if not hasattr(self, "index"):
            return
        assert self.index.ids.tolist() == list(self.model)
        assert len(self.index) == len(self.model)
        held = self.index.vectors(list(self.model))
        np.testing.assert_array_equal(held, np.array(list(self.model.values())).reshape(-1, 2))


def test_random_histories(tmp_path):
    Histories.folder = tmp_path
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
