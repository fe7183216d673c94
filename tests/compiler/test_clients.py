"""The programs that users write (tests/bench/clients.py), compiled, against the scalar graph, on random numbers."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from micrograd2 import compile
from micrograd2.contributions import grads_of
from micrograd2.engine import MAX, RELU, topological_order
from tests.bench.clients import CLIENTS, graphs

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}


@lru_cache(maxsize=None)
def made(name, dtype):
    """A small client, its program, made on zeros, which no other example is, and the parameters it begins with."""
    make, _, sizes = CLIENTS[name]
    client = make(*sizes)
    example = [np.zeros(array.shape[1]) for array in client.draw(np.random.default_rng(0), 1)]
    program = compile(client.cost, client.parameters, *example, dtype=dtype)
    return client, program, program.theta


def near_a_kink(cost):
    """Whether rounding may decide which way a gradient goes; two equal numbers are two zeros, that pass none on."""
    kinks = [node.args for node in topological_order(cost) if node.op in (RELU, MAX)]
    return any(0 < abs(args[0].data - (args[1].data if args[1:] else 0.0)) < 1e-5 for args in kinks)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", CLIENTS)
@settings(max_examples=max(1, settings().max_examples // 4))
@given(seed=st.integers(0, 2**32 - 1), B=st.integers(1, 4))
def test_programs_of_users_equal_the_scalar_graph(name, dtype, seed, B):
    client, program, start = made(name, dtype)
    rng = np.random.default_rng(seed)
    theta = (start + 0.5 * rng.standard_normal(start.shape)).astype(dtype)
    arrays = [array.astype(dtype) for array in client.draw(rng, B)]
    costs = graphs(client, theta, arrays)
    assume(not any(map(near_a_kink, costs)))
    grads = [[slopes.get(p, 0.0) for p in client.parameters] for slopes in map(grads_of, costs)]
    loss, gradient = program(theta, *arrays)
    assert gradient.dtype == dtype
    for ours, scalars in ((program.outputs(theta, *arrays), [cost.data for cost in costs]),
                          (loss, np.mean([cost.data for cost in costs])), (gradient, np.mean(grads, axis=0))):
        np.testing.assert_allclose(ours, scalars, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(scalars).max()))
