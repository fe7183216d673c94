"""A walk over all public names, with wrong arguments of every kind.

Every parameter of every public callable, found by its signature, is given each of `KINDS` in place of its good argument
in `GOOD`. Either that is fine, as `GOOD` says, and then it does what the plain thing in `PLAIN` does; or it is a
TypeError, a ValueError or a CompileError that says which argument it is, what it got, and what it expected, and nothing
has changed: no parameter, gradient, optimiser, file or argument, nor the state of a random generator.
"""

import inspect
import random
import re
import struct
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import micrograd2
from micrograd2 import (MLP, SGD, Adam, Value, compile, data, draw, explain, fit, pictures, play, squared_error,
                        total)
from micrograd2.compiler import CompileError, Program
from micrograd2.engine import MUL, topological_order
from micrograd2.nn import Module
from micrograd2.pictures import Picture
from micrograd2.player import Page
from micrograd2.train import History


class Anything:
    """A class that has nothing to do with any of this."""


class Scalar:
    """A number as other libraries hold it: an array without axes."""

    shape = ()

    def item(self):
        return 2.0


def function(*given):
    return None


KINDS = {
    "None": lambda: None, "text": lambda: "text", "bytes": lambda: b"bytes", "true": lambda: True,
    "zero": lambda: 0, "negative": lambda: -1, "huge": lambda: 10 ** 400, "fraction": lambda: 2.5,
    "NaN": lambda: float("nan"), "infinity": lambda: float("inf"), "complex": lambda: 1j,
    "empty": list, "row": lambda: [1.0] * 7, "ragged": lambda: [[1.0], [1.0, 2.0]], "Nones": lambda: [None, None],
    "texts": lambda: ["1", "2"], "set": lambda: {1.0}, "dict": lambda: {"a": 1.0},
    "generator": lambda: (number for number in [1.0, 2.0]),
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[True, False]), "complexes": lambda: np.array([1j, 2j]),
    "things": lambda: np.array([Anything, Anything]), "deep": lambda: np.ones((1, 1, 2)),
    "int64": lambda: np.int64(2), "float32": lambda: np.float32(2.0), "0-d": lambda: np.array(2.0),
    "scalar": Scalar, "Value": lambda: Value(2.0), "network": lambda: MLP(2, [1], seed=0),
    "object": object, "class": lambda: Anything, "dtype": lambda: int, "optimiser": lambda: SGD,
    "function": lambda: function,
}
PLAIN = {"true": 1, "int64": 2, "float32": 2.0, "0-d": 2.0, "scalar": 2.0, "generator": [1.0, 2.0]}

NUMBER = "true zero negative fraction int64 float32 0-d scalar"
REAL = f"{NUMBER} NaN infinity"
OPERAND = f"{REAL} Value"
WHOLE = "int64"
PLAIN_NUMBER = "true fraction int64 float32"
RATE = f"{PLAIN_NUMBER} function network"  # a network is a function of one argument, too
TARGET = f"{PLAIN_NUMBER} zero negative 0-d Value"


class World:
    """All that the good arguments are made of."""

    def __init__(self):
        self.a, self.b = Value(2.0, "a"), Value(-3.0, "b")
        self.c = self.a * self.b + self.a
        self.c.label = "c"
        self.c.backward()
        self.net = MLP(2, [2, 1], "tanh", seed=1)
        self.layer, self.neuron = self.net.layers[0], self.net.layers[0].neurons[0]
        self.neuron.b.grad = 0.25
        self.X, self.Y = np.array([[0.0, 1.0], [1.0, 0.5], [-1.0, 0.25]]), np.array([1.0, -1.0, 1.0])
        self.x, self.y = [0.5, -0.25], 1.0
        self.rng, self.sgd, self.adam = random.Random(0), SGD(0.1, 0.5), Adam(0.1)

    def cost(self, x, y):
        return (self.a * total(x) + self.b - total(y)) ** 2

    @cached_property
    def program(self):
        return compile(self.cost, [self.a, self.b], [3.0, 1.0], [5.0])

    @cached_property
    def nudges(self):
        return explain.nudges(self.net, self.x, self.y)

    @cached_property
    def sensitivities(self):
        return explain.sensitivities(self.net, self.x, self.y)

    @cached_property
    def paths(self):
        return explain.paths(self.c, self.a)


