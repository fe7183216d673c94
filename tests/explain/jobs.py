"""What explanations are tried on: small networks with examples and costs; and `backward`, which they are held to."""

import random
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st

from micrograd2.costs import cross_entropy, max_margin, squared_error
from micrograd2.engine import Value
from micrograd2.nn import ACTIVATIONS, MLP


def close(x):
    return pytest.approx(x, rel=1e-9, abs=1e-11)


def by_backward(net, X, Y, cost):
    """∂C/∂p of every parameter, averaged over the examples, as `backward` finds it; every gradient is put back."""
    parameters = net.parameters()
    before = [p.grad for p in parameters]
    net.zero_grad()
    for x, y in zip(X, Y):
        cost(net(x), y).backward()
    grads = {name: p.grad / len(X) for name, p in net.named_parameters()}
    for p, grad in zip(parameters, before):
        p.grad = grad
    return grads


def activation_grads(net, x, y, cost):
    """∂C/∂a and ∂C/∂z of every neuron, and ∂C/∂x, for one example, as `backward` finds them."""
    grads = [p.grad for p in net.parameters()]
    leaves = [Value(number) for number in x]
    traced = net.trace(leaves)
    outputs = [a for _, a in traced[-1]]
    cost(outputs[0] if len(outputs) == 1 else outputs, y).backward()
    for p, grad in zip(net.parameters(), grads):
        p.grad = grad
    return [[(a.grad, z.grad) for z, a in layer] for layer in traced], [leaf.grad for leaf in leaves]


@contextmanager
def nothing_changes(net):
    """Neither a weight, nor a gradient, nor the random state is another afterwards."""
    for i, p in enumerate(net.parameters()):
        p.grad = 0.25 * i - 1
    before = [(p.data, p.grad, p.label) for p in net.parameters()], random.getstate(), str(np.random.get_state())
    yield
    assert before == ([(p.data, p.grad, p.label) for p in net.parameters()], random.getstate(),
                      str(np.random.get_state()))


@st.composite
def jobs(draw):
    """A small network with biases, some examples, targets, and a cost that suits them."""
    cost = draw(st.sampled_from([squared_error, cross_entropy, max_margin]))
    nin, hidden = draw(st.integers(1, 4)), draw(st.lists(st.integers(1, 4), max_size=2))
    nout = 1 if cost is max_margin else draw(st.integers(1 + (cost is cross_entropy), 3))
    net = MLP(nin, [*hidden, nout], activation=draw(st.sampled_from(list(ACTIVATIONS))),
              output=draw(st.sampled_from(list(ACTIVATIONS))), seed=draw(st.integers(0, 99)))
    rng = random.Random(draw(st.integers(0, 99)))
    for neuron in (neuron for layer in net.layers for neuron in layer.neurons):
        neuron.b.data = rng.gauss(0, 0.5)
    size = draw(st.integers(1, 5))
    X = [[rng.gauss(0, 1) for _ in range(nin)] for _ in range(size)]
    Y = [rng.choice([-1.0, 1.0]) if nout == 1 else [float(k == at) for k in range(nout)]
         for at in (rng.randrange(nout) for _ in range(size))]
    return net, X, Y, cost


def tower(levels):
    x = Value(1.0, "x")
    y = x
    for _ in range(levels):
        y = y.tanh() * 0.5 + y.sin() * 0.6
    return x, y
