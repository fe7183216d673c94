"""JAX as an oracle: `program.jax()`, differentiated by JAX, against the program's own outputs, loss and gradient.

JAX knows nothing of the backward pages: it differentiates the forward page by rules of its own. Where a program raises,
because the scalar graph would, JAX gives inf or nan.

JAX is imported inside the tests, since it starts threads; double precision is switched on for each call alone.
"""

import functools
import pickle
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from micrograd2 import compile
from micrograd2.costs import cross_entropy, squared_error
from micrograd2.engine import Value, logsumexp, maximum, minimum
from tests.bench.clients import CLIENTS, flat
from tests.compiler.scalar_code import NAMED, WIDE_STEPS, assert_close, placed_programs, ragged, values
from tests.libraries import jax_precision, needs_jax

pytestmark = needs_jax
few = settings(max_examples=max(1, settings().max_examples // 10), suppress_health_check=[*HealthCheck])
seeds = st.integers(0, 2**32 - 1)


def of_jax(transformed, *arguments, x64=True, jit=True):
    """What `transformed(jax)`, a function made with JAX, gives for these arguments, as arrays of NumPy."""
    import jax
    with jax_precision(x64):
        function = transformed(jax)
        if jit:  # the time goes into XLA's compiler, which need not try hard here
            function = jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})
        return jax.tree.map(np.asarray, function(*arguments))


def value_and_grad(program):
    return lambda jax: jax.value_and_grad(program.jax())


