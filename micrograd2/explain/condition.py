"""Condition: which neurons and layers pass no gradient on, or too much, and what to try."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..engine import first_not_finite
from ..nn import MLP
from .passes import backward, examples, mean, slopes_of, weights_of
from .table import Explanation, Table

STUCK = 0.02     # a sigmoid or tanh is saturated where its slope is below this share of its steepest
MOSTLY = 0.95    # of the examples, for a hidden neuron to count as saturated
SLOWER = 1000.0  # times weaker, or stronger, than at the outputs, for gradients to count as vanishing, or exploding

TRY = {  # for every problem: what it is, and what to try
    "dead": "A dead relu is above 0 for none of the examples, so its weights get no gradient. Try a smaller "
            "learning rate, new weights to start with, biases that are not far below 0, or tanh.",
    "saturated": "A saturated neuron works where its curve is flat, so hardly any gradient gets through. Try "
                 "smaller weights to start with, inputs scaled to about ±1, a smaller learning rate, or relu.",
    "vanishing": "These layers hardly move the outputs, so they hardly learn. Try tanh or relu in place of "
                 "sigmoid, fewer layers, or larger weights to start with.",
    "exploding": "A small change in these layers throws the outputs far. Try smaller weights to start with, a "
                 "smaller learning rate, or tanh.",
    "not finite": "Something overflowed here or before. Look at the inputs, and start again from finite weights, "
                  "with a smaller learning rate.",
}


class NeuronHealth(NamedTuple):
    """One neuron over all examples: the mean of its activation, of its slope f′(z), the share of examples where that is
    0 or nearly 0 (`flat`), and the `problem`, "" if there is none."""

    name: str
    a: float
    slope: float
    flat: float
    problem: str


class LayerHealth(NamedTuple):
    """One layer: its neurons, and `reach`: how strongly an output changes with a z of this layer, as the root mean
    square of ∂output/∂z over outputs, neurons, and examples. `problem`: vanishing, exploding, or ""."""

    name: str
    activation: str
    neurons: list[NeuronHealth]
    reach: float
    problem: str


@dataclass(repr=False)
class Health(Explanation):
    """How a network stands, from `health`: `layers`, and what is not finite, if anything is (`overflow`)."""

    examples: int
    layers: list[LayerHealth]
    overflow: str = ""

    @property
    def problems(self) -> dict[str, str]:
        """The name of every layer and neuron with a problem, and the problem, a key of `TRY`."""
        found = {"network": "not finite"} if self.overflow else {}
        for layer in self.layers:
            found |= {layer.name: layer.problem} if layer.problem else {}
            found |= {neuron.name: neuron.problem for neuron in layer.neurons if neuron.problem}
        return found

    def tables(self) -> list[Table]:
        title = f"The health of the network on {self.examples} example{'s' * (self.examples != 1)}"
        if self.overflow:
            return [Table(f"{title}: not finite", {}, [], f"{self.overflow}\n{TRY['not finite']}")]
        rows = [(layer.name, layer.activation, mean([abs(n.a) for n in layer.neurons]),
                 f"{100 * mean([n.flat for n in layer.neurons]):.0f} %", layer.reach,
                 self._told(layer, "dead"), self._told(layer, "saturated"), layer.problem) for layer in self.layers]
        problems = self.problems
        tables = [Table(title, {"layer": "", "": "", "mean |a|": ".3g", "flat": " ", "∂output/∂z": ".2g", "dead": " ",
                                "saturated": " ", "gradients": ""}, rows,
                        "flat: how often a neuron passes no gradient on. ∂output/∂z: how strongly the layer moves the "
                        "outputs." + ("" if problems else "\nNothing to complain about."), "∂output/∂z")]
        for problem, hint in TRY.items():
            if names := [name for name, what in problems.items() if what == problem]:
                listed = [", ".join(names[i:i + 4]) for i in range(0, min(len(names), 40), 4)]
                more = [f"and {len(names) - 40:,} more"] * (len(names) > 40)
                tables.append(Table(f"{problem}: {len(names):,}", {}, [], "\n".join([*listed, *more, hint])))
        return tables

    def _told(self, layer: LayerHealth, problem: str) -> str:
        many = sum(n.problem == problem for n in layer.neurons)
        return f"{many} of {len(layer.neurons)}" if many else "–"


def health(net: MLP, X: Any) -> Health:
    """Dead relus, saturated sigmoids and tanhs, and layers whose gradients vanish or explode, by name.

    X is one example (inputs) or, better, a batch (N, inputs): a relu is dead if it is 0 for every example, a hidden
    neuron saturated if its slope is below 2 % of the steepest for 95 % of them, an output if it stays at one and the
    same end for all. Gradients vanish or explode in a layer that moves the outputs 1000 times less or more than the
    last layer does. Weights that are not finite, or lead to what is not, are named.

    >>> net = MLP(1, [2, 1], seed=1)
    >>> for neuron in net.layers[0].neurons:
    ...     neuron.b.data = -100.0
    >>> health(net, [[0.0], [1.0]]).problems
    {'layers[0].neurons[0]': 'dead', 'layers[0].neurons[1]': 'dead'}
    """
    X = examples(net, X)
    activations: list = []  # example, layer, neuron
    slopes: list = []
    for x in X:
        traced = net.trace(x)
        for _, a in (pair for layer in traced for pair in layer):
            if not math.isfinite(a.data):
                return Health(len(X), [], first_not_finite(a))
        activations.append([[a.data for _, a in layer] for layer in traced])
        slopes.append(slopes_of(traced))
    reach = _reach(net, slopes)
    layers = []
    for k, layer in enumerate(net.layers):
        kind = layer.neurons[0].activation
        neurons = [_neuron_health(f"layers[{k}].neurons[{j}]", kind, [example[k][j] for example in activations],
                                  [example[k][j] for example in slopes], k == len(net.layers) - 1)
                   for j in range(len(layer.neurons))]
        ratio = reach[k] / reach[-1] if reach[-1] else 1.0
        problem = "vanishing" if ratio < 1 / SLOWER else "exploding" if ratio > SLOWER else ""
        layers.append(LayerHealth(f"layers[{k}]", kind, neurons, reach[k], problem))
    for k, found in enumerate(layers):  # where all relus of a layer are dead, that is the reason, and is named already
        if any(all(n.problem == "dead" for n in later.neurons) for later in layers[k:]):
            layers[k] = found._replace(problem="")
    return Health(len(X), layers)


def _neuron_health(name: str, kind: str, activations: list[float], slopes: list[float], last: bool) -> NeuronHealth:
    steepest = 0.25 if kind == "sigmoid" else 1.0
    flat = [slope < STUCK * steepest for slope in slopes]
    share = mean(flat)
    problem = ""
    if kind == "relu":
        problem = "dead" if share == 1 else ""
    elif last:  # a trained output is meant to be at its ends; but not always at the same one
        middle = 0.5 if kind == "sigmoid" else 0.0
        problem = "saturated" if share == 1 and len({a > middle for a in activations}) == 1 < len(flat) else ""
    elif share >= MOSTLY:
        problem = "saturated"
    return NeuronHealth(name, mean(activations), mean(slopes), share, problem)


def _reach(net: MLP, slopes: list) -> list[float]:
    """Of every layer, the root mean square of ∂output/∂z over all outputs, its neurons, and the examples."""
    outputs, weights = len(net.layers[-1].neurons), weights_of(net)
    units = [[float(j == k) for j in range(outputs)] for k in range(outputs)]  # ∂output k/∂a, of the last layer
    squares = [0.0] * len(weights)
    for example in slopes:
        for k, rows in enumerate(zip(*(backward(weights, example, unit)[0] for unit in units))):
            squares[k] += mean([delta * delta for row in rows for delta in row])
    return [math.sqrt(square / len(slopes)) for square in squares]
