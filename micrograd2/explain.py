"""Explanations: why a gradient is what it is, in words and exact numbers.

A *nudge* is minus a gradient: which way a number should move to lower the cost, and how eagerly. A *sensitivity* is the
size of a gradient. The story is that of the film "What is backpropagation really doing?" (3Blue1Brown, 2017): an output
that should rise has three avenues: its bias, its weights in proportion to the activations they meet, and those
activations in proportion to the weights. Every neuron asks such changes of the layer before; the wishes are added up,
and that layer asks in turn. With δ = ∂C/∂z for every neuron, as Nielsen writes it (Neural Networks and Deep Learning,
chapter 2), this is

    ∂C/∂b = δ        ∂C/∂w = a_prev · δ        ∂C/∂a_prev = Wᵀ δ        δ of the layer before = (Wᵀ δ) ∘ f′(z)

Every function returns an object that holds the numbers as attributes and prints itself as tables; in a notebook the
same tables have bars. None of them changes a gradient, a weight, or the random state.

Left out: pictures (see `draw`), and how to train (see `train`).
"""

from __future__ import annotations

import html
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from numbers import Real
from operator import attrgetter, mul
from typing import Any, NamedTuple

from .costs import squared_error
from .engine import Value, first_not_finite, flow, topological_order
from .nn import ACTIVATIONS, MLP

BLUE, ORANGE = "#2166ac", "#d9730d"  # of the bars: raises, lowers, as in the pictures
MOST_ROWS = 8          # of one layer, in a printed table; the object holds all
MOST_COLUMNS = 16      # of a printed matrix
MOST_LEDGER = 100_000  # lines of a ledger that would repeat itself

Cost = Callable[..., Value]


# Tables

@dataclass(repr=False)
class Table:
    """Rows of text and numbers under named columns, with a title above and a remark below.

    `columns` gives each column its format: "" as it is; "~" or "+~" (with a sign) numbers with as many decimals as the
    largest needs for four digits; else a format such as "+.3g". `bar` is the column that a notebook shows as bars too.

    >>> Table("Two gradients", {"of": "", "∂C/∂w": "+~"}, [("w0", 0.5), ("w1", -12.25)])
    Two gradients
    of   ∂C/∂w
    w0   +0.50
    w1  -12.25
    """

    title: str
    columns: dict[str, str]
    rows: list[tuple]
    remark: str = ""
    bar: str = ""

    def cells(self) -> list[list[str]]:
        """Every row as text, column by column formatted."""
        formatted = [_formatted([row[c] for row in self.rows], spec) for c, spec in enumerate(self.columns.values())]
        return [list(row) for row in zip(*formatted)]

    def __repr__(self) -> str:
        lines = [list(map(_printable, line)) for line in [list(self.columns), *self.cells()]]
        widths = [max(map(len, column)) for column in zip(*lines)]
        right = [bool(spec) for spec in self.columns.values()]
        text = ["  ".join(cell.rjust(width) if at_right else cell.ljust(width)
                          for cell, width, at_right in zip(line, widths, right)).rstrip() for line in lines]
        if not self.columns:
            text = []
        remark = [_printable(line, 400) for line in self.remark.splitlines()]
        return "\n".join([_printable(self.title, 400), *text, *remark])

    def _repr_html_(self) -> str:
        at = list(self.columns).index(self.bar) if self.bar else -1
        widest = max((abs(row[at]) for row in self.rows if _is_number(row[at])), default=0.0) if self.bar else 0.0
        head = "".join(f"<th>{_safe(name)}</th>" for name in self.columns) + "<th></th>" * (at >= 0)
        body = ""
        for row, cells in zip(self.rows, self.cells()):
            body += "<tr>" + "".join(f'<td style="text-align:{"right" if spec else "left"}">{_safe(cell)}</td>'
                                     for cell, spec in zip(cells, self.columns.values()))
            body += (f"<td>{_bar(row[at], widest)}</td>" if at >= 0 else "") + "</tr>"
        remark = "<p>" + "<br>".join(_safe(line, 400) for line in self.remark.splitlines()) + "</p>"
        return f"<p><b>{_safe(self.title, 400)}</b></p><table><tr>{head}</tr>{body}</table>{remark}"


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and math.isfinite(cell)


def _formatted(cells: Sequence[Any], spec: str) -> list[str]:
    if spec.endswith("~"):
        top = max((abs(cell) for cell in cells if _is_number(cell)), default=0.0)
        decimals = max(0, 3 - math.floor(math.log10(top))) if top else 1
        spec = spec[:-1] + (f".{decimals}f" if decimals <= 8 and top < 1e7 else ".3e")
    return [cell if isinstance(cell, str) else format(cell or 0, spec) for cell in cells]  # no -0.0


def _printable(text: str, most: int = 140) -> str:
    """Text from users on one line: no control characters, at most so long."""
    text = "".join(c if c.isprintable() else "�" for c in text)
    return text if len(text) <= most else text[:most - 1] + "…"


def _safe(text: str, most: int = 140) -> str:
    return html.escape(_printable(text, most))


def _bar(number: Any, widest: float) -> str:
    if not _is_number(number) or not widest:
        return ""
    return (f'<div style="width:{120 * abs(number) / widest:.1f}px;height:0.8em;'
            f'background:{BLUE if number > 0 else ORANGE}"></div>')


