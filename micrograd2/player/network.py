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
from ..shown import printable
from .page import Page, number, pack, page_of
from .script import Printed, formula, is_spelled, printed_function

MOST_EXAMPLES = 100
MOST_POINTS = 500   # where there are two inputs, examples are points of a plane
PROBES = [sign * 30 / 5 ** k for k in range(6) for sign in (1, -1)]   # at numbers of every size all is made alike
Key = tuple[Any, ...]   # of an activation, its layer and its neuron; of a cost, "cost" and its targets


def network_page(networks: Mapping[str, MLP], X: Any, Y: Any, cost: Cost) -> Page:
    """The page that `play(network, X, Y)` makes, or `play({name: network, …}, X, Y)`."""
    first, *others = networks.values()
    sizes = _sizes(first)
    for net in others:
        if _sizes(net) != sizes or _kinds(net) != _kinds(first):
            raise ValueError(f"the networks of a page must differ in nothing but their numbers; got {first!r:.80} and "
                             f"{net!r:.80}")
    reader = _PassReader(cost, sizes)
    for net in networks.values():
        reader.passes.append([])
        for e, one in enumerate(_passes(net, X, Y, cost)):  # one after the other, since each is a large graph
            reader.read(net, e, one)
    still = f"Nothing can be changed in this page: {reader.still}." if reader.still else ""
    data = {
        "sizes": sizes, "kinds": [[printable(name, 22) for name in layer] for layer in _kinds(first)],
        "formulas": [[found.pop() if len(found) == 1 else "" for found in layer] for layer in reader.formulas],
        "networks": [{"name": printable(name, 30), **_parameters(net)} for name, net in networks.items()],
        "names": [str(j) for j in range(sizes[-1])] if sizes[-1] > 1 else ["out"], "squared": cost is squared_error,
        "cost": printable(getattr(cost, "__name__", "a function of your own"), 160).replace("_", " "),
        "examples": reader.examples, "still": still, "passes": reader.passes if still else [],
        "activations": [] if still else [[reader.entry((k, j)) for j in range(n)] for k, n in enumerate(sizes[1:])],
        "costs": [] if still else [reader.entry(("cost", *targets)) for targets in reader.targets],
        "classes": [] if still else reader.classes(sizes[-1]),
    }
    texts = "" if still else "".join(f"  {text},\n" for text in reader.texts)
    return page_of("network", f"Backpropagation through {'-'.join(map(str, sizes))}", data,
                   f"const functions = [\n{texts}];")


def _sizes(net: MLP) -> list[int]:
    return [len(net.layers[0].neurons[0].w), *(len(layer.neurons) for layer in net.layers)]


def _kinds(net: MLP) -> list[list[str]]:
    return [[kind(neuron) for neuron in layer.neurons] for layer in net.layers]


def _passes(net: MLP, X: Any, Y: Any, cost: Cost) -> Iterator[Pass]:
    given = passes(net, X, Y, cost, MOST_POINTS if _sizes(net)[0] == 2 else MOST_EXAMPLES)
    many = places(net)
    if tied := [name for name, p in net.named_parameters() if many[p] > 1]:
        raise ValueError(f"{tied[0]} stands in several places of the network, and a page shows ∂C/∂w = δ·a of each "
                         f"place, not their sum; draw(network, x, y) shows that")
    return through_the_layers(net, given)


