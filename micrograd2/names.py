"""Names: what a value is called where its user gave it no label.

An explanation must call it something, and so must any page or picture that speaks of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from .engine import DOT, Power, Value, parts, topological_order
from .nn import ACTIVATIONS
from .shown import printable

SHORT = 22  # letters of a name that says how a value was made


def names_of(root: Value) -> dict[Value, str]:
    """A name for every value behind `root`, and `root`: its label; else which neuron's z or a it is; else how it was
    made, with the names of its operands; or, where that is long, its number in topological order and its operation.

    No two have one name, unless they have one label: a name that is taken gets the number before it.

    >>> a = Value(2.0, "a")
    >>> list(names_of((a * a + 1).tanh()).values())
    ['a', 'a × a', 'n2=1', '(a × a) + n2=1', 'tanh((a × a) + n2=1)']
    """
    order = topological_order(root)
    of_neurons = _sums_and_activations(order)
    names: dict[Value, str] = {}
    taken = {value.label for value in order}
    for i, value in enumerate(order):
        if value.label:
            names[value] = value.label
            continue
        if value in of_neurons:
            name = of_neurons[value]
        elif not value.args:
            name = f"n{i}={value.data:.4g}"
        else:
            made = making(value, names)
            name = made if len(made) <= SHORT else f"n{i}:{value.op.symbol}"
        while name in taken:
            name = f"n{i}:{name}"
        names[value] = name
        taken.add(name)
    return names


def _sums_and_activations(order: list[Value]) -> dict[Value, str]:
    """The z and the a of every neuron that has a name; where it ran before, as for a batch, with the number of z."""
    found: dict[Value, str] = {}
    number = {value: i for i, value in enumerate(order)}
    taken: set[str] = set()
    for z, made in activations(order).items():
        neuron = neuron_of(z)
        if neuron.endswith("]"):
            neuron = f"n{number[z]}:{neuron}" if neuron in taken else neuron
            taken.add(neuron)
            found |= {made[-1]: f"{neuron}.a", z: f"{neuron}.z"}     # of a linear neuron one value: its z
    return found


def is_parameter(value: Value) -> bool:
    """A labelled leaf, as weights and biases are."""
    return bool(value.label) and not value.args


def _only_parameters(weights: Sequence[Value]) -> bool:
    return bool(weights) and all(map(is_parameter, weights))


def neuron_of(z: Value) -> str:
    """Whose weights a weighted sum has, such as `layers[0].neurons[3]`; "" if they are not of one neuron."""
    weights, _, _ = parts(z.args)
    name = weights[0].label.rpartition(".w[")[0]
    return name if all(w.label.startswith(f"{name}.w[") for w in weights) else ""


def activations(order: Sequence[Value]) -> dict[Value, list[Value]]:
    """For every weighted sum z of parameters, what is made of it alone, operands first, from z to the activation; only
    z where that is not known.

    An activation, which may be made of several operations, and constants born for them, is what another neuron reads;
    where none does, the one known operation that reads z.

    >>> from micrograd2 import dot
    >>> z = dot([Value(2.0, "w")], [3.0])
    >>> cost = (z.tanh() - 1) ** 2
    >>> [value.op.symbol for value in activations(topological_order(cost))[z]]
    ['dot', 'tanh']
    """
    sums = [z for z in order if z.op is DOT and _only_parameters(parts(z.args)[0])]
    read = {x for z in sums for x in parts(z.args)[1]}
    made, source = {z: [z] for z in sums}, {z: z for z in sums}     # source: the z that a value is made of alone
    for value in order:
        sources = {source.get(operand) for operand in value.args if operand.args}
        z = sources.pop() if len(sources) == 1 and value not in source else None
        constants = [operand for operand in value.args if not operand.args]
        if z is not None and all(leaf.born > z.born and not leaf.label and leaf not in read for leaf in constants):
            source[value] = z
            made[z] += [*constants, value]
    readers = Counter(operand for value in order for operand in value.args)
    for z, values in made.items():
        ends = [value for value in values[1:] if value in read] or [
            value for value in values if value.op.symbol in ACTIVATIONS and value.args == (z,) and readers[z] == 1]
        made[z] = values[:values.index(ends[0]) + 1] if len(ends) == 1 else [z]
    return made


def making(node: Value, names: dict[Value, str]) -> str:
    """How a value was made, with the names of its operands."""
    operands = [printable(names[arg], 32) for arg in node.args]
    symbol = node.op.sign if node.op.symbol in "+-*/" else node.op.symbol
    inner = [f"({name})" if " " in name else name for name in operands]
    if len(operands) == 2 and symbol in "+−×/**":
        return f"{inner[0]} {symbol} {inner[1]}"
    if isinstance(node.op, Power):
        is_word = re.sub(r"[.[\]]", "", operands[0]).isidentifier()  # and not −3, whose square −3² is not
        return (operands[0] if is_word else f"({operands[0]})") + node.op.sign.removeprefix("x")
    if len(operands) > 4:
        operands[3:] = [f"… {len(operands) - 3:,} more"]
    return f"{symbol}({', '.join(operands)})"