class Arg(NamedTuple):
    """A good argument, as a function of the World; the kinds that are fine as well; and what a message may call it."""

    good: Any
    fine: str = ""
    told: str = ""


def A(good, fine="", told=""):
    return Arg(good if callable(good) else lambda world: good, fine, told)


def of(name):
    return lambda world: getattr(world, name)


def one(thing):
    return lambda world: thing


operand = A(of("a"), OPERAND, "real number")
row = A(lambda w: [w.a, 2.0], "generator row", "real number")
cost = A(one(squared_error), "", "cost")
net_inputs = A(of("x"), "generator", "inputs|real number")
explained = A(of("y"), TARGET, "Y|target|cost")
activation = A("tanh", "function network", "activation")
PATH = "str"

GOOD = {
    "Value": {"data": A(2.0, REAL, "real number"), "label": A("a", "text")},
    "Value.apply": {"op": A(one(MUL)), "operands": A(lambda w: [w.a, 2.0], "generator", "real number")},
    **{f"Value.__{name}__": {"self": A(of("a")), "other": A(2.0, OPERAND, "real number")} for name in
       "add radd sub rsub mul rmul truediv rtruediv pow rpow lt le gt ge".split()},
    "dot": {"weights": A(lambda w: [w.a, 2.0], "generator", "weights|real number"),
            "inputs": A(lambda w: [1.0, w.b], "generator", "inputs|real number"),
            "bias": operand._replace(fine=f"{OPERAND} None")},
    "total": {"values": A(lambda w: [w.a, 2.0], "generator row empty", "values|real number")},
    "logsumexp": {"values": A(lambda w: [w.a, 2.0], "generator row", "value|real number")},
    "maximum": {"a": operand, "b": operand},
    "minimum": {"a": operand, "b": operand},
    "gradient": {"output": A(of("c"), "Value", "a Value"), "inputs": A(lambda w: [w.a, w.b], "empty", "Values")},
    "Neuron": {"nin": A(2, WHOLE), "activation": activation, "rng": A(of("rng"))},
    "Layer": {"nin": A(2, WHOLE), "nout": A(2, WHOLE), "activation": activation, "rng": A(of("rng"))},
    "MLP": {"nin": A(2, WHOLE), "nouts": A([2, 1], "", "nouts?"), "activation": activation,
            "output": activation, "seed": A(1, "None zero huge " + WHOLE)},
    **{f"{name.capitalize() if name != 'net' else 'MLP'}.{method}": {"self": A(of(name)), "x": net_inputs}
       for name in ("neuron", "layer", "net") for method in ("__call__", "trace")},
    "MLP.save": {"self": A(of("net")), "path": A("net.json", "text", PATH)},
    "MLP.load": {"path": A("there.json", "", PATH)},
    "MLP.from_arrays": {"layers": A([([[1.0, 2.0]], [0.5], "relu")])},
    "squared_error": {"outputs": A(of("c"), OPERAND, "output|real number"),
                      "targets": A(1.0, OPERAND, "target|real number")},
    "squared_error: several": {"outputs": A(lambda w: [w.a, w.b], "generator", "output|real number"),
                               "targets": A([1.0, 0.0], "generator", "target|real number")},
    "cross_entropy": {"scores": A(lambda w: [w.a, w.b], "generator", "output|score|real number"),
                      "targets": A([1.0, 0.0], "", "target|real number")},
    "max_margin": {"score": A(of("a"), "Value", "max_margin"),
                   "target": A(1.0, "true negative NaN Value", "target|real number")},
    "fit": {"net": A(of("net"), "network", "network|parameters"), "X": A(of("X")), "Y": A(of("Y")), "cost": cost,
            "optimizer": A(of("sgd"), "None"), "epochs": A(1, "zero " + WHOLE),
            "batch_size": A(2, "huge " + WHOLE), "seed": A(0, "zero huge " + WHOLE),
            "compiled": A(True, "true zero"), "dtype": A("float64"), "validation": A(lambda w: (w.X, w.Y), "None"),
            "progress": A(False, "true zero"),
            "callback": A(lambda w: print, "None function"), "checkpoint": A("run.json", "None text", PATH)},
    "accuracy": {"net": A(of("net"), "network"), "X": A(of("X")), "Y": A(of("Y"))},
    "SGD": {"lr": A(0.1, RATE), "momentum": A(0.5, "zero")},
    "Adam": {"lr": A(0.1, RATE)},
    "Optimizer.step": {"self": A(of("sgd")), "theta": A([1.0, 2.0]), "gradient": A([0.5, -1.0])},
    "Optimizer.update": {"self": A(of("sgd")), "parameters": A(lambda w: [w.a, w.b], "empty")},
    "compile": {"f": A(of("cost")), "parameters": A(lambda w: [w.a, w.b]),
                "example": (A([3.0, 1.0], f"row empty {TARGET} NaN infinity"),
                            A([5.0], f"row empty {TARGET} NaN infinity")), "dtype": A("float64")},
    **{f"Program.{name}": {"self": A(of("program")), "theta": A([2.0, -3.0]),
                           "arrays": (A([[3.0, 1.0], [0.0, 1.0]], "", "x"), A([[5.0], [1.0]], "", "y"))}
       for name in ("__call__", "outputs", "check")},
    "Program.store": {"self": A(of("program")), "theta": A([1.0, 2.0])},
    "draw": {"what": A(of("net"), "network", "draw"), "x": A(of("x"), "", "x|X"),
             "y": A(of("y"), f"None {TARGET} NaN infinity", "y|Y|target"),
             "cost": cost, "expand": A(False, "zero"), "depth": A(None, "None"), "dark": A(False, "true zero")},
    "draw: a Value": {"what": A(of("c"), "Value", "draw"), "expand": A(True, "true zero"),
                      "depth": A(1, "None zero huge int64"), "dark": A(True, "true zero")},
    "draw_dot": {"root": A(of("c"), "Value", "Value")},
    "animate": {"root": A(of("c"), "", "Value"), "dark": A(False, "true zero")},
    "play": {"what": A(of("net"), "network", "play"), "X": A(of("x")),
             "Y": A(of("y"), f"{TARGET} NaN infinity", "Y|target"), "cost": cost},
    "play: a Value": {"what": A(of("c"), "Value text", "play")},
    "Page.save": {"self": A(one(Page("<!doctype html>"))), "path": A("page.html", "text", PATH)},
    "Picture.save_svg": {"self": A(one(Picture())), "path": A("picture.svg", "text", PATH)},
    "nudges": {"net": A(of("net"), "network"), "X": A(of("x")), "Y": explained, "cost": cost},
    "sensitivities": {"net": A(of("net"), "network"), "X": A(of("x")), "Y": explained, "cost": cost,
                      "h": A(0.001, "true negative fraction int64 float32")},
    "paths": {"root": A(of("c")), "leaf": A(of("a")), "top": A(10, "zero huge " + WHOLE)},
    "ledger": {"root": A(of("c"), "Value"), "order": A("naive")},
    "gradcheck": {"f": A(lambda w: lambda a, b: a * b), "inputs": A(lambda w: [w.a, w.b], "", "inputs|real number"),
                  "eps": A(1e-6, PLAIN_NUMBER), "atol": A(1e-5, f"zero {PLAIN_NUMBER}"),
                  "rtol": A(1e-3, f"zero {PLAIN_NUMBER}")},
    "health": {"net": A(of("net"), "network"), "X": A(of("X"))},
    "Nudges.avenues": {"self": A(of("nudges")), "name": A("layers[0].neurons[0]")},
    "Nudges.wishes": {"self": A(of("nudges")), "k": A(1, "zero")},
    "Sensitivities.ratio": {"self": A(of("sensitivities")), "one": A("layers[0].neurons[0].b"),
                            "other": A("layers[0].neurons[0].b")},
    "Paths.share": {"self": A(of("paths")), "path": A(lambda w: w.paths.strongest[0])},
    "mnist": {"folder": A(".", "", PATH)},
    "one_hot": {"labels": A([1, 0]), "n": A(2, WHOLE)},
    "moons": {"n": A(4, WHOLE), "noise": A(0.1, f"zero {PLAIN_NUMBER}"), "seed": A(0, "zero huge " + WHOLE)},
}


