"""Training: optimisers and `fit` against straightforward loops, what `fit` leaves behind, and what it refuses."""

import itertools
import math
import pickle
import re
import threading
import tracemalloc
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from micrograd2 import data
from micrograd2.compiler import CompileError, Program, compile
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import Value, total
from micrograd2.nn import MLP, Module
from micrograd2.train import SGD, Adam, History, _visible, accuracy, fit, mini_batches

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(params=[{"compiled": True}, {"compiled": False}], ids=str)
def train(request):
    """`fit` without its progress bar, in each of the ways in which it can work."""
    return partial(fit, progress=False, **request.param)


def close(x):
    return pytest.approx(x, rel=1e-9, abs=1e-12)


def data_of(net):
    return [parameter.data for parameter in net.parameters()]


def grads_of(net):
    return [parameter.grad for parameter in net.parameters()]


def regression(n=7):
    """A network with two outputs, and examples for it."""
    rng = np.random.default_rng(0)
    return MLP(3, [4, 2], "tanh", seed=1), rng.normal(size=(n, 3)), rng.normal(size=(n, 2))


def signs(n=7):
    """A network with one output, and examples whose targets are ±1."""
    X = np.random.default_rng(1).normal(size=(n, 2))
    return MLP(2, [3, 1], "tanh", seed=2), X, np.where(X[:, 0] > 0, 1.0, -1.0)


def classes(n=7):
    """A network with three outputs, and examples whose targets are one-hot."""
    rng = np.random.default_rng(2)
    return MLP(2, [4, 3], seed=3), rng.normal(size=(n, 2)), data.one_hot(rng.integers(0, 3, n), 3)


TASKS = {regression: squared_error, signs: max_margin, classes: cross_entropy}
tasks = pytest.mark.parametrize("task, cost", TASKS.items(), ids=lambda thing: thing.__name__)


def gradient_step(net, X, Y, cost, lr):
    """One step by hand, on one record of the whole batch. Returns the loss before it."""
    loss = total(cost(net(x), y) for x, y in zip(X, Y)) / len(X)
    net.zero_grad()
    loss.backward()
    for parameter in net.parameters():
        parameter.data -= lr * parameter.grad
    net.zero_grad()
    return loss.data


def descend(net, X, Y, cost, lr, batch_size, steps, seed=0):
    """That many steps by hand, in the order that `fit` promises. Returns their losses."""
    batches = (batch for epoch in itertools.count() for batch in mini_batches(len(X), batch_size, seed, epoch))
    return [gradient_step(net, X[batch], Y[batch], cost, lr) for batch in itertools.islice(batches, steps)]


class Boom(Exception):
    """An error that nothing else raises."""


def breaking_at(step, error, lr=0.1):
    """A learning rate that raises instead of allowing that step, counted from 0."""
    def rate(t):
        if t == step:
            raise error
        return lr
    return rate


interruptions = pytest.mark.parametrize("error", [KeyboardInterrupt(), Boom()], ids=repr)


# Optimisers

def sgd_by_hand(theta, gradients, lr, momentum):
    theta, velocity = list(theta), [0.0] * len(theta)
    for t, g in enumerate(gradients):
        for i in range(len(theta)):
            velocity[i] = momentum * velocity[i] + g[i]
            theta[i] -= lr(t) * velocity[i]
    return theta


def adam_by_hand(theta, gradients, lr):
    """Algorithm 1 of Kingma and Ba (2015), one coordinate after the other, with their recommended settings."""
    theta, m, v = list(theta), [0.0] * len(theta), [0.0] * len(theta)
    for t, g in enumerate(gradients, start=1):
        for i in range(len(theta)):
            m[i] = 0.9 * m[i] + 0.1 * g[i]
            v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2
            theta[i] -= lr(t - 1) * (m[i] / (1 - 0.9 ** t)) / (math.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-8)
    return theta


def decaying(t):
    return 0.3 / (1 + t)


def constant(t):
    return 0.05


OPTIMISERS = {
    "gradient descent": (lambda lr: SGD(lr), lambda *run: sgd_by_hand(*run, momentum=0.0)),
    "a little momentum": (lambda lr: SGD(lr, momentum=0.5), lambda *run: sgd_by_hand(*run, momentum=0.5)),
    "much momentum": (lambda lr: SGD(lr, 0.99), lambda *run: sgd_by_hand(*run, momentum=0.99)),
    "Adam": (lambda lr: Adam(lr), adam_by_hand),
}
optimisers = pytest.mark.parametrize("make, by_hand", OPTIMISERS.values(), ids=OPTIMISERS)


def some_gradients(steps, n=4):
    return np.random.default_rng(3).normal(size=(steps, n)) * [1.0, 1e-4, 1e4, 0.0]


@optimisers
@pytest.mark.parametrize("lr", [constant, decaying])
@pytest.mark.parametrize("steps", [1, 2, 12])
def test_steps_equal_the_rule_by_hand(make, by_hand, lr, steps):
    start, gradients = np.array([1.0, -2.0, 0.0, 3.0]), some_gradients(steps)
    optimizer = make(0.05 if lr is constant else lr)
    theta = start
    for gradient in gradients:
        theta = optimizer.step(theta, gradient)
    assert theta == close(by_hand(start, gradients, lr))


@optimisers
def test_a_step_gives_a_new_array_and_leaves_its_inputs_alone(make, by_hand):
    optimizer, theta, gradient = make(0.1), np.array([1.0, 2.0]), np.array([3.0, -4.0])
    for _ in range(3):
        after = optimizer.step(theta, gradient)
        assert not np.shares_memory(after, theta) and not np.shares_memory(after, gradient)
        assert theta.tolist() == [1.0, 2.0] and gradient.tolist() == [3.0, -4.0]


@optimisers
def test_what_happens_to_the_arrays_afterwards_does_not_reach_the_next_step(make, by_hand):
    optimizer, gradients = make(0.1), some_gradients(5)
    theta = start = np.zeros(4)
    for gradient in gradients.copy():
        following = optimizer.step(theta, gradient)
        theta, old = following.copy(), theta
        following[:] = gradient[:] = old[:] = math.nan
    assert theta == close(by_hand(np.zeros(4), gradients, lambda t: 0.1))
    assert np.isnan(start).all()


@optimisers
def test_update_of_values_equals_step_on_arrays(make, by_hand):
    values, gradients = [Value(1.0), Value(-2.0), Value(0.0), Value(3.0)], some_gradients(5)
    on_arrays, on_values = make(decaying), make(decaying)
    theta = np.array([value.data for value in values])
    for gradient in gradients:
        for value, slope in zip(values, gradient.tolist()):
            value.grad = slope
        on_values.update(values)
        theta = on_arrays.step(theta, gradient)
        assert [value.data for value in values] == theta.tolist()
        assert [value.grad for value in values] == gradient.tolist()
    assert all(type(value.data) is float for value in values)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_the_learning_rate_may_depend_on_the_step_counted_from_zero(make):
    asked = []
    optimizer = make(lambda t: asked.append(t) or 0.1)
    for _ in range(4):
        optimizer.step(np.ones(2), np.ones(2))
    assert asked == [0, 1, 2, 3]


def test_adam_has_a_usual_learning_rate_and_sgd_asks_for_one():
    assert Adam().lr == 0.001
    with pytest.raises(TypeError):
        SGD()


@pytest.mark.parametrize("lr", [0, 0.0, -0.1, math.nan, -math.inf])
@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_bad_learning_rate_is_refused(make, lr):
    with pytest.raises(ValueError, match=f"above 0, or a function of the step; got {lr!r}"):
        make(lr)


@pytest.mark.parametrize("lr", ["0.1", None, [0.1]])
def test_a_learning_rate_that_is_no_number_is_a_type_error(lr):
    with pytest.raises(TypeError):
        SGD(lr)


