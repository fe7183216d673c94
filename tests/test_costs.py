"""Costs: values and gradients against their closed forms, at both ends of the scale, in every form of input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from micrograd2 import MLP, draw, explain, fit, play
from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import Value, gradient

numbers = st.floats(-50, 50)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8)


def close(x):
    return pytest.approx(x, rel=1e-9, abs=1e-9)


def gradients(cost, outputs):
    """∂C/∂output for every output, the same by `backward` and by `gradient`."""
    slopes = [slope.data for slope in gradient(cost, outputs)]
    cost.backward()
    assert [output.grad for output in outputs] == close(slopes)
    return slopes


def softmax(scores):
    e = np.exp(np.array(scores) - max(scores))
    return e / e.sum()


# Squared error

@given(pairs)
@settings(deadline=None)
def test_squared_error_and_its_gradient(examples):
    a, y = map(np.array, zip(*examples))
    outputs = [Value(number) for number in a]
    cost = squared_error(outputs, y)
    assert cost.data == close(((a - y) ** 2).sum())
    assert gradients(cost, outputs) == close(2 * (a - y))


def test_squared_error_is_a_sum_and_not_a_mean():
    assert squared_error([Value(1.0), Value(1.0)], [0.0, 0.0]).data == 2.0


# Cross-entropy

@given(st.lists(numbers, min_size=2, max_size=8), st.data())
@settings(deadline=None)
def test_cross_entropy_and_its_gradient(scores, data):
    right = data.draw(st.integers(0, len(scores) - 1))
    y = np.eye(len(scores))[right]
    outputs = [Value(score) for score in scores]
    cost = cross_entropy(outputs, y)
    assert cost.data == close(max(scores) - scores[right] + math.log(sum(math.exp(s - max(scores)) for s in scores)))
    assert gradients(cost, outputs) == close(softmax(scores) - y)


@given(st.lists(numbers, min_size=2, max_size=5), numbers)
@settings(deadline=None)
def test_cross_entropy_does_not_change_when_all_scores_rise_alike(scores, shift):
    targets = [1.0] + [0.0] * (len(scores) - 1)
    raised = cross_entropy([Value(score + shift) for score in scores], targets)
    assert raised.data == close(cross_entropy([Value(score) for score in scores], targets).data)


@pytest.mark.parametrize("scores, targets, cost, slopes", [
    ([1000.0, -1000.0], [1.0, 0.0], 0.0, [0.0, 0.0]),
    ([1000.0, -1000.0], [0.0, 1.0], 2000.0, [1.0, -1.0]),
    ([-1000.0, -1000.0], [0.0, 1.0], math.log(2), [0.5, -0.5]),
    ([1000.0, 1000.0, -1000.0], [1.0, 0.0, 0.0], math.log(2), [-0.5, 0.5, 0.0]),
    ([0.0, -1000.0], [0.0, 1.0], 1000.0, [1.0, -1.0]),
])
def test_cross_entropy_of_extreme_scores(scores, targets, cost, slopes):
    outputs = [Value(score) for score in scores]
    result = cross_entropy(outputs, targets)
    assert result.data == close(cost)
    assert gradients(result, outputs) == close(slopes)


def test_cross_entropy_can_be_differentiated_twice():
    scores = [Value(0.3), Value(-1.0), Value(2.0)]
    first = gradient(cross_entropy(scores, [0.0, 1.0, 0.0]), scores)
    hessian = np.array([[second.data for second in gradient(slope, scores)] for slope in first])
    p = softmax([0.3, -1.0, 2.0])
    assert hessian == close(np.diag(p) - np.outer(p, p))


# Max-margin

@given(numbers, st.sampled_from([-1, 1]))
@settings(deadline=None)
def test_max_margin_and_its_gradient(score, target):
    output = Value(score)
    cost = max_margin(output, target)
    assert cost.data == close(max(0.0, 1 - target * score))
    assert gradients(cost, [output]) == close([-target if target * score < 1 else 0.0])


@pytest.mark.parametrize("score, target, cost, slope", [
    (3.0, 1.0, 0.0, 0.0), (1.0, 1.0, 0.0, 0.0), (0.5, 1.0, 0.5, -1.0), (-2.0, 1.0, 3.0, -1.0),
    (-3.0, -1.0, 0.0, 0.0), (-1.0, -1.0, 0.0, 0.0), (-0.5, -1.0, 0.5, 1.0), (2.0, -1.0, 3.0, 1.0),
])
def test_max_margin_on_both_sides(score, target, cost, slope):
    output = Value(score)
    result = max_margin(output, target)
    assert (result.data, gradients(result, [output])) == (cost, [slope])


# Forms of input

def test_one_output_may_come_without_its_list():
    for outputs in (Value(3.0), [Value(3.0)], (Value(3.0),), 3.0, [3.0]):
        for targets in (1.0, 1, [1.0], np.float64(1.0), np.array([1.0]), Value(1.0), [Value(1.0)]):
            assert squared_error(outputs, targets).data == 4.0


@pytest.mark.parametrize("cost, expected", [(squared_error, 10.0), (cross_entropy, 1.3132616875182228)])
def test_several_outputs_may_come_in_any_sequence(cost, expected):
    for kind in (list, tuple, iter):
        for targets in ([0, 1], (0.0, 1.0), np.array([0.0, 1.0]), np.array([0, 1]), iter([0.0, 1.0])):
            assert cost(kind([Value(3.0), Value(2.0)]), targets).data == pytest.approx(expected)
    assert cost(np.array([3.0, 2.0]), [0, 1]).data == pytest.approx(expected)


def two_scores(output, target):
    return cross_entropy([output, Value(0.0)], [target, 0.0])


@pytest.mark.parametrize("cost, expected", [(squared_error, 6.0), (two_scores, 2.0), (max_margin, 2.0)])
def test_targets_may_be_values_with_gradients_of_their_own(cost, expected):
    output, target = Value(-2.0), Value(1.0)
    (slope,) = gradient(cost(output, target), [target])
    assert slope.data == pytest.approx(expected)


@pytest.mark.parametrize("cost", [squared_error, two_scores, max_margin])
def test_a_cost_is_a_value_and_leaves_gradients_alone(cost):
    output = Value(0.5)
    output.grad = 7.0
    assert isinstance(cost(output, 1.0), Value)
    assert output.grad == 7.0


# Mistakes

@pytest.mark.parametrize("cost", [squared_error, cross_entropy])
@pytest.mark.parametrize("outputs, targets, said", [
    ([Value(1.0), Value(2.0)], [1.0], "2 outputs and 1 target"),
    ([Value(1.0)], [1.0, 2.0, 3.0], "1 outputs and 3 targets"),
    ([Value(1.0), Value(2.0), Value(3.0)], 2, "3 outputs and 1 target.*one_hot"),
    (Value(1.0), [1.0, 0.0], "1 outputs and 2 targets"),
    ([Value(1.0)], [], "1 outputs and 0 targets"),
])
def test_a_wrong_number_of_targets_is_said_with_both_numbers(cost, outputs, targets, said):
    with pytest.raises(ValueError, match=said):
        cost(outputs, targets)


@pytest.mark.parametrize("cost", [squared_error, cross_entropy])
@pytest.mark.parametrize("outputs, targets", [
    (["a"], [1.0]), ([Value(1.0)], ["1"]), (None, 1.0), (Value(1.0), None), ([[Value(1.0)]], [[1.0]]),
    ([Value(1.0)], np.ones((1, 1))), ([Value(1.0)], [1j]),
])
def test_what_is_not_a_number_is_a_type_error(cost, outputs, targets):
    with pytest.raises(TypeError):
        cost(outputs, targets)


@pytest.mark.parametrize("score, target", [
    ([Value(1.0)], 1.0), ([Value(1.0), Value(2.0)], [1.0, -1.0]), (None, 1.0), (Value(1.0), [1.0]),
    (Value(1.0), None), (Value(1.0), "1"), (Value(1.0), np.ones(1)),
])
def test_max_margin_takes_one_value_and_one_number(score, target):
    with pytest.raises(TypeError):
        max_margin(score, target)


def test_max_margin_says_which_network_it_is_for():
    with pytest.raises(TypeError, match="one output; got list"):
        max_margin([Value(1.0), Value(2.0)], 1.0)


@pytest.mark.parametrize("scores", [[], [Value(1.0)], Value(1.0)])
def test_cross_entropy_of_fewer_than_two_scores_is_an_error(scores):
    targets = [1.0] * len(scores) if isinstance(scores, list) else 1.0
    with pytest.raises(ValueError, match="at least two scores, one for each class; got [01]"):
        cross_entropy(scores, targets)


def shares(least, most):
    parts = st.lists(st.floats(0.001, 1) | st.just(0.0), min_size=least, max_size=most).filter(any)
    return parts.map(lambda xs: [x / sum(xs) for x in xs])


@given(shares(2, 6), st.data())
@settings(deadline=None)
def test_a_cross_entropy_of_shares_is_at_least_theirs_and_other_targets_are_refused(y, data):
    scores = [Value(data.draw(numbers)) for _ in y]
    entropy = -sum(share * math.log(share) for share in y if share)
    assert cross_entropy(scores, y).data >= entropy - 1e-9
    i, off = data.draw(st.integers(0, len(y) - 1)), data.draw(numbers.filter(lambda x: abs(x) > 1e-5))
    for wrong in ([share + off * (k == i) for k, share in enumerate(y)], [-share for share in y],
                  [share + (k == i) - 2 * (k == i - 1) for k, share in enumerate(y)]):
        with pytest.raises(ValueError, match="targets must be shares from 0 that add up to 1, such as one_hot"):
            cross_entropy(scores, wrong)
    y[i] = math.nan
    assert math.isnan(cross_entropy(scores, y).data)


@given(numbers, st.floats())
@settings(deadline=None)
def test_a_margin_has_a_side_and_other_targets_are_refused(score, target):
    if abs(target) == 1 or math.isnan(target):
        assert math.isnan(target) or max_margin(Value(score), target).data >= 0
    elif abs(abs(target) - 1) > 1e-6:
        with pytest.raises(ValueError, match="target must be -1 or 1; got "):
            max_margin(Value(score), target)


ROWS = {cross_entropy: ([0.0, 1.0, 0.0], [[1.0, 1.0, 0.0], [-1.0, 1.0, 1.0], [0.0] * 3, [2.0, 0.0, 1.0], [0.5] * 3]),
        max_margin: ([-1.0], [[0.0], [0.5], [2.0], [math.inf]])}
READERS = {
    "fit": lambda net, X, Y, cost: fit(net, X, Y, cost, progress=False),
    "fit in float32": lambda net, X, Y, cost: fit(net, X, Y, cost, dtype="float32", progress=False),
    "fit, not compiled": lambda net, X, Y, cost: fit(net, X, Y, cost, compiled=False, progress=False),
    "draw": draw, "play": play, "nudges": explain.nudges, "sensitivities": explain.sensitivities}


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("cost", ROWS)
@given(data=st.data(), count=st.integers(1, 9))
@settings(deadline=None, max_examples=10)
def test_the_first_row_of_targets_that_means_nothing_to_a_cost_is_named_in_time(read, cost, data, count):
    right, wrong = ROWS[cost]
    net = MLP(2, [2, len(right)], "tanh", seed=data.draw(st.integers(0, 99)))
    Y, first = [right] * count, data.draw(st.integers(0, count - 1))
    for i in range(first, count):
        Y[i] = data.draw(st.sampled_from(wrong)) if i == first else data.draw(st.sampled_from([right, *wrong]))
    before = [p.data for p in net.parameters()]
    with pytest.raises(ValueError, match=rf"(Y\[{first}\]|{'targets?' if first == 0 else 'never'}) must be "):
        READERS[read](net, [[0.5, -1.0]] * count, Y, cost)
    assert [p.data for p in net.parameters()] == before


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(rows=st.lists(shares(3, 3), min_size=1, max_size=5))
@settings(deadline=None, max_examples=10)
def test_smoothed_labels_train_in_either_precision(dtype, rows):
    history = fit(MLP(2, [3], seed=1), [[0.5, -1.0]] * len(rows), rows, cross_entropy, dtype=dtype, progress=False)
    assert len(history.loss) == 1