ELSEWHERE = {
    ("fit", "epochs", "huge"): "works, and trains for ever",
    ("fit", "callback", "network"): "is a function of one argument, and fails when it is called",
    ("draw: a Value", "what", "network"): "is drawn too, but not with `expand` and `depth`",
    ("play: a Value", "what", "network"): "is played too, but not without examples",
}
DOCUMENTED = {  # other errors, each of which says what was wrong with the number, or the file
    ("Value.__truediv__", "other", "zero"): ZeroDivisionError,
    ("Value.__rpow__", "other", "zero"): ValueError,
    ("Value.__rpow__", "other", "negative"): ValueError,
    ("MLP.load", "path", "text"): FileNotFoundError,
    ("mnist", "folder", "text"): FileNotFoundError,
}


# What is public

NOT_FOR_USERS = {"Picture.pipe", "Picture.render", "Picture.save",  # what they take is Graphviz's
                 "Optimizer.direction", "SGD.direction", "Adam.direction"}  # `step` checks what it hands to them
MADE_HERE = {History, Program, Picture, Page, Module}  # by fit, compile, draw, play; a Module takes nothing


def callables():
    """Every public function, class and method that takes anything, by name."""
    found = {}
    classes = MADE_HERE | set(filter(inspect.isclass, vars(explain).values()))
    for room in (micrograd2, explain, data):
        for name in getattr(room, "__all__", vars(room)):
            thing = getattr(room, name)
            if inspect.isfunction(thing) and not name.startswith("_"):
                if room is not data or thing.__module__ == data.__name__:  # it has no __all__
                    found[name] = thing
            elif inspect.isclass(thing) and room is micrograd2 and thing not in MADE_HERE | {CompileError}:
                found[name] = thing
                classes.add(thing)
    found |= {"animate": pictures.animate, "compile": compile}  # not in any __all__
    for cls in classes:
        for name, method in inspect.getmembers(cls, inspect.isroutine):
            ours = str(getattr(method, "__module__", "")).startswith("micrograd2")
            if ours and (not name.startswith("_") or name == "__call__" or "other" in parameters(method)):
                found[method.__qualname__] = method
    return {name: thing for name, thing in found.items() if parameters(thing) and name not in NOT_FOR_USERS
            and not name.endswith("__eq__")}


