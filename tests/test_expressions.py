"""Arithmetic on text: what is written is read again as the same numbers."""

import itertools
import math

import numpy as np
import pytest

from micrograd2.expressions import Text

pytestmark = pytest.mark.filterwarnings("error")

TWO = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
       "neg": lambda a, b: -a, "square": lambda a, b: a ** 2.0, "a constant": lambda a, b: b * -1.5 + a}


@pytest.mark.parametrize("last", TWO)
def test_arithmetic_on_names_is_written_with_the_brackets_that_it_needs(last):
    numbers = {"a": 0.75, "b": -1.25, "c": 3.0, "d": 1.625}
    a, b, c, d = map(Text, numbers)
    for left, right in itertools.product(TWO.values(), repeat=2):
        written = str(TWO[last](left(a, b), right(c, d)))
        expected = TWO[last](left(numbers["a"], numbers["b"]), right(numbers["c"], numbers["d"]))
        assert eval(written, {}, numbers) == pytest.approx(expected, rel=1e-13), written


@pytest.mark.parametrize("x", [0.0, -0.0, 2.0, -0.5, 1e15, -3e200, 5e-324, math.inf, -math.inf, math.nan])
def test_a_number_is_written_so_that_it_is_read_again_to_the_last_bit(x):
    read = float(eval(str(Text("").like(x)), {"np": np}))
    assert repr(read) == repr(x) and eval(str(2 - Text("").like(x)), {"np": np}) == pytest.approx(2 - x, nan_ok=True)