@pytest.mark.parametrize("momentum", [-0.1, 1, 1.5, math.nan])
def test_a_bad_momentum_is_refused(momentum):
    with pytest.raises(ValueError, match=f"momentum.*got {momentum!r}"):
        SGD(0.1, momentum)


@optimisers
def test_a_step_is_in_the_precision_of_theta_and_so_is_the_state_that_it_leaves(make, by_hand):
    optimizer, gradients = make(0.1), some_gradients(4)
    optimizer.step(np.zeros(4), gradients[0])  # in float64, and so are all gradients
    theta = np.zeros(4, np.float32)
    for gradient in gradients:
        theta = optimizer.step(theta, gradient)
        state = [getattr(optimizer, name) for name in optimizer.state]
        assert {array.dtype for array in [theta, *state] if isinstance(array, np.ndarray)} == {np.dtype(np.float32)}
    assert optimizer.step(theta.astype(float), gradients[0]).dtype == float


# Mini-batches

@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 10 ** 6), st.integers(0, 1000))
@settings(deadline=None)
def test_every_example_comes_once_and_only_the_last_batch_is_short(n, batch_size, seed, epoch):
    batches = [batch.tolist() for batch in mini_batches(n, batch_size, seed, epoch)]
    assert sorted(sum(batches, [])) == list(range(n))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert 0 < len(batches[-1]) <= batch_size
    assert sum(batches, []) == np.random.default_rng([seed, epoch]).permutation(n).tolist()


def test_the_order_depends_on_the_seed_and_the_epoch_alone():
    def order(seed, epoch, batch_size=50):
        return np.concatenate(list(mini_batches(50, batch_size, seed, epoch))).tolist()

    assert order(0, 0) == order(0, 0) == order(0, 0, batch_size=7)
    assert len({tuple(order(seed, epoch)) for seed in range(5) for epoch in range(5)}) == 25


# fit: the steps

@tasks
@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_steps_of_fit_are_steps_down_the_average_gradient(train, task, cost, batch_size):
    net, X, Y = task()
    by_hand, _, _ = task()
    a_pass = math.ceil(7 / batch_size)
    history = train(net, X, Y, cost, SGD(lr=0.2), epochs=2, batch_size=batch_size, seed=5)
    losses = descend(by_hand, X, Y, cost, 0.2, batch_size, 2 * a_pass, seed=5)
    assert data_of(net) == close(data_of(by_hand))
    assert history.loss == close(losses)


@tasks
@pytest.mark.parametrize("make", [lambda: SGD(0.2), lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.05)],
                         ids=["SGD", "momentum", "Adam"])
def test_fit_is_the_same_compiled_or_not(task, cost, make):
    (net, X, Y), (plain, _, _) = task(9), task(9)
    one, other = (fit(trained, X, Y, cost, make(), epochs=4, batch_size=4, seed=5, compiled=compiled, progress=False)
                  for trained, compiled in ((net, True), (plain, False)))
    assert one.loss == close(other.loss) and one.epoch_loss == close(other.epoch_loss)
    assert one.accuracy == other.accuracy
    assert data_of(net) == close(data_of(plain))


def test_one_step_on_one_example_by_arithmetic(train):
    net = MLP(1, [1], seed=0)
    net.parameters()[0].data = 3.0
    history = train(net, [[2.0]], [10.0], optimizer=SGD(lr=0.01))     # (3·2 + 0 − 10)² = 16, slopes −16 and −8
    assert data_of(net) == close([3.16, 0.08])
    assert history.loss == history.epoch_loss == close([16.0])


def test_without_an_optimiser_it_is_plain_descent_with_squared_error_in_one_pass_of_batches_of_100(train):
    net, X, Y = regression(150)
    by_hand, _, _ = regression()
    history = train(net, X, Y)
    assert history.loss == close(descend(by_hand, X, Y, squared_error, 0.1, 100, 2))
    assert data_of(net) == close(data_of(by_hand))


@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.05)])
def test_the_optimiser_decides_the_step(train, make):
    (net, X, Y), (by_hand, _, _), optimizer = regression(), regression(), make()
    train(net, X, Y, optimizer=make(), epochs=4, batch_size=7)
    for _ in range(4):
        by_hand.zero_grad()
        (total(squared_error(by_hand(x), y) for x, y in zip(X, Y)) / 7).backward()
        optimizer.update(by_hand.parameters())
    assert data_of(net) == close(data_of(by_hand))


@pytest.mark.parametrize("make", [lambda lr: SGD(lr, momentum=0.9), Adam])
def test_an_optimiser_carries_its_state_from_one_fit_to_the_next(train, make):
    asked, at_once, in_two = [], regression(), regression()
    optimizer = make(lambda t: asked.append(t) or 0.1)
    train(*in_two, optimizer=optimizer, batch_size=7)
    train(*in_two, optimizer=optimizer, batch_size=7)
    train(*at_once, optimizer=make(0.1), epochs=2, batch_size=7)
    assert data_of(in_two[0]) == close(data_of(at_once[0]))
    assert asked == [0, 1]


@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.01)])
def test_the_same_seed_gives_the_same_run_and_another_seed_another(train, make):
    def run(seed):
        net, X, Y = regression()
        history = train(net, X, Y, optimizer=make(), epochs=3, batch_size=2, seed=seed)
        return history.loss, data_of(net)

    assert run(1) == run(1)
    assert run(1)[0] != run(2)[0]


def test_gradients_left_by_the_user_do_not_matter_and_are_gone_afterwards(train):
    (net, X, Y), (fresh, _, _) = regression(), regression()
    for parameter in net.parameters():
        parameter.grad = 100.0
    train(net, X, Y, epochs=2, batch_size=3)
    train(fresh, X, Y, epochs=2, batch_size=3)
    assert data_of(net) == data_of(fresh)
    assert grads_of(net) == grads_of(fresh) == [0.0] * 26


class Line(Module):
    """A network of one's own."""

    def __init__(self):
        self.slope, self.shift = Value(0.0), Value(0.0)

    def __call__(self, x):
        return self.slope * x[0] + self.shift


def test_any_module_can_be_trained_on_any_cost(train):
    line, x = Line(), np.linspace(-1, 1, 9)
    train(line, x[:, None], 2 * x - 1, lambda output, target: (output - target) ** 2 * 0.5, SGD(1.0), epochs=200)
    assert data_of(line) == pytest.approx([2.0, -1.0], abs=1e-6)


def test_a_network_may_return_whatever_its_cost_reads_where_there_is_no_accuracy_to_measure(train):
    class Named(Line):
        def __call__(self, x):
            return {"line": super().__call__(x)}

    (named, line), x = (Named(), Line()), np.linspace(-1, 1, 9)
    assert train(named, x[:, None], 2 * x, lambda output, y: (output["line"] - y) ** 2).accuracy == []
    train(line, x[:, None], 2 * x, lambda output, y: (output - y) ** 2)
    assert data_of(named) == close(data_of(line))


def test_a_tied_value_moves_once(train):
    net = MLP(1, [1, 1], "tanh", seed=0)
    net.layers[1].neurons[0].w[0] = net.layers[0].neurons[0].w[0]
    by_hand = MLP(1, [1, 1], "tanh", seed=0)
    by_hand.layers[1].neurons[0].w[0] = by_hand.layers[0].neurons[0].w[0]
    X, Y = np.array([[1.0], [2.0]]), np.array([1.0, 0.0])
    train(net, X, Y, epochs=3)
    descend(by_hand, X, Y, squared_error, 0.1, 2, 3)
    assert data_of(net) == close(data_of(by_hand)) and len(data_of(net)) == 3


# fit: precision

