"""The proof of a program: on numbers that it was not made from, of rules that look at numbers, up to rounding."""

import functools
import math
import multiprocessing
import pickle
import random
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import cloudpickle
import joblib
import numpy as np
import pytest
from hypothesis import given, reject, settings, strategies as st

from micrograd2 import MLP, accuracy, squared_error
from micrograd2.compiler import CompileError, Program, compile
from micrograd2.compiler.rounding import Rounded, Unit, _passed_on, rounding_errors
from micrograd2.contributions import grads_of
from micrograd2.engine import ABS, ATAN, COS, DIV, EXP, LESS, LOGSUMEXP, MAX, MIN, MUL, RELU, SIGMOID, SIGN, SIN
from micrograd2.engine import SUB, SUM, TANH, Op, Value, dot, logsumexp, maximum, minimum, topological_order
from micrograd2.engine import total
from tests.programs import Dual, programs, run, DUALS, VALUES

pytestmark = pytest.mark.filterwarnings("error")
MANY = 30 * min(settings.default.max_examples, 1000)


# Ragged programs: parts of lists of any length and order, added up and multiplied, as convolutions and fields are

def part(rng, things):
    """Some of these, in some order: a slice, with a step or backwards, anywhere, one again and again, or numbers."""
    n = len(things)
    start, count = rng.randrange(n), rng.randint(1, 5)
    kind = rng.randrange(8)
    if kind == 0:
        return things[start:start + count]
    if kind == 1:
        return things[start::rng.randint(1, 3)][:6]
    if kind == 2:
        return things[start::-1][:6]
    if kind == 3:
        return [things[start]] * count
    if kind == 4:
        return [rng.choice(things) for _ in range(count)]
    if kind == 5:
        return [rng.choice([0.0, 1.0, -2.5]) for _ in range(count)]
    if kind == 6:
        return [rng.choice([thing, 0.5]) for thing in things[start:start + count]]
    return things[:count]


def ragged(seed):
    """A function of x, and of parameters w, that is made of a few ragged weighted sums; one Value or a list."""
    rng = random.Random(seed)
    form = random.Random(seed + 1).getrandbits(32)
    n, m, lines, is_cost = rng.randint(1, 12), rng.randint(1, 8), rng.randint(1, 7), rng.random() < 0.6

    def f(w, x):
        rng = random.Random(form)
        made = []
        pools = [w, x, x, w]
        for _ in range(lines):
            a, b = part(rng, rng.choice(pools)), part(rng, rng.choice(pools))
            bias = rng.choice([0.0, rng.choice(w), rng.choice(x), 1.5])
            kind = rng.randrange(6)
            k = min(len(a), len(b))
            if kind == 0:
                y = sum((p * q for p, q in zip(a, b)), Value(0.0) if rng.random() < 0.5 else bias + Value(0.0))
            elif kind == 1:
                y = dot(a[:k], b[:k], bias)
            elif kind == 2:
                y = total(a) + total(b) * 0.5
            elif kind == 3:
                y = sum((p * p for p in a), Value(0.0))
            elif kind == 4:
                y = logsumexp([p * q for p, q in zip(a, b)])
            else:
                y = a[0] * b[-1] + a[-1]
            made.append(y if isinstance(y, Value) else Value(y))
            if rng.random() < 0.4:
                pools.append(made[-6:])
        made = [y.tanh() if rng.random() < 0.3 else y for y in made]
        if is_cost:
            return total(y * y * 0.5 for y in made)
        return made

    return f, n, m


