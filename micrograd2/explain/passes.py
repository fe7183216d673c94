"""Passes: one example forward and backward through a network, layer by layer, as plain numbers.

Only the cost is differentiated by the engine, as far back as the outputs. The rest is the recursion that is to be
explained: δ = ∂C/∂a ∘ f′(z), and then, for the layer before, ∂C/∂a = Wᵀ δ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from operator import attrgetter
from typing import Any, NamedTuple

from ..engine import Value, first_not_finite, grads_of
from ..nn import MLP

Cost = Callable[..., Value]
Rows = list[list[float]]  # of numbers, a row for each layer


class Pass(NamedTuple):
    """The backward pass of one example, layer by layer. `pulls[0]` and `activations[0]` belong to the inputs."""

    cost: float
    activations: Rows  # a
    slopes: Rows       # f′(z)
    deltas: Rows       # ∂C/∂z
    pulls: Rows        # ∂C/∂a, left empty for the inputs


def passes_of(net: MLP, X: Any, Y: Any, cost: Cost) -> list[Pass]:
    """The pass of every example, or an error that says what is wrong with what was given."""
    X, Y = examples(net, X), targets(X, Y)
    if len(X) != len(Y):
        raise ValueError(f"Y must have one row of targets for each example of X; got {len(X)} examples, {len(Y)} rows")
    weights, parameters = weights_of(net), set(net.parameters())
    return [_pass(net, weights, parameters, x, y, cost) for x, y in zip(X, Y)]


def _pass(net: MLP, weights: list[Rows], parameters: set[Value], x: list[float], y: list[float], cost: Cost) -> Pass:
    traced = net.trace(x)

    def costs(outputs: list[Value]) -> Value:
        root = cost(single(outputs), single(y))
        if not isinstance(root, Value):
            raise TypeError(f"the cost of one example must be one Value; got {type(root).__name__}")
        return root

    outputs = [Value(a.data) for _, a in traced[-1]]  # leaves: what lies behind them follows below, a layer at a time
    root = costs(outputs)
    grads = grads_of(root)
    if direct := parameters & grads.keys():
        raise ValueError(f"the cost must look at the outputs alone, so that every nudge comes back through them; this "
                         f"one also reads {min(direct, key=attrgetter('born')).label} directly")
    if not math.isfinite(root.data):
        raise ValueError(f"the cost is {root.data}: {first_not_finite(costs([a for _, a in traced[-1]]))}")
    slopes = slopes_of(traced)
    deltas, pulls = backward(weights, slopes, [grads.get(a, 0.0) for a in outputs])
    return Pass(root.data, [x, *([a.data for _, a in layer] for layer in traced)], slopes, deltas, pulls)


def backward(weights: list[Rows], slopes: Rows, wanted: list[float]) -> tuple[Rows, Rows]:
    """δ and ∂C/∂a of every layer, given `wanted`, ∂C/∂a of the outputs."""
    deltas: Rows = []
    pulls = [wanted]
    for here, rows in zip(reversed(slopes), reversed(weights)):
        deltas.insert(0, [pull * slope for pull, slope in zip(pulls[0], here)])
        pulls.insert(0, _added_up(rows, deltas[0]) if rows is not weights[0] else [])
    return deltas, pulls


def _added_up(rows: Rows, deltas: list[float]) -> list[float]:
    """Wᵀ δ: the rows of W, each times its δ, added up."""
    added: list[float] = []
    for row, delta in zip(rows, deltas):
        added = [sofar + w * delta for sofar, w in zip(added, row)] if added else [w * delta for w in row]
    return added


def weights_of(net: MLP) -> list[Rows]:
    """W of every layer, with a row for each neuron."""
    return [[[w.data for w in neuron.w] for neuron in layer.neurons] for layer in net.layers]


def slopes_of(traced: Iterable[Iterable[tuple[Value, Value]]]) -> Rows:
    """f′(z) of every neuron that `MLP.trace` found."""
    return [[1.0 if a is z else a.local_grads[0] for z, a in layer] for layer in traced]


def examples(net: MLP, X: Any) -> Rows:
    """X as rows of numbers: one example, or a batch of them."""
    if not isinstance(net, MLP):
        raise TypeError(f"net must be an MLP; got {type(net).__name__}")
    rows = [_row("X", X)] if _is_one(X) else [_row(f"X[{i}]", x) for i, x in enumerate(listed("X", X))]
    nin = len(net.layers[0].neurons[0].w)
    for i, row in enumerate(rows):
        if len(row) != nin:
            raise ValueError(f"X: the network has {nin} inputs; example {i} has {len(row)}")
    return rows


def targets(X: Any, Y: Any) -> Rows:
    """Y as rows of numbers, one for each example; a plain number is a row of one."""
    named = [("Y", Y)] if _is_one(X) else [(f"Y[{i}]", y) for i, y in enumerate(listed("Y", Y))]
    return [_row(name, [y] if isinstance(y, (Real, Value)) else y) for name, y in named]


def _is_one(X: Any) -> bool:
    return isinstance(listed("X", X)[0], (Real, Value))


def listed(name: str, given: Any) -> Any:
    """What was given, if it is a list or an array, and not empty."""
    if not hasattr(given, "__len__") or not hasattr(given, "__getitem__") or isinstance(given, (str, bytes, dict)):
        raise TypeError(f"{name} must be a list or an array, of numbers for one example or of rows for a batch; got "
                        f"{type(given).__name__}")
    if not len(given):
        raise ValueError(f"{name} is empty: there must be at least one example")
    return given


def _row(name: str, numbers: Any) -> list[float]:
    try:
        return [float(number) for number in listed(name, numbers)]
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must be a row of numbers: {error}") from None


def single(items: list) -> Any:
    """What a cost is given: the item itself where there is only one."""
    return items[0] if len(items) == 1 else items


def mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def averaged(examples: int) -> str:
    """Of what a table tells."""
    return "one example" if examples == 1 else f"the average over {examples} examples"
