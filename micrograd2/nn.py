"""The network: neurons, layers, and the multilayer perceptron.

A neuron is one weighted sum and a squashing: `z = w · x + b`, then its activation `a = f(z)`. A layer is neurons that
read the same inputs; a network (`MLP`) is layers that read one another. For the digits of 3Blue1Brown's films on neural
networks, 784-16-16-10:

>>> net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=0)
>>> len(net.parameters())
13002

Every parameter is a Value, named by where it stands: `layers[2].neurons[3].w[7]`.

Left out: costs (see `costs`), training (see `train`), pictures (see `draw`).
"""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple, Union

from . import arrays
from .engine import Number, Value, dot, maximum
from .files import write_whole
from .given import MOST, described, place, whole

Kind = Union[str, Callable[[Value], Value]]  # an activation: its name in the table, or a function


class Activation(NamedTuple):
    """One row of the table of activations: the function f of one Value, and how widely initial weights are drawn.

    `gain`: weights get variance gain / nin, so that z keeps its size from layer to layer; 2 for a function that gives
    about 0 for half of its inputs (He et al., 2015), else 1.
    """

    f: Callable[[Value], Value]
    gain: float = 1.0

    def __call__(self, z: Value) -> Value:
        return self.f(z)


def _gelu(z: Value) -> Value:
    """z·Φ(z), with the normal distribution Φ(z) = σ(√(8/π)·(z + 0.044715·z³)), nearly (Hendrycks and Gimpel, 2016)."""
    return z * (math.sqrt(8 / math.pi) * (z + 0.044715 * z * z * z)).sigmoid()


ACTIVATIONS: dict[str, Any] = {
    "linear": Activation(lambda z: z),
    "relu": Activation(Value.relu, gain=2.0),
    "tanh": Activation(Value.tanh),
    "sigmoid": Activation(Value.sigmoid),
    "leaky_relu": Activation(lambda z: maximum(z, 0.01 * z), gain=2.0),
    "gelu": Activation(_gelu, gain=2.0),
    "softplus": Activation(Value.softplus, gain=2.0),
}


def _check_named(name: Any, where: str = "") -> None:
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"{where}unknown activation {name!r:.60}; known: {', '.join(ACTIVATIONS)}")


def _function(activation: Any, where: str = "") -> Callable[[Value], Value]:
    """The function of a name in the table, or the function of one Value itself; ValueError for anything else."""
    if callable(activation) and not isinstance(activation, type):
        return activation
    _check_named(activation, where)
    return ACTIVATIONS[activation]


def _shown(activation: Any) -> str:
    if isinstance(activation, list):
        return f"[{', '.join(map(_shown, activation))}]"
    return repr(activation) if isinstance(activation, str) else getattr(activation, "__name__", repr(activation))


def _check_recorded(a: Any, f: Callable[[Value], Value]) -> None:
    """TypeError unless an activation is a Value: at a plain number the record ends, and no gradient passes."""
    if not isinstance(a, Value):
        name = getattr(f, "__name__", "")
        instead = f"z.{name}()" if hasattr(Value, name) else "arithmetic with z"
        raise TypeError(f"an activation must return a Value; {_shown(f)} returned {described(a)}: write lambda z: "
                        f"{instead}")


def _listed(given: Any) -> list[Any] | None:
    """What a list, an array, a generator or the like holds; None for what holds nothing, or not in an order of ours."""
    if isinstance(given, (str, bytes, bytearray, Mapping, Set)):
        return None
    try:
        row = iter(given)
    except TypeError:
        return None
    return list(row)


def _inputs(x: Iterable[Number], n: int) -> list[Number]:
    """`x` as a list of `n` inputs; TypeError or ValueError if it is not that. `Value` checks their type."""
    given = x if isinstance(x, list) else _listed(x)
    if given is None:
        raise TypeError(f"expected a list of {n} inputs; got {x!r:.60} ({type(x).__name__})")
    if len(given) != n:
        rows = given and hasattr(given[0], "__len__")
        raise ValueError(f"expected {n} inputs; got {len(given)}"
                         f"{', of one example at a time: [net(x) for x in X]' if rows else ''}")
    return given


