import numpy as np
import pytest
import scipy.fft

from simlearn.audit import _hashes
from simlearn.audit._hashes import close_pairs, distance_blocks, perceptual_hashes
from simlearn.errors import UserError


def smooth(count, seed=0):
    """Grey pictures with structure at every scale: sums of random waves, `(count, 64, 64)`."""
    random = np.random.default_rng(seed)
    amplitude = 1 / (1 + np.hypot(*np.mgrid[:64, :64]))
    waves = scipy.fft.idctn(random.normal(size=(count, 64, 64)) * amplitude, axes=(1, 2))
    waves -= waves.min(axis=(1, 2), keepdims=True)
    return np.rint(waves / waves.max(axis=(1, 2), keepdims=True) * 200).astype(np.uint8)


def number(hashed):
    return int.from_bytes(hashed.tobytes(), "big")


def test_bits_are_those_of_scipys_cosine_transform():
    grey = smooth(7)
    hashes, hashed = perceptual_hashes(grey)
    assert hashed.all()
    for picture, found in zip(grey, hashes, strict=True):
        kept = scipy.fft.dctn(picture.astype(np.float64), type=2)[1:17, 1:17].ravel()
        bits = "".join("1" if value > np.median(kept) else "0" for value in kept)
        # A coefficient at the median may fall to either side in float32, and takes another along.
        assert (int(bits, 2) ^ number(found)).bit_count() <= 2
    assert len({number(found) for found in hashes}) == 7


def test_a_hash_is_that_of_integers_so_that_every_machine_gives_it():
    # Blocks of equal pixels, as of a tiny picture made larger: many coefficients are nothing at
    # all, and the rounding of fractions would decide their bits.
    grey = np.random.default_rng(3).integers(0, 256, (5, 8, 8), np.uint8).repeat(8, 1).repeat(8, 2)
    places = 2 * np.arange(64) + 1
    basis = np.rint(2**14 * np.cos(np.pi / 128 * np.outer(np.arange(1, 17), places)))
    basis = basis.astype(np.int64)
    kept = (basis @ grey.astype(np.int64) @ basis.T).reshape(5, 256)
    assert (np.abs(kept).min(axis=1) == 0).all()
    expected = np.packbits(kept > np.median(kept, axis=1, keepdims=True), axis=1)
    np.testing.assert_array_equal(perceptual_hashes(grey)[0], expected.view(np.uint64))


def test_light_and_contrast_hardly_change_a_hash_and_another_picture_does():
    grey = smooth(5)
    hashes, _ = perceptual_hashes(grey)
    brighter, _ = perceptual_hashes((grey // 2 + 90).astype(np.uint8))
    for place in range(5):
        to_all = [(number(brighter[place]) ^ number(other)).bit_count() for other in hashes]
        assert to_all[place] <= 20
        assert min(to_all[:place] + to_all[place + 1 :]) >= 90


def test_a_picture_of_one_tone_has_no_hash():
    grey = np.full((3, 64, 64), 7, np.uint8)
    grey[1, 20:50, 11:40] = 200
    grey[2, 5, 5] = 8  # one level in one of 4,096 pixels: noise
    assert perceptual_hashes(grey)[1].tolist() == [False, True, False]


def test_other_arrays_are_refused():
    with pytest.raises(UserError, match=r"\(n, 64, 64\), and received uint8 of shape \(3, 32, 32"):
        perceptual_hashes(np.zeros((3, 32, 32), np.uint8))
    with pytest.raises(UserError, match="received float64"):
        perceptual_hashes(np.zeros((3, 64, 64)))


def random_hashes(count, seed):
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


# 11 and 131072 pairs a block: rows one by one, and all in one block.
@pytest.mark.parametrize("block", [11, 2**17])
@pytest.mark.parametrize("count", [None, _hashes._counted_by_table])
def test_close_pairs_are_those_of_a_loop(monkeypatch, block, count):
    monkeypatch.setattr(_hashes, "_BLOCK", block)
    if count is not None:
        monkeypatch.setattr(_hashes, "bit_count", count)
    left, right = random_hashes(13, 0), random_hashes(31, 1)
    right[17] = left[5] ^ np.uint64(0b1011)  # 3 bits in each of 4 words
    right[30] = ~left[12]
    every = [
        ((number(a) ^ number(b)).bit_count(), i, j)
        for i, a in enumerate(left)
        for j, b in enumerate(right)
    ]
    assert sum(d for d, _, _ in every) == sum(
        int(distances.sum()) for _, distances in distance_blocks(left, right)
    )
    assert (256, 12, 30) in every
    wanted = sorted(pair for pair in every if pair[0] <= 115 and (pair[1] + pair[2]) % 7)
    assert len(wanted) > 10
    found = close_pairs(left, right, 115, unless=lambda i, j: (i + j) % 7 == 0, limit=5)
    assert found.count == len(wanted)
    assert [(d, i, j) for i, j, d in found.pairs.tolist()] == wanted[:5]
    assert wanted[0] == (12, 5, 17)


def test_a_block_never_holds_all_pairs():
    left, right = random_hashes(1009, 0), random_hashes(2003, 1)
    sizes = [distances.size for _, distances in distance_blocks(left, right)]
    assert sum(sizes) == 1009 * 2003
    assert max(sizes) <= 2**17
    assert list(distance_blocks(left[:0], right)) == []