quick = partial(fit, progress=False, dtype="float32")


@tasks
@pytest.mark.parametrize("make", [lambda: SGD(0.1), lambda: SGD(0.05, momentum=0.9), lambda: Adam(0.01)])
def test_float32_gives_the_run_of_float64_up_to_its_rounding(task, cost, make):
    (net, X, Y), (rough, _, _) = task(40), task(40)
    history = fit(net, X, Y, cost, make(), epochs=5, batch_size=9, progress=False)
    roughly = quick(rough, X, Y, cost, make(), epochs=5, batch_size=9)
    assert data_of(rough) == pytest.approx(data_of(net), rel=1e-3, abs=1e-4)
    assert data_of(rough) != data_of(net)
    assert roughly.loss == pytest.approx(history.loss, rel=1e-3, abs=1e-5)
    assert roughly.accuracy == pytest.approx(history.accuracy, abs=0.05)
    assert {type(number) for number in roughly.loss + roughly.epoch_loss + roughly.accuracy + data_of(rough)} == {float}


@tasks
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.01)])
def test_every_number_of_a_run_is_in_its_precision(task, cost, dtype, make):
    (net, X, Y), optimizer = task(20), make()
    program = compile(lambda x, y: cost(net(x), y if len(y) > 1 else y[0]), net.parameters(), X[0], np.atleast_1d(Y[0]),
                      dtype=dtype)
    theta, losses = program.theta, []
    for batch in itertools.chain(*(mini_batches(20, 6, 3, epoch) for epoch in range(4))):
        loss, gradient = program(theta, X[batch].astype(dtype), Y[batch].astype(dtype))
        theta = optimizer.step(theta, gradient)
        losses.append(loss)
    history = fit(net, X, Y, cost, make(), epochs=4, batch_size=6, seed=3, dtype=dtype, progress=False)
    assert data_of(net) == theta.astype(float).tolist() and history.loss == losses
    assert theta.dtype == dtype


def test_a_run_in_float32_may_follow_one_in_float64_with_the_same_optimiser():
    runs = []
    for other in ("float64", "float32"):
        (net, X, Y), optimizer = regression(), SGD(0.1, momentum=0.9)
        fit(net, X, Y, optimizer=optimizer, epochs=3, dtype=other, progress=False)
        quick(net, X, Y, optimizer=optimizer, epochs=3)
        assert optimizer.velocity.dtype == np.float32 and all(np.float32(w) == w for w in data_of(net))
        runs.append(data_of(net))
    assert runs[0] == pytest.approx(runs[1], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "double precision", int, 32, None, np.complex64, object])
def test_another_precision_is_refused(train, dtype):
    assert_refused(train, regression, TypeError, "dtype must be float64 or float32; got", dtype=dtype)


def test_the_scalar_graph_has_one_precision():
    assert_refused(scalar, regression, ValueError, "dtype must be float64 where compiled is False.*got float32",
                   dtype=np.float32)
    (net, X, Y), (plain, _, _) = regression(), regression()
    scalar(net, X, Y, dtype=np.float64)
    scalar(plain, X, Y)
    assert data_of(net) == data_of(plain)


@pytest.mark.parametrize("change, said", [
    (lambda X, Y: (X * 1e300, Y), "^X holds a number that is too large for a float32"),
    (lambda X, Y: (X, Y * 1e300), "^Y holds a number that is too large for a float32")])
def test_numbers_that_float32_cannot_hold_are_refused(change, said):
    assert_refused(quick, regression, ValueError, said, change)
    assert_refused(quick, signs, ValueError, said.replace("^", "^validation: "), validation=change(*signs()[1:]))


def test_infinity_is_no_number_that_is_too_large():
    net, X, Y = signs()
    X[0, 1] = np.inf
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"in example 0: x\[1\] is inf"):
        quick(net, X, Y, epochs=2)


def test_what_only_float64_can_hold_is_told_so():
    net = MLP(1, [1], seed=0)
    net.parameters()[0].data, before = 1.0, [1.0, 0.0]
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match='finite in float64: .*dtype="float64"'):
        quick(net, [[1.0], [1e30], [1.0], [1.0], [1.0]], [0.5] * 5)
    assert data_of(net) == before


# fit: forms of input

@pytest.mark.parametrize("form", [
    lambda X: X.tolist(), lambda X: tuple(map(tuple, X)), lambda X: X.astype(int), lambda X: X.astype(np.float32),
    lambda X: X.astype(np.int8).tolist(), np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2],
    lambda X: X[::-1].copy()[::-1], lambda X: np.hstack([X, X])[:, :X.shape[1]],
])
def test_x_and_y_may_come_in_any_form(train, form):
    (net, X, Y), (plain, _, _) = regression(), regression()
    X, Y = np.round(3 * X), np.round(3 * Y)
    train(net, form(X), form(Y), optimizer=SGD(0.01), epochs=2, batch_size=3)
    train(plain, X, Y, optimizer=SGD(0.01), epochs=2, batch_size=3)
    assert data_of(net) == data_of(plain)


@pytest.mark.parametrize("form", [list, np.float32, lambda Y: Y[:, None], lambda Y: Y[:, None].tolist(), np.int8])
def test_targets_of_one_output_may_be_a_column_or_a_row(train, form):
    (net, X, Y), (plain, _, _) = signs(), signs()
    assert train(net, X, form(Y), max_margin).accuracy == train(plain, X, Y, max_margin).accuracy != []
    assert data_of(net) == data_of(plain)


@pytest.mark.parametrize("form", [np.asfortranarray, lambda X: np.hstack([X, X])[:, :50], lambda X: X], ids="Fvc")
def test_a_step_takes_its_batch_and_no_more(form):
    X, peaks = form(np.random.default_rng(0).normal(size=(4000, 50))), []

    def look(history):
        now, peak = tracemalloc.get_traced_memory()
        peaks.append(peak - now)
        tracemalloc.reset_peak()

    tracemalloc.start()
    try:
        fit(MLP(50, [1], seed=0), X, X[:, 0], optimizer=SGD(0.01), epochs=2, batch_size=10, callback=look,
            progress=False)
    finally:
        tracemalloc.stop()
    assert peaks[1] < X.nbytes / 10


def test_examples_are_left_as_they_are(train):
    net, X, Y = regression()
    before = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    train(net, X, Y, epochs=2, batch_size=3, validation=(X, Y))
    assert np.array_equal(X, before[0]) and np.array_equal(Y, before[1])


# fit: the history

@tasks
@pytest.mark.parametrize("epochs, batch_size, steps", [(1, 7, 1), (3, 3, 9), (2, 100, 2), (2, 1, 14)])
def test_the_history_has_a_loss_for_each_step_and_epoch(train, task, cost, epochs, batch_size, steps):
    history = train(*task(), cost, epochs=epochs, batch_size=batch_size)
    assert isinstance(history, History)
    assert (len(history.loss), len(history.epoch_loss)) == (steps, epochs)
    assert len(history.accuracy) == (0 if task is regression else epochs)
    assert {type(number) for number in history.loss + history.epoch_loss + history.accuracy} == {float}


def test_the_loss_of_an_epoch_is_the_average_over_examples_not_steps(train):
    history = train(*regression(), epochs=2, batch_size=3)
    losses = np.array(history.loss).reshape(2, 3)
    assert history.epoch_loss == close((losses @ [3, 3, 1] / 7).tolist())


@pytest.mark.parametrize("Y, measured", [
    ([1, -1], True), ([1, 1], True), ([[1], [-1]], True), ([1.0, 0.5], False), ([0, 1], False), ([2, -2], False),
])
def test_accuracy_of_one_output_is_measured_only_on_plus_and_minus_one(train, Y, measured):
    history = train(MLP(1, [1], seed=0), [[1.0], [2.0]], Y, epochs=3)
    assert len(history.accuracy) == (3 if measured else 0)


