"""Array programs as data: each operation's adjoint against finite differences."""

import numpy as np
import pytest

from micrograd2.compiler import lines
from micrograd2.compiler.backward import with_gradient
from micrograd2.compiler.lines import ArrayOp, ArrayProgram, Places, elementwise, joined, leaf, logsumexp, masked
from micrograd2.compiler.lines import number, place, product, read, reshaped, spread, summed, table
from micrograd2.compiler.printer import Page
from micrograd2.compiler.tidy import tidied
from micrograd2.engine import MUL, TANH

N, B = 12, 3
THETA, X = leaf("theta", N, trained=True), leaf("x", N, batched=True)


def matrix(line, *shape, start=0):
    """Some of the numbers of a line, in this shape."""
    return read(line, start + np.arange(np.prod(shape)).reshape(shape))


OPERATIONS = {  # of parameters w, and of what depends on both parameters and data v; each gives a line of any shape
    "a view": lambda w, v: read(v, np.arange(12).reshape(3, 4)[:, 1:3]),
    "places in any order, some often": lambda w, v: read(v, np.array([[3, 3, 0], [11, 2, 3]])),
    "another order": lambda w, v: read(w, np.arange(12).reshape(3, 4).T.copy()),
    "heads side by side": lambda w, v: reshaped(read(reshaped(v, 2, 3, 2), np.arange(12).reshape(2, 3, 2)
                                                     .transpose(1, 0, 2).reshape(3, 4)), 12),
    "part of the heads, side by side": lambda w, v: read(v, np.arange(12).reshape(2, 3, 2)[:, :2].transpose(1, 0, 2)
                                                         .reshape(8)),
    "placed": lambda w, v: place([(matrix(v, 4), Places(np.array([1, 3, 5, 7]), True)),
                                  (matrix(v, 2, start=6), Places(np.array([7, 0]), True))], v),
    "joined": lambda w, v: joined([matrix(v, 4), matrix(w, 2)]),
    "summed over axes": lambda w, v: summed(matrix(v, 2, 3, 2), (-1, -3)),
    "summed over the batch": lambda w, v: summed(matrix(v, 3, 4), (), True),
    "summed over the batch, then axes": lambda w, v: summed(summed(matrix(v, 3, 4), (), True), (-1,)),
    "read often, then in another shape": lambda w, v: reshaped(read(v, np.array([[3, 3, 0], [11, 2, 3]])), 6),
    "read, then read often": lambda w, v: read(matrix(v, 6), np.array([[5, 5], [0, 1]])),
    "sums in another order": lambda w, v: read(summed(matrix(v, 3, 4), (-1,)), np.array([2, 0, 1])),
    "summed over both": lambda w, v: summed(matrix(v, 3, 4), (-2,), True),
    "spread": lambda w, v: spread(matrix(w, 3, 1), (3, 4), True),
    "shorter operands": lambda w, v: matrix(w, 3, 1) * matrix(v, 3, 4) + matrix(w, 1, 4, start=3),
    "a layer": lambda w, v: product(matrix(v, 4), matrix(w, 3, 4), ("Bn", "ln", "Bl")),
    "a layer for each of several": lambda w, v: product(matrix(v, 3, 4), matrix(w, 2, 4), ("Brn", "ln", "Brl")),
    "stacks of products": lambda w, v: product(matrix(v, 2, 3, 2), matrix(v, 2, 1, 2), ("Bcrn", "Bcln", "Bcrl")),
    "stacks that share one side": lambda w, v: product(matrix(v, 2, 3, 2), matrix(w, 2, 2, 2), ("Bcrn", "cln", "Bcrl")),
    "a product of parameters": lambda w, v: product(matrix(w, 3, 2), matrix(w, 2, 2, start=6), ("rn", "ln", "rl")),
    "rows weighted": lambda w, v: product(matrix(v, 3, 2), matrix(w, 3), ("Brn", "r", "Brn")),
    "summed over rows": lambda w, v: product(matrix(v, 3, 4), matrix(w, 2, 4), ("Brn", "ln", "Bl")),
    "turned": lambda w, v: product(matrix(w, 3, 4), matrix(v, 4), ("ln", "Bn", "Bl")),
    "masked": lambda w, v: masked(matrix(v, 2, 3), np.array([[True, False, True], [False, True, True]]), 0.5),
    "logsumexp": lambda w, v: logsumexp(matrix(v, 3, 4)),
    "a softmax, in part": lambda w, v: elementwise(TANH, logsumexp(masked(
        matrix(v, 3, 4), np.tri(3, 4, dtype=bool), -np.inf))),
}


def test_every_array_operation_is_tried():
    rows = {op for op in vars(lines).values() if isinstance(op, ArrayOp)}
    made = [ArrayProgram(THETA, (), make(THETA, elementwise(MUL, THETA, X))) for make in OPERATIONS.values()]
    of_loops = {lines.CARRIED, lines.TURN, lines.LOOP, lines.STACK, lines.LAST}
    given = {lines.LEAF, lines.TABLE, lines.NUMBER}
    assert rows - of_loops - given <= {line.op for program in made for line in program.lines()}


def run(program, theta, x):
    space = {}
    exec(Page(program, ["x"], np.dtype(float)).source(), space)
    with np.errstate(all="ignore"):
        return space["program"](theta, x)


def loss_of(line):
    """A number to which each number of the line adds another share, averaged over the batch."""
    shares = table(np.random.default_rng(1).random(line.shape))
    whole = summed(shares * line, tuple(range(-len(line.shape), 0)), line.batched)
    return reshaped(whole) / number(1.0, int(line.batched))


@pytest.mark.parametrize("tidy", [lambda program: program, tidied], ids=["as made", "tidied"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_adjoint_is_what_a_small_change_does(name, tidy):
    line = OPERATIONS[name](THETA, elementwise(TANH, elementwise(MUL, THETA, X)))
    loss = tidy(ArrayProgram(THETA, (), loss_of(line)))
    rng = np.random.default_rng(0)
    theta, x = rng.uniform(-1, 1, N), rng.uniform(-1, 1, (B, N))
    value, gradient = run(tidy(with_gradient(loss)), theta, x)
    assert value == pytest.approx(run(loss, theta, x), rel=1e-12)
    for k in range(N):
        step = 1e-6 * np.eye(N)[k]
        slope = (run(loss, theta + step, x) - run(loss, theta - step, x)) / 2e-6
        assert gradient[k] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_lines_are_never_changed():
    v = elementwise(TANH, elementwise(MUL, THETA, X))
    program = ArrayProgram(THETA, (v,), loss_of(product(matrix(v, 4), matrix(THETA, 3, 4), ("Bn", "ln", "Bl"))))
    before = [(line, line.args, line.how, line.shape) for line in program.lines()]
    tidied(with_gradient(tidied(program)))
    assert [(line, line.args, line.how, line.shape) for line in program.lines()] == before
