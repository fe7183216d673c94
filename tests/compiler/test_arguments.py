"""What f may do with what it is given: change its lists, but not the numbers in them; and what is said if it fails."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from micrograd2 import Value, compile, dot, logsumexp, total
from micrograd2.compiler import CompileError
from tests.compiler.scalar_code import assert_agrees, values

pytestmark = pytest.mark.filterwarnings("error")


def doubled(x, i, j):
    x[i] = x[i] * 2.0


def swapped(x, i, j):
    x[i], x[j] = x[j], x[i]


def mean_taken_off(x, i, j):
    mean = total(x) / len(x)
    x[:] = [value - mean for value in x]


def one_more(x, i, j):
    x += [1.0]


def one_less(x, i, j):
    x.append(x.pop(i) + x[0] if len(x) > 1 else x[0])


CHANGES = {
    "reversed": lambda x, i, j: x.reverse(), "doubled": doubled, "swapped": swapped, "centred": mean_taken_off,
    "appended": lambda x, i, j: x.append(Value(0.5)), "extended": one_more, "popped": one_less,
    "inserted": lambda x, i, j: x.insert(i, x[j]), "added": lambda x, i, j: x.append(x[i] * x[j]),
    "deleted": lambda x, i, j: x.__delitem__(slice(1, i)), "twice": lambda x, i, j: x.extend(x[:2]),
}


@given(changes=st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 99), st.integers(0, 99)), min_size=1,
                        max_size=5), both=st.booleans(), as_list=st.booleans())
def test_f_may_change_its_lists(changes, both, as_list):
    w = values(12)

    def f(x, y):
        for name, i, j in changes:
            CHANGES[name](x, i % len(x), j % len(x))
            if both:
                CHANGES[name](y, j % len(y), i % len(y))
        z = [(p * a + b).tanh() for p, a, b in zip(w, x, reversed(y))]
        return z if as_list else total(z)

    rng = np.random.default_rng(0)
    X, Y = rng.uniform(-1, 1, (3, 3)), rng.uniform(-1, 1, (3, 2))
    program = compile(f, w, X[0], Y[0])
    assert program.sizes == [3, 2]
    assert_agrees(program, f, w, X, Y)


@given(number=st.floats(-3, 3), kind=st.sampled_from(["a number", "clipped", "the other", "a parameter"]))
def test_a_function_that_sets_the_data_of_what_it_is_given_is_refused(number, kind):
    w = [Value(0.7, "w")]

    def f(x):
        leaf = w[0] if kind == "a parameter" else x[0]
        leaf.data = {"clipped": min(x[0].data, number), "the other": x[1].data}.get(kind, number)
        return w[0] * x[0] + x[1]

    with pytest.raises(CompileError, match=r"sets the \.data of"):
        program = compile(f, w, [0.25, 0.5])
        program.check(program.theta, [[9.0, 7.0]])
    assert w[0].data == 0.7


def unbound(x):
    if x[0].data > 0:
        y = x[0]
    return y


def raising(error):
    def f(x):
        if x[0].data < 0:
            raise error
        return x[0] * 2.0
    return f


@pytest.mark.parametrize("f, said", [
    (unbound, "UnboundLocalError"), (lambda x: (x[0] if x[0].data > 0 else None).tanh(), "AttributeError"),
    (lambda x: next(v * v for v in x if v.data > 0), "StopIteration"), (raising(RuntimeError("below")), "RuntimeError"),
    (raising(NotImplementedError()), "NotImplementedError"), (raising(Exception("below")), "Exception"),
    (raising(KeyError("below")), "KeyError"), (lambda x: x[0] if x[0].data > 0 else None, "on other numbers .* None")])
def test_whatever_f_raises_on_other_numbers_it_is_told_that_it_took_another_way(f, said):
    with pytest.raises(CompileError, match=said):
        compile(f, [], [1.0])


@pytest.mark.parametrize("f, numbers, dtype", [
    (lambda x: x[0].exp(), [105.0], "float32"), (lambda x: x[0] * x[1], [1e300, 1e-300], "float32"),
    (lambda x: x[0].log(), [1e-50], "float32"), (lambda x: 1 / x[0], [1e-50], "float32"),
    (lambda x: x[0] * 1e-30, [1e60], "float32"), (lambda x: x[0] - x[0], [math.inf], "float64"),
    (lambda x: x[0] * 0.0, [math.inf], "float64"), (lambda x: logsumexp(x), [-math.inf, -math.inf], "float64")])
def test_an_example_on_which_the_program_has_no_result_is_a_compile_error(f, numbers, dtype):
    with pytest.raises(CompileError, match="on the example, the program stops"):
        compile(f, [], numbers, dtype=dtype)


def test_what_is_too_small_is_0_whatever_numpy_is_told():
    program = compile(lambda x: x[0].exp() + logsumexp(x), [], [0.5, 0.25])
    with np.errstate(under="raise"):
        assert program.outputs(program.theta, [[-1000.0, 0.0]])[0] == 0.0


@pytest.mark.parametrize("zero", [0.0, -0.0, 0])
@pytest.mark.parametrize("far", [-math.inf, -1e9])
def test_a_mask_that_adds_0_or_something_far_below_is_one_array(zero, far):
    def attention(steps):
        w = [values(3, seed=k) for k in range(9)]

        def f(x):
            h = [x[3 * t:3 * t + 3] for t in range(steps)]
            q, k, v = ([[dot(row, one) for row in w[3 * i:3 * i + 3]] for one in h] for i in range(3))
            heads = []
            for i in range(steps):
                scores = [dot(q[i], k[j]) + (zero if j <= i else far) for j in range(steps)]
                shares = [(score - logsumexp(scores)).exp() for score in scores]
                heads += [dot(shares, [one[d] for one in v]) for d in range(3)]
            return total([a * a for a in heads])

        parameters = [p for row in w for p in row]
        program = compile(f, parameters, np.random.default_rng(0).uniform(-1, 1, 3 * steps))
        assert_agrees(program, f, parameters, np.random.default_rng(1).uniform(-1, 1, (2, 3 * steps)))
        return program.array_operations

    assert attention(3) == attention(6)