@pytest.mark.parametrize("Y, measured", [
    ([[0, 1], [1, 0]], True), ([[0, 1], [0, 1]], True), ([[0, 1], [1, 1]], False), ([[0, 0], [1, 0]], False),
    ([[0.5, 0.5], [1, 0]], False), ([[1, -1], [-1, 1]], False), ([[2, -1], [1, 0]], False),
])
def test_accuracy_of_several_outputs_is_measured_only_on_one_hot_targets(train, Y, measured):
    history = train(MLP(1, [2], seed=0), [[1.0], [2.0]], Y, epochs=3)
    assert len(history.accuracy) == (3 if measured else 0)


@pytest.mark.parametrize("task", [signs, classes])
def test_accuracy_is_that_of_the_network_after_the_epoch(train, task):
    (net, X, Y), measured = task(40), []
    history = train(net, X, Y, TASKS[task], SGD(2.0), epochs=4, batch_size=10,
                    callback=lambda history: measured.append(accuracy(net, X, Y)))
    assert history.accuracy == measured and len(set(measured)) > 1


def test_accuracy_is_measured_on_the_validation_examples_and_they_teach_nothing(train):
    (net, X, Y), (plain, _, _) = signs(), signs()
    X_check = np.array([[1.0, 2.0], [3.0, -4.0], [-5.0, 0.0], [0.5, 0.5], [2.0, 2.0]])
    seen = train(net, X, Y, max_margin, epochs=2, validation=(X_check.tolist(), [[1], [1], [-1], [-1], [-1]]))
    unseen = train(plain, X, Y, max_margin, epochs=2)
    assert data_of(net) == data_of(plain) and seen.loss == unseen.loss and seen.epoch_loss == unseen.epoch_loss
    assert seen.accuracy[-1] == accuracy(net, X_check, [1, 1, -1, -1, -1])
    assert seen.accuracy[-1] * 5 == pytest.approx(round(seen.accuracy[-1] * 5))


def test_validation_may_have_labels_where_training_has_one_hot_targets(train):
    net, X, Y = classes(9)
    history = train(net, X, Y, cross_entropy, validation=(X, Y.argmax(axis=1)))
    assert history.accuracy == [accuracy(net, X, Y)]


@pytest.mark.parametrize("form", [lambda Y: Y, lambda Y: Y.argmax(axis=1)], ids=["one-hot", "labels"])
def test_validation_is_measured_where_the_targets_that_teach_are_smoothed(train, form):
    net, X, Y = classes(9)
    history = train(net, X, 0.9 * Y + 0.1 / 3, cross_entropy, epochs=2, validation=(X, form(Y)))
    assert len(history.accuracy) == 2 and history.accuracy[-1] == accuracy(net, X, Y)


def test_a_loss_that_grows_beyond_all_bounds_is_an_error_that_names_its_cause(train):
    net = MLP(1, [1], seed=0)
    cause = r"the loss is inf\. The first cause, in .* \*"
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=cause):
        train(net, [[1.0], [2.0]], [1.0, 1.0], lambda a, y: (a - y) * (a - y), SGD(1e30), epochs=20)
    assert all(map(math.isfinite, data_of(net)))


# fit: the callback

@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_the_callback_sees_each_epoch_with_its_trained_numbers(train, epochs):
    (net, X, Y), seen = signs(), []

    def look(history):
        seen.append((data_of(net), len(history.loss), len(history.epoch_loss), len(history.accuracy)))

    last = train(net, X, Y, max_margin, epochs=3, batch_size=3, callback=look)
    shorter, _, _ = signs()
    train(shorter, X, Y, max_margin, epochs=epochs, batch_size=3)
    assert len(seen) == 3 and (len(last.loss), len(last.epoch_loss)) == (9, 3)
    assert seen[epochs - 1] == (close(data_of(shorter)), 3 * epochs, epochs, epochs)


def test_the_callback_gets_the_history_that_fit_returns(train):
    got = []
    history = train(*regression(), epochs=2, callback=got.append)
    assert got[0] is got[1] is history


@given(st.integers(0, 2), st.sampled_from([{"compiled": True}, {"compiled": False}, {"dtype": "float32"}]),
       st.booleans())
@settings(max_examples=20)
def test_what_a_callback_writes_into_the_parameters_counts(when, way, stops):
    """An early stop brings the best so far back, and ends the run or lets it go on from there."""
    (net, X, Y), (by_hand, _, _), best = regression(), regression(), np.linspace(-1, 1, 26).tolist()

    def look(history):
        if len(history.epoch_loss) == when + 1:
            for p, number in zip(net.parameters(), best):
                p.data = number
            if stops:
                raise Boom

    if way.get("dtype") and not stops:
        best = np.array(best, np.float32).tolist()
    try:
        fit(net, X, Y, epochs=3, callback=look, progress=False, **way)
    except Boom:
        pass
    for p, number in zip(by_hand.parameters(), best):
        p.data = number
    descend(by_hand, X, Y, squared_error, 0.1, 7, 0 if stops else 2 - when)
    assert data_of(net) == pytest.approx(data_of(by_hand), rel=1e-5, abs=1e-6)
    if stops and not way.get("dtype"):
        assert data_of(net) == best


# fit: interruptions

@interruptions
@pytest.mark.parametrize("steps", range(7))
def test_whatever_ends_it_the_network_keeps_the_last_finished_step(train, steps, error):
    (net, X, Y), (by_hand, _, _) = regression(), regression()
    with pytest.raises(type(error)):
        train(net, X, Y, optimizer=SGD(breaking_at(steps, error)), epochs=5, batch_size=3)
    descend(by_hand, X, Y, squared_error, 0.1, 3, steps)
    assert data_of(net) == close(data_of(by_hand))
    assert grads_of(net) == [0.0] * 26


@interruptions
@pytest.mark.parametrize("steps", range(3))
def test_an_interruption_between_two_steps_keeps_the_finished_one(train, monkeypatch, steps, error):
    def broken(*args):
        yield from itertools.islice(mini_batches(*args), steps)
        raise error

    (net, X, Y), (by_hand, _, _) = regression(), regression()
    monkeypatch.setattr("micrograd2.train.mini_batches", broken)
    with pytest.raises(type(error)):
        train(net, X, Y, batch_size=3)
    descend(by_hand, X, Y, squared_error, 0.1, 3, steps)
    assert data_of(net) == close(data_of(by_hand)) and grads_of(net) == [0.0] * 26


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_step_that_fails_leaves_the_optimiser_at_the_last_finished_step(train, momentum):
    def rate(step):
        return 1e-200 if step < 4 else 1e200

    net, finished, optimizer, twin = MLP(1, [1], seed=0), MLP(1, [1], seed=0), SGD(rate, momentum), SGD(rate, momentum)
    settings = {"X": [[1.0], [2.0]], "Y": [3.0, 1.0], "cost": lambda output, target: (output - target) * 1e200}
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="step 5: the step would make a parameter"):
        train(net, optimizer=optimizer, epochs=20, **settings)
    train(finished, optimizer=twin, epochs=4, **settings)
    assert data_of(net) == data_of(finished) and optimizer.steps == twin.steps == 4
    assert np.array_equal(optimizer.velocity, twin.velocity)


@interruptions
def test_a_callback_can_end_it_after_an_epoch(train, error):
    def stop(history):
        if len(history.epoch_loss) == 2:
            raise error

    (net, X, Y), (shorter, _, _) = regression(), regression()
    with pytest.raises(type(error)):
        train(net, X, Y, epochs=5, batch_size=3, callback=stop)
    train(shorter, X, Y, epochs=2, batch_size=3)
    assert data_of(net) == data_of(shorter) and grads_of(net) == [0.0] * 26