class Explanation:
    """What all explanations share: they are told as `tables()`."""

    def tables(self) -> list[Table]:
        """The tables that are printed, and shown in notebooks."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self.tables()))

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables())


# One example, forward and backward, as plain numbers

class _Pass(NamedTuple):
    """The backward pass of one example, layer by layer. `pulls[0]` and `activations[0]` belong to the inputs."""

    cost: float
    activations: list[list[float]]  # a
    slopes: list[list[float]]       # f′(z)
    deltas: list[list[float]]       # ∂C/∂z
    pulls: list[list[float]]        # ∂C/∂a, left empty for the inputs


def _passes(net: MLP, X: Any, Y: Any, cost: Cost) -> list[_Pass]:
    X, Y = _examples(net, X), _targets(X, Y)
    if len(X) != len(Y):
        raise ValueError(f"Y must have one row of targets for each example of X; got {len(X)} examples, {len(Y)} rows")
    weights = [[[w.data for w in neuron.w] for neuron in layer.neurons] for layer in net.layers]
    parameters = set(net.parameters())
    return [_pass(net, weights, parameters, x, y, cost) for x, y in zip(X, Y)]


def _pass(net: MLP, weights: list, parameters: set[Value], x: list[float], y: list[float], cost: Cost) -> _Pass:
    traced = net.trace(x)

    def costs(outputs: list[Value]) -> Value:
        root = cost(outputs[0] if len(outputs) == 1 else outputs, y[0] if len(y) == 1 else y)
        if not isinstance(root, Value):
            raise TypeError(f"the cost of one example must be one Value; got {type(root).__name__}")
        return root

    outputs = [Value(a.data) for _, a in traced[-1]]  # leaves: what lies behind them follows below, a layer at a time
    root = costs(outputs)
    grads = {root: 1.0} | {step.result.args[step.which]: step.total for step in flow(root)}
    if direct := parameters & grads.keys():
        raise ValueError(f"the cost must look at the outputs alone, so that every nudge comes back through them; this "
                         f"one also reads {min(direct, key=attrgetter('born')).label} directly")
    if not math.isfinite(root.data):
        raise ValueError(f"the cost is {root.data}: {first_not_finite(costs([a for _, a in traced[-1]]))}")
    slopes = [[1.0 if a is z else a.local_grads[0] for z, a in layer] for layer in traced]
    pulls = [[grads.get(a, 0.0) for a in outputs]]
    deltas: list[list[float]] = []
    for here, rows in zip(reversed(slopes), reversed(weights)):
        deltas.insert(0, [pull * slope for pull, slope in zip(pulls[0], here)])
        pulls.insert(0, _added_up(rows, deltas[0]) if rows is not weights[0] else [])
    return _Pass(root.data, [x, *([a.data for _, a in layer] for layer in traced)], slopes, deltas, pulls)


def _added_up(rows: Iterable[Sequence[float]], deltas: Iterable[float]) -> list[float]:
    """Wᵀ δ: the rows of W, each times its δ, added up."""
    added: list[float] = []
    for row, delta in zip(rows, deltas):
        added = [sofar + w * delta for sofar, w in zip(added, row)] if added else [w * delta for w in row]
    return added


def _examples(net: MLP, X: Any) -> list[list[float]]:
    """X as rows of numbers: one example, or a batch of them."""
    if not isinstance(net, MLP):
        raise TypeError(f"net must be an MLP; got {type(net).__name__}")
    rows = [_row("X", X)] if _is_one(X) else [_row(f"X[{i}]", x) for i, x in enumerate(_listed("X", X))]
    nin = len(net.layers[0].neurons[0].w)
    for i, row in enumerate(rows):
        if len(row) != nin:
            raise ValueError(f"X: the network has {nin} inputs; example {i} has {len(row)}")
    return rows


def _targets(X: Any, Y: Any) -> list[list[float]]:
    if _is_one(X):
        return [_row("Y", [Y] if isinstance(Y, (Real, Value)) else Y)]
    return [_row(f"Y[{i}]", [y] if isinstance(y, (Real, Value)) else y) for i, y in enumerate(_listed("Y", Y))]


def _is_one(X: Any) -> bool:
    return len(_listed("X", X)) > 0 and isinstance(X[0], (Real, Value))


def _listed(name: str, given: Any) -> Any:
    if not hasattr(given, "__len__") or not hasattr(given, "__getitem__") or isinstance(given, (str, bytes, dict)):
        raise TypeError(f"{name} must be a list or an array, of numbers for one example or of rows for a batch; got "
                        f"{type(given).__name__}")
    if not len(given):
        raise ValueError(f"{name} is empty: there must be at least one example")
    return given


def _row(name: str, numbers: Any) -> list[float]:
    try:
        return [float(number) for number in _listed(name, numbers)]
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must be a row of numbers: {error}") from None


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _agreeing(numbers: Sequence[float], mean: float) -> int:
    """How many of the numbers have the sign of their mean."""
    if mean > 0:
        return sum(number > 0 for number in numbers)
    return sum(number < 0 for number in numbers) if mean < 0 else list(numbers).count(0.0)


# Nudges

class NeuronNudges(NamedTuple):
    """What one neuron wishes for: nudges, each minus a gradient, averaged over the examples.

    `wish` is −∂C/∂a, for its activation `a`. Its three avenues: `bias` is −∂C/∂b = −δ; `weights[i]` is −∂C/∂wᵢ, which
    for one example is −aᵢ·δ with the activations aᵢ that it reads; `previous[i]` is what it asks of each of these
    activations, −wᵢ·δ. `slope` is f′(z), `w` are its weights. The last three say how many examples agree in sign with
    the average: on the wish, on δ (and so on the bias, and on what is asked), on each weight.
    """

    name: str
    a: float
    slope: float
    delta: float
    w: list[float]
    wish: float
    bias: float
    weights: list[float]
    previous: list[float]
    agree_wish: int
    agree_delta: int
    agree_weights: list[int]


class LayerNudges(NamedTuple):
    """One layer: its name, the names and activations that it reads, its neurons, and what they ask, added up.

    `asked` is a matrix with one row for each neuron: what it asks of each activation that it reads; `wished` is the sum
    of these rows: −∂C/∂a for the layer before.
    """

    name: str
    input_names: list[str]
    inputs: list[float]
    neurons: list[NeuronNudges]
    wished: list[float]

    @property
    def asked(self) -> list[list[float]]:
        return [neuron.previous for neuron in self.neurons]


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
        tables = [self.wishes(), self.avenues(strongest.name)]
        tables += [self.asks(k) for k in reversed(range(1, len(self.layers)))]
        return [*tables, self.recursion(), self.hebbian()]

    def wishes(self) -> Table:
        """What the cost wishes of every output."""
        rows = [(n.name, n.a, n.wish, *self._agreement(n.agree_wish)) for n in self.outputs]
        examples = "one example" if self.examples == 1 else f"the average over {self.examples} examples"
        return Table(f"What the cost wishes of the outputs ({examples}, cost {self.cost:.4g})",
                     {"output": "", "a": "~", "nudge −∂C/∂a": "+~", **self._agree()}, rows,
                     "A nudge above 0: the output should rise.", "nudge −∂C/∂a")

    def avenues(self, name: str) -> Table:
        """The three avenues of the neuron of that name, such as "layers[2].neurons[3]"."""
        places = {n.name: (k, j) for k, layer in enumerate(self.layers) for j, n in enumerate(layer.neurons)}
        if name not in places:
            raise ValueError(f"no neuron has the name {name!r}; the last is {self.outputs[-1].name}")
        k, j = places[name]
        layer = self.layers[k]
        neuron = layer.neurons[j]
        one = self.examples == 1
        rows: list[tuple] = [("bias", f"{name}.b", neuron.bias, "−δ", *self._agreement(neuron.agree_delta))]
        for i in _largest(neuron.weights, 4):
            factors = f"−δ × a = {-neuron.delta:+.4g} × {layer.inputs[i]:.4g}" if one else "−δ × a, averaged"
            rows.append(("weight", f"{name}.w[{i}]", neuron.weights[i], factors,
                         *self._agreement(neuron.agree_weights[i])))
        for i in _largest(neuron.previous, 4):
            rows.append(("activation", layer.input_names[i], neuron.previous[i],
                         f"−δ × w = {-neuron.delta:+.4g} × {neuron.w[i]:+.4g}", *self._agreement(neuron.agree_delta)))
        more = len(neuron.weights) - 4
        return Table(f"The three avenues of {name}: δ = {neuron.delta:+.4g}",
                     {"avenue": "", "of": "", "−∂C/∂": "+~", "which is": "", **self._agree()}, rows,
                     f"The strongest weights and activations; {more:,} more of each." if more > 0 else "", "−∂C/∂")

    def asks(self, k: int) -> Table:
        """What the neurons of layer `k` ask of the activations they read, one row for each, and the sum."""
        layer = self.layers[k]
        shown = sorted(_largest(layer.wished, MOST_COLUMNS))
        top = max((abs(row[i]) for row in (*layer.asked, layer.wished) for i in shown), default=0.0)
        power = max(-300, math.floor(math.log10(top))) if 0 < top < math.inf else 0
        rows: list[tuple] = [(f"neurons[{j}]", *(row[i] / 10.0 ** power for i in shown))
                             for j, row in enumerate(layer.asked)]
        rows = [rows[j] for j in sorted(_largest([n.delta for n in layer.neurons], MOST_COLUMNS))]
        rows.append(("sum", *(layer.wished[i] / 10.0 ** power for i in shown)))
        hidden = [f"{len(layer.inputs) - len(shown):,} more columns" * (len(layer.inputs) > len(shown)),
                  f"{len(layer.neurons) - len(rows) + 1:,} more rows" * (len(layer.neurons) >= len(rows))]
        before = f"layers[{k - 1}]" if k else "the inputs"
        remark = ", ".join(filter(None, hidden))
        return Table(f"What each neuron of {layer.name} asks of {before}: −δ × w, column by column"
                     + (f", in units of {10.0 ** power:g}" if power else ""),
                     {"": ""} | {f"{'a' if k else 'x'}[{i}]": "+.2f" for i in shown}, rows,
                     f"The sum is −∂C/∂a of {before}." + (f" Not shown: {remark}." if remark else ""))

    def recursion(self) -> Table:
        """δ of every layer from the layer after it."""
        rows: list[tuple] = []
        for layer in reversed(self.layers):
            rows += [(n.name, -n.wish, n.slope, n.delta, *self._agreement(n.agree_delta))
                     for n in (layer.neurons[j] for j in sorted(_largest([n.delta for n in layer.neurons], MOST_ROWS)))]
        averaged = "" if self.examples == 1 else "\nThese are averages; the product holds in each example."
        return Table("Backwards, layer by layer: δ = (Wᵀ δ of the layer after) × f′(z)",
                     {"neuron": "", "∂C/∂a = Wᵀ δ": "+~", "f′(z)": "~", "δ": "+~", **self._agree()}, rows,
                     f"At most {MOST_ROWS} of each layer, the largest. For the outputs, ∂C/∂a is the cost's own."
                     + averaged, "δ")

    def hebbian(self) -> Table:
        """The weights that most want to grow: from the most active neurons to those most wished to rise."""
        rows: list[tuple] = []
        for layer in reversed(self.layers):
            found = [(nudge, j, i) for j, n in enumerate(layer.neurons) for i, nudge in enumerate(n.weights)]
            for nudge, j, i in nlargest(3, (f for f in found if f[0] > 0), key=lambda f: f[0]):
                rows.append((f"{layer.neurons[j].name}.w[{i}]", nudge, layer.inputs[i], _rank(layer.inputs, i),
                             layer.neurons[j].bias, _rank([n.bias for n in layer.neurons], j)))
        remark = "From the most active to the most wished for: the strongest increase is where both are large."
        if self.examples > 1:
            remark += " (An average over examples: the same must hold in many of them.)"
        return Table("Who fires together wires together: the weights that most want to grow",
                     {"weight": "", "−∂C/∂w": "+~", "activation": "~", "rank": "", "wish −δ": "+~", "rank ": ""}, rows,
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
    >>> told = nudges(net, [1.0, 0.5], 1.0)
    >>> told.layers[1].asked == [told.layers[1].wished]             # one output asks, so the sum is what it asks
    True
    >>> print(told.wishes())
    What the cost wishes of the outputs (one example, cost 2.864)
    output                      a  nudge −∂C/∂a
    layers[1].neurons[0]  -0.6924        +3.385
    A nudge above 0: the output should rise.
    """
    passes = _passes(net, X, Y, cost)
    layers = []
    names = [f"x[{i}]" for i in range(len(passes[0].activations[0]))]
    for k, layer in enumerate(net.layers):
        read = list(zip(*(p.activations[k] for p in passes)))  # for every activation, one number an example
        neurons = []
        for j, neuron in enumerate(layer.neurons):
            a, slope, delta = (_mean([numbers[k][j] for numbers in column]) for column in (
                [p.activations[1:] for p in passes], [p.slopes for p in passes], [p.deltas for p in passes]))
            deltas, pulls = [p.deltas[k][j] for p in passes], [p.pulls[k + 1][j] for p in passes]
            grads, agree = [], []
            for activations in read:
                products = list(map(mul, deltas, activations))
                grads.append(_mean(products))
                agree.append(_agreeing(products, grads[-1]))
            w = [weight.data for weight in neuron.w]
            neurons.append(NeuronNudges(f"layers[{k}].neurons[{j}]", a, slope, delta, w, -_mean(pulls), -delta,
                                        [0.0 - grad for grad in grads], [0.0 - number * delta for number in w],
                                        _agreeing(pulls, _mean(pulls)), _agreeing(deltas, delta), agree))
        wished = [sum(column) for column in zip(*(n.previous for n in neurons))]
        layers.append(LayerNudges(f"layers[{k}]", names, list(map(_mean, read)), neurons, wished))
        names = [n.name for n in neurons]
    return Nudges(len(passes), _mean([p.cost for p in passes]), layers)


