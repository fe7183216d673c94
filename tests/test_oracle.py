"""Outside oracles: what JAX and PyTorch make of the same programs."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies as st

from libraries import LIBRARIES, jax_library, jax_slope, needs_jax
from micrograd2.compiler import compile
from micrograd2.engine import Value, gradient, topological_order
from programs import RECIPES, VALUES, Program, programs, run

few = settings(max_examples=settings().max_examples // 4)  # a library takes many times as long as the engine


def assert_close(ours: Value, *others: Any) -> None:
    """Equal but for rounding: every number on the way is rounded, here and there, by an epsilon of itself or less.

    Slopes between these numbers are about 1 or less, so what the roundings do to the result can only add up.
    """
    on_the_way = sum(abs(v.data) for v in topological_order(ours))
    for other in others:
        assert abs(ours.data - float(other)) <= 2 * sys.float_info.epsilon * on_the_way


# Random programs

def leaves_and_result(program: Program) -> tuple[list[Value], Value]:
    leaves = [Value(x) for x in program.leaves]
    return leaves, run(program.steps, leaves, VALUES)


def at_a_kink(program: Program) -> bool:
    """Whether convention, or the rounding of one number, decides a slope on the way to the result."""
    result = leaves_and_result(program)[1]
    kinks = [v for v in topological_order(result) if v._op in ("relu", "abs", "max", "min")]
    return any(abs(v.args[0].data - (v.args[1].data if len(v.args) == 2 else 0.0)) < 1e-9 for v in kinks)


@pytest.mark.parametrize("library", LIBRARIES)
@given(program=programs())
@few
def test_values_and_first_derivatives_equal_the_librarys(library, program):
    assume(not at_a_kink(program))
    leaves, result = leaves_and_result(program)
    value, slopes = library().slopes(lambda xs: run(program.steps, xs, library().maths), program.leaves)
    compiled = compile(lambda: run(program.steps, leaves, VALUES), leaves)
    loss, grads = compiled(compiled.theta)
    result.backward()
    assert_close(result, value, loss)
    for slope, leaf, *others in zip(gradient(result, leaves), leaves, slopes, grads):
        assert_close(slope, leaf.grad, *others)


def assert_higher_derivatives_equal_those_of_jax(program: Program, i: int, j: int) -> None:
    """∂²/∂xᵢ∂xⱼ of the result, and every slope of that."""
    leaves, result = leaves_and_result(program)
    first = jax_slope(lambda xs: run(program.steps, xs, jax_library().maths), i)
    second, third = jax_library().slopes(jax_slope(first, j), program.leaves)
    ours = gradient(gradient(result, leaves)[i], leaves)[j]
    assert_close(ours, second)
    for slope, their_slope in zip(gradient(ours, leaves), third):
        assert_close(slope, their_slope)


@needs_jax
@pytest.mark.parametrize("i, j", [(0, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("recipe", RECIPES)
def test_second_and_third_derivatives_of_every_recipe_equal_those_of_jax(recipe, i, j):
    assert_higher_derivatives_equal_those_of_jax(Program([0.75, -1.25], [(recipe, (0, 1), 0.5)]), i, j)


@needs_jax
@given(program=programs(longest=12), i=st.integers(0, 3), j=st.integers(0, 3))
@few
def test_second_and_third_derivatives_equal_those_of_jax(program, i, j):
    assume(not at_a_kink(program))
    assert_higher_derivatives_equal_those_of_jax(program, i % len(program.leaves), j % len(program.leaves))
