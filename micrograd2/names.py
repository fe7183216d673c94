"""Names: what a value is called where its user gave it no label.

An explanation must call it something, and so must any page or picture that speaks of it.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter

from .engine import DOT, Power, Value, parts, topological_order
from .nn import ACTIVATIONS
from .shown import printable

SHORT = 22  # letters of a name that says how a value was made


def names_of(root: Value) -> dict[Value, str]:
    """A name for every value behind `root`, and `root`: its label; else which neuron's z or a it is; else how it was
    made, with the names of its operands; or, where that is long, its number in topological order and its operation.

    >>> a = Value(2.0, "a")
    >>> list(names_of((a * a + 1).tanh()).values())
    ['a', 'a × a', 'n2=1', '(a × a) + n2=1', 'tanh((a × a) + n2=1)']
    """
    order = topological_order(root)
    of_neurons = _sums_and_activations(order)
    names: dict[Value, str] = {}
    for i, value in enumerate(order):
        if value.label or value in of_neurons:
            names[value] = value.label or of_neurons[value]
        elif not value.args:
            names[value] = f"n{i}={value.data:.4g}"
        else:
            made = making(value, names)
            names[value] = made if len(made) <= SHORT else f"n{i}:{value.op.symbol}"
    return names


def _sums_and_activations(order: list[Value]) -> dict[Value, str]:
    """The z and the a of every neuron that is known by its bias: `layers[0].neurons[3].b`.

    An activation, which may be made of several operations, is what another neuron reads, or the one known operation
    that reads a z.
    """
    biases = {value: value.args[-1].label for value in order if value.op is DOT}
    sums = {z: label.removesuffix(".b") for z, label in biases.items() if label.endswith("].b")}
    read = {operand for z in sums for operand in parts(z.args)[1]}
    readers = Counter(operand for value in order for operand in value.args)
    neuron: dict[Value, str] = {}  # that a value was made in, behind its z
    found: dict[Value, str] = {}
    for value in order:
        made_last = max((operand for operand in value.args if operand.args), key=attrgetter("born"), default=value)
        neuron[value] = sums.get(value) or neuron.get(made_last, "")
        reads_z_alone = value.op.symbol in ACTIVATIONS and made_last in sums and readers[made_last] == 1
        if value in sums:
            found[value] = f"{neuron[value]}.z"
        elif neuron[value] and (value in read or reads_z_alone):
            found[value] = f"{neuron[value]}.a"
    return found


def making(node: Value, names: dict[Value, str]) -> str:
    """How a value was made, with the names of its operands."""
    operands = [printable(names[arg], 32) for arg in node.args]
    symbol = node.op.sign if node.op.symbol in "+-*/" else node.op.symbol
    inner = [f"({name})" if " " in name else name for name in operands]
    if len(operands) == 2 and symbol in "+−×/**":
        return f"{inner[0]} {symbol} {inner[1]}"
    if isinstance(node.op, Power):
        return inner[0] + node.op.sign.removeprefix("x")
    if len(operands) > 4:
        operands[3:] = [f"… {len(operands) - 3:,} more"]
    return f"{symbol}({', '.join(operands)})"