def numbers(count, rng, kind):
    if kind == "zeros":
        return [0.0] * count
    return [rng.gauss(0.0, 1e-9 if kind == "tiny" else 1.0) for _ in range(count)]


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-11), ("float32", 1e-3)])
@pytest.mark.parametrize("made_on", ["zeros", "tiny", "random"])
def test_ragged_programs_are_right_on_numbers_they_were_not_made_from(made_on, dtype, tolerance):
    count = MANY // 6
    largest = 0.0
    for seed in range(count):
        f, n, m = ragged(seed)
        rng = random.Random(seed)
        w = [Value(number, f"w{i}") for i, number in enumerate(numbers(m, rng, made_on))]
        program = compile(functools.partial(f, w), w, numbers(n, rng, made_on), dtype=dtype)
        theta, X = numbers(m, rng, "random"), np.array([numbers(n, rng, "random") for _ in range(3)])
        expected = [f([Value(number) for number in theta], [Value(number) for number in x]) for x in X.tolist()]
        if program.is_cost:
            expected = [[cost] for cost in expected]
        expected = np.array([[value.data for value in values] for values in expected])
        outputs = program.outputs(theta, X).reshape(expected.shape)
        apart = np.abs(outputs - expected) / (1 + np.abs(expected))
        assert apart.max() < tolerance, seed
        if program.is_cost:
            for p, number in zip(w, theta):
                p.data = number
            costs = [f(w, [Value(number) for number in x]) for x in X.tolist()]
            exact = np.mean([[grads_of(cost).get(p, 0.0) for p in w] for cost in costs], axis=0)
            difference = np.abs(program(theta, X)[1] - exact) / (1 + np.abs(exact).max())
            assert difference.max() < tolerance, seed
            largest = max(largest, difference.max())
        largest = max(largest, apart.max())
    print(f"{count} ragged programs made on {made_on} numbers, {dtype}: at most {largest:.2g} apart")


def test_a_program_of_two_ragged_sums():
    def f(x):
        return [x[0] * x[1] + x[2] * x[3] + x[4] * x[5] + x[6] * x[7], x[8] * x[9] + x[10] * x[11]]

    assert compile(f, [], [0.0] * 12)([], [range(1, 13)]).tolist() == [[100.0, 222.0]]


def test_fields_of_different_sizes_over_an_image_whose_corners_are_0():
    rng = random.Random(0)
    fields = [list(range(8)), list(range(8, 16)), list(range(16, 20))]
    weights = [[Value(rng.gauss(0, 1), "w") for _ in field] for field in fields]
    flat = [w for row in weights for w in row]

    def f(x, y):
        sums = [sum((w * x[i] for w, i in zip(row, field)), Value(0.0)) for row, field in zip(weights, fields)]
        return squared_error([z.sigmoid() for z in sums], y)

    program = compile(f, flat, [0.0] * 20, [1.0, 0.0, 0.0])
    program.check(program.theta, np.random.default_rng(0).random((5, 20)), np.eye(3)[[0, 1, 2, 1, 0]])


# Rules that look at their numbers

W, B, E = Value(0.7, "w"), Value(-0.3, "b"), [Value(float(i), f"E{i}") for i in range(5)]


def shifted(shift):
    def softmax(x):
        scores = [W * v for v in x]
        top = shift(scores)
        powers = [(v - top).exp() for v in scores]
        return [p / total(powers) for p in powers]
    return softmax


LOOKING = {
    "a parameter's number": lambda x: W * x[0] + W.data * x[0],
    "an input's number": lambda x: W * x[0] * x[1].data,
    "a number on the way": lambda x: W * x[0] * (x[0] * x[1]).data,
    "the number of two parameters": lambda x: x[0] * (W * B).data,
    "a branch": lambda x: W * x[0] if x[0].data > 0 else B * x[0],
    "a branch at a half": lambda x: W * x[0] if x[1].data > 0.5 else B * x[0],
    "a branch by size": lambda x: W * x[0] if abs(x[0].data) < 1 else B * x[0],
    "a branch of two inputs": lambda x: W * x[0] if x[0].data > x[1].data else B * x[0],
    "a branch on a parameter": lambda x: W * x[0] if W.data > 0 else B * x[0],
    "a branch at 0": lambda x: W * x[0] if x[0].data else B * x[0],
    "an index": lambda x: E[int(x[0].data)] * x[1],
    "an index, rounded": lambda x: E[round(x[1].data) % 5] * x[1],
    "what an index finds": lambda x: E[int(x[0].data)],
    "a key": lambda x: {0.0: W, 1.0: B, 0.3: W, 1e-9: W, 3.0: W}[x[0].data] * x[1],
    "the largest": lambda x: W * max(x, key=lambda v: v.data),
    "the place of the largest": lambda x: W * x[max(range(len(x)), key=lambda i: x[i].data)],
    "an order": lambda x: dot(E[:3], sorted(x, key=lambda v: v.data), 0.0),
    "a softmax with a shift": shifted(lambda scores: max(v.data for v in scores)),
    "a softmax with a shift by the largest": shifted(lambda scores: max(scores, key=lambda v: v.data)),
    "a softmax with a mean shift": shifted(lambda scores: sum(v.data for v in scores) / len(scores)),
    "a clip": lambda x: W * Value(min(max(x[0].data, -1.0), 1.0)),
    "zeros left out": lambda x: total(w * v for w, v in zip(E, x) if v.data) + W,
    "only a few of a list": lambda x: [W * v for v in x if v.data > -1.0],
    "a number of turns": lambda x: functools.reduce(lambda y, _: y * W, range(int(abs(x[0].data)) + 1), x[0]),
    "its text": lambda x: W * x[0] * len(str(x[1].data)),
    "a square by hand": lambda x: W * x[0].data ** 2,
    "an exponent": lambda x: (x[0] * x[0] + 1.0) ** x[1].data * W,
    "a derivative of the example": lambda x: W * x[0] * (x[0] * x[0]).local_grads[0],
}