def parameters(thing):
    return [name for name in inspect.signature(thing).parameters if name not in ("self", "_")]


# What must not change

def state(thing):
    """All that can be seen of a thing, as text and tuples."""
    if isinstance(thing, Value):
        order = topological_order(thing)
        at = {value: i for i, value in enumerate(order)}
        return tuple((repr(v.data), repr(v.grad), v.label, v.op.symbol, tuple(at[arg] for arg in v.args),
                      repr(v.local_grads)) for v in order)
    if isinstance(thing, np.ndarray):
        return str(thing.dtype), thing.shape, repr(thing.tolist())
    if isinstance(thing, (list, tuple, set)):
        return type(thing).__name__, tuple(map(state, thing))
    if isinstance(thing, dict):
        return tuple((state(key), state(value)) for key, value in thing.items())
    if isinstance(thing, random.Random):
        return thing.getstate()
    if isinstance(thing, Picture):
        return thing.source
    if inspect.isroutine(thing) or inspect.isclass(thing) or inspect.isgenerator(thing):
        return type(thing).__name__, getattr(thing, "__qualname__", "")
    return (type(thing).__name__, state(vars(thing))) if hasattr(thing, "__dict__") and not isinstance(thing, Path) \
        else repr(thing)


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def everything(world, folder, arguments):
    return state(world), state(arguments), random.getstate(), np.random.get_state()[1].tobytes(), files(folder)


# What a message says

EXPECTED = re.compile(r"\b(must|expected|takes?|needs?|(is|are) for|known|holds|write|say|call|too large|is text"
                      r"|one (target|weight))\b")


def names_of(thing):
    """What a message may call what it got, or what it found in it."""
    yield type(thing).__name__
    yield " ".join(repr(thing).split())[:20]
    yield str(thing)[:20]
    yield str(getattr(thing, "shape", ()))
    if isinstance(thing, (list, tuple, set, dict)) or isinstance(thing, np.ndarray) and thing.ndim:
        yield str(len(thing))
        for item in thing:
            yield from names_of(item)
    else:
        yield from ("1 inputs", "1 outputs", "1 targets")
    if inspect.isgenerator(thing):
        yield from ("1.0", "2 ")
    if inspect.isroutine(thing):
        yield from ("None", "NoneType")  # what it returns
    if isinstance(thing, list) and not thing:
        yield "at least one"