def test_training_can_go_on_after_an_interruption(train):
    net, X, Y = regression()
    with pytest.raises(KeyboardInterrupt):
        train(net, X, Y, optimizer=SGD(breaking_at(2, KeyboardInterrupt())), epochs=5, batch_size=3)
    before = sum(squared_error(net(x), y).data for x, y in zip(X, Y)) / 7
    assert train(net, X, Y, epochs=20, batch_size=7).epoch_loss[-1] < before


def test_an_error_in_the_arithmetic_leaves_the_last_finished_step():
    net = MLP(1, [1], seed=0)
    before = data_of(net)
    with pytest.raises(FloatingPointError, match="log"):
        fit(net, [[1.0], [1.0], [0.0]], [1.0, 1.0, 0.0], lambda a, y: a ** 2 + (0 * a + y).log(), progress=False)
    assert data_of(net) == before


# fit on the scalar graph alone: these tests rely on the cost being called for every example of every step.
# Where fit has other ways to work, `scalar` must ask for this one.

scalar = partial(fit, progress=False, compiled=False)


def cost_breaking_at(step, call, optimizer, error):
    """Squared error that raises in that call (0 is the first) since the optimiser finished that many steps."""
    calls = itertools.count()

    def cost(output, target):
        if optimizer.steps == step and next(calls) == call:
            raise error
        return squared_error(output, target)
    return cost


@interruptions
@pytest.mark.parametrize("steps, call", [(0, 1), (0, 3), (1, 0), (1, 1), (1, 2), (2, 0), (3, 1), (5, 0), (8, 2)])
def test_an_interruption_in_the_cost_leaves_the_last_finished_step(steps, call, error):
    (net, X, Y), (by_hand, _, _), optimizer = regression(9), regression(), SGD(0.1)
    with pytest.raises(type(error)):
        scalar(net, X, Y, cost_breaking_at(steps, call, optimizer, error), optimizer, epochs=3, batch_size=3)
    descend(by_hand, X, Y, squared_error, 0.1, 3, steps)
    assert data_of(net) == close(data_of(by_hand)) and grads_of(net) == [0.0] * 26


def test_an_error_in_the_arithmetic_names_it_and_leaves_the_last_finished_step():
    line, optimizer = Line(), SGD(1.0)
    line.slope.data, line.shift.data = 0.0, 1.5
    with pytest.raises(ValueError, match="log of -0.5"):
        scalar(line, [[0.0]], [0.0], lambda output, _: output + output.log() * 0, optimizer, epochs=9)
    assert data_of(line) == [0.0, -0.5]


def test_the_cost_sees_every_example_once_an_epoch():
    net, X, Y = signs()
    seen = []

    def cost(output, target):
        seen.append(target)
        return squared_error(output, target)

    scalar(net, X, np.arange(7.0), cost, SGD(1e-9), epochs=2, batch_size=3)
    order = [number for epoch in (0, 1) for batch in mini_batches(7, 3, 0, epoch) for number in batch]
    assert seen[-14:] == order


# fit: mistakes, noticed before anything is changed

def assert_refused(train, task, error, said=None, change=lambda X, Y: (X, Y), **settings):
    """`fit` refuses, and neither the parameters, nor their gradients, nor the optimiser have changed."""
    net, X, Y = task()
    for i, parameter in enumerate(net.parameters()):
        parameter.grad = float(i)
    before, optimizer = (data_of(net), grads_of(net)), SGD(0.1, momentum=0.9)
    called = []
    settings = {"cost": TASKS.get(task), "optimizer": optimizer, "epochs": 2, "batch_size": 3,
                "callback": called.append, **settings}
    with pytest.raises(error, match=said):
        train(net, *change(X, Y), **settings)
    assert (data_of(net), grads_of(net)) == before
    assert (optimizer.steps, called) == (0, [])


@pytest.mark.parametrize("change, said", [
    (lambda X, Y: (X[:-1], Y), r"\(6, .*\(7"), (lambda X, Y: (X, Y[1:]), r"\(7, .*\(6"),
    (lambda X, Y: ([], []), "not empty"), (lambda X, Y: (X[:0], Y[:0]), "not empty"),
    (lambda X, Y: (1.0, 1.0), "shape"),
    (lambda X, Y: (X[0], Y), "shape"), (lambda X, Y: (X, Y[0, 0]), "shape"),
    (lambda X, Y: (X[None], Y), "shape"), (lambda X, Y: (X, Y[..., None]), "shape"),
    (lambda X, Y: (X[:, :1], Y), r"\b1\b"), (lambda X, Y: (np.hstack([X, X]), Y), "input"),
    (lambda X, Y: (X, Y[:, :1]), "outputs and 1 target"),
    (lambda X, Y: (X, np.hstack([Y, Y])), "outputs and . targets"),
    (lambda X, Y: (X.tolist()[:-1] + [[1.0]], Y), None), (lambda X, Y: ([["a", "b", "c"]] * 7, Y), None),
])
@pytest.mark.parametrize("task", [regression, classes])
def test_wrong_shapes_are_refused(train, task, change, said):
    assert_refused(train, task, (TypeError, ValueError), said, change)


def test_labels_instead_of_one_hot_targets_are_refused_with_the_remedy(train):
    assert_refused(train, classes, ValueError, "3 outputs and 1 target.*one_hot", lambda X, Y: (X, Y.argmax(axis=1)))


@pytest.mark.parametrize("width", [2, 7])
def test_several_targets_for_one_output_are_refused(train, width):
    assert_refused(train, signs, (ValueError, TypeError), None, lambda X, Y: (X, np.column_stack([Y] * width)))
    assert_refused(train, signs, ValueError, None, lambda X, Y: (X, np.column_stack([Y] * width)), cost=squared_error)


@pytest.mark.parametrize("validation", [
    ([[1.0, 2.0]], [1, -1]), ([], []), ([[1.0, 2.0, 3.0]], [1]), ([[1.0]], [1]), ([1.0, 2.0], [1, -1]),
    ([[1.0, 2.0], [3.0, 4.0]], [[1, 0], [0, 1]]), ([["a", "b"]], [1]),
])
def test_wrong_shapes_of_validation_examples_are_refused(train, validation):
    assert_refused(train, signs, (TypeError, ValueError), validation=validation)


@pytest.mark.parametrize("settings, said", [
    ({"epochs": -1}, "epochs.*-1"), ({"epochs": 1.5}, "epochs.*1.5"), ({"epochs": "3"}, "epochs.*'3'"),
    ({"epochs": None}, "epochs.*None"), ({"batch_size": 0}, "batch_size.*0"), ({"batch_size": -3}, "batch_size.*-3"),
    ({"batch_size": 2.5}, "batch_size.*2.5"), ({"batch_size": None}, "batch_size.*None"),
], ids=str)
def test_bad_settings_are_refused(train, settings, said):
    assert_refused(train, signs, ValueError, said, **settings)


def test_a_bad_seed_moves_nothing(train):
    net, X, Y = signs()
    before = data_of(net)
    with pytest.raises(ValueError):
        train(net, X, Y, seed=-1)
    assert data_of(net) == before


@pytest.mark.parametrize("cost", [lambda output, y: 1.0, lambda output, y: [output], lambda output, y: None])
def test_a_cost_that_is_not_one_value_is_refused(train, cost):
    assert_refused(train, signs, TypeError, "one Value", cost=cost)


def test_a_parameter_that_is_made_of_others_is_refused(train):
    class Positive(Line):
        def __init__(self):
            self.root, self.shift = Value(0.5), Value(0.0)
            self.slope = self.root.exp()

    assert_refused(train, lambda: (Positive(), np.ones((2, 1)), np.ones(2)), ValueError,
                   r"leaves; got Value\(data=1.648.*made by exp", cost=squared_error)