def _largest(numbers: Sequence[float], most: int) -> list[int]:
    """The places of the numbers that are largest in size, the largest first."""
    return nlargest(most, range(len(numbers)), key=lambda i: abs(numbers[i]))


def _rank(numbers: Sequence[float], i: int) -> str:
    return f"{1 + sum(number > numbers[i] for number in numbers)} of {len(numbers)}"


# Sensitivities

class Sensitivity(NamedTuple):
    """One weight or bias: its name, its value, and ∂C/∂w, whose size is the sensitivity."""

    name: str
    value: float
    gradient: float


class Wiggle(NamedTuple):
    """The proof: with `name` changed by h, the cost should change by h·∂C/∂w, nearly, and it did by `actual`."""

    name: str
    h: float
    predicted: float
    actual: float


@dataclass(repr=False)
class Sensitivities(Explanation):
    """All weights and biases, the most sensitive first, from `sensitivities`; `wiggles` prove the first of them."""

    ranked: list[Sensitivity]
    wiggles: list[Wiggle]
    examples: int
    cost: float

    def ratio(self, one: str, other: str) -> float:
        """How many times as sensitive the cost is to `one` as to `other`; both are names of parameters."""
        found = {s.name: abs(s.gradient) for s in self.ranked}
        for name in (one, other):
            if name not in found:
                raise ValueError(f"no parameter has the name {name!r}; names are such as {self.ranked[0].name}")
        return found[one] / found[other] if found[other] else math.inf if found[one] else math.nan

    def tables(self) -> list[Table]:
        counted = [s for s in self.ranked if s.gradient]
        if not counted:
            return [Table("The cost is sensitive to no weight and no bias here: every gradient is 0.", {"": ""}, [])]
        places = sorted({*range(min(10, len(counted))), len(counted) // 2, len(counted) - 1})
        top = abs(counted[0].gradient)
        rows = [(i + 1, s.name, s.value, s.gradient, f"{top / abs(s.gradient):,.4g}") for i, s in
                ((i, counted[i]) for i in places)]
        none = len(self.ranked) - len(counted)
        middle = counted[len(counted) // 2]
        remark = f"{counted[0].name} is {_times(top / abs(middle.gradient))} as sensitive as {middle.name}, the median."
        remark += " The last row is the last that counts at all."
        examples = "one example" if self.examples == 1 else f"the average over {self.examples} examples"
        ranking = Table(f"To which weights and biases is the cost most sensitive? ({examples}, cost {self.cost:.4g})",
                        {"rank": ",", "name": "", "value": "+~", "∂C/∂w": "+.4g", "times less": " "}, rows,
                        remark + (f" {none:,} have no influence here: their gradient is 0." if none else ""), "∂C/∂w")
        proof = Table(f"The proof: change one by h = {self.wiggles[0].h:g}, and look at the cost again",
                      {"name": "", "predicted h·∂C/∂w": "+.4e", "actual change of the cost": "+.4e"},
                      [(w.name, w.predicted, w.actual) for w in self.wiggles])
        return [ranking, proof]


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.1f}×"


def sensitivities(net: MLP, X: Any, Y: Any, cost: Cost = squared_error, *, h: float = 1e-3) -> Sensitivities:
    """All weights and biases ranked by |∂C/∂w|, and a proof by wiggling the first three by `h`.

    X and Y are one example or a batch, as for `nudges`. A gradient component of 3.2 against one of 0.1 means that the
    cost is 32 times as sensitive to the first: the film's reading of a gradient in 13,002 dimensions.

    >>> net = MLP(2, [2, 1], activation="tanh", seed=1)
    >>> told = sensitivities(net, [1.0, 0.5], 1.0)
    >>> told.ranked[0].name, round(told.ratio("layers[1].neurons[0].b", "layers[0].neurons[0].w[1]"), 1)
    ('layers[1].neurons[0].b', 12.5)
    """
    if not (isinstance(h, Real) and math.isfinite(h) and h):
        raise ValueError(f"h must be a finite number other than 0; got {h!r}")
    passes = _passes(net, X, Y, cost)
    Y = _targets(X, Y)
    found = []
    for k, layer in enumerate(net.layers):
        read = list(zip(*(p.activations[k] for p in passes)))
        for j, neuron in enumerate(layer.neurons):
            deltas = [p.deltas[k][j] for p in passes]
            for w, activations in zip(neuron.w, read):
                found.append((w, sum(map(mul, deltas, activations)) / len(passes), k, j))
            found.append((neuron.b, _mean(deltas), k, j))
    names = {value: name for name, value in net.named_parameters()}
    found.sort(key=lambda f: -abs(f[1]))
    wiggles = []
    before = _mean([p.cost for p in passes])
    for parameter, gradient, k, j in found[:3]:
        after = _wiggled(net, passes, Y, cost, parameter, float(h), k, j)
        wiggles.append(Wiggle(names[parameter], float(h), float(h) * gradient, after - before))
    ranked = [Sensitivity(names[parameter], parameter.data, gradient) for parameter, gradient, _, _ in found]
    return Sensitivities(ranked, wiggles, len(passes), before)


def _wiggled(net: MLP, passes: list[_Pass], Y: list[list[float]], cost: Cost, parameter: Value, h: float, k: int,
             j: int) -> float:
    """The average cost with one parameter, in neuron j of layer k, raised by h: forward again, from there on."""
    number = parameter.data
    try:
        parameter.data = number + h
        costs = []
        for p, y in zip(passes, Y):
            x: Any = list(p.activations[k + 1])
            x[j] = net.layers[k].neurons[j].trace(p.activations[k])[1]  # the other neurons do not see this parameter
            for layer in net.layers[k + 1:]:
                x = layer(x)
            outputs = [a if isinstance(a, Value) else Value(a) for a in x]
            costs.append(cost(outputs[0] if len(outputs) == 1 else outputs, y[0] if len(y) == 1 else y).data)
        return _mean(costs)
    finally:
        parameter.data = number


# Paths

class Path(NamedTuple):
    """One way from a leaf to the root: the values on it, the local derivative of each step, and their product.

    `which` says for each step as which operand of the next value, since `a + a` has two edges.
    """

    values: list[Value]
    which: list[int]
    locals: list[float]
    product: float


@dataclass(repr=False)
class Paths(Explanation):
    """All ways from `leaf` to `root`, from `paths`: their exact `count`, their `total`, and the `strongest`."""

    root: Value
    leaf: Value
    count: int
    total: float
    strongest: list[Path]

    def share(self, path: Path) -> float:
        """The share of one path in the gradient; NaN where the gradient is 0, since the paths cancel out."""
        return path.product / self.total if self.total else math.nan

    def tables(self) -> list[Table]:
        names = _names(self.root)
        rows: list[tuple] = [(f"{k}", _way(_stations([names[value] for value in path.values]), " → ", 7),
                              _way([f"{local:.4g}" for local in path.locals], " × ", 5) or "1", path.product,
                              f"{100 * self.share(path):.3g} %")
                             for k, path in enumerate(self.strongest, 1)]
        rest = self.count - len(self.strongest)
        if rest:
            others = self.total - sum(path.product for path in self.strongest)
            share = others / self.total if self.total else math.nan
            rows.append(("", f"{_counted(rest)} more", "", others, f"{100 * share:.3g} %"))
        rows.append(("", "sum", "", self.total, ""))
        c, leaf = names[self.root], names[self.leaf]
        ways = f"{_counted(self.count)} path{'s' * (self.count != 1)}"
        return [Table(f"∂{c}/∂{leaf}: {ways} from {leaf} to {c}",
                      {"": " ", "path": "", "local derivatives": "", "product": "+.6g", "share": " "}, rows,
                      "The gradient is the sum over all paths of the product of the local derivatives on the way.",
                      "product")]


def paths(root: Value, leaf: Value, top: int = 10) -> Paths:
    """Every path from `leaf` to `root`, counted exactly; the `top` strongest; and their sum, which is ∂root/∂leaf.

    Paths are never listed to be counted, added up, or ranked, so there may be as many as you like: their number is
    what a backward pass gives in which every local derivative is 1. ValueError if `root` was not made from `leaf`.

    >>> a = Value(3.0, "a"); b = a * a; b.label = "b"; c = b + a; c.label = "c"
    >>> paths(c, a)
    ∂c/∂a: 3 paths from a to c
       path       local derivatives  product   share
    1  a → b → c  3 × 1                   +3  42.9 %
    2  a → b → c  3 × 1                   +3  42.9 %
    3  a → c      1                       +1  14.3 %
       sum                                +7
    The gradient is the sum over all paths of the product of the local derivatives on the way.
    """
    for name, value in (("root", root), ("leaf", leaf)):
        if not isinstance(value, Value):
            raise TypeError(f"{name} must be a Value; got {type(value).__name__}")
    if not isinstance(top, int) or top < 0:
        raise ValueError(f"top must be a whole number, at least 0; got {top!r}")
    order = topological_order(root)
    ways: dict[Value, int] = {root: 1}
    grads: dict[Value, float] = {root: 1.0}
    for node in reversed(order):
        if node is leaf:
            break  # whatever was born before it, it was not made into
        many, upstream = ways.pop(node), grads.pop(node)  # all that reads the node is done
        for operand, local in zip(node.args, node.local_grads):
            ways[operand] = ways.get(operand, 0) + many
            grads[operand] = grads.get(operand, 0.0) + upstream * local
    else:
        raise ValueError(f"leaf, {leaf.label or repr(leaf)}, is not on the graph of root: root was not made from it")
    return Paths(root, leaf, ways[leaf], grads[leaf], _strongest(order, root, leaf, top))


class _Lead(NamedTuple):
    """One of the strongest paths to some node: its product, and the last step, from the path of that rank there."""

    product: float
    operand: Value | None
    which: int
    local: float
    rank: int


def _strongest(order: list[Value], root: Value, leaf: Value, top: int) -> list[Path]:
    """The `top` paths with the largest products in size: the best of a node are made of the best of its operands."""
    leads: dict[Value, list[_Lead]] = {leaf: [_Lead(1.0, None, 0, 1.0, 0)][:top]}
    for node in order:
        if node.born > leaf.born:
            found = [_Lead(local * lead.product, operand, which, local, rank)
                     for which, (operand, local) in enumerate(zip(node.args, node.local_grads))
                     for rank, lead in enumerate(leads.get(operand, ()))]
            if found:
                leads[node] = nlargest(top, found, key=lambda lead: abs(lead.product))
    paths = []
    for lead in leads.get(root, []):
        values, steps, product = [root], [], lead.product
        while lead.operand is not None:
            values.append(lead.operand)
            steps.append(lead)
            lead = leads[lead.operand][lead.rank]
        steps.reverse()
        paths.append(Path(values[::-1], [step.which for step in steps], [step.local for step in steps], product))
    return paths


def _names(root: Value) -> dict[Value, str]:
    """A name for every value: its label; the z or a of a neuron, known by the name of its bias; or else its number in
    topological order, as in the pictures, and its operation."""
    names: dict[Value, str] = {}
    for i, value in enumerate(topological_order(root)):
        first, last = (names[value.args[0]], value.args[-1].label) if value.args else ("", "")
        if value.label:
            names[value] = value.label
        elif value.op.symbol == "dot" and last.endswith("].b"):
            names[value] = f"{last[:-2]}.z"
        elif value.op.symbol in ACTIVATIONS and first.endswith("].z"):
            names[value] = f"{first[:-2]}.a"
        else:
            names[value] = f"n{i}" + (f":{value.op.symbol}" if value.args else f"={value.data:.4g}")
    return names


def _way(steps: list[str], between: str, most: int) -> str:
    steps = [_printable(step, 32) for step in steps]
    if len(steps) > most:
        half = most // 2
        steps = [*steps[:half], f"… {len(steps) - 2 * half:,} more …", *steps[-half:]]
    return between.join(steps)


def _stations(names: list[str]) -> list[str]:
    """The names on a path, where the z and a of a neuron are one station, and so is what a cost does to one output."""
    named = [name[:-2] if name.endswith(("].z", "].a")) else name for name in names]
    stations = [name for i, name in enumerate(named) if name not in named[i - 1:i]]
    neurons = [i for i, name in enumerate(stations) if name.endswith("]") and ".neurons[" in name]
    return stations[:neurons[-1] + 1] + stations[-1:] if neurons and neurons[-1] + 1 < len(stations) else stations


def _counted(count: int) -> str:
    return f"{count:,}" if count < 10 ** 21 else f"about 10^{math.log10(count):,.1f}"


# The ledger

class Entry(NamedTuple):
    """One line of the ledger: what one edge adds to the gradient of an operand, and what that has received so far.

    `wrong` says what is wrong with it; "" in the right order.
    """

    number: int
    result: Value
    operand: Value
    upstream: float
    local: float
    contribution: float
    total: float
    wrong: str


@dataclass(repr=False)
class Ledger(Explanation):
    """The backward pass from `root`, line by line, from `ledger`; `grads` is what each value holds at the end."""

    root: Value
    order: str
    entries: list[Entry]
    grads: dict[Value, float]
    right: dict[Value, float]

    def tables(self) -> list[Table]:
        names = _names(self.root)
        naive = self.order == "naive"
        rows: list[tuple] = [(e.number, f"{names[e.result]} = {_making(e.result, names)}", names[e.operand], e.upstream,
                              e.local, e.contribution, e.total, *((f"✗ {e.wrong}" if e.wrong else "",) * naive))
                             for e in self.entries]
        columns = {"": "d", "result": "", "to": "", "upstream": ".6g", "× local": ".6g", "= contribution": "+.6g",
                   "gradient so far": ".6g"}
        how = "by recursion, without topological order" if naive else "in reverse topological order"
        tables = [Table(f"The backward pass from {names[self.root]}, {how}", columns | ({"wrong": ""} if naive else {}),
                        rows, "", "= contribution")]
        if naive:
            off: list[tuple] = [(names[value], self.grads[value], self.right[value]) for value in reversed(self.right)
                                if not math.isclose(self.grads[value], self.right[value], rel_tol=1e-9, abs_tol=1e-12)]
            tables.append(Table("What comes out wrong", {"value": "", "gradient": ".6g", "should be": ".6g"}, off)
                          if off else Table("Here it comes out right: no result is used twice on the way.", {}, []))
        return tables


def ledger(root: Value, order: str = "topological") -> Ledger:
    """The backward pass as a numbered table: result, operand, upstream, local, contribution, running gradient.

    With `order="naive"`, what happens instead when a pass recurses from every result into its operands at once: where
    a result is used twice, it passes an unfinished gradient on, and later passes all of it on again.

    >>> a = Value(1.0, "a"); b = a + a; b.label = "b"; c = b + b; c.label = "c"
    >>> ledger(c)
    The backward pass from c, in reverse topological order
       result     to  upstream  × local  = contribution  gradient so far
    1  c = b + b  b          1        1              +1                1
    2  c = b + b  b          1        1              +1                2
    3  b = a + a  a          2        1              +2                2
    4  b = a + a  a          2        1              +2                4
    >>> naive = ledger(c, order="naive")
    >>> naive.grads[a], naive.right[a], [entry.number for entry in naive.entries if entry.wrong]
    (6.0, 4.0, [2, 3, 5, 6])
    """
    if not isinstance(root, Value):
        raise TypeError(f"root must be a Value; got {type(root).__name__}")
    if order not in ("topological", "naive"):
        raise ValueError(f'order must be "topological" or "naive"; got {order!r}')
    right = {root: 1.0}
    entries = []
    for number, step in enumerate(flow(root), 1):
        operand = step.result.args[step.which]
        right[operand] = step.total
        entries.append(Entry(number, step.result, operand, *step[2:], ""))
    if order == "topological":
        return Ledger(root, order, entries, right, right)
    return Ledger(root, order, *_recursed(root, right), right)


def _recursed(root: Value, right: dict[Value, float]) -> tuple[list[Entry], dict[Value, float]]:
    """What recursion without an order does, without recursion: visit(result) adds to an operand, then visits it."""
    visits: dict[Value, int] = {root: 1}
    for node in reversed(topological_order(root)):
        for operand in node.args:
            visits[operand] = visits.get(operand, 0) + visits[node]
    lines = sum(many * len(node.args) for node, many in visits.items())
    if lines > MOST_LEDGER:
        raise ValueError(f"without an order the backward pass would have {_counted(lines)} lines, since it walks again "
                         f"through all that lies behind a value used twice; the ledger shows at most {MOST_LEDGER:,}")
    grads = dict.fromkeys(right, 0.0) | {root: 1.0}
    entries: list[Entry] = []
    visited: set[Value] = set()
    stack = [(root, 0)]
    while stack:
        node, which = stack.pop()
        if which == len(node.args):
            visited.add(node)
            continue
        stack.append((node, which + 1))
        operand, local, upstream = node.args[which], node.local_grads[which], grads[node]
        grads[operand] += upstream * local
        wrong = "again: these steps were walked before" if node in visited else ""
        if not math.isclose(upstream, right[node], rel_tol=1e-9, abs_tol=1e-12):
            wrong = f"{_printable(node.label, 32) or 'it'} has {upstream:.4g} of its {right[node]:.4g} so far" \
                if not wrong else f"{wrong}, and with {upstream:.4g}, not {right[node]:.4g}"
        entries.append(Entry(len(entries) + 1, node, operand, upstream, local, upstream * local, grads[operand], wrong))
        stack.append((operand, 0))
    return entries, grads


def _making(node: Value, names: dict[Value, str]) -> str:
    operands = [_printable(names[arg], 32) for arg in node.args]
    symbol = node.op.symbol
    if len(operands) == 2 and symbol in "+-*/**":
        return f"{operands[0]} {symbol} {operands[1]}"
    if len(operands) == 1 and symbol.startswith("**"):
        return f"{operands[0]}{symbol}"
    if len(operands) > 4:
        operands[3:] = [f"… {len(operands) - 3:,} more"]
    return f"{symbol}({', '.join(operands)})"


# Checks

class GradcheckError(RuntimeError):
    """Gradients that disagree with finite differences; `table` has every one, analytic beside numeric."""

    def __init__(self, table: Table) -> None:
        super().__init__(str(table))
        self.table = table


def gradcheck(f: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3) -> bool:
    """True if the gradients of `f(*inputs)` agree with finite differences: off by at most atol + rtol·|numeric|.

    `inputs` are Values or plain numbers, `f` returns a Value or a list of Values. An input is moved by ±eps where it
    stands, so `f` may also find it elsewhere: `gradcheck(lambda *_: loss(net), net.parameters())`. All is put back.
    GradcheckError, with a table by name, if one disagrees. At a kink, such as relu at 0, there is no derivative to
    agree with; a warning names it. Names and defaults are those of `torch.autograd.gradcheck`.

    >>> gradcheck(lambda a, b: (a * b).tanh(), [0.5, -2.0])
    True
    """
    for name, number in (("eps", eps), ("atol", atol), ("rtol", rtol)):
        if not isinstance(number, Real) or not math.isfinite(number) or number < 0 or name == "eps" and not number:
            raise ValueError(f"eps must be above 0, atol and rtol at least 0, all finite; got {name}={number!r}")
    inputs = [inputs] if isinstance(inputs, (Value, Real)) else list(_listed("inputs", inputs))
    values = [v if isinstance(v, Value) else Value(v, f"inputs[{i}]") for i, v in enumerate(inputs)]
    roots = _outputs(f, values)
    again = _outputs(f, values)
    if [root.data for root in roots] != [root.data for root in again] and all(root.data == root.data for root in roots):
        raise ValueError("f returns other numbers when called again with the same inputs: seed its randomness inside f")
    rows: list[tuple] = []
    kinks: list[str] = []
    failed = 0
    analytic = [{root: 1.0} | {s.result.args[s.which]: s.total for s in flow(root)} for root in roots]
    for i, value in enumerate(values):
        higher, lower = _moved(f, values, value, eps), _moved(f, values, value, -eps)
        for k, (root, up, down, grads) in enumerate(zip(roots, higher, lower, analytic)):
            slope, numeric = grads.get(value, 0.0), (up.data - down.data) / (2 * eps)
            tolerance = atol + rtol * abs(numeric)
            name = (f"outputs[{k}] by " if len(roots) > 1 else "") + (value.label or f"inputs[{i}]")
            left, right = (root.data - down.data) / eps, (up.data - root.data) / eps
            right_enough = abs(slope - numeric) <= tolerance
            kink = _kink(down, root, up, math.sqrt(eps)) if not right_enough or abs(left - right) > tolerance else ""
            verdict = ""
            if kink:
                verdict = f"a kink, of {kink}"
                kinks.append(f"{name}: {verdict}")
            elif not right_enough:
                verdict = "✗ wrong"
                failed += 1
            rows.append((name, slope, numeric, abs(slope - numeric), verdict))
    if failed:
        raise GradcheckError(Table(
            f"{failed} of {len(rows)} gradients disagree with finite differences (eps={eps:g}, atol={atol:g}, "
            f"rtol={rtol:g})", {"input": "", "analytic": "+.6g", "numeric": "+.6g", "difference": ".2g", "": ""}, rows))
    if kinks:
        warnings.warn(f"not checked, for want of a derivative: {'; '.join(kinks[:5])}"
                      + (f"; and {len(kinks) - 5:,} more" if len(kinks) > 5 else ""), stacklevel=2)
    return True


def _outputs(f: Callable[..., Any], values: list[Value]) -> list[Value]:
    result = f(*values)
    outputs = list(result) if isinstance(result, (list, tuple)) else [result]
    for output in outputs:
        if not isinstance(output, Value):
            raise TypeError(f"f must return a Value or a list of Values; got {type(output).__name__}")
    return outputs


def _moved(f: Callable[..., Any], values: list[Value], value: Value, by: float) -> list[Value]:
    number = value.data
    try:
        value.data = number + by
        return [output if output.args else Value(output.data) for output in _outputs(f, values)]  # it may be an input
    finally:
        value.data = number


def _kink(down: Value, root: Value, up: Value, jump: float) -> str:
    """The first operation whose value or local derivative jumps between the three graphs; "" if none does.

    At the jump it may have any derivative between those of both sides. Several kinks in one place may add up to a
    gradient that no side has, as in relu(x) + minimum(0, x) at 0: right by every rule, and still not the slope.
    """
    orders = [topological_order(root) for root in (down, root, up)]
    if len({tuple(node.op.symbol for node in order) for order in orders}) > 1:
        return "f, which takes another branch"
    for nodes in zip(*orders):
        numbers = list(zip(*((node.data, *node.local_grads) for node in nodes))) if nodes[0].args else []
        if any(max(three) - min(three) > jump * (1 + min(map(abs, three))) for three in numbers):
            told = f"{nodes[1].op.symbol} at {', '.join(f'{arg.data:g}' for arg in nodes[1].args[:3])}"
            return told if all(min(a, c) - jump <= b <= max(a, c) + jump for a, b, c in numbers) else ""
    return ""


# Health

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
        rows = [(layer.name, layer.activation, _mean([abs(n.a) for n in layer.neurons]),
                 f"{100 * _mean([n.flat for n in layer.neurons]):.0f} %", layer.reach,
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
    X = _examples(net, X)
    activations: list = []  # example, layer, neuron
    slopes: list = []
    for x in X:
        traced = net.trace(x)
        for _, a in (pair for layer in traced for pair in layer):
            if not math.isfinite(a.data):
                return Health(len(X), [], first_not_finite(a))
        activations.append([[a.data for _, a in layer] for layer in traced])
        slopes.append([[1.0 if a is z else a.local_grads[0] for z, a in layer] for layer in traced])
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
    share = _mean(flat)
    problem = ""
    if kind == "relu":
        problem = "dead" if share == 1 else ""
    elif last:  # a trained output is meant to be at its ends; but not always at the same one
        middle = 0.5 if kind == "sigmoid" else 0.0
        problem = "saturated" if share == 1 and len({a > middle for a in activations}) == 1 < len(flat) else ""
    elif share >= MOSTLY:
        problem = "saturated"
    return NeuronHealth(name, _mean(activations), _mean(slopes), share, problem)


def _reach(net: MLP, slopes: list) -> list[float]:
    """Of every layer, the root mean square of ∂output/∂z over all outputs, its neurons, and the examples."""
    outputs = len(net.layers[-1].neurons)
    weights = [[[w.data for w in neuron.w] for neuron in layer.neurons] for layer in net.layers]
    squares = [0.0] * len(weights)
    for example in slopes:
        rows = [[float(j == k) for j in range(outputs)] for k in range(outputs)]  # ∂output k/∂a, of the last layer
        for k in reversed(range(len(weights))):
            rows = [[pull * slope for pull, slope in zip(row, example[k])] for row in rows]
            squares[k] += _mean([number * number for row in rows for number in row])
            rows = [_added_up(weights[k], row) for row in rows] if k else []
    return [math.sqrt(square / len(slopes)) for square in squares]
