"""Tidying: equal lines once, factors together, and what nobody reads falls away."""

import numpy as np
import pytest
from hypothesis import assume, given, settings

from micrograd2.compiler import compile
from micrograd2.compiler.lines import ArrayProgram, elementwise, leaf, number, reshaped, summed
from micrograd2.compiler.printer import Page
from micrograd2.compiler.tidy import tidied
from micrograd2.engine import ADD, MUL
from tests.compiler.scalar_code import EDGES, arrays_of, graph_of, named, placed_programs, rows, slow
from tests.programs import on_a_knife_edge
from tests.compiler.scalar_code import unused_names, values

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises
THETA, X = leaf("theta", 12, trained=True), leaf("x", 12, batched=True)


def test_equal_lines_are_written_once_and_factors_are_one():
    v = elementwise(MUL, THETA, X)
    loss = reshaped(summed((2.0 * v) * (-(3.0 * v)) + elementwise(ADD, v, v), (-1,), True)) / number(1.0, 1)
    source = Page(tidied(ArrayProgram(THETA, (), loss)), ["x"], np.dtype(float)).source()
    assert source.count("theta * x") == 1 and "-6 * " in source and " 3 * " not in source


def test_what_a_reader_follows_keeps_its_factors():
    v = 2.0 * elementwise(MUL, THETA, X)
    loss = reshaped(summed(v * 3.0 * X, (-1,), True)) / number(1.0, 1)
    source = Page(tidied(ArrayProgram(THETA, (v,), loss)), ["x"], np.dtype(float)).source()
    assert "v1 = 2 * (theta * x)" in source and "3 * " in source


# No dead lines

@settings(slow, max_examples=30)
@given(placed_programs())
def test_the_source_of_random_programs_has_no_dead_lines(placed):
    f, parameters, arrays = placed
    assume(not on_a_knife_edge(graph_of(f, rows(arrays)[0])))
    program = compile(f, parameters, *(array[0] for array in arrays))
    assert not unused_names(program.source)


@named
def test_the_source_has_no_dead_lines(make):
    f, parameters, widths = make()
    assert not unused_names(compile(f, parameters, *(array[0] for array in arrays_of(widths))).source)


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_edges_have_no_dead_lines(edge):
    p = values(3)
    assert not unused_names(compile(lambda x: edge(p, x), p, [1.0, 2.0]).source)
