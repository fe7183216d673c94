"""The compiler: every program against the scalar graph, what it takes, and what belongs to whom."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import cloudpickle
import joblib
import numpy as np
import pytest
from hypothesis import assume, given, settings

from micrograd2.compiler import CompileError, compile
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import Value, dot, total
from micrograd2.nn import ACTIVATIONS, MLP
from tests.compiler.scalar_code import EDGES, PARAMETER, arrays_of, assert_agrees, assert_close, batch, compiled
from tests.programs import on_a_knife_edge
from tests.compiler.scalar_code import digit_program, graph_of, named, placed_programs, rnn, rows
from tests.compiler.scalar_code import scalar_average, slow, unused_names, values

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises


# Every program equals the scalar graph

@slow
@given(placed_programs())
def test_random_costs_equal_the_scalar_graph(placed):
    f, parameters, arrays = placed
    assume(not any(on_a_knife_edge(graph_of(f, example)) for example in rows(arrays)))
    compiled(f, parameters, *arrays)


@settings(slow, max_examples=50)
@given(placed_programs(several=True))
def test_random_lists_equal_the_scalar_graph(placed):
    f, parameters, arrays = placed
    assert_agrees(compile(f, parameters, *(array[0] for array in arrays)), f, parameters, *arrays)


@named
def test_named_programs_equal_the_scalar_graph(make):
    f, parameters, widths = make()
    program = compiled(f, parameters, *arrays_of(widths))
    program.check(program.theta + 0.1, *arrays_of(widths, 2, seed=7))


@named
def test_named_programs_in_float32(make):
    f, parameters, widths = make()
    program = compiled(f, parameters, *arrays_of(widths), tolerance=1e-4, dtype=np.float32)
    assert program.theta.dtype == program.outputs(program.theta, *arrays_of(widths)).dtype == np.float32
    if program.is_cost:
        assert program(program.theta, *arrays_of(widths))[1].dtype == np.float32


COSTS = {squared_error: 3, cross_entropy: 3, max_margin: 1}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_with_every_activation_and_cost(activation, output, cost):
    nout = COSTS[cost]
    net = MLP(4, [5, nout], activation, output, seed=1)
    program = compiled(lambda x, y: cost(net(x), y if nout > 1 else y[0]), net.parameters(), *arrays_of((4, nout)))
    assert not unused_names(program.source)


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_edges(edge, dtype):
    p = values(3)
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    program = compiled(lambda x: edge(p, x), p, batch(3, 2), tolerance=tolerance, dtype=dtype)
    assert program.outputs(program.theta, batch(3, 2)).dtype == dtype


@pytest.mark.parametrize("count", [0, 1, 2])
def test_programs_without_arrays_and_without_parameters(count):
    p = values(count, low=0.5)
    program = compiled(lambda: total(w ** 3 for w in p) + total(p) * 2, p)
    assert program.outputs(program.theta).shape == (1,)
    compiled(lambda x: total(x) * 2 + total(p), p, batch(3, 2))
    compiled(lambda: [Value(1.0), *p], p)


def test_an_argument_of_no_numbers():
    p = values(2)
    compiled(lambda x, y: p[0] * p[1] + total(x) + y[0], p, np.zeros((3, 0)), batch(3, 1))


def test_a_printed_program_says_what_became_of_it():
    program, _ = digit_program((6, 4, 3))
    assert str(program.array_operations) in str(program) and f"{len(program.theta)} parameters" in str(program)
    assert f"{program.scalar_nodes:,} scalar nodes" in str(program)


# Parameters, shapes and kinds of numbers

@pytest.mark.parametrize("parameters, said", [
    ([PARAMETER, PARAMETER], "twice"), ([PARAMETER * 2], "leaves"), ([2.0], "Values"), ([[PARAMETER]], "Values")])
def test_bad_parameters_are_refused(parameters, said):
    with pytest.raises((CompileError, TypeError), match=said):
        compile(lambda x: PARAMETER * x[0], parameters, [1.0])


@pytest.mark.parametrize("dtype", [None, "int32", "float16", "longdouble", complex, "text", 64])
def test_a_kind_of_number_that_is_not_float64_or_float32_is_refused(dtype):
    with pytest.raises(TypeError, match="float64 or float32"):
        compile(lambda x: PARAMETER * x[0], [PARAMETER], [1.0], dtype=dtype)


def linear(**options):
    """A cost of two arguments, of 3 numbers and of 1."""
    w = values(4)

    def f(x, y):
        return (dot(w[:3], x, w[3]) - y[0]) ** 2
    return compile(f, w, [1.0, 2.0, 3.0], [1.0], **options)


@pytest.mark.parametrize("shapes", [
    [(5, 3)], [], [(5, 3), (5, 1), (5, 1)], [(5, 4), (5, 1)], [(5, 2), (5, 1)], [(5, 3), (4, 1)], [(5, 3), (5, 2)],
    [(3,), (1,)], [(0, 3), (0, 1)], [(5, 3), (1, 1)], [(5, 3, 1), (5, 1)], [(), (1,)], [(5, 3), ()]], ids=str)
@pytest.mark.parametrize("call", ["__call__", "outputs", "check"])
def test_wrong_shapes_are_refused(shapes, call):
    program = linear()
    with pytest.raises(ValueError, match="array|shape"):
        getattr(program, call)(program.theta, *map(np.zeros, shapes))


@pytest.mark.parametrize("shape", [(3,), (5,), (4, 1), (1, 4), ()])
def test_a_theta_of_the_wrong_shape_is_refused(shape):
    program, arrays = linear(), (np.zeros((2, 3)), np.zeros(2))
    for act in (program, program.outputs, program.check):
        with pytest.raises(ValueError, match="theta"):
            act(np.zeros(shape), *arrays)
    with pytest.raises(ValueError, match="theta"):
        program.store(np.zeros(shape))


@pytest.mark.parametrize("arrays", [([["a"] * 3], [1.0]), ([[1.0, 2.0, 3.0], [1.0]], [1.0, 2.0])],
                         ids=["text", "ragged"])
def test_what_is_no_array_of_numbers_is_refused(arrays):
    program = linear()
    with pytest.raises((TypeError, ValueError), match="^x must"):
        program(program.theta, *arrays)


@pytest.mark.parametrize("form", [
    np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], lambda a: np.flip(np.flip(a).copy()), np.ndarray.tolist,
    lambda a: a.astype(int), lambda a: a.astype(np.float32), lambda a: a.astype(np.int8), lambda a: a > 2,
    lambda a: np.broadcast_to(a[:1], a.shape), lambda a: a.astype(object), lambda a: a.astype(">f8")],
    ids="Fortran strided backwards list int float32 int8 bool broadcast object big-endian".split())
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_of_every_kind(form, dtype):
    program = linear(dtype=dtype)
    x, y = np.arange(12.0).reshape(4, 3) - 5, np.arange(4.0).reshape(4, 1)
    loss, gradient = program(program.theta, form(x), form(y))
    plain = [np.array(form(array), dtype=float) for array in (x, y)]
    expected, expected_gradient = scalar_average(program.f, program.parameters, plain)
    assert_close(loss, expected, 1e-5 if dtype == np.float32 else 1e-12)
    assert_close(gradient, expected_gradient, 1e-5 if dtype == np.float32 else 1e-12)


def test_one_number_for_each_example_may_be_a_row():
    program, x = linear(), batch(4, 3)
    loss, gradient = program(program.theta, x, np.arange(4))
    column_loss, column_gradient = program(program.theta, x, np.arange(4)[:, None])
    assert loss == column_loss and (gradient == column_gradient).all()


def test_a_batch_of_one_and_of_many():
    program = linear()
    for B in (1, 2, 1000):
        assert_agrees(program, program.f, program.parameters, batch(B, 3), batch(B, 1))


def test_theta_may_be_of_any_kind():
    program, arrays = linear(), (batch(2, 3), batch(2, 1))
    expected = program(np.array([1.0, 2.0, 3.0, 4.0]), *arrays)[0]
    for theta in ([1, 2, 3, 4], (1.0, 2.0, 3.0, 4.0), np.arange(1, 5), np.arange(1.0, 9.0)[:4],
                  np.repeat(np.arange(1.0, 5.0), 2)[::2], np.arange(1, 5, dtype=np.float32)):
        assert program(theta, *arrays)[0] == expected


# Numbers that are not there

BAD = {  # a function, an example that is good, and numbers in a batch that are not, with what NumPy calls it
    "log(0)": (lambda x: x.log(), 0.0, "divide"), "log(-1)": (lambda x: x.log(), -1.0, "invalid"),
    "1/0": (lambda x: 1 / x, 0.0, "divide"), "x/0": (lambda x: PARAMETER / x, 0.0, "divide"),
    "exp(1000)": (lambda x: x.exp(), 1000.0, "overflow"), "sqrt(-1)": (lambda x: x.sqrt(), -1.0, "invalid"),
    "0**-1": (lambda x: x ** -1, 0.0, "divide"), "(-8)**(1/3)": (lambda x: x ** (1 / 3), -8.0, "invalid"),
    "(-1)**p": (lambda x: x ** (PARAMETER + 0.5), -1.0, "invalid"), "big**8": (lambda x: x ** 8, 1e100, "overflow"),
    "2**x": (lambda x: 2 ** x, 5000.0, "overflow"),
}


@pytest.mark.parametrize("function, number, said", BAD.values(), ids=BAD)
def test_where_the_scalar_graph_refuses_a_number_the_program_names_the_line(function, number, said):
    program = compile(lambda x: function(x[0]) * PARAMETER, [PARAMETER], [1.5])
    for act in (program, program.outputs):
        with pytest.raises(FloatingPointError, match=said) as caught:
            act(program.theta, [[1.0], [number]])
        line = str(caught.value).split(": ", 1)[1]
        assert line and line in program.source
    assert_agrees(program, program.f, [PARAMETER], [[1.0], [2.0]])  # and works on


def test_the_slope_of_sqrt_at_zero_is_refused():
    program = compile(lambda x: (PARAMETER * x[0]).sqrt(), [PARAMETER], [1.5])
    with pytest.raises(FloatingPointError, match="divide"):
        program(program.theta, [[0.0]])


# What belongs to whom

def both(make=rnn):
    f, parameters, widths = make()
    arrays = arrays_of(widths)
    return compile(f, parameters, *(array[0] for array in arrays)), arrays


@named
def test_what_is_returned_is_the_callers(make):
    program, arrays = both(make)
    theta = program.theta
    first = [program.outputs(theta, *arrays), program(theta, *arrays)]
    gradients = [first[0], first[1][1] if program.is_cost else first[1]]
    copies = [array.copy() for array in gradients]
    for k in range(3):
        others = [array[::-1] * 0.5 for array in arrays]
        program(theta * 0.9, *others)
        program.outputs(theta * 0.9, *others)
    for array, copy in zip(gradients, copies):
        np.testing.assert_array_equal(array, copy)
        array[:] = 7.0  # nor does the program mind
    np.testing.assert_array_equal(program.outputs(theta, *arrays), copies[0])


@named
def test_what_is_given_stays_as_it_is(make):
    program, arrays = both(make)
    given_ = [program.theta, *arrays]
    copies = [array.copy() for array in given_]
    for array in given_:
        array.flags.writeable = False
    program(*given_)
    program.outputs(*given_)
    program.check(*given_)
    for array, copy in zip(given_, copies):
        np.testing.assert_array_equal(array, copy)


@named
def test_batches_of_many_sizes_in_turn(make):
    f, parameters, widths = make()
    program = both(make)[0]
    for k, B in enumerate((3, 1, 4, 3, 2, 4) if widths else (1, 1)):
        assert_agrees(program, f, parameters, *arrays_of(widths, B, seed=k))


def test_theta_is_a_copy_and_store_writes():
    program, _ = both()
    theta = program.theta
    before = theta.copy()
    theta += 1.0
    np.testing.assert_array_equal(program.theta, before)
    program.store(theta)
    assert [p.data for p in program.parameters] == theta.tolist()
    assert all(type(p.data) is float for p in program.parameters)
    np.testing.assert_array_equal(program.theta, theta)


def test_the_list_of_parameters_is_copied():
    w = values(2)
    listed = list(w)
    program = compile(lambda x: w[0] * x[0] + w[1], listed, [1.0])
    listed.clear()
    assert len(program.theta) == 2
    assert_agrees(program, program.f, w, batch(2, 1))


def test_numpys_error_state_is_left_alone():
    program = linear()
    before = np.geterr()
    program(program.theta, batch(2, 3), batch(2, 1))
    with pytest.raises(ValueError):
        program(program.theta)
    assert np.geterr() == before


def test_a_program_is_what_an_optimiser_of_functions_wants():
    """fun(theta, *arrays) -> (float, vector), as for scipy.optimize.minimize(jac=True)."""
    w, X = values(3), batch(20, 2)
    y = X @ [1.0, -2.0] + 0.5
    program = compile(lambda x, y: (dot(w[:2], x, w[2]) - y[0]) ** 2, w, X[0], [y[0]])
    theta = program.theta
    for _ in range(500):
        loss, gradient = program(theta, X, y)
        assert type(loss) is float and gradient.shape == theta.shape
        theta = theta - 0.5 * gradient
    assert_close(theta, [1.0, -2.0, 0.5], 1e-6)


# Other processes

def pickled_program():
    net = MLP(3, [4, 2], activation="tanh", seed=1)
    X, Y = np.random.default_rng(0).random((6, 3)), np.eye(2)[[0, 1, 0, 1, 1, 0]]
    return compile(lambda x, y: squared_error(net(x), y), net.parameters(), X[0], Y[0]), X, Y


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_a_pickled_program_does_the_same_without_its_function(pickler):
    program, X, Y = pickled_program()
    twin = pickler.loads(pickler.dumps(program))
    loss, gradient_ = program(program.theta, X, Y)
    assert twin(twin.theta, X, Y)[0] == loss and np.array_equal(twin(twin.theta, X, Y)[1], gradient_)
    assert twin.source == program.source and repr(twin) == repr(program)
    assert [p.label for p in twin.parameters] == [p.label for p in program.parameters]
    twin.store(twin.theta * 2)
    assert np.array_equal(twin.theta, program.theta * 2)
    with pytest.raises(RuntimeError, match="without its scalar function"):
        twin.check(twin.theta, X, Y)


def test_a_program_runs_in_other_processes():
    program, X, Y = pickled_program()
    loss, gradient_ = program(program.theta, X, Y)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(program, [program.theta] * 4, [X] * 4, [Y] * 4))
    done += joblib.Parallel(n_jobs=2, backend="loky")(
        joblib.delayed(program)(program.theta, X, Y) for _ in range(4))
    assert all(one == loss and np.array_equal(other, gradient_) for one, other in done)