@pytest.mark.parametrize("example", [[0.0, 0.0, 0.0], [1.0, 0.0, 2.0], [0.3, 0.1, -0.2], [1e-9, -1e-9, 2e-9],
                                     [3.0, 2.0, 1.0]], ids=str)
@pytest.mark.parametrize("name", LOOKING)
def test_a_rule_that_looks_at_its_numbers_is_refused(name, example):
    f, parameters = LOOKING[name], [W, B, *E]
    before = [p.data for p in parameters]
    with pytest.raises(CompileError, match="plain number|does something else on other numbers|must return one"):
        compile(f, parameters, example)
    assert [p.data for p in parameters] == before


@pytest.mark.parametrize("name", [name for name in LOOKING if "softmax" in name])
def test_the_shift_of_a_softmax_is_told_what_to_write_instead(name):
    with pytest.raises(CompileError, match=r"softmax, leave it out: \[\(v - logsumexp\(vs\)\)\.exp\(\) for v in vs\]"):
        compile(LOOKING[name], [W], [0.5, 1.0, 0.0])
    with pytest.raises(CompileError, match="softmax needs no maximum"):
        compile(shifted(max), [W], [0.5, 1.0, 0.0])

    def unshifted(x):
        scores = [W * v for v in x]
        return [(v - logsumexp(scores)).exp() for v in scores]
    compile(unshifted, [W], [0.5, 1.0, 0.0])


def test_a_function_is_told_from_one_that_draws_random_numbers():
    with pytest.raises(CompileError, match="again on the same example: it must not draw random numbers"):
        compile(lambda x: W * x[0] * random.random(), [W], [1.0])


DEFINED_HERE = {  # functions that are not defined everywhere, on an example near the edge
    "log": (lambda x: total(v.log() for v in x) * W.log(), [0.01, 1e-6]),
    "log of a rest": (lambda x: (1 - x[0] - x[1]).log() * W, [0.5, 0.4999]),
    "log just above": (lambda x: (x[0] - 1.0).log() * W, [1.0000001, 0.0]),
    "root": (lambda x: (x[0] * W).sqrt() / x[1], [1e-8, 1e-8]),
    "power": (lambda x: x[0] ** x[1] * W, [0.001, -2.0]), "exp": (lambda x: (x[0] * W).exp(), [1000.0, 0.0]),
    "log of zeros and 1": (lambda x: (x[0] + 1.0).log() + (1.0 - x[1]).log() * W, [0.0, 0.0]),
    "a check of its own": (lambda x: checked(x), [0.5, 0.25]),
}


def checked(x):
    if not all(0 <= v.data <= 1 for v in x):
        raise ValueError("only shares")
    return x[0] * W + x[1]


@pytest.mark.parametrize("name", DEFINED_HERE)
def test_other_numbers_stay_where_the_function_is_defined(name):
    f, example = DEFINED_HERE[name]
    program = compile(f, [W], example)
    program.check(program.theta, [example])


def test_a_function_that_is_defined_on_its_example_alone_is_refused():
    def f(x):
        if x[0].data != 0.5:
            raise ValueError("only a half")
        return x[0] * W

    with pytest.raises(CompileError, match="not defined on any other numbers.*only a half"):
        compile(f, [W], [0.5])


def test_unknown_operations_are_named():
    half = Op("half", lambda x: x / 2, lambda y, x: (0.5,))
    with pytest.raises(CompileError, match="does not know <operation half>"):
        compile(lambda x: Value.apply(half, [x[0] * W]), [W], [1.0])


