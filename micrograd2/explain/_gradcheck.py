"""Gradcheck: gradients held against what the function does when an input is moved a little."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

from ..contributions import grads_of
from ..engine import Value, topological_order
from ..given import described, finite, function
from .table import Table

WRONG = "✗ wrong"


class GradcheckError(RuntimeError):
    """Gradients that disagree with finite differences; `table` has every one, analytic beside numeric."""

    def __init__(self, table: Table) -> None:
        super().__init__(str(table))
        self.table = table


def gradcheck(f: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3) -> bool:
    """True if the gradients of `f(*inputs)` agree with finite differences: off by at most atol + rtol·|numeric|.

    `inputs` are Values or plain numbers, `f` returns a Value or a list of Values. An input is moved by ±eps where it
    stands, so `f` may also find it elsewhere: `gradcheck(lambda *_: loss(net), net.parameters())`. All is put back.
    GradcheckError, with a table by name, if one disagrees; ValueError where ±eps is lost in the rounding of an input or
    a result. At a kink, such as relu at 0, there is no derivative to agree with; a warning names it. Names and defaults
    are those of `torch.autograd.gradcheck`.

    >>> gradcheck(lambda a, b: (a * b).tanh(), [0.5, -2.0])
    True
    """
    eps = finite("eps", eps, math.ulp(0.0), "a finite number above 0")
    atol, rtol = (finite(name, number, 0.0, "a finite number, at least 0") for name, number in
                  (("atol", atol), ("rtol", rtol)))
    inputs = [inputs] if isinstance(inputs, (Value, Real)) else _as_list(inputs)
    values = [v if isinstance(v, Value) else Value(v, f"inputs[{i}]") for i, v in enumerate(inputs)]
    function("f", f, len(values), of=f"the {len(values)} inputs")
    roots = _outputs(f, values)
    again = _outputs(f, values)
    if [root.data for root in roots] != [root.data for root in again] and all(root.data == root.data for root in roots):
        raise ValueError("f returns other numbers when called again with the same inputs: seed its randomness inside f")
    rows: list[tuple] = []
    analytic = [grads_of(root) for root in roots]
    for i, value in enumerate(values):
        name = value.label or f"inputs[{i}]"
        above, below = (value.data + eps) - value.data, value.data - (value.data - eps)  # as far as rounding lets it
        if not above or not below:
            raise ValueError(f"{name} is {value.data:g}, and does not move by eps={eps:g}: give a larger eps")
        higher, lower = _outputs_at(f, values, value, eps), _outputs_at(f, values, value, -eps)
        for k, (down, root, up, grads) in enumerate(zip(lower, roots, higher, analytic)):
            slope, numeric = grads.get(value, 0.0), (up.data - down.data) / (above + below)
            tolerance = atol + rtol * abs(numeric)
            verdict = _verdict(slope, down, root, up, (below, above), tolerance)
            lost = 16 * math.ulp(max(abs(up.data), abs(down.data))) / (above + below)  # by rounding, of `numeric`
            if verdict == WRONG and lost > tolerance:
                raise ValueError(f"the result is {root.data:g}, and rounding hides what moving {name} by eps={eps:g} "
                                 f"does: give a larger eps")
            rows.append((f"outputs[{k}] by {name}" if len(roots) > 1 else name, slope, numeric, abs(slope - numeric),
                         verdict))
    if failed := sum(verdict == WRONG for *_, verdict in rows):
        raise GradcheckError(Table(
            f"{failed} of {len(rows)} gradients disagree with finite differences (eps={eps:g}, atol={atol:g}, "
            f"rtol={rtol:g})", {"input": "", "analytic": "+.6g", "numeric": "+.6g", "difference": ".2g", "": ""}, rows))
    if kinks := [f"{name}: {verdict}" for name, *_, verdict in rows if verdict]:
        warnings.warn(f"not checked, for want of a derivative: {'; '.join(kinks[:5])}"
                      + (f"; and {len(kinks) - 5:,} more" if len(kinks) > 5 else ""), stacklevel=2)
    return True


def _as_list(inputs: Any) -> list[Any]:
    several = hasattr(inputs, "__len__") and hasattr(inputs, "__getitem__") and getattr(inputs, "shape", None) != ()
    if not several or isinstance(inputs, (str, bytes, dict)):
        raise TypeError(f"inputs must be a list or an array of Values or numbers; got {described(inputs)}")
    if not len(inputs):
        raise ValueError(f"inputs must be at least one; got {described(inputs)}")
    return list(inputs)


def _outputs(f: Callable[..., Any], values: list[Value]) -> list[Value]:
    result = f(*values)
    outputs = list(result) if isinstance(result, (list, tuple)) else [result]
    for output in outputs:
        if not isinstance(output, Value):
            raise TypeError(f"f must return a Value or a list of Values; got {type(output).__name__}")
    return outputs


def _outputs_at(f: Callable[..., Any], values: list[Value], value: Value, by: float) -> list[Value]:
    number = value.data
    try:
        value.data = number + by
        outputs = _outputs(f, values)
        return [Value(output.data) if any(output is v for v in values) else output for output in outputs]
    finally:
        value.data = number


def _verdict(slope: float, down: Value, root: Value, up: Value, moved: tuple[float, float], tolerance: float) -> str:
    """What is wrong with a slope, between results with the input moved down, not, and up: "" if nothing is."""
    below, above = moved
    left, right = (root.data - down.data) / below, (up.data - root.data) / above
    agrees = abs(slope - (up.data - down.data) / (below + above)) <= tolerance
    if not agrees or abs(left - right) > tolerance:
        if kink := _kink(down, root, up, math.sqrt(max(moved))):
            return f"a kink, of {kink}"
    return "" if agrees else WRONG


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
            kink = f"{nodes[1].op.symbol} at {', '.join(f'{arg.data:g}' for arg in nodes[1].args[:3])}"
            return kink if all(min(a, c) - jump <= b <= max(a, c) + jump for a, b, c in numbers) else ""
    return ""