def flaws(error, name, told, thing):
    """What a message does not say, in words."""
    message = " ".join(str(error).split())
    if type(error) not in (TypeError, ValueError, CompileError):
        return f"a {type(error).__name__}"
    if not re.search(rf"(?<!\w)({name}|{told or name})(?!\w)" if told != PATH else PATH, message):
        return "does not name the argument"
    if not any(found in message for found in names_of(thing)):
        return "does not say what it got"
    return "" if EXPECTED.search(message) else "does not say what it expected"


# The walk

PUBLIC = callables()
PLACES = [(name, key, i) for name, args in GOOD.items() for key, arg in args.items() if key != "self"
          for i in range(1 if isinstance(arg, Arg) else len(arg))]


def in_place(name, key, i):
    return GOOD[name][key] if isinstance(GOOD[name][key], Arg) else GOOD[name][key][i]


def is_fine(name, key, i, kind):
    return kind in in_place(name, key, i).fine.split() and (name, key, kind) not in DOCUMENTED


def arguments(name, world, place=None, thing=None):
    """The good arguments, but for the thing in one place: those by position, those by keyword."""
    positional, keywords = [], {}
    takes = inspect.signature(PUBLIC[name.split(":")[0]]).parameters
    for key, several in GOOD[name].items():
        for i, arg in enumerate([several] if isinstance(several, Arg) else several):
            given = thing if (key, i) == place else arg.good(world)
            if key == "self" or takes[key].kind is not inspect.Parameter.KEYWORD_ONLY:
                positional.append(given)
            else:
                keywords[key] = given
    return positional, keywords


def call(name, given):
    random.seed(0)
    return PUBLIC[name.split(":")[0]](*given[0], **given[1])


def done(name, place, thing, folder):
    """All that a call does and leaves behind, in a world of its own; the files that it writes are removed."""
    world, there = World(), files(folder)
    given = arguments(name, world, place, thing)
    result = state(call(name, given))
    new = {path: text for path, text in files(folder).items() if there.get(path) != text}
    for path in new:
        (folder / path).unlink()
    return result, state(world), new


def prepare(folder):
    """Put there what is read: a network, and MNIST with a single image in each part."""
    MLP(2, [1], seed=0).save(folder / "there.json")
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, 1, 28, 28) + bytes(784))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, 1) + b"\x07")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    return tmp_path


def test_every_public_parameter_has_a_good_argument():
    assert {name: set(parameters(thing)) for name, thing in PUBLIC.items()} == {
        name: args.keys() - {"self"} for name, args in GOOD.items() if ":" not in name}


@pytest.mark.parametrize("name", GOOD)
def test_good_arguments_are_good(name, folder):
    done(name, None, None, folder)


@pytest.mark.parametrize("name, key, i", PLACES)
def test_a_wrong_argument_is_told_and_changes_nothing(name, key, i, folder):
    world, wrong = World(), []
    for kind, make in KINDS.items():
        if is_fine(name, key, i, kind) or (name, key, kind) in ELSEWHERE:
            continue
        thing = make()
        given = arguments(name, world, (key, i), thing)
        random.seed(0)
        before = everything(world, folder, given)
        try:
            result = call(name, given)
        except Exception as error:
            flaw = flaws(error, key, in_place(name, key, i).told, thing)
            if isinstance(error, DOCUMENTED.get((name, key, kind), ())):
                flaw = ""
            if everything(world, folder, given) != before:
                flaw, world = f"{flaw}, and leaves a change behind", World()
            if flaw:
                wrong.append(f"{kind} {flaw}: {type(error).__name__}: {error}")
        else:
            wrong.append(f"{kind} works: {result!r:.80}")
            world = World()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name, key, i, kind", [
    (*place, kind) for place in PLACES for kind in KINDS if is_fine(*place, kind)])
def test_what_only_looks_wrong_does_what_the_plain_thing_does(name, key, i, kind, folder):
    plain = PLAIN[kind] if kind in PLAIN else KINDS[kind]()
    assert done(name, (key, i), KINDS[kind](), folder) == done(name, (key, i), plain, folder)


