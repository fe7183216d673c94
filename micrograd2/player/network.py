"""The page of a network on some examples: its numbers, and the functions by which the page goes through it and back.

What the page computes anew must be what the engine computes. So its activations and its cost are printed from records
that the engine made, on every example and on other numbers; where these are not all of one form, the page only shows
the passes that were made, and says why.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..backprop import Cost, Pass, kind, passes, places, through_the_layers
from ..costs import example_cost, squared_error
from ..engine import Value
from ..nn import MLP, Neuron
from .page import Page, number, packed, page_of, readable
from .script import Printed, formula, is_spelled, printed_function

MOST_EXAMPLES = 100
PROBES = (-30.0, -3.0, -0.3, 0.3, 3.0, 30.0)   # weighted sums at which an activation must be made in the same way


def network_page(networks: Mapping[str, MLP], X: Any, Y: Any, cost: Cost) -> Page:
    """The page that `play(network, X, Y)` makes, or `play({name: network, …}, X, Y)`."""
    first, *others = networks.values()
    sizes = _sizes(first)
    for net in others:
        if _sizes(net) != sizes or _kinds(net) != _kinds(first):
            raise ValueError(f"the networks of a page must differ in nothing but their numbers; got {first!r:.80} and "
                             f"{net!r:.80}")
    told = [list(_passes(net, X, Y, cost)) for net in networks.values()]
    functions = _Functions()
    still = functions.add_all(list(networks.values()), told, cost)
    data = {
        "sizes": sizes, "kinds": [[readable(name, 22) for name in layer] for layer in _kinds(first)],
        "formulas": [[_formula([one.layers[k][j] for one in told[0]]) for j in range(size)]
                     for k, size in enumerate(sizes[1:])],
        "networks": [{"name": readable(name, 30), **_packed(net)} for name, net in networks.items()],
        "names": [str(j) for j in range(sizes[-1])] if sizes[-1] > 1 else ["out"], "squared": cost is squared_error,
        "cost": readable(getattr(cost, "__name__", "a function of your own")).replace("_", " "),
        "examples": [_example(one) for one in told[0]],
        "activations": functions.activations, "costs": functions.costs,
        "still": still, "passes": [[_numbers(one) for one in given] for given in told] if still else [],
    }
    printed = "const functions = [\n" + "".join(f"  {text},\n" for text in functions.texts) + "];"
    return page_of("network", f"Backpropagation through {'-'.join(map(str, sizes))}", data, printed)


def _sizes(net: MLP) -> list[int]:
    return [len(net.layers[0].neurons[0].w), *(len(layer.neurons) for layer in net.layers)]


def _kinds(net: MLP) -> list[list[str]]:
    return [[kind(neuron) for neuron in layer.neurons] for layer in net.layers]


def _passes(net: MLP, X: Any, Y: Any, cost: Cost) -> Iterator[Pass]:
    given = passes(net, X, Y, cost, MOST_EXAMPLES)
    many = places(net)
    if tied := [name for name, p in net.named_parameters() if many[p] > 1]:
        raise ValueError(f"{tied[0]} stands in several places of the network, and a page shows ∂C/∂w = δ·a of each "
                         f"place, not their sum; draw(network, x, y) shows that")
    return through_the_layers(net, given)


class _Functions:
    """The functions of a page, each text once: of every activation, layer by layer, and of the cost of every example.

    In `activations` and `costs` each is [which of `texts`, its constants].
    """

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.activations: list[list[Any]] = []
        self.costs: list[Any] = []

    def add_all(self, nets: list[MLP], told: list[list[Pass]], cost: Cost) -> str:
        """Print them all; why that cannot be, or "" if it can."""
        try:
            for k, layer in enumerate(nets[0].layers):
                self.activations.append([self.entry(
                    f"the activation {kind(neuron)}", list(_activations(k, j, nets, told)))
                    for j, neuron in enumerate(layer.neurons)])
            for e in range(len(told[0])):
                self.costs.append(self.entry("the cost", list(_costs(e, told, cost))))
        except NotImplementedError as error:
            self.texts, self.activations, self.costs = {}, [], []
            return f"Nothing can be changed in this page: {error}."
        if not all(math.isfinite(v.data) and math.isfinite(grad) for given in told for one in given
                   for v, grad in one.grads.items()):
            return "Nothing can be changed in this page: some of its numbers are not finite."
        if any(len(net.parameters()) != sum(places(net).values()) for net in nets):
            return "Nothing can be changed in this page: an activation of this network learns weights of its own."
        return ""

    def entry(self, name: str, found: list[Printed]) -> Any:
        for other in found[1:]:
            if other != found[0]:
                raise NotImplementedError(f"{name} is made in another way where the numbers are others")
        return [self.texts.setdefault(found[0].text, len(self.texts)), list(map(number, found[0].constants))]


def _activations(k: int, j: int, nets: list[MLP], told: list[list[Pass]]) -> Iterator[Printed]:
    """How one neuron makes its activation: in every pass, and of other weighted sums."""
    for net, given in zip(nets, told):
        for one in given:
            z, a = one.layers[k][j]
            yield printed_function(a, [z])
        if type(net.layers[k].neurons[j]) is not Neuron:
            raise NotImplementedError(f"layers[{k}].neurons[{j}] is of a class of its own")
        for x in PROBES:
            if probe := _probed(lambda: _at(net.layers[k].neurons[j], x)):
                z, a = probe
                yield printed_function(a, [z])


def _at(neuron: Neuron, x: float) -> tuple[Value, Value]:
    """The pair (z, a) where z is x."""
    probe = copy.copy(neuron)
    probe.w, probe.b = [Value(1.0)], Value(0.0)
    return probe.trace([x])


def _costs(e: int, told: list[list[Pass]], cost: Cost) -> Iterator[Printed]:
    """How the cost of an example is made: by every network, and of other outputs."""
    for given in told:
        one = given[e]
        if one.cost is not None:
            yield printed_function(one.cost, one.outputs)
        others = [a.data for a in given[e - 1].outputs]
        for numbers in (others, [1 - x for x in others], [-x for x in others]):
            outputs = [Value(x) for x in numbers]
            alike = outputs[0] if len(outputs) == 1 else outputs
            if root := _probed(lambda: example_cost(lambda _: alike, [], one.targets, cost)):
                yield printed_function(root, outputs)


def _probed(make: Callable[[], Any]) -> Any:
    """What a user's function makes of numbers that were chosen here; None where it has no value there."""
    try:
        return make()
    except (ArithmeticError, ValueError):
        return None
    except (LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise NotImplementedError(f"a function of its own fails where the numbers are others: {error!r:.80}") from None


def _formula(pairs: list[tuple[Value, Value]]) -> str:
    """f′(z) as a formula, of an activation that the graphs show to be one known operation; else ""."""
    found = {"1" if a is z else formula(a.op) if a.args == (z,) and is_spelled(a.op) else "" for z, a in pairs}
    return found.pop() if len(found) == 1 else ""


def _packed(net: MLP) -> dict[str, Any]:
    return {"weights": [packed(w.data for neuron in layer.neurons for w in neuron.w) for layer in net.layers],
            "biases": [packed(neuron.b.data for neuron in layer.neurons) for layer in net.layers]}


def _example(one: Pass) -> dict[str, Any]:
    x, y = one.activations[0], one.targets
    classes = len(y) > 1 and sorted(y) == [0.0] * (len(y) - 1) + [1.0]
    return {"input": _told(x), "target": str(y.index(1.0)) if classes else _told(y), "x": packed(x), "y": packed(y)}


def _numbers(one: Pass) -> dict[str, Any]:
    """Every z, a and f′(z), and the cost's gradient in z and a, of a page that does not compute them itself."""
    return {"cost": number(one.cost.data) if one.cost is not None else "",
            "a": list(map(packed, one.activations)), "z": list(map(packed, one.sums)),
            "slopes": list(map(packed, one.slopes)), "da": list(map(packed, one.pulls)),
            "dz": list(map(packed, one.deltas))}


def _told(numbers: list[float]) -> str:
    return (", ".join(f"{x:.3g}" for x in numbers[:3]) + ", …" * (len(numbers) > 3)).replace("-", "−")