# Rounding

ILL = {  # right, though most of their digits are lost on the way
    "large numbers cancel": lambda x: W * 1e16 + B * x[0] - W * 1e16,
    "a difference of squares": lambda x: (W * x[0] + 1e8) ** 2 - (W * x[0] - 1e8) ** 2,
    "1 − 1": lambda x: (1.0 - (W * x[0] * 1e-9).exp()) * 1e9,
    "a saturated tanh": lambda x: 1.0 - (W * 20.0 + x[0]).tanh(),
    "a variance": lambda x: (total((W * v + 1e7) ** 2 for v in x) / len(x)
                             - (total(W * v + 1e7 for v in x) / len(x)) ** 2),
    "log of nearly 1": lambda x: (1.0 + W * x[0] * 1e-12).log() * 1e12,
    "sin of many turns": lambda x: (W * 1e10 * x[0]).sin(), "a long alternating sum": lambda x: total(
        (W * v * 1e10 if i % 2 else -W * v * 1e10) for i, v in enumerate(x * 20)) + B,
    "near a kink": lambda x: (W * x[0] - W * x[0] * 1.0 + (W + 1e16) - 1e16 - W).relu() * 3.0,
    "a tie": lambda x: logsumexp([W * 1e8, W * 1e8 + x[0]]) - W * 1e8,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ILL)
def test_ill_conditioned_code_compiles(name, dtype):
    compile(ILL[name], [W, B], [0.5, -1.25, 2.0], dtype=dtype)


def noise(x):
    """What is left of 1e17 − 1e17: rounding alone, some 16 for one order of adding and 0 for another."""
    return dot([W, B, W], x, 1e17) - 1e17


OF_NOISE = {  # where the slope at the number itself does not tell how far the result may move
    "relu": lambda v: v.relu() + W, "abs": lambda v: abs(v), "max": lambda v: maximum(0.0, v),
    "min": lambda v: minimum(v, 0.0), "square": lambda v: v ** 2, "product": lambda v: v * v, "cube": lambda v: v ** 3,
    "tanh": lambda v: v.tanh(), "sigmoid": lambda v: v.sigmoid(), "logsumexp": lambda v: logsumexp([v, W]),
    "exp": lambda v: (v * 0.01).exp(), "root": lambda v: (v * v + 0.01).sqrt(), "over": lambda v: W / (v * v + 0.01),
    "over 1 and": lambda v: W / (v * 1e-3 + 1.0), "power": lambda v: (v * v + 0.5) ** W,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OF_NOISE)
def test_what_is_made_of_rounding_alone_is_not_refused(name, dtype):
    for k in range(20):
        example = [0.5 * 1.37 ** k - 3, k * 0.77 - 9, 2.0 - k * 1.3]
        compile(lambda x: OF_NOISE[name](noise(x)), [W, B], example, dtype=dtype)


@given(programs(longest=30), st.sampled_from(["float64", "float32"]), st.integers(0, 2 ** 32), st.booleans())
def test_a_right_program_is_not_refused_however_many_digits_are_lost(program, dtype, seed, as_list):
    half = len(program.leaves) // 2
    parameters = [W, *map(Value, program.leaves[:half])]

    def f(x):
        rng, made = random.Random(seed), []

        def lossy(v):
            if rng.random() < 0.3:
                large = 10.0 ** rng.randint(0, 18)
                v = OF_NOISE[rng.choice(list(OF_NOISE))](dot([v, v, v], [0.25, 0.75, x[0]], large) - large).tanh()
            made.append(v)
            return v
        result = run(program.steps, [*parameters[1:], *x], VALUES, lossy)
        return [result, *made[::3]] if as_list else result

    try:
        compile(f, parameters, program.leaves[half:], dtype=dtype)
    except ArithmeticError:
        reject()  # the noise is beyond exp


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_logarithm_of_a_sum_that_is_nearly_1_is_right_to_one_rounding_of_1(dtype):
    for z in range(-60, 60, 4):
        compile(lambda x: logsumexp([W * x[0], 0.0]), [W], [z + 0.03], dtype=dtype)
        compile(lambda x: logsumexp([W * x[0], 0.0, W * x[1]]), [W], [z + 0.03, z - 0.3], dtype=dtype)