@given(outputs=st.integers(1, 3), width=st.integers(1, 3), rows=st.data())
@settings(max_examples=40)
def test_an_own_cost_reads_targets_of_any_width_and_meaning(outputs, width, rows):
    row = st.lists(st.sampled_from([-1.0, 0.0, 1.0, 2.0]), min_size=width, max_size=width)
    Y = rows.draw(st.lists(row, min_size=2, max_size=4))
    X, net = [[float(i)] for i in range(len(Y))], MLP(1, [outputs], seed=0)

    def cost(answer, targets):
        return squared_error(total(answer if outputs > 1 else [answer]), total(targets if width > 1 else [targets]))

    history = scalar(net, X, Y, cost)
    one_hot = all(sorted(y) == [0] * (width - 1) + [1] for y in Y) if width > 1 else all(y in ([-1], [1]) for y in Y)
    assert len(history.accuracy) == (outputs == width and one_hot)
    if width == 1:
        assert scalar(net, X, [y for y, in Y], cost).accuracy == [] or outputs == 1
    judged = [[1.0]] * 2 if outputs == 1 else data.one_hot([0, 1], outputs)
    assert len(scalar(net, X, Y, cost, validation=([[1.0], [2.0]], judged)).accuracy) == 1


@pytest.mark.parametrize("validation, said", [
    (("garbage", None), "validation: Y"), (("garbage", [1.0, 2.0]), "validation: X"),
    (([[1.0, 2.0]], [[0.5]]), "validation: X must have 1 number for each example, as X has; got 2"),
    (([[1.0]], [[0.5, 0.5]]), "validation: Y must have 1 target for each example, as Y has; got 2"),
    (([[1.0]], [0.5, 0.5]), "validation: Y must be")])
def test_validation_is_looked_at_where_there_is_no_accuracy(train, validation, said):
    for net in (MLP(1, [1], seed=0), Line()):
        assert_refused(train, lambda: (net, np.ones((2, 1)), np.array([0.5, 0.2])), (TypeError, ValueError),
                       None if isinstance(net, MLP) else said, cost=squared_error, validation=validation)


def test_without_a_step_nothing_is_rounded():
    for wait in (True, False):
        net, X, Y = signs()
        before, rate = data_of(net), breaking_at(0, Boom())
        with pytest.raises(Boom) if wait else nullcontext():
            quick(net, X, Y, optimizer=SGD(rate), epochs=int(wait))
        assert data_of(net) == before


def test_no_epochs_change_nothing(train):
    net, X, Y = signs()
    before = data_of(net)
    history = train(net, X, Y, epochs=0)
    assert data_of(net) == before
    assert (history.loss, history.epoch_loss, history.accuracy) == ([], [], [])


@pytest.mark.parametrize("net", [Module(), object(), "net", None, 3, lambda x: x, MLP])
def test_a_network_without_parameters_is_refused(train, net):
    with pytest.raises((ValueError, TypeError)):
        train(net, [[1.0]], [1.0])


# fit: learning

def test_xor_is_learnt(train):
    X, y = data.xor()
    net = MLP(2, [8, 1], "tanh", seed=1)
    history = train(net, X, y, max_margin, SGD(0.5), epochs=50)
    assert history.accuracy[-1] == accuracy(net, X, y) == 1.0
    assert history.epoch_loss[-1] < 0.1 < history.epoch_loss[0]


def test_moons_are_learnt_with_mini_batches(train):
    X, y = data.moons(60, noise=0.05, seed=1)
    history = train(MLP(2, [8, 1], "tanh", seed=1), X, y, max_margin, Adam(0.05), epochs=30, batch_size=10,
                    validation=data.moons(40, noise=0.05, seed=2))
    assert history.accuracy[-1] > 0.95


def test_classes_are_learnt_with_cross_entropy(train):
    net, X, _ = classes(60)
    labels = np.where(X[:, 0] > 0.3, 2, np.where(X[:, 1] > 0, 1, 0))
    history = train(net, X, data.one_hot(labels, 3), cross_entropy, Adam(0.1), epochs=25, batch_size=10)
    assert history.accuracy[-1] == accuracy(net, X, labels) > 0.9


def test_a_plane_is_learnt(train):
    net, X = MLP(2, [1], seed=0), np.random.default_rng(0).normal(size=(40, 2))
    history = train(net, X, X @ [2.0, -1.0] + 0.5, optimizer=SGD(0.1), epochs=25, batch_size=10)
    assert data_of(net) == pytest.approx([2.0, -1.0, 0.5], abs=1e-3)
    assert history.accuracy == [] and history.loss[-1] < 1e-6


# accuracy

def network_that_gives(outputs):
    """A network without hidden layers whose outputs for [1, 0, …], [0, 1, …], … are the rows of `outputs`."""
    outputs = np.array(outputs, dtype=float)
    net = MLP(len(outputs), [outputs.shape[1]], seed=0)
    for neuron, column in zip(net.layers[0].neurons, outputs.T):
        for w, number in zip(neuron.w, column):
            w.data = float(number)
    return net, np.eye(len(outputs))


@pytest.mark.parametrize("Y, expected", [
    ([1, -1, 1, -1], 1.0), ([-1, 1, -1, 1], 0.0), ([1, 1, 1, 1], 0.5), ([[1], [-1], [1], [1]], 0.75),
    (np.array([1.0, -1.0, -1.0, 1.0]), 0.5),
])
def test_accuracy_of_one_output_goes_by_its_sign(Y, expected):
    net, X = network_that_gives([[0.01], [-3.0], [100.0], [-0.5]])
    assert accuracy(net, X, Y) == accuracy(net, X.tolist(), Y) == expected


def test_an_output_of_zero_is_on_neither_side():
    net, X = network_that_gives([[0.0], [0.0]])
    assert accuracy(net, X, [1, -1]) == 0.0


@pytest.mark.parametrize("labels, expected", [([2, 0, 1, 2], 1.0), ([0, 1, 2, 0], 0.0), ([2, 2, 2, 2], 0.5)])
def test_accuracy_of_several_outputs_goes_by_the_largest(labels, expected):
    net, X = network_that_gives([[-3.0, -2.0, -1.0], [0.3, 0.2, 0.1], [0.0, 9.0, 0.0], [0.0, 1.0, 1.5]])
    for Y in (labels, np.array(labels), np.array(labels, dtype=float), data.one_hot(labels, 3)):
        assert accuracy(net, X, Y) == expected


@pytest.mark.parametrize("X, Y", [
    ([[1.0, 2.0]], [1, -1]), ([], []), ([1.0, 2.0], [1, -1]), ([[1.0, 2.0, 3.0]], [1]), ([["a", "b"]], [1]),
    ([[1.0, 2.0], [3.0, 4.0]], [[1, 0], [0, 1]]), ([[1.0, 2.0]] * 3, [[1, -1]] * 3),
])
def test_accuracy_refuses_wrong_shapes(X, Y):
    with pytest.raises((TypeError, ValueError)):
        accuracy(MLP(2, [3, 1], seed=0), X, Y)


def test_accuracy_refuses_one_hot_targets_of_another_width():
    with pytest.raises(ValueError):
        accuracy(MLP(2, [3], seed=0), [[1.0, 2.0]], [[0, 1]])


def test_accuracy_leaves_the_network_alone():
    net, X, Y = signs()
    before = data_of(net)
    accuracy(net, X, Y)
    assert data_of(net) == before and grads_of(net) == [0.0] * 13


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


