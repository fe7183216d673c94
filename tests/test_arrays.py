"""Arrays: what a user gives becomes real numbers, or an error that names it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from micrograd2 import Value
from micrograd2.arrays import examples, numbers

REAL = npst.arrays(st.sampled_from(["f8", "f4", "i8", "u1", "?"]), npst.array_shapes(max_dims=3, max_side=4),
                   elements={"allow_nan": False, "allow_infinity": False})


@given(REAL)
def test_arrays_nested_lists_and_values_are_the_same_numbers(array):
    expected = array.astype(float)
    for form in (array, array.tolist(), tuple(array.tolist()), array.astype(object)):
        assert np.array_equal(numbers("X", form), expected)
    values = np.frompyfunc(Value, 1, 1)(array)
    assert np.array_equal(numbers("X", values.tolist()), expected)


@pytest.mark.parametrize("number", [3, 3.0, True, Fraction(3, 2), np.float32(3), np.array(3), Value(3.0)], ids=repr)
def test_a_single_number_is_an_array_without_axes(number):
    assert numbers("X", number).shape == () and numbers("X", number) == float(number)


@pytest.mark.parametrize("wrong", [
    None, "3", b"3", bytearray(b"3"), {1.0}, frozenset({1.0}), {1: 2.0}, ..., (x for x in [1.0]), 1j, len,
    [None], [1.0, None], ["1"], [1.0, "2"], [1j], [...], [[1.0], [None]], np.array(["a"]), np.array([1j]),
    np.array([None, 1.0]), np.ma.array([1.0, 2.0], mask=[0, 1]), [np.ma.array([1.0]), [2.0]],
    np.array(["2020-01-01"], "M8[D]"), np.zeros(2, "f8,i8")], ids=lambda wrong: f"{wrong!r:.30}")
def test_what_is_no_real_number_is_named(wrong):
    with pytest.raises(TypeError, match="^theta must"):
        numbers("theta", wrong)


@pytest.mark.parametrize("ragged, told", [
    ([[1.0], [1.0, 2.0]], r"X\[0\] is of length 1, X\[1\] is of length 2"),
    ([[1.0, 2.0], 3.0], r"X\[0\] is of length 2, X\[1\] is the single 3.0"),
    ([[1.0], [2.0], [np.array([1.0, 2.0])], [3.0, 4.0]], "rows of one length|real numbers")])
def test_rows_of_different_length_are_named(ragged, told):
    with pytest.raises((TypeError, ValueError), match=told):
        numbers("X", ragged)


def test_a_number_too_large_for_a_float_is_told():
    with pytest.raises(ValueError, match="too large"):
        numbers("X", [10 ** 400])


@pytest.mark.parametrize("X, Y, shapes", [
    ([1.0, 2.0], 3.0, ((1, 2), (1, 1))), ([1.0, 2.0], [3.0], ((1, 2), (1, 1))),
    ([1.0, 2.0], [3.0, 4.0, 5.0], ((1, 2), (1, 3))), ([[1.0, 2.0]], [3.0], ((1, 2), (1, 1))),
    ([[1.0, 2.0]] * 3, [[3.0, 4.0]] * 3, ((3, 2), (3, 2))), ([[1.0, 2.0]] * 3, [3.0] * 3, ((3, 2), (3, 1)))])
def test_one_example_and_a_batch(X, Y, shapes):
    for form in (lambda given: given, np.array):
        x, y = examples(form(X), form(Y), inputs=2)
        assert (x.shape, y.shape) == shapes
    assert examples(X)[1] is None


@pytest.mark.parametrize("X, Y", [
    ([], []), ([[]], [1.0]), (3.0, 1.0), ([[[1.0]]], [1.0]), ([1.0, 2.0], []), ([1.0, 2.0], [[1.0]]),
    ([[1.0, 2.0]], 3.0), ([[1.0, 2.0]] * 2, [1.0]), ([[1.0, 2.0]] * 2, [[]] * 2), ([[1.0, 2.0]], [[[1.0]]])], ids=repr)
def test_other_shapes_are_told(X, Y):
    with pytest.raises(ValueError, match="^[XY] must .* shape"):
        examples(X, Y)


def test_the_number_of_inputs_is_checked():
    with pytest.raises(ValueError, match="must have 3 numbers for each example, .*; got 2"):
        examples([[1.0, 2.0]], [1.0], inputs=3)


@given(REAL, st.integers(0, 3))
def test_equality_with_numpy_is_identity_as_everywhere(array, number):
    value = Value(float(number))
    for one, other in ((value, array), (array, value)):
        assert np.array_equal(one == other, np.zeros(array.shape, bool))
        assert np.array_equal(one != other, np.ones(array.shape, bool))
    for scalar in array.ravel():
        for same in (value == scalar, scalar == value, value in [scalar], scalar in [value]):
            assert not same
        assert value != scalar and scalar != value and value in [scalar, value]
    values = np.array([Value(1.0), value, Value(float(number))], object)
    for found in (values == value, value == values, ~np.array(values != value, bool)):
        assert found.tolist() == [False, True, False]
    assert np.equal(value, value) and not np.not_equal(value, value)
    assert (value == np.zeros((0, 2))).shape == (value != np.zeros((0, 2))).shape == (0, 2)
    with pytest.raises(TypeError, match="np.equal is for arrays"):
        np.equal(array, value, out=np.zeros(array.shape, bool))