SMALL = {  # the scale of what must still be checked, entry by entry
    "a tiny output": lambda x: W * x[0] * 1e-12,
    "a tiny output beside a large one": lambda x: [W * x[0] * 1e-12, W * 1e12],
    "a tiny output after a large one": lambda x: [W * 1e12, W * x[0] * 1e-12],
    "a tiny gradient beside a large one": lambda x: W * 1e14 + B * x[0] * 1e-3,
    "tiny and large": lambda x: (W * x[0] * 1e-150) * 1e20 + B * 1e-130,
}


@pytest.mark.parametrize("name", SMALL)
def test_small_numbers_are_checked_as_well_as_large_ones(name, monkeypatch):
    f = SMALL[name]
    compile(f, [W, B], [0.5])
    outputs, call = Program.outputs, Program.__call__

    def wrong(result):
        changed = np.array(result, float)
        smallest = np.unravel_index(np.argmin(np.abs(changed) + (changed == 0) * 1e300), changed.shape)
        changed[smallest] *= 1 + 1e-9
        return changed

    with monkeypatch.context() as patch:
        patch.setattr(Program, "outputs", lambda self, *args: wrong(outputs(self, *args)))
        with pytest.raises(CompileError, match="the result.*rounding does not explain this"):
            compile(f, [W, B], [0.5])
    if not isinstance(f([Value(0.5)]), list):
        monkeypatch.setattr(Program, "__call__", lambda self, *args: (
            call(self, *args)[0], wrong(call(self, *args)[1])))
        with pytest.raises(CompileError, match="the gradient of [wb] is.*rounding does not explain this"):
            compile(f, [W, B], [0.5])


def test_the_range_of_float32_is_told():
    with pytest.raises(CompileError, match="beyond the range of float32"):
        compile(lambda x: W * x[0] * 1e30 * 1e30, [W], [1.0], dtype="float32")


def test_other_numbers_stay_within_the_range_of_float32():
    compile(lambda x: (W * x[0] * 1e30) ** 2, [W], [1e-30], dtype="float32")
    compile(lambda x: (x[0] * 1e30 + W) ** 2, [W], [1e-30], dtype="float32")


@given(programs())
def test_rounding_explains_what_another_order_of_adding_does(program):
    """The errors told are never less than those that there are, held against the same program in long doubles."""
    leaves = [Value(x) for x in program.leaves]
    result = run(program.steps, leaves, VALUES)
    errors, of_gradients = rounding_errors(topological_order(result), result, 4 * 2.0 ** -53, 1e-300)
    duals = run(program.steps, [Dual(x, {i: 1.0}) for i, x in enumerate(program.leaves)], DUALS)
    duals = duals if isinstance(duals, Dual) else Dual(duals)
    grads = grads_of(result)
    assert abs(duals.value - result.data) <= 20 * errors[result]
    for i, leaf in enumerate(leaves):
        if math.isfinite(of_gradients.get(leaf, 0.0)):
            assert abs(duals.slopes.get(i, 0.0) - grads.get(leaf, 0.0)) <= 20 * of_gradients.get(leaf, 0.0) + 1e-12


def test_a_rounded_number_knows_where_its_sign_is_open():
    unit = Unit(2.0 ** -53, 0.0)
    sure, open_ = Rounded(1e-3, 1e-9, unit), Rounded(1e-10, 1e-9, unit)
    assert SIGN(sure).error == 0.0 and SIGN(open_).error == 2.0 and SIGN(Rounded(0.0, 0.0, unit)).error == 0.0
    assert LESS(sure, open_).error == 0.0 and LESS(open_, Rounded(0.0, 0.0, unit)).error == 1.0
    assert math.isinf((1 / open_).error) and not math.isinf((1 / sure).error)


# Threads and processes

