"""Sensitivities: all gradients, ranked; a wiggle is what the cost really does."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from micrograd2.costs import squared_error
from micrograd2.engine import Value, total
from micrograd2.explain import nudges, sensitivities
from micrograd2.nn import MLP
from tests.explain.jobs import by_backward, close, jobs, nothing_changes


@given(jobs())
def test_sensitivities_are_all_gradients_ranked(job):
    net, X, Y, cost = job
    grads = by_backward(net, X, Y, cost)
    with nothing_changes(net):
        told = sensitivities(net, X, Y, cost)
    assert {s.name: s.gradient for s in told.ranked} == close(grads)
    assert {s.name: s.value for s in told.ranked} == {name: p.data for name, p in net.named_parameters()}
    sizes = [abs(s.gradient) for s in told.ranked]
    assert sizes == sorted(sizes, reverse=True)


@given(jobs(), st.sampled_from([1e-3, -0.5]))
def test_a_wiggle_is_what_the_cost_really_does(job, h):
    net, X, Y, cost = job
    told = sensitivities(net, X, Y, cost, h=h)
    named = dict(net.named_parameters())
    assert [w.name for w in told.wiggles] == [s.name for s in told.ranked[:3]]
    for wiggle, s in zip(told.wiggles, told.ranked):
        before = np.mean([cost(net(x), y).data for x, y in zip(X, Y)])
        number = named[wiggle.name].data
        named[wiggle.name].data = number + h
        after = np.mean([cost(net(x), y).data for x, y in zip(X, Y)])
        named[wiggle.name].data = number
        assert (wiggle.predicted, wiggle.actual) == close((h * s.gradient, after - before))


def test_ratios():
    net = MLP(1, [1], seed=0)
    told = sensitivities(net, [4.0], 0.0)        # ∂z/∂w = x = 4, ∂z/∂b = 1
    w, b = "layers[0].neurons[0].w[0]", "layers[0].neurons[0].b"
    assert told.ratio(w, b) == close(4.0) and told.ratio(b, w) == close(0.25)
    assert "is 4.0× as sensitive as" in str(told)
    flat = sensitivities(net, [0.0], 0.0)
    assert math.isnan(flat.ratio(w, b)) and "sensitive to no weight" in str(flat)
    assert sensitivities(net, [0.0], 1.0).ratio(b, w) == math.inf
    with pytest.raises(ValueError, match="other must be the name of a parameter, .* got 'v'"):
        told.ratio(w, "v")


def test_a_cost_that_fails_halfway_leaves_the_weights_as_they_were():
    net = MLP(2, [2, 1], seed=1)
    calls = []

    def failing(a, y):
        calls.append(a)
        if len(calls) == 3:
            raise ArithmeticError("on purpose")
        return squared_error(a, y)

    with nothing_changes(net), pytest.raises(ArithmeticError, match="on purpose"):
        sensitivities(net, [1.0, 2.0], 1.0, failing)


# What nudges and sensitivities refuse

@pytest.mark.parametrize("function", [nudges, sensitivities])
@pytest.mark.parametrize("X, Y, error, told", [
    ([], [], ValueError, r"X must be .*, not empty; got the shape \(0,\)"),
    (np.zeros((0, 2)), [], ValueError, r"X must be .*, not empty; got the shape \(0, 2\)"),
    ([[]], [1.0], ValueError, r"X must be .*, not empty; got the shape \(1, 0\)"),
    ([1.0, 2.0, 3.0], 1.0, ValueError, "X must have 2 numbers for each example, .*; got 3"),
    ([[1.0, 2.0], [1.0]], [1.0, 1.0], ValueError, r"X must have rows of one length; .* X\[1\] is of length 1"),
    ([[1.0, 2.0]], [1.0, 1.0], ValueError, r"Y must be \(1, targets\) or \(1,\); got the shape \(2, 1\)"),
    ([[1.0, 2.0]], [], ValueError, r"Y must be \(1, targets\) or \(1,\); got the shape \(0, 1\)"),
    ([1.0, 2.0], [1.0, 1.0], ValueError, "one target for each output"),
    ([1.0, 2.0], None, TypeError, "Y must be a list or an array"),
    ("ab", 1.0, TypeError, "X must be a list or an array"),
    (3.0, 1.0, ValueError, r"X must be one example \(inputs,\) or a batch"),
    ([["a", "b"]], [1.0], TypeError, "X must hold real numbers; got .*'a'"),
    ([[None, 1.0]], [1.0], TypeError, "X must hold real numbers; got None"),
    ([math.nan, 1.0], 1.0, ValueError, "the cost is nan: a number that was put in is nan"),
    ([1e200, 1.0], 1.0, ValueError, r"the cost is inf: \*\*2 of .* is inf|the cost is inf|has no value"),
])
def test_bad_examples_are_refused(function, X, Y, error, told):
    net = MLP(2, [1], seed=1)
    with nothing_changes(net), pytest.raises((error, OverflowError), match=told):
        function(net, X, Y)


@pytest.mark.parametrize("function", [nudges, sensitivities])
def test_bad_networks_and_costs_are_refused(function):
    net = MLP(2, [1], seed=1)
    with pytest.raises(TypeError, match="net must be an MLP; got Value"):
        function(Value(1.0), [1.0], 1.0)
    with pytest.raises(TypeError, match="must be one Value; got float"):
        function(net, [1.0, 2.0], 1.0, lambda a, y: 1.0)
    with pytest.raises(ValueError, match=r"this one also reads layers\[0\]\.neurons\[0\]\.w\[0\] directly"):
        function(net, [1.0, 2.0], 1.0, lambda a, y: (a - y) ** 2 + total(w * w for w in net.parameters()))
    for h in (0, math.nan, math.inf, "1"):
        with pytest.raises((TypeError, ValueError), match="h must be a finite number other than 0"):
            sensitivities(net, [1.0, 2.0], 1.0, h=h)
