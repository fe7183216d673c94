"""How operations are spelled: every one on many numbers, in both precisions, at both ends of the scale and on NaN."""

import math

import numpy as np
import pytest

from micrograd2 import engine
from micrograd2.compiler import CompileError, compile
from micrograd2.costs import cross_entropy
from micrograd2.engine import LEAF, LESS, SIGN, Op, Value, dot, logsumexp, maximum, minimum, total
from tests.bench.clients import flat
from tests.compiler.scalar_code import PARAMETER, batch, compiled

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises

OPERATIONS = {  # symbol: the operation on three numbers, and the interval that they come from
    "+": (lambda a, b, c: a + b, -2, 2), "-": (lambda a, b, c: a - b, -2, 2), "*": (lambda a, b, c: a * b, -2, 2),
    "/": (lambda a, b, c: a / b, 0.5, 2), "neg": (lambda a, b, c: -a, -2, 2), "**": (lambda a, b, c: a ** b, 0.5, 2),
    "**3": (lambda a, b, c: a ** 3, -2, 2), "**-2": (lambda a, b, c: a ** -2, 0.5, 2),
    "**0.5": (lambda a, b, c: a ** 0.5, 0.5, 2), "**0": (lambda a, b, c: a ** 0 + b, -2, 2),
    "**1": (lambda a, b, c: a ** 1, -2, 2), "2**": (lambda a, b, c: 2 ** a, -2, 2),
    "exp": (lambda a, b, c: a.exp(), -2, 2), "log": (lambda a, b, c: a.log(), 0.5, 2),
    "sqrt": (lambda a, b, c: a.sqrt(), 0.5, 2), "sin": (lambda a, b, c: a.sin(), -2, 2),
    "atan": (lambda a, b, c: a.atan(), -2, 2), "softplus": (lambda a, b, c: a.softplus(), -2, 2),
    "cos": (lambda a, b, c: a.cos(), -2, 2), "tanh": (lambda a, b, c: a.tanh(), -2, 2),
    "sigmoid": (lambda a, b, c: a.sigmoid(), -2, 2), "relu": (lambda a, b, c: a.relu(), -2, 2),
    "abs": (lambda a, b, c: abs(a), -2, 2), "sign": (lambda a, b, c: SIGN(a) * b, -2, 2),
    "<": (lambda a, b, c: LESS(a, b) * c, -2, 2), "max": (lambda a, b, c: maximum(a, b), -2, 2),
    "min": (lambda a, b, c: minimum(a, b), -2, 2), "sum": (lambda a, b, c: total([a, b, c]), -2, 2),
    "dot": (lambda a, b, c: dot([a, b], [b, c], c), -2, 2),
    "logsumexp": (lambda a, b, c: logsumexp([a, b, c]), -2, 2),
}
each_operation = pytest.mark.parametrize("operation, low, high", OPERATIONS.values(), ids=OPERATIONS)


def test_every_row_of_the_table_is_tried():
    rows_ = {op.symbol for op in vars(engine).values() if isinstance(op, Op) and op is not LEAF}
    assert rows_ <= OPERATIONS.keys()


def grid(low, high, *shape):
    """Random quarters: so few that ties and zeros are common."""
    return np.random.default_rng(0).integers(4 * low, 4 * high + 1, shape) / 4


@each_operation
@pytest.mark.parametrize("kind", ["parameters", "data", "both"])
def test_every_operation_on_many_numbers(operation, low, high, kind):
    """∂C/∂a, ∂C/∂b, ∂C/∂c apart, for 50 triples; s_k in front of each tells them from one another."""
    triples, scale = grid(low, high, 50, 3), np.linspace(0.5, 1.5, 50).tolist()
    if kind == "data":  # 50 examples of one triple, each number shifted by a parameter that is 0
        p = [Value(0.0) for _ in range(3)]
        compiled(lambda x: operation(*(a + w for a, w in zip(x, p))), p, triples)
    elif kind == "parameters":
        p = [[Value(a) for a in triple] for triple in triples.tolist()]
        compiled(lambda x: total(s * x[0] * operation(*triple) for s, triple in zip(scale, p)), flat(p), batch(2, 1))
    else:  # the first number is data, the others are not
        p = [[Value(a) for a in triple[1:]] for triple in triples.tolist()]
        w = Value(1.0)
        compiled(lambda x: total(s * operation(w * a, *pair) for s, a, pair in zip(scale, x, p)), [*flat(p), w],
                 grid(low, high, 2, 50))


@each_operation
def test_every_operation_in_float32_stays_in_float32(operation, low, high):
    p = [Value(0.0) for _ in range(3)]
    f = lambda x: operation(*(a + w for a, w in zip(x, p)))  # noqa: E731
    program = compiled(f, p, grid(low, high, 50, 3), tolerance=1e-5, dtype=np.float32)
    assert program.outputs(program.theta, grid(low, high, 50, 3)).dtype == np.float32


def test_unknown_operations_are_named():
    half = Op("half", lambda x: x / 2, lambda y, x: (0.5,))
    with pytest.raises(CompileError, match="does not know <operation half>: write it with operations of"):
        compile(lambda x: Value.apply(half, [x[0] * PARAMETER]), [PARAMETER], [1.0])


@pytest.mark.parametrize("function", [
    lambda x: x + 1, lambda x: x.relu(), lambda x: abs(x), lambda x: maximum(x, 0.5), lambda x: minimum(0.5, x),
    lambda x: x.tanh(), lambda x: x.sigmoid(), lambda x: x.exp(), lambda x: logsumexp([x, 1.0, 2.0]), lambda x: x.sin(),
    lambda x: x ** 3, lambda x: x.log(), lambda x: x.sqrt()])
def test_nan_in_the_data_gives_nan(function):
    program = compile(lambda x: total(function(a) for a in x) * PARAMETER, [PARAMETER], [0.5, 1.5])
    loss, gradient = program(program.theta, [[1.0, 2.0], [1.0, math.nan]])
    assert math.isnan(loss) and np.isnan(gradient).all()
    assert np.isnan(program.outputs(program.theta, [[1.0, 2.0], [1.0, math.nan]])).tolist() == [False, True]


@pytest.mark.parametrize("function", [
    lambda a, b: a.sigmoid() + b.sigmoid(), lambda a, b: a.tanh() - b.tanh(), lambda a, b: logsumexp([a, b, 0.0]),
    lambda a, b: cross_entropy([a, b], [0.25, 0.75]), lambda a, b: a.relu() + abs(b) + maximum(a, b),
    lambda a, b: (-abs(a)).exp()])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-4)])  # float32: 1000 ± 6e-5
def test_large_numbers_are_right_and_silent(function, dtype, tolerance):
    w = [Value(1.0), Value(1.0)]
    X = np.array([[a, b] for a in (-1000.0, -90.0, 0.5, 90.0, 1000.0) for b in (-1000.0, -740.0, 0.25, 740.0, 1000.0)])
    compiled(lambda x: function(w[0] * x[0], w[1] * x[1]), w, X, dtype=dtype, tolerance=tolerance)