class Module:
    """Anything with parameters: its attributes that are Values, Modules, or lists, tuples or dictionaries of these.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.shift = Value(2.0), Value(1.0)
    >>> Line().named_parameters()
    [('slope', Value(data=2.0, grad=0.0)), ('shift', Value(data=1.0, grad=0.0))]
    """

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Every parameter with its name, in the order of the attributes; a shared parameter is listed once.

        TypeError for a set of parameters, which has no order.
        """
        names: dict[Value, str] = {}
        for name, thing in _reached(self):
            if isinstance(thing, Value):
                names.setdefault(thing, name)
        return [(name, value) for value, name in names.items()]

    def parameters(self) -> list[Value]:
        """Every parameter, in the order of `named_parameters`."""
        return [value for _, value in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0, before a `backward` that should not add to an earlier one."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def _label_parameters(self) -> None:
        for name, value in self.named_parameters():
            value.label = name


def _reached(net: Module) -> Iterator[tuple[str, Any]]:
    """All that a Module holds, by name, in order; each thing is looked into once, as it may hold itself."""
    seen: dict[int, Any] = {}  # by id, and kept, so that nothing else gets the id meanwhile
    ahead: list[tuple[str, Any]] = [("", net)]  # a stack, so that no depth is too much
    while ahead:
        name, thing = ahead.pop()
        yield name, thing
        if not isinstance(thing, Value) and id(thing) not in seen:
            seen[id(thing)] = thing
            ahead += reversed(_parts(name, thing))


def _parts(name: str, thing: Any) -> list[tuple[str, Any]]:
    if isinstance(thing, Module):
        dot = "." if name else ""
        return [(f"{name}{dot}{attribute}", part) for attribute, part in vars(thing).items()]
    if isinstance(thing, (list, tuple)):
        return [(f"{name}[{i}]", part) for i, part in enumerate(thing)]
    if isinstance(thing, Mapping):
        return [(f"{name}[{key!r}]", part) for key, part in thing.items()]
    if isinstance(thing, Set) and any(isinstance(part, (Value, Module)) for part in thing):
        raise TypeError(f"{name} is a set of parameters, which has no order: write a list")
    return []


class Neuron(Module):
    """One neuron: weights `w`, a bias `b`, and an activation, a name in `ACTIVATIONS` or a function of one Value.

    The weights are drawn from a normal distribution of mean 0 and standard deviation √(gain/nin), with the gain of the
    activation's row (1 for a function), so that z keeps its size whatever the number of inputs; the bias is 0. `rng` is
    where the random numbers come from; without it, from Python's `random`, so that `random.seed` decides.

    >>> neuron = Neuron(2, "tanh")
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    >>> print(f"{neuron([1.0, 2.0]):.4f}")           # tanh(2 − 2 + 0.5)
    0.4621
    """

    def __init__(self, nin: int, activation: Kind = "relu", rng: Any = random) -> None:
        nin = whole("nin", nin, 1, MOST)
        gain = getattr(_function(activation), "gain", 1.0)
        if not callable(getattr(rng, "gauss", None)):
            raise TypeError(f"rng must have a method gauss(mean, deviation), as random.Random(seed) has; got {rng!r}")
        spread = math.sqrt(gain / nin)
        self.w: list[Value] = [Value(rng.gauss(0.0, spread)) for _ in range(nin)]
        self.b = Value(0.0)
        self.activation = activation
        self._label_parameters()

    def trace(self, x: Iterable[Number]) -> tuple[Value, Value]:
        """The weighted sum z and the activation a for the inputs `x`, one for each weight (else a ValueError)."""
        z = dot(self.w, _inputs(x, len(self.w)), self.b)
        f = self.activation
        if not callable(f):
            f = ACTIVATIONS[f] if f in ACTIVATIONS else _function(f)
        a = f(z)
        if a.__class__ is not Value:
            _check_recorded(a, f)
        return z, a

    def __call__(self, x: Iterable[Number]) -> Value:
        return self.trace(x)[1]

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {_shown(self.activation)})"


class Layer(Module):
    """`nout` neurons that read the same `nin` inputs. Called with inputs, it returns a list of `nout` Values.

    >>> [a.data for a in Layer(3, 2, "relu")([0.0, 0.0, 0.0])]
    [0.0, 0.0]
    """

    def __init__(self, nin: int, nout: int, activation: Kind = "relu", rng: Any = random) -> None:
        nout = whole("nout", nout, 1, MOST)
        self.neurons: list[Neuron] = [Neuron(nin, activation, rng) for _ in range(nout)]
        self._label_parameters()

    def trace(self, x: Iterable[Number]) -> list[tuple[Value, Value]]:
        """The pair (z, a) of every neuron. Plain inputs become leaves, once, that all neurons share."""
        inputs = _inputs(x, len(self.neurons[0].w))
        leaves = [number if isinstance(number, Value) else Value(number) for number in inputs]
        return [neuron.trace(leaves) for neuron in self.neurons]

    def __call__(self, x: Iterable[Number]) -> list[Value]:
        return [a for _, a in self.trace(x)]

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].w)}, {len(self.neurons)}, {_shown(self._activation())})"

    def _activation(self) -> Kind | list[Kind]:
        """The one of all neurons, or a list of them where they differ."""
        names = [neuron.activation for neuron in self.neurons]
        return names[0] if names.count(names[0]) == len(names) else names


class MLP(Module):
    """A multilayer perceptron: `nin` inputs, then a layer for each number in `nouts`.

    All layers have the same `activation`, but the last has `output`; both may be functions of one Value, though a
    network with such a function cannot be saved. The same `seed` gives the same network. Called
    with `nin` numbers or Values, it returns the list of its outputs, or the one Value when there is one output.

    >>> net = MLP(2, [4, 1], activation="tanh", seed=1)
    >>> net
    MLP(2, [4, 1], activation='tanh', output='linear')
    >>> net([0.0, 0.0])
    Value(data=0.0, grad=0.0)
    """

    def __init__(self, nin: int, nouts: Iterable[int], activation: Kind = "relu", output: Kind = "linear",
                 seed: int | None = None) -> None:
        widths = _listed(nouts)
        if not widths:
            raise ValueError(f"an MLP needs a list with the size of each layer; got nouts={nouts!r}")
        sizes = [whole("nin", nin, 1, MOST), *(whole(f"nouts[{i}]", n, 1, MOST) for i, n in enumerate(widths))]
        _function(activation)
        _function(output, "output: ")
        rng = random if seed is None else random.Random(whole("seed", seed, 0))
        kinds = [activation] * (len(widths) - 1) + [output]
        self.layers: list[Layer] = [Layer(n, nout, kind, rng) for n, nout, kind in zip(sizes, sizes[1:], kinds)]
        self._label_parameters()

    def trace(self, x: Iterable[Number]) -> list[list[tuple[Value, Value]]]:
        """For every layer the pairs (z, a) of its neurons, of one forward pass.

        >>> net = MLP(3, [4, 2], seed=1)
        >>> [len(layer) for layer in net.trace([0.1, 0.2, 0.3])]
        [4, 2]
        """
        passes: list[list[tuple[Value, Value]]] = []
        for layer in self.layers:
            passes.append(layer.trace(x))
            x = [a for _, a in passes[-1]]
        return passes

    def __call__(self, x: Iterable[Number]) -> Any:
        outputs = [a for _, a in self.trace(x)[-1]]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        shape = self._shape()
        given = "".join(f", {name}={_shown(shape[name])}" for name in shape if name not in ("nin", "nouts"))
        return f"MLP({shape['nin']}, {shape['nouts']}{given})"

    def _shape(self) -> dict[str, Any]:
        """The arguments that would rebuild this network; the activations of all where layers or neurons differ."""
        shape = {"nin": len(self.layers[0].neurons[0].w), "nouts": [len(layer.neurons) for layer in self.layers]}
        kinds = [layer._activation() for layer in self.layers]
        if list in map(type, kinds) or kinds[:-1] != kinds[:1] * (len(kinds) - 1):
            return {**shape, "activations": kinds}
        return {**shape, "activation": kinds[0], "output": kinds[-1]}

    @classmethod
    def from_arrays(cls, layers: Iterable[tuple[Any, Any, Kind]]) -> MLP:
        """A network that was trained elsewhere: for each layer its weights W, its biases b, and its activation.

        W (nout, nin) has a row of weights for each neuron, as PyTorch keeps them; b is (nout,), or None for biases of
        0. scikit-learn and Keras keep weights as (nin, nout): bring W.T. A square W fits both ways, so compare one
        output. Lists and arrays of any library will do. Before anything is made, TypeError for what is no array of real
        numbers; ValueError for a shape that does not fit, with both shapes, a number that is not finite, and an unknown
        activation: each names the layer.

        >>> net = MLP.from_arrays([([[1, -1], [0.5, 2]], [0, -3], "relu"), ([[2, 4]], None, "linear")])
        >>> net
        MLP(2, [2, 1], activation='relu', output='linear')
        >>> net([3.0, 1.0]).data                    # 2 · relu(3 − 1) + 4 · relu(1.5 + 2 − 3)
        6.0
        """
        if cls is not MLP:
            raise TypeError(f"arrays hold an MLP, without the code of {cls.__name__}: bring it with MLP.from_arrays")
        listed = _listed(layers)
        if not listed:
            raise TypeError(f"layers must be a list with (W, b, activation) for each layer; got {described(layers)}")
        brought: list[tuple[list[list[float]], list[float], Kind]] = []
        for i, layer in enumerate(listed):
            brought.append(_brought(f"layers[{i}]", layer, len(brought[-1][0]) if brought else None))
        net = MLP(len(brought[0][0][0]), [len(W) for W, _, _ in brought], seed=0)
        for layer, (W, b, activation) in zip(net.layers, brought):
            for neuron, weights, bias in zip(layer.neurons, W, b):
                for parameter, number in zip(neuron.parameters(), [*weights, bias]):
                    parameter.data = number
                neuron.activation = activation
        return net

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to `path` as readable JSON, every parameter by its name. `MLP.load` reads it back exactly.

        What would not come back is a ValueError that names it, and leaves the file as it was: a number that is not
        finite, a Value in two places, neurons of one layer with different numbers of inputs, a class of one's own.
        """
        write_whole(path, json.dumps(_saved(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MLP:
        """The network that `save` wrote to `path`. ValueError, saying what is wrong, if the file is not whole.

        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "net.json")
        >>> MLP(2, [3, 1], activation="tanh", seed=1).save(path)
        >>> MLP.load(path)
        MLP(2, [3, 1], activation='tanh', output='linear')
        """
        if cls is not MLP:
            raise TypeError(f"a file holds an MLP, without the code of {cls.__name__}: read it with MLP.load")
        path = place("path", path)
        try:
            return _restored(json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_table))
        except (ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"{path} is not a saved MLP: {error}") from None


def _brought(name: str, layer: Any, before: int | None) -> tuple[list[list[float]], list[float], Kind]:
    """W, b and the activation of a layer that reads the `before` neurons of another, or any number of inputs."""
    if not isinstance(layer, (list, tuple)) or len(layer) != 3:
        raise TypeError(f"{name} must be (W, b, activation); got {described(layer)}")
    W, b, activation = layer
    _function(activation, f"{name}: ")
    W, b = arrays.numbers(f"{name}: W", W), b if b is None else arrays.numbers(f"{name}: b", b)

    def fits(nout: int, nin: int) -> bool:
        return nin == (before or nin) and (b is None or b.shape == (nout,))

    matrix = W.ndim == 2 and W.size > 0
    if not matrix or not fits(*W.shape):
        read = f", nin = {before} as the layer before has {before} neurons" if before else ""
        got = f"W {W.shape}" if b is None else f"W {W.shape} and b {b.shape}"
        turn = "; W.T would fit: bring that, if your weights are kept as (nin, nout)"
        raise ValueError(f"{name} needs W (nout, nin) and b (nout,){read}; got {got}"
                         f"{turn if matrix and fits(*W.T.shape) else ''}")
    rows, biases = W.tolist(), [0.0] * len(W) if b is None else b.tolist()
    for j, row in enumerate([*rows, biases]):
        for k, number in enumerate(row):
            if not math.isfinite(number):
                where = f"W[{j}, {k}]" if j < len(rows) else f"b[{k}]"
                raise ValueError(f"{name}: {where} must be a finite number; got {number}")
    return rows, biases, activation


# What a file holds: `{"MLP": what to make it of, "parameters": {name: number}}`

def _saved(net: MLP) -> dict[str, Any]:
    """The network as JSON; ValueError, naming it, for the first thing that has no place there."""
    _check_plain("the network", net, MLP)
    for i, layer in enumerate(net.layers):
        _check_plain(f"layers[{i}]", layer, Layer)
        for j, neuron in enumerate(layer.neurons):
            name = f"layers[{i}].neurons[{j}]"
            _check_plain(name, neuron, Neuron)
            if callable(neuron.activation):
                raise ValueError(f"{name} has a function as its activation, {_shown(neuron.activation)}: a file holds "
                                 f"no code, only the names {', '.join(ACTIVATIONS)}")
            _check_named(neuron.activation, f"{name}: ")
    if not net.layers or not all(layer.neurons for layer in net.layers):
        raise ValueError("a network without layers, or a layer without neurons, cannot be saved")
    first: dict[int, str] = {}
    for name, thing in _reached(net):
        if isinstance(thing, (Value, Module, list)) and first.setdefault(id(thing), name) != name:
            raise ValueError(f"{name} and {first[id(thing)]} are one {type(thing).__name__}, and would be two when "
                             f"loaded")
    shape, found = net._shape(), dict(net.named_parameters())
    expected = dict(MLP(shape["nin"], shape["nouts"], seed=0).named_parameters()).keys()
    if odd := found.keys() ^ expected:
        name = min(odd)
        problem = "is missing, or no Value" if name in expected else "is one parameter too many"
        raise ValueError(f"{name} {problem}, for a network of the sizes {[shape['nin'], *shape['nouts']]}")
    return {"MLP": shape, "parameters": {name: _exact(name, value.data) for name, value in found.items()}}


def _restored(saved: Any) -> MLP:
    """The network that such JSON describes; ValueError if it describes none."""
    shape, numbers = _fields("the file", saved, "MLP", "parameters")
    mixed = isinstance(shape, dict) and "activations" in shape
    keys = ["activations"] if mixed else ["activation", "output"]
    nin, nouts, *kinds = _fields("MLP", shape, "nin", "nouts", *keys)
    if not isinstance(nouts, list) or not isinstance(numbers, dict):
        raise ValueError(f"nouts is {nouts!r:.60}, expected a list, and parameters {numbers!r:.60}, expected a table")
    sizes = [nin, *nouts]
    for size in sizes:
        whole("a size", size, 1, MOST)
    count = sum((n + 1) * nout for n, nout in zip(sizes, nouts))
    if count != len(numbers):  # before a network of that size is made
        raise ValueError(f"a network of the sizes {sizes} has {count} parameters, the file {len(numbers)}")
    net = MLP(nin, nouts, seed=0) if mixed else MLP(nin, nouts, kinds[0], kinds[1], seed=0)
    if mixed:
        _activate(net, kinds[0])
    parameters = net.named_parameters()
    for (name, value), number in zip(parameters, _fields("parameters", numbers, *dict(parameters))):
        value.data = _exact(name, number)
    return net


def _activate(net: MLP, kinds: Any) -> None:
    """Give every layer its activation, which is one name, or a list with one for each neuron."""
    if not isinstance(kinds, list) or len(kinds) != len(net.layers):
        raise ValueError(f"activations is {kinds!r:.60}, expected a list with one for each layer")
    for layer, kind in zip(net.layers, kinds):
        names = kind if isinstance(kind, list) else [kind] * len(layer.neurons)
        if len(names) != len(layer.neurons):
            raise ValueError(f"a layer of {len(layer.neurons)} neurons has {len(names)} activations")
        for neuron, name in zip(layer.neurons, names):
            _check_named(name)
            neuron.activation = name


def _check_plain(name: str, part: Any, kind: type) -> None:
    """ValueError if `part` could compute otherwise than a plain `kind`."""
    if type(part) is not kind:
        raise ValueError(f"{name} is of class {type(part).__name__}, expected {kind.__name__}: a file holds no code")
    for attribute in vars(part):
        if hasattr(kind, attribute):
            raise ValueError(f"{name} has its own {attribute}, expected that of {kind.__name__}: a file holds no code")


def _exact(name: str, number: Any) -> float:
    plain = isinstance(number, (int, float)) and not isinstance(number, bool)
    if not plain or not math.isfinite(number) or float(number) != number:
        raise ValueError(f"{name} is {number!r:.60}, expected a finite float")
    return float(number)


def _fields(name: str, table: Any, *keys: str) -> list[Any]:
    """What a JSON table holds under these keys, and it must hold no others."""
    if not isinstance(table, dict):
        raise ValueError(f"{name} is {table!r:.60}, expected a table")
    for key in keys:
        if key not in table:
            raise ValueError(f"{name} has no {key!r}")
    for key in table.keys() - keys:
        raise ValueError(f"{name} has {key!r}, which has no place there")
    return [table[key] for key in keys]


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """One JSON table, of which Python would keep the last of two entries for one key."""
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key comes twice")
    return table