def assert_jax_agrees(program, seed, arrays=None):
    """The program on random numbers from −2 to 2, unless arrays are given: JAX finds the same."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-2, 2, program.theta.shape)
    if arrays is None:
        arrays = [rng.uniform(-2, 2, (3, n)) for n in program.sizes]
    outputs = program.outputs(theta, *arrays)
    if program.is_cost:
        theirs = of_jax(value_and_grad(program), theta, *arrays)
        for ours, of_them in zip(program(theta, *arrays), theirs, strict=True):
            assert_close(ours, of_them)
        assert_close(outputs.mean(), theirs[0])
    else:
        assert_close(outputs, of_jax(lambda jax: program.jax(), theta, *arrays))


@few
@given(placed=placed_programs(), seed=seeds)
def test_random_costs_and_their_gradients_are_those_of_jax(placed, seed):
    f, parameters, arrays = placed
    assert_jax_agrees(compile(f, parameters, *(array[0] for array in arrays)), seed)


@few
@given(placed=placed_programs(several=True), seed=seeds)
def test_random_lists_are_those_of_jax(placed, seed):
    f, parameters, arrays = placed
    assert_jax_agrees(compile(f, parameters, *(array[0] for array in arrays)), seed)


@few
@given(steps=st.lists(st.sampled_from(sorted(WIDE_STEPS)), min_size=1, max_size=4), T=st.integers(1, 3),
       D=st.integers(1, 3), seed=seeds)
def test_random_wide_programs_and_their_gradients_are_those_of_jax(steps, T, D, seed):
    W, b = values(D, D), values(D, seed=1)

    def f(x, y):
        h = [x[D * t:D * t + D] for t in range(T)]
        for step in steps:
            h = WIDE_STEPS[step](h, W, b)
        return squared_error(flat(h), y)
    assert_jax_agrees(compile(f, flat(W, b), [0.5] * T * D, [0.0] * T * D), seed)


@few
@given(seed=seeds)
def test_ragged_programs_and_their_gradients_are_those_of_jax(seed):
    f, n, m = ragged(seed)
    w = values(m)
    assert_jax_agrees(compile(functools.partial(f, w), w, [0.0] * n), seed)


@pytest.mark.parametrize("name", CLIENTS)
def test_programs_of_users_and_their_gradients_are_those_of_jax(name):
    make, _, sizes = CLIENTS[name]
    client = make(*sizes)
    arrays = client.draw(np.random.default_rng(1), 3)
    assert_jax_agrees(compile(client.cost, client.parameters, *(array[0] for array in arrays)), 2, arrays)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize("f", [
    Value.sigmoid, Value.tanh, Value.softplus, Value.atan, lambda z: 1 / (z * z + 1), lambda z: logsumexp([z, -z, 1.0]),
    lambda z: (-abs(z)).exp(), lambda z: cross_entropy([z, -z], [0.0, 1.0])],
    ids=["sigmoid", "tanh", "softplus", "atan", "1/x", "logsumexp", "exp", "cross-entropy"])
def test_far_out_the_gradients_are_those_of_jax(f, dtype, tolerance):
    w = Value(1.0)
    program = compile(lambda x: f(w * x[0]), [w], [1.5], dtype=dtype)
    X = np.array([-1000, -100, -20, -0.5, 0.5, 20, 100, 1000], dtype)[:, None, None]
    ours = [np.array([loss, *gradient]) for loss, gradient in (program([1.0], x) for x in X)]
    loss, gradient = of_jax(lambda jax: jax.vmap(jax.value_and_grad(program.jax()), [None, 0]), program.theta, X)
    for row, their_loss, slopes in zip(ours, loss, gradient, strict=True):
        assert_close(row, np.array([their_loss, *slopes]), tolerance)


@pytest.mark.parametrize("f", [
    lambda a, b: maximum(a, b), lambda a, b: minimum(a, b), lambda a, b: (a - b).relu(), lambda a, b: abs(a - b),
    lambda a, b: maximum(a, 2.0) * b, lambda a, b: maximum(maximum(b, a), a) - minimum(2.0, b)])
def test_at_ties_and_kinks_the_slopes_of_jax_are_those_of_the_scalar_graph(f):
    w = [Value(0.5), Value(-0.5)]
    program = compile(lambda: f(*w), w)
    for at in ([2.0, 2.0], [-1.0, -1.0], [2.0, 1.0], [0.0, 0.0]):
        for ours, theirs in zip(program(at), of_jax(value_and_grad(program), np.array(at)), strict=True):
            np.testing.assert_array_equal(ours, theirs)


# What JAX can do with the function

named = pytest.mark.parametrize("make", [NAMED["rnn"], NAMED["mixture"]], ids=["rnn", "mixture"])


def made(make, dtype="float64"):
    f, parameters, widths = make()
    rng = np.random.default_rng(0)
    program = compile(f, parameters, *(np.zeros(n) for n in widths), dtype=dtype)
    return program, [rng.standard_normal((3, n)).astype(dtype) for n in widths]


@named
def test_without_jit_it_gives_the_same(make):
    program, arrays = made(make)
    theirs = of_jax(value_and_grad(program), program.theta, *arrays, jit=False)
    for ours, their in zip(program(program.theta, *arrays), theirs, strict=True):
        assert_close(ours, their)


@named
def test_vmap_over_examples_gives_the_cost_of_each_and_over_parameters_the_loss_of_each(make):
    program, arrays = made(make)
    theta = np.stack([program.theta, -program.theta])
    each = of_jax(lambda jax: jax.vmap(program.jax(), [None, *(0 for _ in arrays)]), theta[0],
                  *(array[:, None] for array in arrays))
    assert_close(program.outputs(theta[0], *arrays), each)
    losses = of_jax(lambda jax: jax.vmap(program.jax(), [0, *(None for _ in arrays)]), theta, *arrays)
    assert_close([program(row, *arrays)[0] for row in theta], losses)


@named
@pytest.mark.parametrize("x64", [False, True])
def test_a_program_in_float32_stays_in_float32(make, x64):
    program, arrays = made(make, "float32")
    loss, gradient = of_jax(value_and_grad(program), program.theta, *arrays, x64=x64)
    assert loss.dtype == gradient.dtype == np.float32
    for ours, theirs in zip(program(program.theta, *arrays), (loss, gradient)):
        assert_close(ours, theirs, 1e-4)


def test_a_program_from_another_process_has_its_function_of_jax():
    program, arrays = made(NAMED["rnn"])
    assert_jax_agrees(pickle.loads(pickle.dumps(program)), 0, arrays)


@pytest.mark.parametrize("f, at", [
    (Value.log, 0.0), (lambda w: 1 / w, 0.0), (lambda w: w ** 0.5, -1.0), (Value.exp, 1000.0), (Value.sqrt, 0.0)],
    ids=["log(0)", "1/0", "(-1)**0.5", "exp(1000)", "the slope of sqrt at 0"])
def test_where_a_program_raises_jax_gives_inf_or_nan(f, at):
    w = Value(1.5)
    program = compile(lambda: f(w), [w])
    with pytest.raises(FloatingPointError):
        program([at])
    loss, gradient = of_jax(value_and_grad(program), np.array([at]))
    assert not np.isfinite([loss, *gradient]).all()


def test_without_jax_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ModuleNotFoundError, match=r"micrograd2\[jax\]"):
        made(NAMED["rnn"])[0].jax()
