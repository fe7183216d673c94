"""The compiler: from thousands of scalar nodes to a page of NumPy code with the same results, at array speed.

`compile` runs ordinary scalar code once, on one example, and reads its graph (`trace`). Scalars of one kind become
variables, and what is done to them a few array statements (`group`); regular places in a variable are seen as views
(`address`). The statements are written out as NumPy source, forward and backward (`emit`), each derivative being the
engine's own row applied to names (`text`). Then the program is checked against the scalar graph.

Left out: threads, graphics cards, and whatever needs more than one example to be seen.
"""

from __future__ import annotations

import builtins
import itertools
import linecache
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Value, grads_of
from .emit import Emitter
from .group import Plan
from .trace import CompileError, Trace, run

__all__ = ["CompileError", "Program", "compile"]

_serial = itertools.count(1)


def compile(f: Callable[..., Any], parameters: Sequence[Value], *example: Any, dtype: Any = np.float64) -> Program:
    """The program of `f`, scalar code for one example, over batches of examples.

    `f` receives a list of Values for each sequence of numbers in `example`, and returns one Value, a cost, or a list of
    Values. It runs once, here; what it does must not depend on the numbers. `parameters` are the Values to learn.
    Everything else in `f` that is older than this call must be a plain number. CompileError says what is wrong, or how
    the program differs from the scalar graph on the example; a branch that the example did not take cannot be seen
    here, but `program.check` finds it.

    >>> w, b = Value(2.0, "w"), Value(1.0, "b")
    >>> program = compile(lambda x, y: (w * x[0] + b - y[0]) ** 2, [w, b], [3.0], [5.0])
    >>> program(program.theta, [[3.0], [1.0]], [[5.0], [5.0]])     # two examples: average loss, and its gradient
    (4.0, array([4., 0.]))
    """
    return Program(f, parameters, example, dtype)