def test_threads_compile_and_compare_at_once():
    """Programs of shared and of own parameters are right, and nobody else is refused a comparison."""
    shared = MLP(3, [4, 2], activation="tanh", seed=1)
    X, Y = np.random.default_rng(0).random((6, 3)), np.eye(2)[[0, 1, 0, 1, 1, 0]]
    before = [p.data for p in shared.parameters()]
    expected = [squared_error(shared(x), y).data for x, y in zip(X.tolist(), Y.tolist())]
    stop, refused = threading.Event(), []

    def compare():
        a, b = Value(1.0), Value(2.0)
        while not stop.is_set():
            try:
                assert a < b and float(b) == 2.0
            except CompileError as error:
                refused.append(error)

    def work(k):
        own = Value(float(k), "own")
        program = compile(lambda x: own * x[0] + own * own * x[1], [own], [1.0, 2.0])
        assert program.outputs([2.0], [[3.0, 1.0]])[0] == 10.0
        program = compile(lambda x, y: squared_error(shared(x), y), shared.parameters(), X[0], Y[0])
        assert program.outputs(program.theta, X, Y).tolist() == pytest.approx(expected, rel=1e-12)
        with pytest.raises(CompileError):
            compile(lambda x: x[0] if x[0] < own else own, [own], [1.0])
        return program

    innocents = [threading.Thread(target=compare) for _ in range(2)]
    for thread in innocents:
        thread.start()
    try:
        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(work, range(24)))
            results = list(pool.map(lambda program: program(program.theta, X, Y)[0], made * 5))
    finally:
        stop.set()
    for thread in innocents:
        thread.join()
    assert not refused and [p.data for p in shared.parameters()] == before
    assert results == [results[0]] * len(results)
    assert Value(1.0) < Value(2.0)


def test_accuracy_leaves_a_shared_network_alone_at_every_moment():
    net = MLP(2, [3, 1], activation="tanh", seed=1)
    X, y = [[0.0, 1.0], [1.0, -1.0]] * 20, [1.0, -1.0] * 20
    expected, wrong, stop = net(X[0]).data, [], threading.Event()

    def look():
        while not stop.is_set():
            if (seen := net(X[0]).data) != expected:
                wrong.append(seen)

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(30):
        accuracy(net, X, y)
    stop.set()
    reader.join()
    assert not wrong


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


# What a mutant survived before

@pytest.mark.parametrize("where", ["the example", "other numbers"])
@pytest.mark.parametrize("method", ["outputs", "__call__"])
def test_a_program_that_is_wrong_in_one_place_only_is_refused(monkeypatch, where, method):
    """Both proofs are needed: on the example, and on numbers nearby."""
    right = getattr(Program, method)

    def wrong(self, theta, x):
        result = right(self, theta, x)
        if (np.asarray(x)[0, 0] == 0.5) != (where == "the example"):
            return result
        return result * 1.001 if method == "outputs" else (result[0], result[1] * 1.001)

    monkeypatch.setattr(Program, method, wrong)
    with pytest.raises(CompileError, match=f"^on {where}, the (result|gradient of w) is"):
        compile(lambda x: W * x[0], [W], [0.5])


def test_a_program_must_have_a_result_for_every_example(monkeypatch):
    right = Program.outputs
    for wrong in (lambda result: result[:1], lambda result: np.repeat(result, 2, axis=0)):
        monkeypatch.setattr(Program, "outputs", lambda self, *given: wrong(right(self, *given)))
        with pytest.raises(CompileError, match="results for [14] examples in the program, but 2 were given"):
            compile(lambda x: [W * B, W * x[0]], [W, B], [0.5])


def test_a_parameter_in_the_place_of_a_number_is_another_graph():
    twin = Value(1.0, "twin")
    with pytest.raises(CompileError, match="something else"):
        compile(lambda x: W * x[0] + (1.0 if x[0].data > 0 else twin) * x[1], [twin, W], [1.0, 2.0])
    with pytest.raises(CompileError, match="something else"):  # though it is that number just then
        compile(lambda x: (x[1] if x[1].data == 0 else 0.0) * x[0] + W, [W], [1.0, 2.0])


ROUNDED = {
    "a + b": lambda a, b: a + b, "a - b": lambda a, b: a - b, "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "1.5 - a": lambda a, b: 1.5 - a, "2 / b": lambda a, b: 2.0 / b, "a ** 3": lambda a, b: a ** 3.0,
    "b ** a": lambda a, b: b ** a, "2 ** a": lambda a, b: 2.0 ** a, "-a": lambda a, b: -a,
    "1 + a": lambda a, b: 1.0 + a, "3 * a": lambda a, b: 3.0 * a,
}


