"""Health: which neurons and layers pass no gradient on, or too much, and what to try."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..backprop import forward, kind, through_the_layers
from ..contributions import first_not_finite, grads_of
from ..engine import Value
from ..nn import MLP, Neuron
from ..shown import percent
from .table import Explanation, Table

MOST_NAMES = 39  # of neurons with one problem, in a printed table
STUCK = 0.02     # an activation is flat where its slope is below this share of its steepest near 0
MOSTLY = 0.95    # of the examples, for a hidden neuron to count as saturated
SLOWER = 1000.0  # times weaker, or stronger, than at the outputs, for gradients to count as vanishing, or exploding

TRY = {  # for every problem: what it is, and what to try
    "dead": "A dead neuron, such as a relu that is above 0 for none of the examples, is 0 and flat for all of them, so "
            "its weights get no gradient. Try a smaller learning rate, new weights to start with, biases that are not "
            "far below 0, or tanh.",
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
        rows: list[tuple] = []
        for layer in self.layers:
            size, flat = mean([abs(n.a) for n in layer.neurons]), mean([n.flat for n in layer.neurons])
            rows.append((layer.name, layer.activation, size, percent(flat), layer.reach,
                         _share(layer, "dead"), _share(layer, "saturated"), layer.problem))
        problems = self.problems
        remark = "flat: how often a neuron passes no gradient on. ∂output/∂z: how strongly the layer moves the outputs."
        remark += "" if problems else "\nNothing to complain about."
        tables = [Table(title, {"layer": "", "": "", "mean |a|": ".3g", "flat": " ", "∂output/∂z": ".2g", "dead": " ",
                                "saturated": " ", "gradients": ""}, rows, remark, "∂output/∂z")]
        for problem in TRY:
            if names := [name for name, what in problems.items() if what == problem]:
                tables.append(_advice(problem, names))
        return tables


def _advice(problem: str, names: list[str]) -> Table:
    """Who has a problem, three names a line, and what to try."""
    listed = names[:MOST_NAMES]
    lines = [", ".join(listed[i:i + 3]) for i in range(0, len(listed), 3)]
    if len(names) > MOST_NAMES:
        lines.append(f"and {len(names) - MOST_NAMES:,} more")
    return Table(f"{problem}: {len(names):,}", {}, [], "\n".join([*lines, TRY[problem]]))


def _share(layer: LayerHealth, problem: str) -> str:
    many = sum(neuron.problem == problem for neuron in layer.neurons)
    return f"{many} of {len(layer.neurons)}" if many else "–"


def health(net: MLP, X: Any) -> Health:
    """Dead neurons, saturated neurons, and layers whose gradients vanish or explode, by name.

    X is one example (inputs,) or, better, a batch (N, inputs). A neuron is flat where its slope f′(z) is below 2 % of
    the steepest that its activation has at z = −1, 0 and 1, and below all that it has there. A neuron that can be off,
    0 without a slope, at one of these, as a relu can, is dead if it is off for every example; else a hidden neuron is
    saturated if it is flat for 95 % of them, an output if it stays at one and the same end for all. Gradients vanish or
    explode in a layer that moves the outputs 1000 times less or more than the last layer does. Weights that are not
    finite, or lead to what is not, are named.

    >>> net = MLP(1, [2, 1], seed=1)
    >>> for neuron in net.layers[0].neurons:
    ...     neuron.b.data = -100.0
    >>> health(net, [[0.0], [1.0]]).problems
    {'layers[0].neurons[0]': 'dead', 'layers[0].neurons[1]': 'dead'}
    """
    seen, squares, overflow = [], [], ""
    for one in through_the_layers(net, forward(net, X)):
        broken = [value for layer in one.layers for z_and_a in layer for value in z_and_a
                  if not math.isfinite(value.data)]
        overflow = overflow or (first_not_finite(broken[0]) if broken else "")
        seen.append((one.sums, one.activations[1:], one.slopes))
        grads = [grads_of(output, {z for z, _ in one.layers[0]}) for output in one.outputs]
        squares.append([mean([of.get(z, 0.0) * of.get(z, 0.0) for of in grads for z, _ in layer])
                        for layer in one.layers])
    if overflow:
        return Health(len(seen), [], overflow)
    reach = [math.sqrt(mean(column)) for column in zip(*squares)]
    layers = []
    for k, layer in enumerate(net.layers):
        last = k == len(net.layers) - 1
        neurons = []
        for j, neuron in enumerate(layer.neurons):
            z, a, slopes = zip(*((sums[k][j], activations[k][j], of_z[k][j]) for sums, activations, of_z in seen))
            neurons.append(_neuron_health(f"layers[{k}].neurons[{j}]", neuron, last, z, a, slopes))
        kinds = {kind(neuron) for neuron in layer.neurons}
        activation = kinds.pop() if len(kinds) == 1 else "mixed"
        problem = _layer_problem(reach[k], reach[-1])
        layers.append(LayerHealth(f"layers[{k}]", activation, neurons, reach[k], problem))
    for k, found in enumerate(layers):  # where all of a layer are dead, that is the reason, and is named already
        if any(all(n.problem == "dead" for n in later.neurons) for later in layers[k:]):
            layers[k] = found._replace(problem="")
    return Health(len(seen), layers)


def _layer_problem(reach: float, at_the_outputs: float) -> str:
    ratio = reach / at_the_outputs if at_the_outputs else 1.0
    if ratio < 1 / SLOWER:
        return "vanishing"
    return "exploding" if ratio > SLOWER else ""


def _neuron_health(name: str, neuron: Neuron, last: bool, sums: Sequence[float], activations: Sequence[float],
                   slopes: Sequence[float]) -> NeuronHealth:
    near_0 = _near_0(neuron)
    steep = [abs(slope) for _, slope in near_0 if slope]
    least = min(STUCK * max(steep), *steep) if steep else 0.0  # a leaky relu is never below what it has near 0
    flat = [slope == 0 or abs(slope) < least for slope in slopes]
    can_be_off = (0.0, 0.0) in near_0
    off = [can_be_off and a == slope == 0 for a, slope in zip(activations, slopes)]
    stuck = mean([is_flat and not is_off for is_flat, is_off in zip(flat, off)])
    problem = ""
    if all(off):
        problem = "dead"
    elif last:  # a trained output is meant to be at its ends; but not always at the same one
        problem = "saturated" if stuck == 1 and len({z > 0 for z in sums}) == 1 < len(sums) else ""
    elif stuck >= MOSTLY or all(flat):
        problem = "saturated"
    return NeuronHealth(name, mean(activations), mean(slopes), mean(flat), problem)


def _near_0(neuron: Neuron) -> list[tuple[float, float]]:
    """The activation and its slope at z = −1, 0 and 1, as far as it has them, found by trying it."""
    found = []
    for number in (-1.0, 0.0, 1.0):
        twin = copy(neuron)
        twin.w, twin.b = [], Value(number)  # without inputs, z is the bias
        try:
            z, a = twin.trace([])
        except (ArithmeticError, ValueError):  # of a logarithm, say
            continue
        found.append((a.data, grads_of(a, {z}).get(z, 0.0)))
    return found


def mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