def share_right(net, X, Y):
    outputs = [net(x) for x in X]
    if Y.ndim == 1:
        return float(np.mean([np.sign(output.data) == y for output, y in zip(outputs, Y)]))
    return float(np.mean([np.argmax([a.data for a in row]) == np.argmax(y) for row, y in zip(outputs, Y)]))


@pytest.mark.parametrize("n", [1, 3, 4, 5, 7, 8, 9, 12])
@pytest.mark.parametrize("task", [signs, classes])
def test_accuracy_in_pieces_is_that_of_the_whole(train, monkeypatch, task, n):
    net, X, Y = task(n)
    sizes, whole = [], Program.outputs
    monkeypatch.setattr("micrograd2.train.PIECE", 4)
    monkeypatch.setattr(Program, "outputs", lambda self, theta, *arrays: sizes.append(len(arrays[0])) or whole(
        self, theta, *arrays))
    assert accuracy(net, X, Y) == share_right(net, X, Y)
    history = train(net, X, Y, TASKS[task], SGD(1.0), epochs=2, batch_size=5)
    assert history.accuracy[-1] == share_right(net, X, Y)
    assert max(sizes) <= 4


def test_accuracy_is_of_what_the_network_returned_whatever_its_cost_makes_of_the_list(train):
    def cost(outputs, targets):
        outputs.reverse()
        return squared_error(outputs, targets)

    (net, X, Y), measured = classes(40), []
    history = train(net, X, Y, cost, epochs=5, callback=lambda history: measured.append(share_right(net, X, Y)))
    assert history.accuracy == measured


def test_an_output_that_is_nan_is_named_in_whatever_piece(monkeypatch):
    net, X, Y = signs()
    X[5, 0] = np.nan
    for piece in range(1, 8):
        monkeypatch.setattr("micrograd2.train.PIECE", piece)
        with pytest.raises(ValueError, match=r"output for X\[5\] is \[nan\]"):
            accuracy(net, X, Y)


def test_a_network_is_compiled_once(monkeypatch):
    compiled = []
    monkeypatch.setattr("micrograd2.train.compile", lambda *given, **settings: compiled.append(given) or compile(
        *given, **settings))
    for task, cost in TASKS.items():
        net, X, Y = task()
        fit(net, X, Y, cost, epochs=2, validation=(X, Y), progress=False)
    assert len(compiled) == len(TASKS)


# The history shown

@pytest.mark.parametrize("history, text", [
    (History(), "History: 0 steps, 0 epochs"),
    (History([1.5], [1.5]), "History: 1 steps, 1 epoch, loss 1.5"),
    (History([0.9, 0.3, 0.2], [0.6, 0.123456]), "History: 3 steps, 2 epochs, loss 0.1235"),
    (History([0.9, 0.3], [0.6, 0.1], [0.5, 0.975]), "History: 2 steps, 2 epochs, loss 0.1, accuracy 97.5 %"),
    (History([math.nan], [math.nan], [0.1]), "History: 1 steps, 1 epoch, loss nan, accuracy 10.0 %"),
])
def test_repr_of_a_history(history, text):
    assert repr(history) == text


@given(st.floats(0, 1) | st.integers(1, 10 ** 5).map(lambda n: 1 - 1 / n))
def test_only_all_is_100_percent(share):
    text = repr(History([1.0], [1.0], [share])).split("accuracy ")[1]
    assert ("100" in text) == (share == 1) and float(text.strip("<>% ")) == pytest.approx(100 * share, abs=0.1)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=50))
@example([-1.0, -2.0, -5.0])
def test_every_point_of_the_curve_lies_within_its_axes_and_higher_losses_are_higher(losses):
    points = points_of(History(losses)._repr_svg_())
    assert all(10 <= x <= 310 and 20 <= y <= 110 for x, y in points)
    heights = [y for _, y in sorted(zip(losses, [y for _, y in points]))]
    assert heights == sorted(heights, reverse=True)


def points_of(svg):
    (line,) = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}polyline")
    return [tuple(map(float, point.split(","))) for point in line.get("points").split()]


@pytest.mark.parametrize("losses", [[], [1.0], [math.nan] * 3, [math.inf, 1.0], [math.nan, 1.0, -math.inf]])
def test_without_two_finite_losses_there_is_no_curve(losses):
    assert History(loss=losses)._repr_svg_() is None


@pytest.mark.parametrize("losses, shown", [
    ([2.0, 1.0], 2), ([0.0, 0.0, 0.0], 3), ([3.0, math.nan, 1.0, math.inf, 0.5], 3), ([1e300, 1e-300], 2),
    (np.linspace(1, 0, 50).tolist(), 50),
])
def test_the_curve_has_a_point_for_every_finite_loss_inside_its_frame(losses, shown):
    history = History(losses, [losses[-1]], [0.5])
    svg = history._repr_svg_()
    root, points = ElementTree.fromstring(svg), points_of(svg)
    assert root.tag.endswith("svg") and repr(history) in "".join(root.itertext())
    assert len(points) == shown
    assert all(0 <= x <= float(root.get("width")) and 0 <= y <= float(root.get("height")) for x, y in points)


def test_the_curve_runs_to_the_right_and_goes_down_with_the_loss():
    points = points_of(History([4.0, 3.0, 1.0])._repr_svg_())
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x1 - x0 == pytest.approx(x2 - x1) and x1 > x0
    assert y2 - y1 == pytest.approx(2 * (y1 - y0), abs=0.2) and y1 > y0


@given(st.integers(1, 3000), st.integers(0, 2 ** 32 - 1))
def test_a_long_curve_keeps_its_ends_and_what_is_highest_and_lowest_anywhere(steps, seed):
    losses = np.random.default_rng(seed).normal(size=steps)
    seen = np.array(_visible(losses))
    assert {0, len(losses) - 1} <= set(seen) and len(seen) <= 602 and (np.diff(seen) > 0).all()
    assert len(losses) > 300 or len(seen) == len(losses)
    for pixel in np.array_split(np.arange(len(losses)), min(300, len(losses))):
        drawn = losses[seen[(seen >= pixel[0]) & (seen <= pixel[-1])]]
        assert (drawn.min(), drawn.max()) == (losses[pixel].min(), losses[pixel].max())


def test_a_trained_history_shows_itself(train):
    history = train(*signs(), max_margin, epochs=2, batch_size=3)
    assert re.fullmatch(r"History: 6 steps, 2 epochs, loss [\d.]+, accuracy [\d.]+ %", repr(history))
    assert len(points_of(history._repr_svg_())) == 6


# Progress

def test_without_progress_nothing_is_printed(train, capsys):
    train(*signs(), max_margin, epochs=2)
    assert capsys.readouterr() == ("", "")


