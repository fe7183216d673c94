"""The engine: a number that remembers how it was made, and the chain rule.

A `Value` holds one real number. Arithmetic with Values makes new Values, and each result keeps a record of its making:
the operation (`op`), the operands (`args`), and the local derivatives (`local_grads`): how fast the result changes with
each operand. These records form a graph. Walking it backwards from a result C finds the gradient of C with respect to
every Value that took part, one edge at a time:

    ∂C/∂a  +=  ∂C/∂y · ∂y/∂a          contribution = upstream gradient × local derivative

Three ideas carry the file:

* Each derivative is written once, as plain arithmetic, in the table of operations. Given floats, a row serves
  `backward`; given Values, it serves `gradient`, whose results can therefore be differentiated again.
* An edge is data: an operand and, beside it, the local derivative, both captured when the result was made. A number
  that is changed later spoils nothing, and no record refers to itself, so dropping a result frees its graph at once.
  Up to two edges stand in the node itself, not in tuples of their own, since Python's garbage collector visits every
  container, and that takes most of the time. `args` and `local_grads` read them.
* Order is birth. Operands are born before their results, so sorting by birth number is a topological order.

Left out: the walk edge by edge (see `contributions`), copies (see `copies`), arrays (see `compile`), pictures (see
`draw`), words (see `explain`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Container, Iterable, Mapping, Set
from contextvars import ContextVar
from functools import partial
from math import pow as power
from numbers import Real
from operator import add, attrgetter, mul, neg, sub, truediv
from typing import Any, Union

Number = Union["Value", float]


class Op:
    """One row of the table of operations: a symbol, how to compute the value, and the local derivatives.

    `value(*numbers)` is the result, a float. `local(y, *operands)` is one derivative ∂y/∂operand for each operand,
    given the result y and the operands as floats, as Values, or as anything else that has arithmetic. Calling the row
    applies it to operands of any of these kinds. `numpy` spells the value in array code, `javascript` in a page, where
    {} stands for all operands; both are "" for + − × ÷, which every language has. `why` says why the derivative is what
    it is; `sign` is what pictures write, if it is not the symbol.

    >>> TANH.value(0.0), TANH.local(0.5, None), TANH.numpy.format("z1")
    (0.0, (0.75,), 'np.tanh(z1)')
    """

    __slots__ = ("symbol", "value", "local", "numpy", "why", "sign", "javascript")

    def __init__(self, symbol: str, value: Callable[..., float], local: Callable[..., tuple], numpy: str = "",
                 why: str = "", sign: str = "", javascript: str = "") -> None:
        self.symbol, self.value, self.local = symbol, value, local
        self.numpy, self.why, self.sign, self.javascript = numpy, why, sign or symbol, javascript

    def __call__(self, *operands: Any) -> Any:
        for operand in operands:
            if hasattr(operand, "apply"):
                return operand.apply(self, operands)
        return self.value(*operands)

    def __repr__(self) -> str:
        return f"<operation {self.symbol or 'leaf'}>"


# Functions that the standard library lacks

def _sigmoid(x: float) -> float:
    e = math.exp(-abs(x))  # never overflows
    return (1.0 if x >= 0 else e) / (1.0 + e)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))  # never overflows; a NaN stays


def _relu(x: float) -> float:
    return 0.0 if x <= 0 else x  # a NaN is not <= 0, so it stays


def _maximum(a: float, b: float) -> float:
    return a if a >= b or a != a else b


def _minimum(a: float, b: float) -> float:
    return a if a <= b or a != a else b


def _sign(x: float) -> float:
    return x if x == 0 or x != x else math.copysign(1.0, x)


def _less(a: float, b: float) -> float:
    return math.nan if a != a or b != b else float(a < b)


def _sum(*xs: float) -> float:
    return sum(xs, 0.0)


def _dot(*operands: float) -> float:
    w, x, b = parts(operands)
    return sum(map(mul, w, x), *b or (0.0,))


def _dot_local(z: Any, *operands: Any) -> tuple:
    w, x, b = parts(operands)
    return (*x, *w, *(1.0 for _ in b))


def _logsumexp(*xs: float) -> float:
    m = max(xs)
    if math.isinf(m):  # and x - m is NaN
        return math.nan if any(map(math.isnan, xs)) else m
    return m + math.log(sum(math.exp(x - m) for x in xs))


def _softmax(*xs: Any) -> tuple:
    powers = [EXP(x) for x in xs]
    whole = SUM(*powers)  # 1 up to rounding; divided by it, they add up to 1
    return tuple(power / whole for power in powers)


# The table of operations: symbol, value, local derivatives; NumPy's spelling, why, and JavaScript's spelling. y, or z
# for a weighted sum, is the result. A new operation is a row here and a method of Value

LEAF = Op("", float, lambda y: ())
ADD = Op("+", add, lambda y, a, b: (1.0, 1.0), why="A sum passes its gradient on as it is.")
SUB = Op("-", sub, lambda y, a, b: (1.0, -1.0), sign="−",
         why="A difference passes its gradient on, to the second operand with its sign turned.")
MUL = Op("*", mul, lambda y, a, b: (b, a), sign="×", why="Along one factor, the local derivative is the other factor.")
DIV = Op("/", truediv, lambda y, a, b: (1 / b, -y / b),
         why="Local: 1/b along the numerator, −a/b² along the denominator b.")
NEG = Op("neg", neg, lambda y, x: (-1.0,), sign="−", why="The sign turns, and that of the gradient with it.")
POW = Op("**", math.pow, lambda y, a, b: (b * a ** (b - 1), y * LOG(a)), "power({}, {})",
         "Local: b·aᵇ⁻¹ along the base, aᵇ·log a along the exponent.", javascript="Math.pow({})")
EXP = Op("exp", math.exp, lambda y, x: (y,), "exp({})", "The slope of eˣ is eˣ itself.", javascript="Math.exp({})")
LOG: Op = Op("log", math.log, lambda y, x: (1 / x,), "np.log({})",
             "The slope of log x is 1/x.", javascript="Math.log({})")
SQRT = Op("sqrt", math.sqrt, lambda y, x: (1 / (2 * y),), "np.sqrt({})",
          "The slope of √x is 1/(2√x).", javascript="Math.sqrt({})")
SIN = Op("sin", math.sin, lambda y, x: (COS(x),), "np.sin({})",
         "The slope of sin x is cos x.", javascript="Math.sin({})")
COS: Op = Op("cos", math.cos, lambda y, x: (-SIN(x),), "np.cos({})",
             "The slope of cos x is −sin x.", javascript="Math.cos({})")
ATAN = Op("atan", math.atan, lambda y, x: (1 / (1 + x * x),), "np.arctan({})",
          "The slope of atan x is 1/(1 + x²).", javascript="Math.atan({})")
TANH = Op("tanh", math.tanh, lambda y, x: (1 - y * y,), "np.tanh({})",
          "The slope of y = tanh x is 1 − y²: flat where y is near −1 or 1.", javascript="Math.tanh({})")
SIGMOID = Op("sigmoid", _sigmoid, lambda y, x: (y * (1 - y),), "sigmoid({})",
             "The slope of y = σ(x) is y·(1 − y): flat where y is near 0 or 1.", javascript="sigmoid({})")
SOFTPLUS = Op("softplus", _softplus, lambda y, x: (SIGMOID(x),), "np.logaddexp(0, {})",
              "The slope of log(1 + eˣ) is σ(x): a relu with a rounded corner.", javascript="softplus({})")
RELU = Op("relu", _relu, lambda y, x: (SIGN(y),), "np.maximum({}, 0)",
          "Where x is above 0 the gradient passes as it is; elsewhere it is stopped.", javascript="Math.max({}, 0)")
ABS = Op("abs", abs, lambda y, x: (SIGN(x),), "np.abs({})",
         "The slope of |x| is the sign of x.", javascript="Math.abs({})")
SIGN: Op = Op("sign", _sign, lambda y, x: (0.0,), "np.sign({})",
              "A sign is flat: it does not pass a gradient on.", javascript="Math.sign({})")
LESS = Op("<", _less, lambda y, a, b: (0.0, 0.0), "less({}, {})",
          "A comparison is flat: it passes no gradient on.", javascript="less({})")
MAX = Op("max", _maximum, lambda y, a, b: (1 - LESS(a, b), LESS(a, b)), "np.maximum({}, {})",
         "Only the larger operand matters: all of the gradient goes to it.", javascript="Math.max({})")
MIN = Op("min", _minimum, lambda y, a, b: (1 - LESS(b, a), LESS(b, a)), "np.minimum({}, {})",
         "Only the smaller operand matters: all of the gradient goes to it.", javascript="Math.min({})")
SUM = Op("sum", _sum, lambda y, *xs: (1.0,) * len(xs), sign="Σ", why=ADD.why, javascript="sum({})")
DOT = Op("dot", _dot, _dot_local, sign="w·x + b",
         why="Along a weight, the local derivative is its input; along an input, its weight; along the bias, 1.",
         javascript="dot({})")
LOGSUMEXP = Op("logsumexp", _logsumexp, lambda y, *xs: _softmax(*(x - y for x in xs)), "logsumexp({})",
               "Local: the softmax, the share of each operand in Σ eˣ.", javascript="logsumexp({})")


def to_the(p: float) -> Op:
    """The row of x ** p for a plain number p, such as `to_the(2.0)`: one operand, and one row for each p."""
    if p not in POWERS:
        p = float(p)
        digits = f"{p:g}" if float(f"{p:g}") == p else repr(p)
        row = Power(p, f"**{digits}", lambda x: power(x, p), lambda y, x: (p * x ** (p - 1) if p else 0.0,))
        key = int(p) if p.is_integer() else p  # as it is mostly written: an int is slow to find by a float
        POWERS.setdefault(key, (row, p, p - 1 if p else 0.0))
    return POWERS[p][0]


POWERS: dict[float, tuple[Power, float, float]] = {}  # the row, p, and the exponent of the slope p·xᵖ⁻¹


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Power(Op):
    """A row that carries its exponent `p`."""

    __slots__ = ("p",)

    def __init__(self, p: float, symbol: str, value: Callable[..., float], local: Callable[..., tuple]) -> None:
        exponent = symbol.removeprefix("**")
        raised = exponent.translate(RAISED) if p.is_integer() and "e" not in exponent else f"^{exponent}"
        super().__init__(symbol, value, local, why="The slope of xᵖ is p·xᵖ⁻¹.", sign=f"x{raised}")
        self.p = p


class Value:
    """A real number that remembers how it was made.

    `data` is the number, `label` a name to be printed and drawn. `grad` is the gradient ∂C/∂(this) once `C.backward()`
    has been called; that of a leaf adds up over calls. `op`, `args` and `local_grads` are the record of its making; a
    Value made from a plain number is a leaf, with no operands. Plain numbers among operands become unlabelled leaves.

    Comparisons and `if v` look at `data`; `==` is identity, so Values can be keys. `math.exp(v)` and other functions of
    floats see only the number: the record ends there.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> c = a * b + a
    >>> c.backward()
    >>> c.data, a.grad, b.grad
    (-4.0, -2.0, 2.0)
    """

    __slots__ = ("data", "grad", "op", "_label", "born", "_a", "_da", "_b", "_db")

    data: float
    grad: float
    op: Op
    born: int
    _a: Any    # the first operand, or None of a leaf, or a tuple of all operands
    _da: Any   # the local derivative along it, or a tuple of all
    _b: Any    # the second operand, or None, or MANY where the first is a tuple
    _db: Any

    def __init__(self, data: Any, label: str = "") -> None:
        self.label = label
        self.data = data if data.__class__ is float else _number(data)
        self.grad = 0.0
        self.op = LEAF
        self.born = next(_births)
        self._a = None

    @property
    def label(self) -> str:
        """A name to be printed and drawn."""
        return self._label

    @label.setter
    def label(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a label is text; got {text!r:.60} ({type(text).__name__})")
        self._label = text

    @property
    def args(self) -> tuple[Value, ...]:
        """The operands, in order."""
        if self._a is None:
            return ()
        return self._a if self._b is MANY else (self._a,) if self._b is None else (self._a, self._b)

    @property
    def local_grads(self) -> tuple[float, ...]:
        """The local derivative ∂(this)/∂(operand) along each operand."""
        if self._a is None:
            return ()
        return self._da if self._b is MANY else (self._da,) if self._b is None else (self._da, self._db)

    @staticmethod
    def apply(op: Op, operands: Iterable[Number]) -> Value:
        """The Value that `op` makes of Values and plain numbers; its local derivatives are captured here.

        >>> Value.apply(MAX, (Value(2.0), 5.0))
        Value(data=5.0, grad=0.0)
        """
        if not isinstance(op, Op):
            raise TypeError(f"op must be a row of the table, such as engine.TANH; got {op!r:.60} ({type(op).__name__})")
        args, numbers = _lift(_several(operands, "operands"))
        missing = "value"
        try:
            data = op.value(*numbers)
            missing = "derivative"
            local_grads = op.local(data, *numbers)
        except (ArithmeticError, ValueError) as error:
            named = ", ".join(f"{arg.label}={arg.data}" if arg.label else str(arg.data) for arg in args)
            raise type(error)(f"{op.symbol} of {named} has no {missing}: {error}") from None
        except TypeError as error:
            raise TypeError(f"{op.symbol} takes another number of operands; got {len(args)}: {error}") from None
        return recorded(op, data, args, local_grads)

    # The commonest operations are written out, for speed; each does what its row says, and leaves what has no value to
    # `apply`, which names it

    def __add__(self, other: Number) -> Value:
        if other.__class__ is not Value:
            other = _value(other)
        return _made(ADD, self.data + other.data, self, 1.0, other, 1.0)

    def __sub__(self, other: Number) -> Value:
        if other.__class__ is not Value:
            other = _value(other)
        return _made(SUB, self.data - other.data, self, 1.0, other, -1.0)

    def __mul__(self, other: Number) -> Value:
        if other.__class__ is not Value:
            other = _value(other)
        return _made(MUL, self.data * other.data, self, other.data, other, self.data)

    def __truediv__(self, other: Number) -> Value:
        if other.__class__ is not Value:
            other = _value(other)
        b = other.data
        if not b:
            return Value.apply(DIV, (self, other))
        y = self.data / b
        return _made(DIV, y, self, 1 / b, other, -y / b)

    def __pow__(self, other: Any) -> Value:
        """x ** p. A plain number p is part of the operation; a Value p is an operand, and then x must be above 0."""
        kind = other.__class__
        if kind is float or kind is int:
            try:
                op, p, q = POWERS[other]
                x = self.data
                y = _blank()  # as `_made` does, whose call would count here
                y.data = power(x, p)
                y._da = p * power(x, q)
                y._a = self
                y._b = None
                y.op = op
                y.grad = 0.0
                y._label = ""
                y.born = next(_births)
                return y
            except (KeyError, ValueError, ArithmeticError):
                pass  # `apply` makes the row, or says what is wrong
        if isinstance(other, Value):
            return Value.apply(POW, (self, other))
        return Value.apply(to_the(_number(other)), (self,))

    def __radd__(self, other: float) -> Value:
        a = _value(other)
        return _made(ADD, a.data + self.data, a, 1.0, self, 1.0)

    def __rsub__(self, other: float) -> Value:
        return _value(other) - self

    def __rmul__(self, other: float) -> Value:
        a = _value(other)
        return _made(MUL, a.data * self.data, a, self.data, self, a.data)

    def __rtruediv__(self, other: float) -> Value:
        return _value(other) / self

    def __rpow__(self, other: float) -> Value:
        return Value.apply(POW, (other, self))

    def __neg__(self) -> Value:
        return _made(NEG, -self.data, self, -1.0)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        """|x|; its slope at 0 is taken to be 0."""
        return Value.apply(ABS, (self,))

    def exp(self) -> Value:
        """eˣ."""
        try:
            y = math.exp(self.data)
        except OverflowError:
            return Value.apply(EXP, (self,))
        return _made(EXP, y, self, y)

    def log(self) -> Value:
        """The natural logarithm; x must be above 0."""
        if self.data <= 0:
            return Value.apply(LOG, (self,))
        return _made(LOG, math.log(self.data), self, 1 / self.data)

    def sqrt(self) -> Value:
        """The square root; x must be above 0, since the slope at 0 is infinite."""
        return Value.apply(SQRT, (self,))

    def sin(self) -> Value:
        """The sine, x in radians."""
        return Value.apply(SIN, (self,))

    def cos(self) -> Value:
        """The cosine, x in radians."""
        return Value.apply(COS, (self,))

    def atan(self) -> Value:
        """The arc tangent, in radians, from −π/2 to π/2."""
        return Value.apply(ATAN, (self,))

    def softplus(self) -> Value:
        """log(1 + eˣ), without overflow: a relu with a rounded corner."""
        return Value.apply(SOFTPLUS, (self,))

    def tanh(self) -> Value:
        """The hyperbolic tangent, from −1 to 1."""
        y = math.tanh(self.data)
        return _made(TANH, y, self, 1 - y * y)

    def sigmoid(self) -> Value:
        """1 / (1 + e⁻ˣ), from 0 to 1, without overflow at either end."""
        return Value.apply(SIGMOID, (self,))

    def relu(self) -> Value:
        """max(0, x); its slope at 0 is taken to be 0."""
        x = self.data
        y = 0.0 if x <= 0 else x
        return _made(RELU, y, self, 1.0 if y > 0 else y)

    def __lt__(self, other: Number) -> bool:
        return _seen(self) < _seen(other)

    def __le__(self, other: Number) -> bool:
        return _seen(self) <= _seen(other)

    def __gt__(self, other: Number) -> bool:
        return _seen(self) > _seen(other)

    def __ge__(self, other: Number) -> bool:
        return _seen(self) >= _seen(other)

    def __bool__(self) -> bool:
        return _seen(self) != 0

    def __float__(self) -> float:
        return float(_seen(self))

    def __round__(self, digits: int | None = None) -> float:
        return round(_seen(self), digits)

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else str(self)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self.data}, grad={self.grad}{label})"

    _prev, _op = args, property(lambda self: self.op.symbol)  # the names that code written for micrograd uses

    def backward(self) -> None:
        """Put ∂self/∂v into the `grad` of every Value v that this one was made from.

        The gradients of leaves add up over calls; those of all other Values are set to 0 first. The numbers used are
        those of the forward pass, whatever has been done to `data` since.

        >>> a = Value(3.0)
        >>> d = (a + a) * a          # a is used three times: its contributions add up
        >>> d.backward()
        >>> a.grad
        12.0
        """
        nodes = results(self)
        for node in nodes:
            node.grad = 0.0
        try:
            self.grad += 1.0
            for node in nodes:  # each hands to its operands: upstream gradient × local derivative
                upstream = node.grad
                if node._b is MANY:
                    for operand, local in zip(node._a, node._da):
                        operand.grad += upstream * local
                else:
                    node._a.grad += upstream * node._da
                    if node._b is not None:
                        node._b.grad += upstream * node._db
        except TypeError as error:  # a `grad` that someone set to None
            raise TypeError(f"every grad must be a number: {error}. Set them to 0.0, as zero_grad() does, and call "
                            f"backward() again") from None


MANY = object()  # in `_b`: the operands are the tuple `_a`, and the local derivatives the tuple `_da`
_births = itertools.count()
_blank = partial(Value.__new__, Value)


def _made(op: Op, data: float, a: Any, da: Any, b: Any = None, db: Any = None) -> Value:
    """A result with its record: the operands `a` and `b`, if there is a second, and the local derivative along each."""
    y = _blank()
    y.data = data
    y.grad = 0.0
    y.op = op
    y._label = ""
    y.born = next(_births)
    y._a = a
    y._da = da
    y._b = b
    y._db = db
    return y


def recorded(op: Op, data: float, args: tuple[Value, ...], local_grads: tuple[float, ...]) -> Value:
    """A result with its record, of any number of operands; without any, a leaf."""
    if op is LEAF:
        return Value(data)
    if len(args) == 1 or len(args) == 2:
        return _made(op, data, *itertools.chain(*zip(args, local_grads)))
    return _made(op, data, args, local_grads, MANY)


# Called before code reads the number of a Value by comparing it, or by float() or bool(). `compile` refuses that while
# it runs a function, in its own thread, since a program cannot take another branch for each example.
on_sight: ContextVar[Callable[[], None]] = ContextVar("on_sight")


def _seen(number: Number) -> float:
    if refuse := on_sight.get(None):
        refuse()
    return _value(number).data


def _number(thing: Any) -> float:
    """A plain number as a float; TypeError for anything else. A 0-dimensional array, of any library, is one."""
    if thing.__class__ is not int:  # asking the abstract class takes longer
        if getattr(thing, "shape", None) == () and not hasattr(thing, "mask"):
            thing = thing.item()
        if not isinstance(thing, Real):
            raise TypeError(f"a Value holds one real number; got {_described(thing)}")
    try:
        return float(thing)
    except OverflowError:
        raise ValueError(f"a Value holds one real number; got {thing!r:.20}…, too large for a float") from None


def _value(number: Any) -> Value:
    """A plain number as an unlabelled leaf; a Value as it is."""
    kind = number.__class__
    if kind is not float:
        if kind is not int and isinstance(number, Value):
            return number
        number = _number(number)
    y = _blank()
    y.data = number
    y.grad = 0.0
    y.op = LEAF
    y._label = ""
    y.born = next(_births)
    y._a = None
    return y


def _lift(operands: Iterable[Number]) -> tuple[tuple[Value, ...], list[float]]:
    """Operands as Values, and their numbers."""
    args: tuple[Any, ...] = tuple(operands)
    numbers = [arg.data for arg in args if arg.__class__ is Value]
    if len(numbers) < len(args):
        args = tuple(map(_value, args))
        numbers = [arg.data for arg in args]
    return args, numbers


def _described(thing: Any) -> str:
    if isinstance(thing, Value):
        return f"another Value, {thing!r}: use it as it is"
    if hasattr(thing, "shape"):
        return f"an array of shape {thing.shape}: write it one number at a time, as in [value * x for x in array]"
    if isinstance(thing, (list, tuple)):
        one = "one of it, as in x[0], or one after the other, as in [f(x) for x in X]"
        return f"{thing!r:.60} ({type(thing).__name__}): take {one}"
    return f"{thing!r} ({type(thing).__name__})"


def dot(weights: Iterable[Number], inputs: Iterable[Number], bias: Number | None = None) -> Value:
    """The weighted sum z = w₀x₀ + w₁x₁ + … + b, as one node. Its operands are all weights, all inputs, then the bias.

    ∂z/∂wᵢ = xᵢ, ∂z/∂xᵢ = wᵢ, ∂z/∂b = 1. ValueError unless there are as many weights as inputs. `parts` takes it apart.

    >>> dot([2.0, 3.0], [10.0, 1.0], 0.5)
    Value(data=23.5, grad=0.0)
    """
    (w, ws), (x, xs) = _lift(_several(weights, "weights")), _lift(_several(inputs, "inputs"))
    if len(w) != len(x):
        raise ValueError(f"a weighted sum needs one weight for each input; got {len(w)} weights and {len(x)} inputs")
    if bias is None:
        return _made(DOT, sum(map(mul, ws, xs), 0.0), (*w, *x), (*xs, *ws), MANY)
    b = bias if bias.__class__ is Value else _value(bias)
    return _made(DOT, sum(map(mul, ws, xs), b.data), (*w, *x, b), (*xs, *ws, 1.0), MANY)


def parts(args: Any) -> tuple[Any, Any, Any]:
    """The weights, the inputs, and the bias (one, or none) among the operands of a weighted sum.

    >>> z = dot([2.0, 3.0], [10.0, 1.0], 0.5)
    >>> [[operand.data for operand in some] for some in parts(z.args)]
    [[2.0, 3.0], [10.0, 1.0], [0.5]]
    """
    n = len(args) // 2
    return args[:n], args[n:2 * n], args[2 * n:]


def total(values: Iterable[Number]) -> Value:
    """The sum of any number of Values, as one node.

    >>> total([1.0, 2.0, 3.5])
    Value(data=6.5, grad=0.0)
    """
    return Value.apply(SUM, _several(values))


def logsumexp(values: Iterable[Number]) -> Value:
    """log(eˣ⁰ + eˣ¹ + …), as one node, without overflow; its local derivatives are the softmax of its operands.

    >>> y = logsumexp([0.0, 1000.0])
    >>> y.data, y.local_grads
    (1000.0, (0.0, 1.0))
    """
    values = list(_several(values))
    if not values:
        raise ValueError("logsumexp needs at least one value")
    return Value.apply(LOGSUMEXP, values)


def _several(values: Any, name: str = "values", of: str = "Values and numbers") -> Iterable[Any]:
    if values.__class__ in (list, tuple):
        return values
    several = isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping, Set))
    if several and getattr(values, "shape", None) != ():
        return values
    parameters = f": say {name}.parameters()" if hasattr(values, "parameters") else ""
    raise TypeError(f"{name} must be a list of {of}; got {values!r:.80} "
                    f"({type(values).__name__}){parameters}")


def maximum(a: Number, b: Number) -> Value:
    """The larger of two; its slope follows the larger, and a tie goes to `a`.

    >>> maximum(Value(2.0), Value(2.0)).local_grads
    (1.0, 0.0)
    """
    return Value.apply(MAX, (a, b))


def minimum(a: Number, b: Number) -> Value:
    """The smaller of two; its slope follows the smaller, and a tie goes to `a`.

    >>> minimum(Value(2.0), 3.0).local_grads
    (1.0, 0.0)
    """
    return Value.apply(MIN, (a, b))


def topological_order(root: Value) -> list[Value]:
    """Every Value that `root` was made from, and `root` itself, operands before results.

    >>> a = Value(1.0, "a"); b = a + a; b.label = "b"; c = b * b; c.label = "c"
    >>> [node.label for node in topological_order(c)]
    ['a', 'b', 'c']
    """
    nodes = {root}
    for result in results(root):
        nodes.update(result.args)
    return sorted(nodes, key=attrgetter("born"))


def results(root: Value, ends: Container[Value] = ()) -> list[Value]:
    """Every result that `root` was made from, and `root` itself, the latest born first, as `backward` visits them.

    A leaf is no result. `ends`, and what lies only behind them, are left out.

    >>> a = Value(1.0, "a"); b = a + a; b.label = "b"; c = b * a; c.label = "c"
    >>> [node.label for node in results(c)], [node.label for node in results(c, ends={b})]
    (['c', 'b'], ['c'])
    """
    if not isinstance(root, Value):
        raise TypeError(f"root must be a Value; got {root!r:.60} ({type(root).__name__})")
    if root.data.__class__ is not float:  # an array, say, that was put into some `data`
        _number(root.data)
    found: list[Value] = []
    waiting = [root] if root._a is not None and root not in ends else []
    seen = {root}
    while waiting:  # a stack: what it gives is nearly in order already
        node = waiting.pop()
        found.append(node)
        a, b = node._a, node._b
        for operand in a if b is MANY else (a,) if b is None else (a, b):
            if operand._a is not None and operand not in seen and operand not in ends:
                seen.add(operand)
                waiting.append(operand)
    found.sort(key=attrgetter("born"), reverse=True)
    return found


def gradient(output: Value, inputs: Iterable[Value]) -> list[Value]:
    """[∂output/∂input for each input], as Values with a record of their own: differentiate them again.

    An input that `output` does not depend on has gradient 0. Writes no `grad`. RuntimeError if a number was changed
    after the forward pass, so that a result or a local derivative is no longer what it was then.

    >>> x = Value(2.0)
    >>> (slope,) = gradient(x ** 3, [x])
    >>> (curvature,) = gradient(slope, [x])
    >>> slope.data, curvature.data
    (12.0, 12.0)
    """
    inputs = list(_several(inputs, "inputs", "Values, as in gradient(c, [a])"))
    for value in (output, *inputs):
        if not isinstance(value, Value):
            raise TypeError(f"gradient takes a Value and a list of Values; got {value!r:.80} ({type(value).__name__})")
    order = topological_order(output)
    between = set(inputs)  # and all that depends on them
    for node in order:
        if not between.isdisjoint(node.args):
            between.add(node)
    contributions: dict[Value, list[Value]] = {output: [Value(1.0)]}
    grads: dict[Value, Value] = {}
    for node in reversed(order):
        if node in between:
            received = contributions[node]
            upstream = grads[node] = received[0] if len(received) == 1 else total(received)
            if change := change_since(node):
                raise RuntimeError(f"a number was changed after the forward pass: {change}; compute it again")
            for operand, local in zip(node.args, node.op.local(node, *node.args)):
                if operand in between:
                    contributions.setdefault(operand, []).append(upstream * local)
    return [grads[value] if value in grads else Value(0.0) for value in inputs]


def change_since(node: Value) -> str:
    """What is no longer as it was in the forward pass, as the operation, done again, tells; "" if nothing is.

    >>> a = Value(2.0)
    >>> c = a * -3
    >>> a.data = 100.0
    >>> change_since(c)
    'the local derivative of * was 2.0 and is now 100.0'
    """
    operands = [arg.data for arg in node.args]
    try:
        now = (*node.op.local(node.data, *operands), node.op.value(*operands)) if operands else ()
    except (ArithmeticError, ValueError):  # it could not be done with the numbers that are there now
        now = (math.nan,) * (len(operands) + 1)
    for i, (old, new) in enumerate(zip((*node.local_grads, node.data), now)):
        if new != old == old:  # it changed, and was no NaN
            what = "local derivative" if i < len(operands) else "result"
            return f"the {what} of {node.op.symbol} was {old} and is now {new}"
    return ""
