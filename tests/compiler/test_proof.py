"""The proof of a program: rules that look at numbers, other numbers, entry by entry, and threads at once."""

import functools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from micrograd2.compiler import CompileError, Program, compile
from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, logsumexp, total
from micrograd2.nn import MLP
from tests.compiler.scalar_code import PARAMETER, arrays_of, compiled, rnn, w_

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises
W, B, E = Value(0.7, "w"), Value(-0.3, "b"), [Value(float(i), f"E{i}") for i in range(5)]


# Rules that look at their numbers

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


def test_a_parameter_in_the_place_of_a_number_is_another_graph():
    twin = Value(1.0, "twin")
    with pytest.raises(CompileError, match="something else"):
        compile(lambda x: W * x[0] + (1.0 if x[0].data > 0 else twin) * x[1], [twin, W], [1.0, 2.0])
    with pytest.raises(CompileError, match="something else"):  # though it is that number just then
        compile(lambda x: (x[1] if x[1].data == 0 else 0.0) * x[0] + W, [W], [1.0, 2.0])


@pytest.mark.parametrize("rng", [random, np.random.default_rng(0)], ids=["random", "numpy"])
def test_a_function_is_told_from_one_that_draws_random_numbers(rng):
    with pytest.raises(CompileError, match="again on the same example: it must not draw random numbers"):
        compile(lambda x: W * x[0] * rng.random(), [W], [1.0])


@pytest.mark.parametrize("add", [lambda x: 1.0, lambda x: x[0], lambda x: Value(1.0), lambda x: PARAMETER])
def test_things_kept_between_calls_are_refused(add):
    kept = []

    def f(x):
        kept.append(add(x))
        return total(PARAMETER * thing for thing in kept)

    with pytest.raises(CompileError):
        compile(f, [PARAMETER], [1.0])


RARE = 300.0  # further away than any number on which a program is proven


@pytest.mark.parametrize("f, unseen", [
    (lambda x: w_(x) if x[0].data < RARE else -w_(x), [RARE]), (lambda x: w_(x) * max(x[0].data, RARE), [RARE + 1]),
    (lambda x: [w_(x)] * (2 if x[0].data < RARE else 3), [RARE]),
    (lambda x: w_(x) if PARAMETER.data * x[0].data < RARE else -w_(x), [RARE])])
def test_what_is_seldom_taken_is_found_by_check(f, unseen):
    program = compile(f, [PARAMETER], [1.0])
    program.check(program.theta, [[1.0]])
    with pytest.raises(CompileError, match="for example 1, .*(does something else|plain number)"):
        program.check(program.theta, [[1.0], unseen])


# Other numbers

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


def test_the_range_of_float32_is_told():
    with pytest.raises(CompileError, match="beyond the range of float32"):
        compile(lambda x: W * x[0] * 1e30 * 1e30, [W], [1.0], dtype="float32")


def test_other_numbers_stay_within_the_range_of_float32():
    compile(lambda x: (W * x[0] * 1e30) ** 2, [W], [1e-30], dtype="float32")
    compile(lambda x: (x[0] * 1e30 + W) ** 2, [W], [1e-30], dtype="float32")


# A wrong program is refused

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


# Parameters that are moved meanwhile

def numbers_of(parameters):
    return [(p.data, p.grad) for p in parameters]


def test_neither_compiling_nor_running_nor_checking_touches_the_parameters():
    f, parameters, widths = rnn()
    for k, p in enumerate(parameters):
        p.grad = float(k)
    before = numbers_of(parameters)
    program = compiled(f, parameters, *arrays_of(widths))
    program(program.theta * 2, *arrays_of(widths))
    program.check(program.theta * 2, *arrays_of(widths))
    assert numbers_of(parameters) == before


def test_a_check_that_fails_restores_the_parameters():
    w = Value(2.0, "w")
    program = compile(lambda x: w * x[0] if x[0].data < RARE else w, [w], [1.0])
    with pytest.raises(CompileError, match="for example 0, the result is 1500.0 in the program but 5.0"):
        program.check([5.0], [[RARE]])
    assert w.data == 2.0


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
