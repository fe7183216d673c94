"""Nudges: which way everything should move to lower the cost, and how the wishes of a layer add up.

A nudge is minus a gradient. A wish is what one neuron asks of one activation that it reads, −δ·w; all wishes for an
activation, added up, are the nudge to it, −∂C/∂a.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import Any, NamedTuple

from ..backprop import Averages, Cost, Pass, averages, passes, places, through_the_layers
from ..contributions import first_not_finite
from ..costs import squared_error
from ..engine import Value
from ..given import described, whole
from ..nn import MLP, Neuron
from .table import Explanation, Table, examples_text

MOST_ROWS = 8      # of one layer, in a printed table; the object holds all
MOST_COLUMNS = 6   # of a printed matrix, so that it fits a terminal
MOST_WISHING = 16  # its rows


class NeuronNudges(NamedTuple):
    """The nudges of one neuron, each minus a gradient, averaged over the examples.

    `nudge` is −∂C/∂a, to its activation `a`. Its three avenues: `bias` is −∂C/∂b = −δ; `weights[i]` is −∂C/∂wᵢ, which
    for one example is −aᵢ·δ with the activations aᵢ that it reads; `wishes[i]` is its wish for each of these
    activations, −wᵢ·δ. `slope` is f′(z), `w` are its weights. The next say how many examples agree in sign with the
    average: on the nudge, on δ (and so on the wishes), on the bias, on each weight.

    A weight or bias that stands in other places too has the sum over all of them; `tied` names these.
    """

    name: str
    a: float
    slope: float
    delta: float
    w: list[float]
    nudge: float
    bias: float
    weights: list[float]
    wishes: list[float]
    agree_nudge: int
    agree_delta: int
    agree_bias: int
    agree_weights: list[int]
    tied: list[str]


class LayerNudges(NamedTuple):
    """One layer: its name, the names and activations that it reads, its neurons, and their wishes, added up.

    `wishes` is a matrix with one row for each neuron: its wish for each activation that it reads; `input_nudges` is the
    sum of these rows: −∂C/∂a of the layer before.
    """

    name: str
    input_names: list[str]
    inputs: list[float]
    neurons: list[NeuronNudges]
    input_nudges: list[float]

    @property
    def wishes(self) -> list[list[float]]:
        return [neuron.wishes for neuron in self.neurons]


@dataclass(repr=False)
class Nudges(Explanation):
    """Every nudge of a network, from `nudges`: `layers`, and the average `cost` of so many `examples`."""

    examples: int
    cost: float
    layers: list[LayerNudges]

    @property
    def outputs(self) -> list[NeuronNudges]:
        """The neurons of the last layer."""
        return self.layers[-1].neurons

    def tables(self) -> list[Table]:
        strongest = max(self.outputs, key=lambda neuron: abs(neuron.delta))
        tables = [self.output_nudges(), self.avenues(strongest.name)]
        tables += [self.wishes(k) for k in reversed(range(1, len(self.layers)))]
        return [*tables, self.recursion(), self.hebbian()]

    def output_nudges(self) -> Table:
        """The nudge to every output."""
        rows = [(n.name, n.a, n.nudge, *self._agreement(n.agree_nudge)) for n in self.outputs]
        return Table(f"The nudge to every output ({examples_text(self.examples)}, cost {self.cost:.4g})",
                     {"output": "", "a": "~", "nudge −∂C/∂a": "+~", **self._agree()}, rows,
                     "A nudge above 0: the output should rise.", "nudge −∂C/∂a")

    def avenues(self, name: str) -> Table:
        """The three avenues of the neuron of that name, such as "layers[2].neurons[3]"."""
        places = {n.name: (k, j) for k, layer in enumerate(self.layers) for j, n in enumerate(layer.neurons)}
        if not isinstance(name, str) or name not in places:
            raise ValueError(f"name must be that of a neuron, such as {self.outputs[-1].name}; got {described(name)}")
        k, j = places[name]
        layer = self.layers[k]
        neuron = layer.neurons[j]
        one = self.examples == 1

        def row(avenue: str, parameter: str, nudge: float, factors: str, agree: int) -> tuple:
            more = ", to which its other places add" if parameter in neuron.tied else ""
            return avenue, parameter, nudge, factors + more, *self._agreement(agree)

        rows = [row("bias", f"{name}.b", neuron.bias, "−δ", neuron.agree_bias)]
        for i in _largest(neuron.weights, 4):
            factors = f"−δ × a = {-neuron.delta:+.4g} × {layer.inputs[i]:.4g}" if one else "−δ × a, averaged"
            rows.append(row("weight", f"{name}.w[{i}]", neuron.weights[i], factors, neuron.agree_weights[i]))
        for i in _largest(neuron.wishes, 4):
            factors = f"−δ × w = {-neuron.delta:+.4g} × {neuron.w[i]:+.4g}"
            rows.append(row("activation", layer.input_names[i], neuron.wishes[i], factors, neuron.agree_delta))
        more = len(neuron.weights) - 4
        return Table(f"The three avenues of {name}: δ = {neuron.delta:+.4g}",
                     {"avenue": "", "of": "", "−∂C/∂": "+~", "which is": "", **self._agree()}, rows,
                     f"The strongest weights and activations; {more:,} more of each." if more > 0 else "", "−∂C/∂")

    def wishes(self, k: int) -> Table:
        """The wishes of the neurons of layer `k` for the activations they read, one row for each, and their sum."""
        layer = self.layers[whole("k", k, 0, len(self.layers) - 1)]
        columns = sorted(_largest(layer.input_nudges, MOST_COLUMNS))
        neurons = sorted(_largest([n.delta for n in layer.neurons], MOST_WISHING))
        rows: list[tuple] = [(f"neurons[{j}]", *(layer.wishes[j][i] for i in columns)) for j in neurons]
        rows.append(("sum", *(layer.input_nudges[i] for i in columns)))
        top = max((abs(row[i]) for row in (*layer.wishes, layer.input_nudges) for i in columns), default=0.0)
        spec = _spec(top)
        before = f"layers[{k - 1}]" if k else "the inputs"
        remark = f"The sum is −∂C/∂a of {before}."
        left_out = [f"{more:,} more {what}" for more, what in ((len(layer.inputs) - len(columns), "columns"),
                                                               (len(layer.neurons) - len(neurons), "rows")) if more]
        if left_out:
            remark += f" Not shown: {', '.join(left_out)}."
        return Table(f"What each neuron of {layer.name} asks of {before}: −δ × w, column by column",
                     {"": ""} | {f"{'a' if k else 'x'}[{i}]": spec for i in columns}, rows, remark)

    def recursion(self) -> Table:
        """δ of every layer from the layer after it."""
        rows: list[tuple] = []
        for layer in reversed(self.layers):
            for j in sorted(_largest([n.delta for n in layer.neurons], MOST_ROWS)):
                n = layer.neurons[j]
                rows.append((n.name, -n.nudge, n.slope, n.delta, *self._agreement(n.agree_delta)))
        remark = f"At most {MOST_ROWS} of each layer, the largest. For the outputs, ∂C/∂a is the cost's own."
        if self.examples > 1:
            remark += "\nThese are averages; the product holds in each example."
        return Table("Backwards, layer by layer: δ = (Wᵀ δ of the layer after) × f′(z)",
                     {"neuron": "", "∂C/∂a = Wᵀ δ": "+~", "f′(z)": "~", "δ": "+~", **self._agree()}, rows,
                     remark, "δ")

    def hebbian(self) -> Table:
        """The weights that most want to grow: from the most active neurons to those with the largest nudge to z."""
        rows: list[tuple] = []
        for layer in reversed(self.layers):
            growing = [(nudge, j, i) for j, n in enumerate(layer.neurons) for i, nudge in enumerate(n.weights)
                       if nudge > 0]
            of_z = [-n.delta for n in layer.neurons]
            for nudge, j, i in nlargest(3, growing, key=itemgetter(0)):
                rows.append((f"{layer.neurons[j].name}.w[{i}]", nudge, layer.inputs[i], _rank(layer.inputs, i),
                             of_z[j], _rank(of_z, j)))
        remark = "From the most active to those nudged up most: the strongest increase is where both are large."
        everywhere = {name for layer in self.layers for n in layer.neurons for name in n.tied}
        if tied := [name for name, *_ in rows if name in everywhere]:
            remark += f" But {', '.join(tied)} stands in other places too, and they add to it."
        if self.examples > 1:
            remark += " (An average over examples: the same must hold in many of them.)"
        return Table("Who fires together wires together: the weights that most want to grow",
                     {"weight": "", "−∂C/∂w": "+~", "activation": "~", "rank": "", "nudge −δ": "+~", "rank ": ""}, rows,
                     remark, "−∂C/∂w")

    def _agree(self) -> dict[str, str]:
        return {} if self.examples == 1 else {"agree": " "}

    def _agreement(self, count: int) -> tuple[str, ...]:
        return () if self.examples == 1 else (f"{count} of {self.examples}",)


def nudges(net: MLP, X: Any, Y: Any, cost: Cost = squared_error) -> Nudges:
    """Which way every output, bias, weight and activation should move to lower the cost, and how the wishes add up.

    X is one example (inputs) with its targets Y (a number where there is one output), or a batch: X (N, inputs), Y
    (N, outputs) or (N,); then everything is the average, with how many examples agree in sign. Every number is minus
    the gradient that `backward` gives. ValueError for wrong lengths, an empty batch, and a cost that is not finite or
    looks at the network's parameters by itself.

    >>> net = MLP(2, [2, 1], activation="tanh", seed=1)
    >>> found = nudges(net, [1.0, 0.5], 1.0)
    >>> found.layers[1].wishes == [found.layers[1].input_nudges]    # of a single output, so that is the sum
    True
    >>> print(found.output_nudges())
    The nudge to every output (one example, cost 2.864)
    output                      a  nudge −∂C/∂a
    layers[1].neurons[0]  -0.6924        +3.385
    A nudge above 0: the output should rise.
    """
    average, used = averages_of(net, X, Y, cost), places(net)
    of_parameter = dict(zip(net.parameters(), zip(average.gradient.mean, average.gradient.agree)))
    names = [f"x[{i}]" for i in range(len(net.layers[0].neurons[0].w))]
    layers = []
    for k, layer in enumerate(net.layers):
        a, slopes, upstream, deltas = (numbers.mean for numbers in (
            average.activations[k + 1], average.slopes[k], average.upstream[k], average.deltas[k]))
        agree_nudge, agree_delta = average.upstream[k].agree, average.deltas[k].agree
        neurons = []
        for j, neuron in enumerate(layer.neurons):
            name, w = f"layers[{k}].neurons[{j}]", [weight.data for weight in neuron.w]
            bias, agree_bias = of_parameter[neuron.b]
            of_weights = [of_parameter[weight] for weight in neuron.w]
            neurons.append(NeuronNudges(
                name, a=a[j], slope=slopes[j], delta=deltas[j], w=w, nudge=-upstream[j], bias=0.0 - bias,
                weights=[0.0 - grad for grad, _ in of_weights], wishes=[0.0 - weight * deltas[j] for weight in w],
                agree_nudge=agree_nudge[j], agree_delta=agree_delta[j], agree_bias=agree_bias,
                agree_weights=[agree for _, agree in of_weights], tied=_tied_names(name, neuron, used)))
        input_nudges = [sum(column) for column in zip(*(n.wishes for n in neurons))]
        layers.append(LayerNudges(f"layers[{k}]", names, average.activations[k].mean, neurons, input_nudges))
        names = [n.name for n in neurons]
    return Nudges(average.examples, average.cost.mean[0], layers)


def _tied_names(name: str, neuron: Neuron, used: Counter[Value]) -> list[str]:
    """The weights, and the bias, that stand in other places of the network too."""
    weights = [f"{name}.w[{i}]" for i, weight in enumerate(neuron.w) if used[weight] > 1]
    return weights + [f"{name}.b"] * (used[neuron.b] > 1)


def averages_of(net: MLP, X: Any, Y: Any, cost: Cost) -> Averages:
    """What `backward` finds, on average; ValueError for a cost that is not finite, naming what made it so."""
    return averages(net, map(_finite, through_the_layers(net, passes(net, X, Y, cost))))


def _finite(one: Pass) -> Pass:
    if one.cost is not None and not math.isfinite(one.cost.data):
        raise ValueError(f"the cost is {one.cost.data}: {first_not_finite(one.cost)}; it must be finite")
    return one


def _spec(top: float) -> str:
    """A format for numbers up to `top` in size that shows three digits of the largest, and all with equal decimals."""
    decimals = 2 - math.floor(math.log10(top)) if 0 < top < math.inf else 2
    return f"+.{max(0, decimals)}f" if -2 <= decimals <= 5 else "+.1e"


def _largest(numbers: Sequence[float], most: int) -> list[int]:
    """The places of the numbers that are largest in size, the largest first."""
    return nlargest(most, range(len(numbers)), key=lambda i: abs(numbers[i]))


def _rank(numbers: Sequence[float], i: int) -> str:
    return f"{1 + sum(number > numbers[i] for number in numbers)} of {len(numbers)}"
