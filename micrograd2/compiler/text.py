"""How operations are spelled in NumPy and in JAX, and the functions that both lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine import ABS, ADD, DIV, MAX, MIN, MUL, NEG, RELU, SUB, Op, Power
from ..expressions import Like, Text
from .graph import CompileError

HELPERS = {
    "sigmoid": '''\
def sigmoid(z):
    a = np.exp(-z)  # inf where z is very small, and then 1 / (1 + inf) is right
    a += 1
    return np.reciprocal(a, out=a)
''',
    "exp": '''\
def exp(x):
    with np.errstate(over="raise"):
        return np.exp(x)
''',
    "power": '''\
def power(a, b):
    with np.errstate(over="raise"):
        return a ** b
''',
    "less": '''\
def less(a, b):
    return np.where(np.isnan(a + b), a + b, a < b)  # a NaN stays
''',
    "sums": '''\
def sums(x):
    return x @ np.ones(x.shape[-1], x.dtype)  # over the last axis; faster than x.sum(axis=-1)
''',
    "logsumexp": '''\
def logsumexp(x):
    total = sums(np.exp(x))
    if ((total > 1e-30) & (total < 1e30)).all():
        return np.log(total)
    top = x.max(axis=-1, keepdims=True)  # so that exp can neither overflow nor be 0 for all
    return top[..., 0] + np.log(sums(np.exp(x - top)))
''',
}

IN_JAX = {
    "sigmoid": "sigmoid = jax.nn.sigmoid",
    "exp": "exp = np.exp",
    "power": "power = np.power",
    "less": HELPERS["less"],
    "absolute": "def absolute(x):\n    return np.sign(x) * x  # so that its slope at 0 is 0\n",
    "maximum": """\
def maximum(a, b):
    return np.where((a >= b) | np.isnan(a), a, b)  # a tie goes to a; a NaN stays
""",
    "minimum": """\
def minimum(a, b):
    return np.where((a <= b) | np.isnan(a), a, b)
""",
    "sums": "def sums(x):\n    return x.sum(axis=-1)\n",
    "logsumexp": "def logsumexp(x):\n    return jax.nn.logsumexp(x, axis=-1)\n",
}
SPELLED_IN_JAX = {  # so that slopes at ties and kinks are ours
    ABS: "absolute({})", RELU: "jax.nn.relu({})", MAX: "maximum({}, {})", MIN: "minimum({}, {})"}


def text(number: Like) -> Text:
    """A plain number as Text; a Text as it is."""
    return Text("").like(number)


def spelled(op: Op, operands: Sequence[Like], jax: bool = False) -> Text:
    """The NumPy code for the value of an operation, or that for JAX."""
    if jax and op in SPELLED_IN_JAX:
        return Text(SPELLED_IN_JAX[op].format(*map(text, operands)))
    if op.numpy:
        return Text(op.numpy.format(*map(text, operands)))
    if isinstance(op, Power):
        small = abs(op.p) <= 3  # the square of a number is inf sooner than an error
        return text(operands[0]) ** op.p if small else Text(f"power({operands[0]}, {text(op.p)})")
    if op not in (ADD, SUB, MUL, DIV, NEG):
        raise CompileError(f"the compiler does not know {op!r}: write it with operations of the engine's table")
    value: Any = op.value  # the operators themselves
    return value(*map(text, operands))