class Program:
    """What `compile` returns: NumPy code for a scalar function, with a gradient if it is a cost.

    `program(theta, *arrays)` takes the parameters as one vector and, for each argument of the scalar function, an array
    (B, n) with an example in each row. For a cost it returns (loss, gradient): the average over the batch, a float, and
    a new vector, which is the caller's; for a list, the outputs (B, n). ValueError for a wrong shape;
    FloatingPointError, naming the line, for log(0), 1/0 and overflow of exp. One program serves one thread at a time.

    `source` is exactly the code that runs, and runs by itself; `print(program)` sums it up.
    """

    def __init__(self, f: Callable[..., Any], parameters: Sequence[Value], example: Sequence[Any], dtype: Any) -> None:
        self.f, self.parameters, self.dtype = f, list(parameters), np.dtype(dtype)
        for p in self.parameters:
            if not isinstance(p, Value) or p.args:
                raise CompileError(f"parameters must be Values that are leaves; got {p!r}")
        if len(set(self.parameters)) != len(self.parameters):
            raise CompileError("a parameter is listed twice")
        trace = Trace(f, self.parameters, example)
        if Trace(f, self.parameters, example).shape() != trace.shape():
            raise CompileError("f made a different graph when it was run again on the same example: it must not draw "
                               "random numbers or change anything outside itself")
        plan = Plan(trace)
        self.is_cost, self.names, self.sizes = trace.is_cost, trace.names, [len(nodes) for nodes in trace.inputs]
        self.scalar_nodes, self.array_operations = trace.scalar_nodes, plan.array_operations
        self.bytes_per_example, self._kept = plan.floats_per_example * self.dtype.itemsize, 0
        self.outputs_source = Emitter(plan, False, self.dtype).source()
        self.source = Emitter(plan, True, self.dtype).source() if self.is_cost else self.outputs_source
        self._run, self._run_outputs = _executed(self.source), _executed(self.outputs_source)
        self.check(self.theta, *([list(numbers)] for numbers in example))

    def __call__(self, theta: Any, *arrays: Any) -> Any:
        theta, batch = self._checked(theta, arrays)
        if self.is_cost:
            loss, gradient = _guarded(self._run, theta, *batch)
            return float(loss), gradient
        return self.outputs(theta, *batch)

    def outputs(self, theta: Any, *arrays: Any) -> np.ndarray:
        """What the scalar function returns for every example, without gradients: (B,) for a cost, else (B, n)."""
        theta, batch = self._checked(theta, arrays)
        result = np.array(_guarded(self._run_outputs, theta, *batch), self.dtype)
        return result[:, 0] if self.is_cost else result

    @property
    def theta(self) -> np.ndarray:
        """The numbers that the parameters hold now, as a new vector."""
        return np.array([p.data for p in self.parameters], dtype=self.dtype)

    def store(self, theta: Any) -> None:
        """Write a vector into the parameters."""
        theta, _ = self._checked(theta, None)
        for p, number in zip(self.parameters, theta.tolist()):
            p.data = number

    def check(self, theta: Any, *arrays: Any) -> None:
        """Compare the program with the scalar graph of every example given; CompileError says what differs, where.

        The parameters are set to `theta` meanwhile, and set back; no gradient is touched.
        """
        theta, batch = self._checked(theta, arrays)
        kept = [p.data for p in self.parameters]
        try:
            self.store(theta)
            for i in range(len(batch[0]) if batch else 1):
                self._check_example(theta, [array[i:i + 1] for array in batch], f" for example {i}")
        finally:
            for p, number in zip(self.parameters, kept):
                p.data = number

    def _check_example(self, theta: np.ndarray, batch: list[np.ndarray], where: str) -> None:
        _, result = run(self.f, [array[0].tolist() for array in batch])
        values = [result] if isinstance(result, Value) else result
        _compare("the result", self.outputs(theta, *batch).ravel(), [value.data for value in values], where)
        if self.is_cost:
            grads = grads_of(result)
            _compare("the gradient", self(theta, *batch)[1], [grads.get(p, 0.0) for p in self.parameters], where,
                     [p.label for p in self.parameters])

    def _checked(self, theta: Any, arrays: Sequence[Any] | None) -> tuple[np.ndarray, list[np.ndarray]]:
        theta = np.asarray(theta, self.dtype)
        if theta.shape != (len(self.parameters),):
            raise ValueError(f"theta must have shape ({len(self.parameters)},); got {theta.shape}")
        if arrays is None:
            return theta, []
        if len(arrays) != len(self.sizes):
            raise ValueError(f"the program takes theta and {len(self.sizes)} arrays ({', '.join(self.names)}); "
                             f"got {len(arrays)} arrays")
        batch: list[np.ndarray] = []
        for name, n, given in zip(self.names, self.sizes, arrays):
            array = np.asarray(given, self.dtype)
            if array.ndim == 1 and n == 1:
                array = array[:, None]
            batch.append(array)
            if array.ndim != 2 or array.shape[1] != n or not 0 < len(array) == len(batch[0]):
                raise ValueError(f"{name} must have shape (B, {n}), the same B > 0 for all; got {array.shape}")
        if batch and len(batch[0]) > self._kept:
            self._keep_memory(len(batch[0]))
        return theta, batch

    def _keep_memory(self, examples: int) -> None:
        """Let the inner arrays of one call be those of the next."""
        # Freed memory goes back to the system and is asked for again, page by page, which can take as long as the
        # arithmetic; but glibc keeps as much as the largest block, of up to 32 MB, that it has seen freed. Four times
        # the values: their gradients and temporaries need room too.
        np.empty(min(4 * examples * self.bytes_per_example, 2**25 - 2**16), np.uint8)
        self._kept = examples

    def __repr__(self) -> str:
        return (f"Program: {self.scalar_nodes:,} scalar nodes -> {self.array_operations} array operations, "
                f"{len(self.parameters):,} parameters, {self.bytes_per_example:,} bytes kept for each example")


def _executed(source: str) -> Callable[..., Any]:
    """The function `program` of the source; its lines show in tracebacks."""
    name = f"<program {next(_serial)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    space: dict[str, Any] = {}
    exec(builtins.compile(source, name, "exec"), space)  # the compiler wrote this text itself; none of it is a user's
    return space["program"]


def _guarded(function: Callable[..., Any], *args: Any) -> Any:
    """The function's result; where the scalar graph would refuse a number, an error that names the line."""
    try:
        return function(*args)
    except FloatingPointError as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        raise FloatingPointError(f"{error}, in line {line.lineno} of the program: {line.line}") from None


def _compare(what: str, program: np.ndarray, graph: Sequence[float], where: str, labels: Sequence[str] = ()) -> None:
    """CompileError unless both agree, up to the rounding of the program's dtype."""
    expected = np.array(graph)
    if program.shape != expected.shape:
        raise CompileError(f"{what}{where} has {program.size} numbers in the program, {expected.size} in the graph")
    rounding = 1e4 * np.finfo(program.dtype).eps
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))))
    wrong = ~np.isclose(program, expected, rtol=rounding, atol=rounding * scale, equal_nan=True)
    if wrong.any():
        k = int(np.argmax(wrong))
        name = f" of {labels[k]}" if labels and labels[k] else f"[{k}]" if expected.size > 1 else ""
        raise CompileError(f"{what}{name} is {program[k]} in the program but {expected[k]} in the scalar graph{where}: "
                           f"does f branch on its numbers, or keep something between calls?")
