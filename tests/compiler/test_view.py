"""Regular places of an array are slices and reshapes, or sums of ranges, that show these places."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from micrograd2.compiler.view import ranges, view
from micrograd2.engine import dot, total
from tests.bench.clients import flat
from tests.compiler.scalar_code import batch, compiled, values

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises


@pytest.mark.parametrize("start, shape, steps", [
    (0, (4, 6), (6, 1)), (2, (4, 2), (6, 1)), (3, (3, 2), (6, 1)), (5, (2, 2, 3), (12, 4, 1)), (0, (6, 4), (1, 6)),
    (5, (4,), (6,)), (20, (1,), (1,)), (2, (3, 1), (8, 1)), (4, (2, 4), (1, 6)), (13, (3, 2), (1, 4)),
    (1, (3, 2, 2), (1, 12, 4))])
def test_regular_places_are_views(start, shape, steps):
    """A start, and a step for each axis, one of them 1, are written as slices and reshapes that show those places."""
    places = start + sum(np.indices(shape)[axis] * step for axis, step in enumerate(steps))
    seen = view((24,), places, batched=False)
    assert seen is not None
    np.testing.assert_array_equal(eval("v" + "".join(seen), {"v": np.arange(24)}), places)


@given(start=st.integers(0, 5), axes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=4),
       merged=st.booleans())
def test_regular_places_are_sums_of_ranges_and_views_show_them(start, axes, merged):
    shape = [n for n, _ in axes]
    places = start + sum(np.indices(shape)[k] * step for k, (_, step) in enumerate(axes))
    places = places.reshape(shape[0], -1) if merged else places
    if code := ranges(places):
        found = eval(code, {"np": np})
        assert found.shape == places.shape
        np.testing.assert_array_equal(found, places)
    assert code or merged or places.size == 1
    size = int(places.max()) + 3
    seen = view((size,), places, batched=False)
    if seen is not None:
        np.testing.assert_array_equal(eval("v" + "".join(seen), {"v": np.arange(size)}), places)


@pytest.mark.parametrize("layout", [lambda W, b: [W, b], lambda W, b: [b, W], lambda W, b: [*zip(W, b)],
                                    lambda W, b: [*zip(b, W)], lambda W, b: [*zip(*W), b], lambda W, b: [b, W[::-1]]],
                         ids=["W b", "b W", "w b w b", "b w b w", "transposed", "backwards"])
def test_weights_at_regular_distances_are_views(layout):
    W, b = values(4, 3), values(4, seed=1)
    program = compiled(lambda x: total(dot(w, x, c).tanh() for w, c in zip(W, b)), flat(layout(W, b)), batch(3, 3))
    assert "@" in program.source


@given(st.permutations(range(6)), st.sampled_from([(6,), (2, 3), (3, 2)]))
def test_places_in_any_order_are_seen_as_they_are_or_not_at_all(places, shape):
    places = np.reshape(places, shape)
    if seen := view((6,), places, batched=False):
        np.testing.assert_array_equal(eval("v" + "".join(seen), {"v": np.arange(6)}), places)