@pytest.mark.parametrize("name", ROUNDED)
def test_an_error_is_as_large_as_the_operands_can_make_it_and_hardly_larger(name):
    rng = random.Random(name)
    f, exact = ROUNDED[name], Unit(0.0, 0.0)
    for _ in range(200):
        a, b = rng.uniform(-3.0, 3.0), rng.uniform(0.5, 3.0)
        da, db = rng.choice([0.0, 10.0 ** rng.uniform(-9, -4)]), rng.choice([0.0, 10.0 ** rng.uniform(-9, -4)])
        found = f(Rounded(a, da, exact), Rounded(b, db, exact))
        y = f(a, b)
        furthest = max(abs(f(a + s * da, b + t * db) - y) for s in (-1, 0, 1) for t in (-1, 0, 1))
        assert found.number == y
        assert furthest <= found.error * (1 + 1e-3) + 1e-15 and found.error <= 2.1 * furthest + 1e-13
        once = f(Rounded(a, 0.0, Unit(1e-10, 0.0)), Rounded(b, 0.0, Unit(1e-10, 0.0)))
        assert (name == "-a") or once.error >= 1e-10 * abs(y)
        assert once.error <= 1e-10 * (abs(y) + abs(a) + abs(b) + 1.5) * 1.01


def test_two_numbers_are_compared_by_their_distance():
    unit = Unit(2.0 ** -53, 0.0)
    for a, b, error, open_ in [(5.0, 5.0, 1e-3, True), (5.0, 5.0 + 1e-3, 1e-3, True), (5.0, 5.1, 1e-3, False),
                               (5.0, -5.0, 1e-3, False), (5.0, 5.0, 0.0, False)]:
        assert (LESS(Rounded(a, error, unit), Rounded(b, error, unit)).error > 0) == open_


def test_sizes_that_cancel_count():
    """The error of a sum is that of what was added up, and not of what is left."""
    a = Value(1e8)
    left = a + 1.0 - a
    errors, _ = rounding_errors(topological_order(left), None, 1e-16, 0.0)
    assert 2e-8 <= errors[left] <= 1e-7


def test_what_may_be_0_divides_nothing():
    unit = Unit(2.0 ** -53, 0.0)
    for number, error in [(1e-3, 1e-3), (-1e-3, 1e-3), (0.0, 0.0), (0.0, 1.0)]:
        assert math.isinf((1.0 / Rounded(number, error, unit)).error)
        assert math.isinf((Rounded(0.0, 0.0, unit) / Rounded(number, error, unit)).error)


@pytest.mark.parametrize("power, furthest", [(-1.0, 8.0), (0.5, 0.5 ** 0.5 - 0.1 ** 0.5), (3.0, 0.9 ** 3 - 0.5 ** 3)])
def test_a_power_may_be_further_away_on_one_side_than_on_the_other(power, furthest):
    error = (Rounded(0.5, 0.4, Unit(0.0, 0.0)) ** power).error
    assert math.isclose(error, furthest)


@pytest.mark.parametrize("op", [MUL, DIV, SUB, MAX, MIN, SUM, LOGSUMEXP], ids=lambda op: op.symbol)
def test_no_corner_is_further_away_than_the_error_passed_on_however_large_it_is(op):
    rng = random.Random(0)
    for _ in range(300):
        numbers = [rng.choice([-1, 1]) * rng.choice([0.5, 1.0, 2.0]) for _ in range(2)]
        errors = [rng.choice([0.0, 0.1, 0.4]) for _ in range(2)]
        y = op.value(*numbers)
        passed_on = _passed_on(op, y, numbers, errors, op.local(y, *numbers))
        furthest = max(abs(op.value(numbers[0] + s * errors[0], numbers[1] + t * errors[1]) - y)
                       for s in (-1, 1) for t in (-1, 1))
        assert furthest <= passed_on * (1 + 1e-12) + 1e-15


@pytest.mark.parametrize("op", [SIN, COS, TANH, ATAN, EXP, RELU, ABS, SIGMOID], ids=lambda op: op.symbol)
@given(number=st.floats(-9, 9), error=st.floats(0, 30))
def test_no_number_between_is_further_away_than_the_error_passed_on(op, number, error):
    y = op.value(number)
    passed_on = _passed_on(op, y, [number], [error], op.local(y, number))
    furthest = max(abs(op.value(x) - y) for x in np.linspace(number - error, number + error, 201).tolist())
    assert furthest <= passed_on * (1 + 1e-12) + 1e-15
