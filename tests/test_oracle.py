"""Outside oracles: what JAX and PyTorch make of the same programs, networks, and steps of training."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from libraries import LIBRARIES, Library, jax_library, jax_slope, needs_jax
from micrograd2.compiler import compile
from micrograd2.costs import cross_entropy, example_cost, max_margin, squared_error
from micrograd2.engine import Value, gradient, topological_order, total
from micrograd2.nn import ACTIVATIONS, MLP
from micrograd2.train import SGD, Adam, fit
from programs import RECIPES, VALUES, Program, programs, run

few = settings(max_examples=settings().max_examples // 4)  # a library takes many times as long as the engine
very_few = settings(max_examples=settings().max_examples // 20)


def assert_close(ours: Value, *others: Any) -> None:
    """Equal but for rounding: every number on the way is rounded, here and there, by an epsilon of itself or less.

    Slopes between these numbers are about 1 or less, so what the roundings do to the result can only add up.
    """
    on_the_way = sum(abs(v.data) for v in topological_order(ours))
    for other in others:
        assert abs(ours.data - float(other)) <= 2 * sys.float_info.epsilon * on_the_way


# Random programs

def leaves_and_result(program: Program) -> tuple[list[Value], Value]:
    leaves = [Value(x) for x in program.leaves]
    return leaves, run(program.steps, leaves, VALUES)


def at_a_kink(program: Program) -> bool:
    """Whether convention, or the rounding of one number, decides a slope on the way to the result."""
    result = leaves_and_result(program)[1]
    kinks = [v for v in topological_order(result) if v._op in ("relu", "abs", "max", "min")]
    return any(abs(v.args[0].data - (v.args[1].data if len(v.args) == 2 else 0.0)) < 1e-9 for v in kinks)


@pytest.mark.parametrize("library", LIBRARIES)
@given(program=programs())
@few
def test_values_and_first_derivatives_equal_the_librarys(library, program):
    assume(not at_a_kink(program))
    leaves, result = leaves_and_result(program)
    value, slopes = library().slopes(lambda xs: run(program.steps, xs, library().maths), program.leaves)
    compiled = compile(lambda: run(program.steps, leaves, VALUES), leaves)
    loss, grads = compiled(compiled.theta)
    result.backward()
    assert_close(result, value, loss)
    for slope, leaf, *others in zip(gradient(result, leaves), leaves, slopes, grads):
        assert_close(slope, leaf.grad, *others)


def assert_higher_derivatives_equal_those_of_jax(program: Program, i: int, j: int) -> None:
    """∂²/∂xᵢ∂xⱼ of the result, and every slope of that."""
    leaves, result = leaves_and_result(program)
    first = jax_slope(lambda xs: run(program.steps, xs, jax_library().maths), i)
    second, third = jax_library().slopes(jax_slope(first, j), program.leaves)
    ours = gradient(gradient(result, leaves)[i], leaves)[j]
    assert_close(ours, second)
    for slope, their_slope in zip(gradient(ours, leaves), third):
        assert_close(slope, their_slope)


@needs_jax
@pytest.mark.parametrize("i, j", [(0, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("recipe", RECIPES)
def test_second_and_third_derivatives_of_every_recipe_equal_those_of_jax(recipe, i, j):
    assert_higher_derivatives_equal_those_of_jax(Program([0.75, -1.25], [(recipe, (0, 1), 0.5)]), i, j)


@needs_jax
@given(program=programs(longest=12), i=st.integers(0, 3), j=st.integers(0, 3))
@few
def test_second_and_third_derivatives_equal_those_of_jax(program, i, j):
    assume(not at_a_kink(program))
    assert_higher_derivatives_equal_those_of_jax(program, i % len(program.leaves), j % len(program.leaves))


# Networks

COSTS = {
    squared_error: lambda library, outputs, targets: ((outputs - targets) ** 2).sum(),
    cross_entropy: lambda library, outputs, targets: library.cross_entropy(outputs, targets),
    max_margin: lambda library, outputs, targets: library.maths.relu(1 - targets * outputs).sum(),
}


def matrices(net: MLP) -> list[np.ndarray]:
    """The weights and the biases of each layer in turn."""
    return [np.array(part) for layer in net.layers for part in ([[w.data for w in n.w] for n in layer.neurons],
                                                                [n.b.data for n in layer.neurons])]


def flat(parts: list) -> np.ndarray:
    """The numbers of such matrices in the order of `net.parameters()`."""
    return np.concatenate([np.column_stack(layer).ravel() for layer in zip(parts[::2], parts[1::2])])


def loss_of(library: Library, net: MLP, cost: Any, X: np.ndarray, Y: np.ndarray) -> Any:
    """The average cost of the examples, as a function of the matrices."""
    activate = {"linear": lambda z: z, "relu": library.maths.relu, "tanh": library.maths.tanh,
                "sigmoid": library.maths.sigmoid}
    kinds = [net.activation] * (len(net.layers) - 1) + [net.output]

    def loss(parts: list) -> Any:
        costs = []
        for x, y in zip(library.array(X), library.array(Y)):
            for weights, biases, kind in zip(parts[::2], parts[1::2], kinds):
                x = activate[kind](weights @ x + biases)
            costs.append(COSTS[cost](library, x, y))
        return sum(costs) / len(costs)

    return loss


def examples(cost: Any, count: int, nin: int, nout: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(count, nin))
    if cost is squared_error:
        return X, rng.normal(size=(count, nout))
    if cost is cross_entropy:
        return X, np.eye(nout)[rng.integers(0, nout, count)]
    return X, rng.choice([-1.0, 1.0], (count, 1))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), output=st.sampled_from(list(ACTIVATIONS)),
       seed=st.integers(0, 1000))
@very_few
def test_losses_and_gradients_of_networks_equal_the_librarys(library, activation, cost, sizes, output, seed):
    nin, *nouts = sizes[:-1] + [1] if cost is max_margin else sizes
    net = MLP(nin, nouts, activation, output, seed)
    for neuron in (neuron for layer in net.layers for neuron in layer.neurons):
        neuron.b.data = neuron.w[0].data / 2  # a new network has biases of 0, which prove little
    X, Y = examples(cost, 3, nin, nouts[-1], seed)
    theirs, slopes = library().slopes(loss_of(library(), net, cost, X, Y), matrices(net))
    compiled = compile(lambda x, y: example_cost(net, x, y, cost), net.parameters(), X[0], Y[0])
    loss, grads = compiled(compiled.theta, X, Y)
    ours = total(example_cost(net, x, y, cost) for x, y in zip(X.tolist(), Y.tolist())) / len(X)
    assert_close(ours, theirs, loss)
    for slope, *others in zip(gradient(ours, net.parameters()), flat(slopes), grads):
        assert_close(slope, *others)


LR = 0.05


def momentum(gradients: list[np.ndarray]) -> np.ndarray:
    """The step of SGD with momentum 0.9: each gradient so far, worth less by a tenth for every step since."""
    return sum(LR * 0.9 ** age * gradient for age, gradient in enumerate(reversed(gradients)))


def adam(gradients: list[np.ndarray]) -> np.ndarray:
    """The step of Adam: the average gradient, over the root of the average square, weighted by age."""
    ages = np.arange(len(gradients))[::-1]
    mean = np.average(gradients, axis=0, weights=0.9 ** ages)
    square = np.average(np.square(gradients), axis=0, weights=0.999 ** ages)
    return LR * mean / (np.sqrt(square) + 1e-8)


RULES = [(lambda: SGD(LR, momentum=0.9), momentum), (lambda: Adam(LR), adam)]


@needs_jax
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("optimizer, rule", RULES, ids=["SGD", "Adam"])
def test_ten_steps_of_training_equal_the_rules_written_out(optimizer, rule, compiled):
    net = MLP(3, [4, 2], activation="tanh", seed=5)
    X, Y = examples(cross_entropy, 18, 3, 2, seed=6)
    library, parts, losses, gradients = jax_library(), matrices(net), [], []
    for epoch in range(2):
        order = np.random.default_rng([7, epoch]).permutation(18)
        for batch in np.split(order, [4, 8, 12, 16]):
            loss, slopes = library.slopes(loss_of(library, net, cross_entropy, X[batch], Y[batch]), parts)
            losses.append(loss)
            gradients.append(slopes)
            parts = [part - rule([slopes[k] for slopes in gradients]) for k, part in enumerate(parts)]
    history = fit(net, X, Y, cross_entropy, optimizer=optimizer(), epochs=2, batch_size=4, seed=7, compiled=compiled,
                  progress=False)
    assert history.loss == pytest.approx(losses, rel=0, abs=1e-14)  # numbers about 1, gradients of 1e-4 and more
    assert flat(matrices(net)) == pytest.approx(flat(parts), rel=0, abs=1e-14)
