"""The cost of one example: how far the outputs are from what they should be, as one Value.

Each is an ordinary scalar function of a network's outputs and the targets; the loss is their average over a batch.
`outputs` is what the network returned: a list of Values, or the one Value of a network with one output. None of these
looks at the numbers; each only records arithmetic on them.

Left out: averaging over a batch (see `train`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Union

from .engine import Number, Value, dot, logsumexp, total
from .given import described

Numbers = Union[Number, Iterable[Number]]


def squared_error(outputs: Numbers, targets: Numbers) -> Value:
    """C = Σ (a − y)²: the sum of the squared differences, the cost of the films.

    >>> squared_error([Value(0.5), Value(1.0)], [0.0, 1.0])
    Value(data=0.25, grad=0.0)
    """
    return total((a - y) ** 2 for a, y in _pairs(outputs, targets))


def cross_entropy(scores: Numbers, targets: Numbers) -> Value:
    """C = log Σ exp(sᵢ − s), with the right answer's score s = Σ yᵢ sᵢ: minus the log of its softmax probability.

    `targets` is one-hot. The gradient is as simple as can be: ∂C/∂sᵢ = softmaxᵢ − yᵢ.

    >>> cross_entropy([Value(0.0), Value(0.0)], [0.0, 1.0])          # two equal scores: log 2
    Value(data=0.6931471805599453, grad=0.0)
    """
    pairs = _pairs(scores, targets, "scores")
    s, y = [s for s, _ in pairs], [y for _, y in pairs]
    right = dot(y, s, 0.0)
    return logsumexp([score - right for score in s])  # subtracted first, so that large scores do not cancel


def max_margin(score: Number, target: Number) -> Value:
    """C = max(0, 1 − y·s) for a score s and a target y = ±1: nothing once the score is beyond 1 on the right side.

    >>> max_margin(Value(0.25), -1.0)
    Value(data=1.25, grad=0.0)
    """
    if not isinstance(score, Value):
        raise TypeError(f"max_margin takes the one Value of a network with one output; got {type(score).__name__}")
    return (1 - _number("target", target) * score).relu()


def example_cost(net: Callable[..., Any], x: Sequence[Number], y: Sequence[Number], cost: Callable[..., Any]) -> Value:
    """`cost(net(x), y)` for one example: the target itself where `y` has only one.

    TypeError for a cost that is no function, or returns anything but one Value.

    >>> example_cost(lambda x: Value(x[0]), [3.0], [1.0], squared_error)
    Value(data=4.0, grad=0.0)
    """
    if not callable(cost):
        raise TypeError(f"cost must be a function of outputs and targets, such as squared_error; got {cost!r}")
    result = cost(net(x), y[0] if len(y) == 1 else y)
    if not isinstance(result, Value):
        raise TypeError(f"the cost of one example must be one Value; got {type(result).__name__}")
    return result


def _pairs(outputs: Numbers, targets: Numbers, of: str = "outputs") -> list[tuple[Value, Value]]:
    a, y = _numbers(of, outputs), _numbers("targets", targets)
    if len(a) != len(y):
        raise ValueError(f"one target for each output; got {len(a)} outputs and {len(y)} targets "
                         f"(one_hot turns labels into targets)")
    return list(zip(a, y))


def _numbers(name: str, given: Any) -> list[Value]:
    if isinstance(given, (str, bytes, bytearray, Mapping, Set)):
        raise TypeError(f"{name} must be Values and real numbers in a list, or one of them; got {described(given)}")
    several = isinstance(given, Iterable) and getattr(given, "shape", None) != ()
    return [_number(name, number) for number in (given if several else [given])]


def _number(name: str, given: Any) -> Value:
    """What is given, as a Value; TypeError, by name, for what is neither."""
    try:
        return given if isinstance(given, Value) else Value(given)
    except TypeError as error:
        raise TypeError(f"{name} must be Values and real numbers: {error}") from None
