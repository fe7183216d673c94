"""Sensitivities: to which weights and biases the cost is most sensitive, and a proof by changing them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..backprop import Cost, passes
from ..costs import squared_error
from ..given import described, finite
from ..nn import MLP
from .table import Explanation, Table, examples_text
from ._nudges import averages_of


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
        for which, name in (("one", one), ("other", other)):
            if not isinstance(name, str) or name not in found:
                raise ValueError(f"{which} must be the name of a parameter, such as {self.ranked[0].name}; got "
                                 f"{described(name)}")
        if not found[other]:
            return math.inf if found[one] else math.nan
        return found[one] / found[other]

    def tables(self) -> list[Table]:
        nonzero = [s for s in self.ranked if s.gradient]
        if not nonzero:
            return [Table("The cost is sensitive to no weight and no bias here: every gradient is 0.", {"": ""}, [])]
        strongest, median, zeros = nonzero[0], nonzero[len(nonzero) // 2], len(self.ranked) - len(nonzero)
        top = abs(strongest.gradient)
        rows: list[tuple] = []
        for i in sorted({*range(min(10, len(nonzero))), len(nonzero) // 2, len(nonzero) - 1}):
            s = nonzero[i]
            rows.append((i + 1, s.name, s.value, s.gradient, f"{top / abs(s.gradient):,.4g}"))
        remark = f"{strongest.name} is {_times(top / abs(median.gradient))} as sensitive as {median.name}, the median."
        remark += " The last row is the last that counts at all."
        remark += f" {zeros:,} have no influence here: their gradient is 0." if zeros else ""
        ranking = Table(f"To which weights and biases is the cost most sensitive? ({examples_text(self.examples)}, "
                        f"cost {self.cost:.4g})",
                        {"rank": ",", "name": "", "value": "+~", "∂C/∂w": "+.4g", "times less": " "}, rows, remark,
                        "∂C/∂w")
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
    >>> found = sensitivities(net, [1.0, 0.5], 1.0)
    >>> found.ranked[0].name, round(found.ratio("layers[1].neurons[0].b", "layers[0].neurons[0].w[1]"), 1)
    ('layers[1].neurons[0].b', 12.5)
    """
    h = finite("h", h, wanted="a finite number other than 0")
    if not h:
        raise ValueError("h must be a finite number other than 0; got 0")
    average = averages_of(net, X, Y, cost)
    named = dict(net.named_parameters())
    ranked = [Sensitivity(name, p.data, grad) for (name, p), grad in zip(named.items(), average.gradient.mean)]
    ranked.sort(key=lambda s: -abs(s.gradient))
    wiggles = []
    for s in ranked[:3]:
        parameter = named[s.name]
        try:
            parameter.data = s.value + h
            costs = [one.cost.data for one in passes(net, X, Y, cost) if one.cost is not None]
        finally:
            parameter.data = s.value
        wiggles.append(Wiggle(s.name, h, h * s.gradient, sum(costs) / len(costs) - average.cost.mean[0]))
    return Sensitivities(ranked, wiggles, average.examples, average.cost.mean[0])