def test_progress_shows_loss_and_accuracy_on_stderr(train, capsys):
    history = train(*signs(), max_margin, epochs=2, batch_size=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "6/6" in err and "epoch 2/2" in err
    assert f"loss={history.epoch_loss[-1]:.4f}" in err and f"accuracy={100 * history.accuracy[-1]:.1f} %" in err


def test_progress_shows_no_accuracy_where_there_is_none(train, capsys):
    train(*regression(), progress=True)
    assert "loss=" in (err := capsys.readouterr().err) and "accuracy" not in err


def test_progress_is_shown_unless_refused(capsys):
    fit(*regression())
    assert "loss=" in capsys.readouterr().err


# What is given wrongly, and what is neither right nor wrong

@pytest.mark.parametrize("settings, said", [
    ({"cost": "mse"}, "cost must be a function.*'mse'"), ({"cost": None}, "cost must be a function"),
    ({"optimizer": SGD}, r"optimizer must be one such as SGD\(lr=0.1\)"), ({"optimizer": 0.1}, "optimizer.*0.1"),
    ({"optimizer": "adam"}, "optimizer.*'adam'"), ({"validation": (1,)}, "validation must be a pair"),
    ({"validation": 3}, "validation must be a pair"), ({"callback": 3}, "callback must be a function"),
    ({"seed": 1.5}, "seed.*1.5"), ({"seed": None}, "seed"), ({"epochs": True}, "epochs.*True"),
], ids=str)
def test_wrong_settings_are_named(train, settings, said):
    assert_refused(train, signs, (TypeError, ValueError), said, **settings)


def test_whole_numbers_may_be_of_any_kind(train):
    (net, X, Y), (plain, _, _) = signs(), signs()
    train(net, X, Y, epochs=np.int64(2), batch_size=np.int32(3), seed=np.uint8(1))
    train(plain, X, Y, epochs=2, batch_size=3, seed=1)
    assert data_of(net) == data_of(plain)


def test_one_example_is_a_batch_of_one(train):
    (net, X, Y), (plain, _, _) = regression(), regression()
    train(net, X[0], Y[0])
    train(plain, X[:1], Y[:1])
    assert data_of(net) == data_of(plain)


def test_an_infinite_example_is_named(train):
    net, X, Y = signs()
    X[0, 1] = np.inf
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"in example 0: x\[1\] is inf"):
        train(net, X, Y, epochs=2)
    X[:] = np.inf
    before = data_of(net)
    with pytest.raises(FloatingPointError, match=r"no example is finite.*in example 0: x\[0\] is inf"):
        train(net, X, Y)
    assert data_of(net) == before


@pytest.mark.parametrize("where, unknown", [(-1, []), (25, []), (-2, [-1]), (26, [0, 25])])
def test_a_network_that_looks_at_its_numbers_is_found_on_real_examples(where, unknown):
    net, X, Y = signs(50)
    X[where] = 400.0
    X[unknown] = np.nan

    class Looking(Module):
        def __init__(self):
            self.net = net

        def __call__(self, x):
            return net(x) if max(Value(v).data if not isinstance(v, Value) else v.data for v in x) < 300 else -net(x)

    before = data_of(net)
    with pytest.raises(CompileError, match="in the program but .* in the scalar graph; f does something else"):
        fit(Looking(), X, Y, progress=False)
    assert data_of(net) == before
    fit(Looking(), np.nan_to_num(X), Y, progress=False, compiled=False)


@pytest.mark.parametrize("Y, said", [
    ([1, -1, 0, 1], r"Y\[2\] must be -1 or 1.*0"), ([1, 0.5, 1, 1], r"Y\[1\].*0.5"), ([1, 2, -1, 1], r"Y\[1\].*2"),
    ([1, np.nan, 1, 1], r"Y\[1\].*nan")])
def test_targets_of_one_output_are_signs(Y, said):
    net, X = network_that_gives([[1.0], [-1.0], [1.0], [2.0]])
    with pytest.raises(ValueError, match=said):
        accuracy(net, X, Y)


@pytest.mark.parametrize("Y, said", [
    ([0, 1, 3, 0], r"Y\[2\] must be a label, a whole number from 0 to 2; got 3"), ([0, 0.5, 1, 2], r"Y\[1\].*0.5"),
    ([-1, 0, 1, 2], r"Y\[0\].*-1"), ([0, np.nan, 1, 2], r"Y\[1\].*nan"), ([np.inf, 0, 1, 2], r"Y\[0\].*inf"),
    ([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]], r"Y\[1\] must be one-hot.*\[1.0, 1.0, 0.0\]"),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0]], r"Y\[2\] must be one-hot"),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0.5, 0.5]], r"Y\[3\] must be one-hot"),
    ([[1, 0, 0], [0, 2, -1], [0, 0, 1], [0, 1, 0]], r"Y\[1\] must be one-hot")])
def test_targets_of_several_outputs_are_labels_or_one_hot(train, Y, said):
    net, X = network_that_gives([[3.0, 2.0, 1.0], [0.3, 0.2, 0.1], [0.0, 9.0, 0.0], [0.0, 1.0, 1.5]])
    with pytest.raises(ValueError, match=said):
        accuracy(net, X, Y)
    before = data_of(net)
    with pytest.raises(ValueError, match=said):
        train(net, X, data.one_hot([0, 1, 2, 0], 3), validation=(X, Y))
    assert data_of(net) == before


@pytest.mark.parametrize("width", [1, 3])
def test_nan_is_neither_right_nor_wrong(width):
    net, X = network_that_gives([[1.0] * width, [2.0] * width])
    net.layers[0].neurons[-1].w[1].data = np.nan
    with pytest.raises(ValueError, match=r"output for X\[0\] is .*nan"):
        accuracy(net, X, [1, 1])


@pytest.mark.parametrize("net", [3, None, MLP, "net"])
def test_accuracy_of_what_is_no_network(net):
    with pytest.raises(TypeError, match="net must be a network, such as MLP"):
        accuracy(net, [[1.0]], [1])


def test_networks_optimisers_and_histories_pickle(train):
    net, X, Y = signs()
    optimizer = Adam(0.1)
    history = train(net, X, Y, optimizer=optimizer, epochs=2)
    twin, other, told = pickle.loads(pickle.dumps((net, optimizer, history)))
    assert data_of(twin) == data_of(net) and [p.label for p in twin.parameters()] == [p.label for p in net.parameters()]
    assert told == history and repr(twin) == repr(net)
    train(net, X, Y, optimizer=optimizer)
    train(twin, X, Y, optimizer=other)
    assert data_of(twin) == data_of(net)


def trained_in_a_thread(k):
    net, X, Y = signs(40)
    history = fit(net, X, Y, max_margin, SGD(0.1, momentum=0.5), epochs=3, batch_size=7, seed=k, progress=False)
    return data_of(net), history.loss, accuracy(net, X, Y)


def test_threads_train_at_once_to_the_numbers_that_they_reach_alone():
    alone = [trained_in_a_thread(k) for k in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(trained_in_a_thread, range(6))) == alone


@given(lr=st.floats(1e-9, 10), momentum=st.floats(0, 0.99))
def test_an_optimiser_is_printed_as_it_is_made(lr, momentum):
    for optimizer in (SGD(lr), SGD(lr, momentum), Adam(lr), SGD(lr=lr, momentum=momentum)):
        optimizer.step([1.0], [0.5])
        again = eval(repr(optimizer), {"SGD": SGD, "Adam": Adam})
        assert (type(again), again.lr, vars(again).get("momentum")) == (
            type(optimizer), lr, vars(optimizer).get("momentum"))
    assert [repr(SGD(0.1)), repr(SGD(0.1, 0.9)), repr(Adam())] == ["SGD(lr=0.1)", "SGD(lr=0.1, momentum=0.9)",
                                                                   "Adam(lr=0.001)"]
    assert repr(SGD(math.exp)) == "SGD(lr=exp)"


@given(X=st.lists(st.floats(-9, 9), min_size=2, max_size=9))
def test_a_row_of_examples_of_one_number_is_told_how_it_is_written(X):
    net = MLP(1, [1], seed=0)
    with pytest.raises(ValueError, match=rf"got {len(X)}, as one example; .* is {len(X)} examples of one number"):
        fit(net, X, X, progress=False)
    fit(net, [[x] for x in X], X, optimizer=SGD(1e-6), progress=False)


def test_labels_of_0_and_1_for_one_output_are_told_the_remedy():
    net, X, _ = signs(4)
    with pytest.raises(ValueError, match=r"Y\[1\] must be -1 or 1, .* \(write 2\*y - 1, or use two outputs\); got 0.0"):
        accuracy(net, X, [1, 0, 0, 1])
    with pytest.raises(ValueError, match=r"must be -1 or 1, as the network has one output; got 2.0"):
        accuracy(net, X, [1, 2, 0, 1])