# What no table holds

@pytest.mark.parametrize("call, told", [
    (lambda v, net: np.exp(v), r"write v\.exp\(\)"), (lambda v, net: np.ones(2) * v, "array"),
    (lambda v, net: total(v), "values must be a list"), (lambda v, net: net(5), "expected a list of 2 inputs; got 5"),
    (lambda v, net: compile(lambda x: v * x[0], net, [1.0]), r"parameters must be .* say .*\.parameters\(\)"),
    (lambda v, net: micrograd2.gradient(v, net), r"inputs must be .* say .*\.parameters\(\)")])
def test_what_is_easily_mistaken_is_told(call, told):
    with pytest.raises(TypeError, match=told):
        call(Value(2.0), MLP(2, [1], seed=0))


@pytest.mark.parametrize("settings, told", [
    ({"validation": ([[0.0, 1.0]],)}, "validation must be a pair"),
    ({"validation": ([[0.0]], [1.0])}, "validation: X must have 2 numbers"),
    ({"optimizer": SGD}, "optimizer must be one such as"), ({"optimizer": 0.1}, "optimizer must be one such as"),
    ({"cost": "mse"}, "cost must be a function of outputs and targets"),
    ({"cost": lambda outputs: outputs}, "cost must be a function of outputs and targets"),
    ({"callback": lambda: None}, "callback must be a function of the history"),
    ({"compiled": "no"}, "compiled must be True or False"),
    ({"checkpoint": "nowhere/run.json"}, "no such folder"), ({"checkpoint": "."}, "directory|folder")])
def test_fit_tells_a_wrong_setting_before_it_begins(settings, told, folder):
    world = World()
    before = everything(world, folder, ())
    with pytest.raises((TypeError, ValueError, OSError), match=told):
        fit(world.net, world.X, world.Y, **{"optimizer": world.sgd, "progress": False, **settings})
    assert everything(world, folder, ()) == before


@pytest.mark.parametrize("make", [lambda: SGD(0.1, 0.5), lambda: Adam(0.1)])
def test_an_optimiser_that_has_trained_another_network_is_refused_before_anything_changes(make, folder):
    world, optimizer = World(), make()
    fit(MLP(2, [1], seed=0), world.X, world.Y, optimizer=optimizer, progress=False)
    before = everything((world, optimizer), folder, ())
    with pytest.raises(ValueError, match=r"of another training run, of the shape \(3,\); for the shape \(9,\)"):
        fit(world.net, world.X, world.Y, optimizer=optimizer, progress=False)
    with pytest.raises(ValueError, match="make a new one"):
        optimizer.update(world.net.parameters())
    assert everything((world, optimizer), folder, ()) == before


@pytest.mark.parametrize("lr", [None, "0.1", -0.1, float("nan"), float("inf")])
def test_a_learning_rate_that_a_function_gives_is_checked_before_the_step(lr):
    optimizer = SGD(lambda step: lr, 0.5)
    before = state(optimizer)
    with pytest.raises((TypeError, ValueError), match="the learning rate of step 0 must be a finite number"):
        optimizer.step([1.0, 2.0], [0.5, -1.0])
    assert state(optimizer) == before


@pytest.mark.parametrize("read", [lambda w: draw(w.c), lambda w: draw(w.net), lambda w: w.sgd.update([w.a, w.b])])
def test_a_gradient_that_is_no_number_is_told_where_it_is_read(read):
    world = World()
    world.a.grad = world.neuron.b.grad = None
    with pytest.raises(TypeError, match="the stored gradients must hold real numbers; got None"):
        read(world)


@pytest.mark.parametrize("do", [
    lambda w: draw(w.net, w.x, w.y), lambda w: play(w.net, w.x, w.y), lambda w: play(w.c),
    lambda w: explain.health(w.net, w.X), lambda w: explain.nudges(w.net, w.x, w.y), lambda w: explain.ledger(w.c),
    lambda w: fit(w.net, w.X, w.Y, progress=False), lambda w: fit(w.net, w.X, w.Y, progress=False, compiled=False)])
def test_a_gradient_that_is_no_number_does_not_matter_where_it_is_not_read(do):
    world = World()
    world.a.grad = world.neuron.b.grad = None
    assert do(world)
