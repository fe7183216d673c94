"""The cost of one example: how far the outputs are from what they should be, as one Value.

Each is an ordinary scalar function of a network's outputs and the targets; the loss is their average over a batch.
`outputs` is what the network returned: a list of Values, or the one Value of a network with one output. None of these
looks at their numbers; each only records arithmetic on them. Targets that are plain numbers are looked at: a cost that
means nothing for them is a ValueError. Those that are Values, as in a function that is compiled, are not.

Left out: averaging over a batch (see `train`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple, Union

from .engine import Number, Value, dot, logsumexp, total
from .given import described

Numbers = Union[Number, Iterable[Number]]


def squared_error(outputs: Numbers, targets: Numbers) -> Value:
    """C = Σ (a − y)²: the sum of the squared differences, as in 3Blue1Brown's films on neural networks.

    >>> squared_error([Value(0.5), Value(1.0)], [0.0, 1.0])
    Value(data=0.25, grad=0.0)
    """
    return total((a - y) ** 2 for a, y in _pairs(outputs, targets))


def cross_entropy(scores: Numbers, targets: Numbers) -> Value:
    """C = log Σ exp(sᵢ − s), with the right answer's score s = Σ yᵢ sᵢ: minus the log of its softmax probability.

    `targets` are shares that add up to 1, one for each of at least two scores: one-hot, or smoothed. The gradient is as
    simple as can be: ∂C/∂sᵢ = softmaxᵢ − yᵢ.

    >>> cross_entropy([Value(0.0), Value(0.0)], [0.0, 1.0])          # two equal scores: log 2
    Value(data=0.6931471805599453, grad=0.0)
    """
    given = _row("targets", targets)
    pairs = _pairs(scores, given, "scores")
    if len(pairs) < 2:
        raise ValueError(f"cross_entropy needs at least two scores, one for each class; got {len(pairs)}: of a single "
                         f"output take the max_margin, with targets -1 or 1")
    s, y = [s for s, _ in pairs], [y for _, y in pairs]
    SHARES.check("targets", given, [target.data for target in y])
    right = dot(y, s, 0.0)
    return logsumexp([score - right for score in s])  # subtracted first, so that large scores do not cancel


def max_margin(score: Number, target: Number) -> Value:
    """C = max(0, 1 − y·s) for a score s and a target y = ±1: nothing once the score is beyond 1 on the right side.

    >>> max_margin(Value(0.25), -1.0)
    Value(data=1.25, grad=0.0)
    """
    if not isinstance(score, Value):
        raise TypeError(f"max_margin takes the one Value of a network with one output; got {type(score).__name__}")
    y = _lifted("target", target)
    SIGN.check("target", [target], [y.data])
    return (1 - y * score).relu()


class Meaning(NamedTuple):
    """What targets mean to a cost, in `words`, and how far `off` that a row of them is.

    `off` is arithmetic, 0 where they are right; it serves a row of numbers, and the columns of an array at once.
    """

    off: Callable[[Any], Any]
    words: str

    def check(self, name: str, given: Sequence[Any], row: Sequence[float]) -> None:
        """ValueError if what was `given` is plain numbers, this `row`, and wrong. A NaN passes: it is never hidden."""
        if not any(isinstance(y, Value) for y in given) and self.off(row) > ROUNDING:
            raise ValueError(f"{name} must be {self.words}; got {described(given[0] if len(given) == 1 else given)}")


ROUNDING = 1e-6
SHARES = Meaning(lambda ys: abs(sum(ys) - 1) + abs(sum(map(abs, ys)) - 1),
                 "shares from 0 that add up to 1, such as one_hot(labels, n)")
SIGN = Meaning(lambda ys: sum(abs(abs(y) - 1) for y in ys), "-1 or 1")


def check_targets(cost: Callable[..., Any], Y: Any) -> None:
    """ValueError, with the first wrong row, unless all targets Y, an array (N, targets), mean something to this cost.

    >>> import numpy as np
    >>> check_targets(max_margin, np.array([[1.0], [0.0]]))
    Traceback (most recent call last):
    ValueError: Y[1] must be -1 or 1; got 0.0 (float)
    """
    meaning = SHARES if cost is cross_entropy else SIGN if cost is max_margin else None
    if meaning is not None:
        for i in (meaning.off(Y.T.astype(float)) > ROUNDING).nonzero()[0][:1].tolist():
            meaning.check(f"Y[{i}]", Y[i].tolist(), Y[i].tolist())


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
    a, y = ([_lifted(name, number) for number in _row(name, given)]
            for name, given in ((of, outputs), ("targets", targets)))
    if len(a) != len(y):
        raise ValueError(f"one target for each output; got {len(a)} outputs and {len(y)} targets "
                         f"(one_hot turns labels into targets)")
    return list(zip(a, y))


def _row(name: str, given: Any) -> list[Any]:
    if isinstance(given, (str, bytes, bytearray, Mapping, Set)):
        raise TypeError(f"{name} must be Values and real numbers in a list, or one of them; got {described(given)}")
    several = isinstance(given, Iterable) and getattr(given, "shape", None) != ()
    return list(given) if several else [given]


def _lifted(name: str, given: Any) -> Value:
    """What is given, as a Value; TypeError, by name, for what is neither."""
    try:
        return given if isinstance(given, Value) else Value(given)
    except TypeError as error:
        raise TypeError(f"{name} must be Values and real numbers: {error}") from None