class _PassReader:
    """What is read from the passes: the examples, the numbers of each pass, f′ as formulas, and how every activation,
    by layer and neuron, and every cost, by its targets, is made: in `still`, why the page cannot do that itself."""

    def __init__(self, cost: Cost, sizes: list[int]) -> None:
        self.cost = cost
        self.examples: list[Any] = []
        self.targets: list[list[float]] = []
        self.passes: list[list[Any]] = []
        self.formulas: list[list[set[str]]] = [[set() for _ in range(n)] for n in sizes[1:]]
        self.printed: dict[Key, Printed] = {}
        self.texts: dict[str, int] = {}   # each function once, in order
        self.still = ""
        self.outputs: list[float] = []    # of the pass before

    def read(self, net: MLP, e: int, one: Pass) -> None:
        if len(self.passes) == 1:
            self.examples.append(_example(one))
            self.targets.append(one.targets)
        self.passes[-1].append(_numbers(one))
        for of_layer, pairs in zip(self.formulas, one.layers):
            for of_neuron, (z, a) in zip(of_layer, pairs):
                of_neuron.add(_formula(z, a))
        if not self.still:
            try:
                self.print_all(net, e, one)
            except NotImplementedError as error:
                self.still = str(error)
        self.outputs = [a.data for a in one.outputs]

    def print_all(self, net: MLP, e: int, one: Pass) -> None:
        """NotImplementedError, saying why, if the page cannot compute this network."""
        if not all(math.isfinite(v.data) and math.isfinite(grad) for v, grad in one.grads.items()):
            raise NotImplementedError("some of its numbers are not finite")
        if len(net.parameters()) != sum(places(net).values()):
            raise NotImplementedError("an activation of this network learns weights of its own")
        for k, (layer, pairs) in enumerate(zip(net.layers, one.layers)):
            for j, (neuron, (z, a)) in enumerate(zip(layer.neurons, pairs)):
                name = f"the activation {kind(neuron)}"
                self.print(name, (k, j), a, [z])
                for z, a in _probes(f"layers[{k}].neurons[{j}]", neuron) if e == 0 else ():
                    self.print(name, (k, j), a, [z])
        self.print_costs(one.targets, [a.data for a in one.outputs])
        if one.cost is not None:
            self.print("the cost", ("cost", *one.targets), one.cost, one.outputs)

    def print(self, name: str, key: Key, root: Value, inputs: list[Value]) -> None:
        printed = printed_function(root, inputs)
        if self.printed.setdefault(key, printed) != printed:
            raise NotImplementedError(f"{name} is made in another way where the numbers are others")

    def print_costs(self, targets: list[float], outputs: list[float]) -> None:
        """The cost of these targets, for other outputs than those that were just there."""
        key = ("cost", *targets)
        others = self.outputs or outputs
        far = [] if key in self.printed else _around(targets, len(others))
        for numbers in (others, [1 - x for x in others], [-x for x in others], *far):
            values = [Value(x) for x in numbers]
            alike = values[0] if len(values) == 1 else values
            root = _value_or_none(lambda: example_cost(lambda _: alike, [], targets, self.cost))
            if root is not None:
                self.print("the cost", key, root, values)

    def classes(self, outputs: int) -> list[Any]:
        """What one more example could be, and its cost: every class, if each example is of one; else nothing."""
        rows = [[float(i == j) for i in range(outputs)] for j in range(outputs)] if outputs > 1 else [[-1.0], [1.0]]
        if not all(targets in rows for targets in self.targets):
            return []
        try:
            for row in rows:
                self.print_costs(row, self.outputs)
        except NotImplementedError:
            return []
        if not all(("cost", *row) in self.printed for row in rows):   # it has no value for any of those outputs
            return []
        return [{"y": pack(row), "cost": self.entry(("cost", *row))} for row in rows]

    def entry(self, key: Key) -> Any:
        """[which of `texts`, its constants]"""
        text, constants = self.printed[key]
        return [self.texts.setdefault(text, len(self.texts)), list(map(number, constants))]


def _probes(name: str, neuron: Neuron) -> Iterator[tuple[Value, Value]]:
    """The pair (z, a) of a neuron for some numbers z of our own."""
    if type(neuron) is not Neuron:
        raise NotImplementedError(f"{name} is of a class of its own")
    probe = copy.copy(neuron)
    probe.w, probe.b = [Value(1.0)], Value(0.0)
    for x in PROBES:
        if pair := _value_or_none(lambda: probe.trace([x])):
            yield pair


def _around(targets: list[float], n: int) -> Iterator[list[float]]:
    """Rows of n outputs of our own: PROBES from 0 and from the targets, all alike, and each another."""
    for k, x in enumerate(PROBES):
        turned = [PROBES[(k + j) % len(PROBES)] for j in range(n)]
        for row in [[x] * n, turned] if n > 1 else [[x]]:
            yield row
            yield [targets[j % len(targets)] + probe for j, probe in enumerate(row)]


def _value_or_none(make: Callable[[], Any]) -> Any:
    """What a user's function makes of numbers that were chosen here; None where it has no value there."""
    try:
        return make()
    except (ArithmeticError, ValueError):
        return None
    except (LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise NotImplementedError(f"a function of its own fails where the numbers are others: {error!r:.80}") from None


def _formula(z: Value, a: Value) -> str:
    """f′(z) as a formula, of an activation that the graph shows to be one known operation; else ""."""
    return "1" if a is z else formula(a.op) if a.args == (z,) and is_spelled(a.op) else ""


def _parameters(net: MLP) -> dict[str, Any]:
    return {"weights": [pack(w.data for neuron in layer.neurons for w in neuron.w) for layer in net.layers],
            "biases": [pack(neuron.b.data for neuron in layer.neurons) for layer in net.layers]}


def _example(one: Pass) -> dict[str, Any]:
    return {"x": pack(one.activations[0]), "y": pack(one.targets)}


def _numbers(one: Pass) -> dict[str, Any]:
    """Every z, a and f′(z), and the cost's gradient in z and a, of a page that does not compute them itself."""
    return {"cost": number(one.cost.data) if one.cost is not None else "",
            "a": list(map(pack, one.activations)), "z": list(map(pack, one.sums)),
            "slopes": list(map(pack, one.slopes)), "da": list(map(pack, one.upstream)),
            "dz": list(map(pack, one.deltas))}
