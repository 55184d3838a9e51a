"""The largest of a long row, found block by block."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caption.decoding._top import largest


@pytest.mark.parametrize("columns", [5, 64, 1279, 1280, 8009])
def test_the_largest_are_those_of_a_full_sort(columns):
    values = np.random.default_rng(columns).normal(size=(7, columns)).astype("float32")
    for count in (1, 5):
        found, places = largest(values, count)
        np.testing.assert_array_equal(places, np.argsort(-values, axis=1)[:, :count])
        np.testing.assert_array_equal(found, np.take_along_axis(values, np.array(places), 1))


@given(seed=st.integers(0, 1000), levels=st.integers(1, 5), count=st.integers(1, 6))
def test_equal_and_struck_out_values_do_no_harm(seed, levels, count):
    values = np.random.default_rng(seed).integers(0, levels, (3, 1700)).astype("float32")
    values[values == 0] = -math.inf
    found, places = largest(values, count)
    np.testing.assert_array_equal(found, -np.sort(-values, axis=1)[:, :count])
    np.testing.assert_array_equal(found, np.take_along_axis(values, np.array(places), 1))
    assert all(len(set(row)) == count for row in np.array(places).tolist())
