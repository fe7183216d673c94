"""One example through a network and back, read from the engine's own graph.

Forward, every neuron takes the weighted sum z of the activations before it and makes of it its activation a = f(z);
backward, the engine finds ∂C/∂v for every Value v on the way. Nothing is derived a second time: z, a, ∂C/∂a, δ = ∂C/∂z,
f′(z) and the gradient of every parameter are looked up in that graph, by identity, whatever the activation is made of.
What the graph does not bear out is refused, and why.

Left out: what is said of these numbers (see `draw`, `play`, `explain`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from .arrays import examples
from .contributions import grads_of
from .costs import check_targets, example_cost, squared_error
from .engine import DOT, Value
from .given import function
from .nn import MLP, Neuron

Cost = Callable[..., Value]
Rows = list[list[float]]  # of numbers, a row for each layer


@dataclass
class Pass:
    """One example, as Values of the graph: the `inputs`, the pair (z, a) of every neuron, layer by layer, and the
    `cost`, made with the `targets`. Without targets there is none.

    >>> (one,) = passes(MLP(2, [3, 1], seed=1), [1.0, 0.5], 1.0)
    >>> [len(row) for row in one.activations], [len(row) for row in one.deltas]
    ([2, 3, 1], [3, 1])
    """

    inputs: list[Value]
    layers: list[list[tuple[Value, Value]]]
    targets: list[float]
    cost: Value | None

    @cached_property
    def grads(self) -> dict[Value, float]:
        """∂C/∂v of every Value v behind the cost."""
        return grads_of(self.cost) if self.cost is not None else {}

    @property
    def outputs(self) -> list[Value]:
        return [a for _, a in self.layers[-1]]

    @property
    def activations(self) -> Rows:
        """The inputs, then a of every layer."""
        return [[x.data for x in self.inputs], *([a.data for _, a in layer] for layer in self.layers)]

    @property
    def sums(self) -> Rows:
        """z of every layer."""
        return [[z.data for z, _ in layer] for layer in self.layers]

    @property
    def slopes(self) -> Rows:
        """f′(z) = ∂a/∂z of every layer, along all ways from z to a."""
        return [[grads_of(a, {z}).get(z, 0.0) for z, a in layer] for layer in self.layers]

    @property
    def upstream(self) -> Rows:
        """∂C/∂a of every layer: the upstream gradient, with which f′(z) is multiplied."""
        return [[self.grads.get(a, 0.0) for _, a in layer] for layer in self.layers]

    @property
    def deltas(self) -> Rows:
        """δ = ∂C/∂z of every layer."""
        return [[self.grads.get(z, 0.0) for z, _ in layer] for layer in self.layers]


def passes(net: MLP, X: Any, Y: Any, cost: Cost = squared_error, most: int | None = None) -> Iterator[Pass]:
    """The pass of every example, one after the other. X and Y are one example or a batch, as `arrays.examples` has it.

    TypeError for what is no network or is called in a way of its own, for a cost that is no function or makes no Value,
    and for targets that are missing; ValueError for wrong shapes, for targets that mean nothing to the cost, for more
    than `most` examples, and for a z that is not the weighted sum of exactly its neuron's w, the activations of the
    layer before, and its b.
    """
    if Y is None:
        raise TypeError("Y must be a list or an array of targets, or the number of a single one; got None")
    X, Y = examples(X, Y, _inputs(net))
    function("cost", cost, 2, of="outputs and targets, such as squared_error")
    check_targets(cost, Y)
    if most is not None and len(X) > most:
        raise ValueError(f"at most {most} examples can be shown; got {len(X):,}: choose some of them")
    return (_with_cost(_forward(net, x), y, cost) for x, y in zip(X.tolist(), Y.tolist()))


def forward(net: MLP, X: Any) -> Iterator[Pass]:
    """The pass of every example, forward only: without targets there is no cost, and no gradient."""
    X, _ = examples(X, None, _inputs(net))
    return (_forward(net, x) for x in X.tolist())


def _inputs(net: MLP) -> int:
    if not isinstance(net, MLP):
        raise TypeError(f"net must be an MLP; got {type(net).__name__}")
    if type(net).__call__ is not MLP.__call__:
        raise TypeError(f"{type(net).__name__} has a __call__ of its own, so what it returns may be more than its "
                        f"layers tell; give an MLP that is called as an MLP is")
    return len(net.layers[0].neurons[0].w)


def _forward(net: MLP, x: list[float]) -> Pass:
    inputs = [Value(number) for number in x]
    layers = net.trace(inputs)
    if list(map(len, layers)) != [len(layer.neurons) for layer in net.layers]:
        raise ValueError(f"{type(net).__name__}.trace must give a pair (z, a) for every neuron of every layer")
    before = inputs
    for k, (layer, pairs) in enumerate(zip(net.layers, layers)):
        for j, (neuron, (z, _)) in enumerate(zip(layer.neurons, pairs)):
            if z.op is not DOT or z.args != (*neuron.w, *before, neuron.b):
                raise ValueError(f"layers[{k}].neurons[{j}]: z must be the weighted sum of exactly its w, the "
                                 f"activations of the layer before, and its b; here it is something else")
        before = [a for _, a in pairs]
    return Pass(inputs, layers, [], None)


def _with_cost(one: Pass, y: list[float], cost: Cost) -> Pass:
    outputs = one.outputs
    root = example_cost(lambda x: outputs[0] if len(outputs) == 1 else outputs, one.inputs, y, cost)
    return Pass(one.inputs, one.layers, y, root)


def places(net: MLP) -> Counter[Value]:
    """In how many places of the network every weight and bias stands: 1, or more where it is tied."""
    return Counter(p for layer in net.layers for neuron in layer.neurons for p in (*neuron.w, neuron.b))


def through_the_layers(net: MLP, given: Iterable[Pass]) -> Iterator[Pass]:
    """The passes as they are; ValueError, with the reason, for one whose gradient does not come back layer by layer.

    It does where the cost reads nothing of the network but its outputs, and each activation nothing but its own z. Then
    δ = ∂C/∂a · f′(z), and for the layer before ∂C/∂a = Wᵀ δ.
    """
    parameters = {p: name for name, p in net.named_parameters()}
    others = parameters.keys() - places(net).keys()  # of an activation that learns; all may read them
    for one in given:
        owner: dict[Value, str] = {}
        names = parameters | {x: f"x[{i}]" for i, x in enumerate(one.inputs)}
        for k, layer in enumerate(one.layers):
            for j, (z, a) in enumerate(layer):
                name = f"layers[{k}].neurons[{j}]"
                if z in owner or a in owner:
                    raise ValueError(f"{name} must have a z and an a of its own; here it shares one with "
                                     f"{owner.get(a) or owner[z]}")
                owner[z] = owner[a] = name
                names[z] = f"{name}.z"
        for z, a in (pair for layer in one.layers for pair in layer):
            _reads_alone(f"the activation of {owner[a]} must look at its own z", a, names, {z, *others})
        if one.cost is not None:
            names |= {a: f"{owner[a]}.a" for a in one.outputs}
            _reads_alone("the cost must look at the outputs", one.cost, names, set(one.outputs))
        yield one


def _reads_alone(rule: str, root: Value, names: dict[Value, str], own: set[Value]) -> None:
    if foreign := names.keys() & grads_of(root, names).keys() - own:
        first = min(foreign, key=attrgetter("born"))
        raise ValueError(f"{rule} alone, so that every gradient comes back through the layers; this one also reads "
                         f"{names[first]} directly")


def kind(neuron: Neuron) -> str:
    """What the activation of a neuron is called."""
    return str(getattr(neuron.activation, "__name__", neuron.activation))


class Average:
    """The average of rows of numbers, a row for each example: their `mean`, and how many `agree` with it in sign.

    >>> average = Average()
    >>> for row in ([1.0, -4.0], [2.0, 1.0]):
    ...     average.add(row)
    >>> average.mean, average.agree
    ([1.5, -1.5], [2, 1])
    """

    def __init__(self) -> None:
        self.rows = 0
        self.total: Any = 0.0
        self.above: Any = 0
        self.below: Any = 0

    def add(self, row: list[float]) -> None:
        numbers = np.array(row)
        self.rows += 1
        self.total = self.total + numbers
        self.above = self.above + (numbers > 0)
        self.below = self.below + (numbers < 0)

    @property
    def mean(self) -> list[float]:
        return (self.total / self.rows).tolist()

    @property
    def agree(self) -> list[int]:
        zero = self.rows - self.above - self.below
        return np.where(self.total > 0, self.above, np.where(self.total < 0, self.below, zero)).tolist()


class Averages(NamedTuple):
    """The passes of so many `examples` on average: the `targets`, the `cost`, what the passes have for every layer
    (`activations` with the inputs first), and the `gradient`, in the order of `net.parameters()`."""

    examples: int
    targets: Average
    cost: Average
    activations: list[Average]
    slopes: list[Average]
    upstream: list[Average]
    deltas: list[Average]
    gradient: Average


def averages(net: MLP, given: Iterable[Pass]) -> Averages:
    """The average over passes, at least one, which need not fit into memory together."""
    parameters, layers = net.parameters(), range(len(net.layers))
    targets, cost, gradient = Average(), Average(), Average()
    activations, slopes, upstream, deltas = ([Average() for _ in layers] for _ in range(4))
    activations.append(Average())
    for one in given:
        targets.add(one.targets)
        cost.add([one.cost.data] if one.cost is not None else [])
        gradient.add([one.grads.get(p, 0.0) for p in parameters])
        for sums, rows in ((activations, one.activations), (slopes, one.slopes), (upstream, one.upstream),
                           (deltas, one.deltas)):
            for average, row in zip(sums, rows):
                average.add(row)
    return Averages(gradient.rows, targets, cost, activations, slopes, upstream, deltas, gradient)
