import hashlib
import importlib.resources
import os
from pathlib import Path

import numpy as np
import pytest

from simlearn import audit
from simlearn.data import Files, lfw, mtfl
from simlearn.data.records import PicturePairs, StoredPictures
from simlearn.errors import UserError
from tests.simlearn.data.pictures import folder


def test_names_are_hashed_without_folder_and_case():
    digest = hashlib.sha256(b"aaron_peirsol_0001.jpg").hexdigest()
    paths = ["lfw_5590/Aaron_Peirsol_0001.jpg", "AARON_PEIRSOL_0001.JPG", "Aaron_Peirsol_0002.jpg"]
    found = audit.hashed_names(paths)
    assert found[:2].tolist() == [int(digest[:16], 16)] * 2
    assert found[2] != found[0]
    assert audit.hashed_names([]).shape == (0,)


def test_the_shipped_table_is_sorted_and_of_the_size_that_is_said():
    table = np.load(importlib.resources.files("simlearn.audit").joinpath("mtfl_in_lfw.npy"))
    assert table.dtype == np.dtype("<u8")
    assert len(table) == audit.MTFL_IN_LFW["pictures"] - 1
    assert np.all(table[1:] > table[:-1])


def test_pictures_and_pairs_that_mtfl_trains_on_are_marked(tmp_path):
    # These three names stand in MTFL's list, the others are nobody's.
    known = ["Aaron_Eckhart_0001", "Aaron_Peirsol_0001", "Zydrunas_Ilgauskas_0001"]
    names = [known[0], "Nobody_Nowhere_0001", known[1], "Nobody_Nowhere_0002", known[2]]
    paths = [f"lfw/{name[:-5]}/{name}.jpg" for name in names]
    assert audit.in_mtfl(paths).tolist() == [True, False, True, False, True]
    pairs = PicturePairs(
        StoredPictures(Files(tmp_path), paths),
        left=np.array([0, 1, 1]),
        right=np.array([1, 3, 4]),
        same=np.array([False, True, False]),
        fold=np.array([0, 0, 0]),
        name="pairs",
    )
    assert audit.pairs_in_mtfl(pairs).tolist() == [True, False, True]
    own = np.unique(audit.hashed_names(["Nobody_Nowhere_0002.jpg"]))
    assert audit.in_mtfl(paths, names=own).tolist() == [False, False, False, True, False]
    assert audit.pairs_in_mtfl(pairs, names=own).tolist() == [False, True, False]


ROWS = [
    (rb"lfw_5590\Ann_0001.jpg", b"1 1 2 3"),
    (rb"net_7876\0_1_2.jpg", b"2 1 2 5"),
    (rb"lfw_5590\Bob_Lee_0012.jpg", b"1 2 2 1"),
]


def test_the_names_come_from_the_training_list(tmp_path):
    def load(rows):
        points = b"1.5 2 3 4 5.5 6 7 8 9 10"
        text = b"".join(b" %s %s %s\r\n" % (path, points, values) for path, values in rows)
        return mtfl.load(folder(tmp_path, {"training.txt": text + b" "}))

    names = audit.lfw_names_of_mtfl(load(ROWS))
    wanted = audit.hashed_names(["Ann_0001.jpg", "Bob_Lee_0012.jpg"])
    assert names.tolist() == sorted(wanted.tolist())
    with pytest.raises(UserError, match="mtfl-train: expected pictures in lfw_5590/, and found"):
        audit.lfw_names_of_mtfl(load(ROWS[1:2]))


@pytest.mark.real_data
def test_the_table_is_that_of_the_real_lists():
    root = Path(os.environ["SIMLEARN_DATA"])
    names = audit.lfw_names_of_mtfl(mtfl.load(root / "mtfl" / "MTFL.zip"))
    table = np.load(importlib.resources.files("simlearn.audit").joinpath("mtfl_in_lfw.npy"))
    np.testing.assert_array_equal(names, table)
    view2 = lfw.view2(root / "lfw")
    seen = audit.in_mtfl(view2.pictures.paths)
    # The copy lacks one picture of the official 2,909, and two of the 3,616 pairs with it.
    assert np.count_nonzero(seen) == audit.MTFL_IN_LFW["pictures_of_view2"] - 1 == 2908
    marked = audit.pairs_in_mtfl(view2)
    assert np.count_nonzero(marked) == audit.MTFL_IN_LFW["pairs_of_view2"] - 2 == 3614
    # The same with texts instead of hashes, from the list itself.
    text = (root / "lfw" / "pairs.txt").read_text().splitlines()[1:]
    files = {p.rpartition("/")[2] for p in mtfl.load(root / "mtfl" / "MTFL.zip").pictures.paths}
    touched = 0
    for row in (line.split("\t") for line in text):
        other = row[0] if len(row) == 3 else row[2]
        left, right = f"{row[0]}_{int(row[1]):04d}.jpg", f"{other}_{int(row[-1]):04d}.jpg"
        touched += left in files or right in files
    assert touched == np.count_nonzero(marked)
