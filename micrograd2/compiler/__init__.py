"""The compiler: from thousands of scalar nodes to a page of NumPy code with the same results, at array speed.

    scalar code  → run →  a scalar graph  → group →  lines  → loops, backward, tidy →  lines  → printer →  a page

`compile` runs ordinary scalar code on one example, and reads its `graph`. Scalars of one kind become variables, and
what is done to them a few lines y = op(*args) of array operations (`group`; `layout` says how scalars lie in arrays).
The adjoint of each operation is written with others of the same set (`lines`). Where lines are one block again and
again (`repeats`), they become a loop (`loops`), in which only what depends on the turn before is left: all else is done
for all turns at once (`turns`). The lines are followed back, as the engine follows scalars (`backward`), tidied
(`tidy`), and at last written out as NumPy or JAX source (`printer`), regular places of a variable being views (`view`).
Then the function runs on other numbers, and the program must do what it does there (`proof`), up to `rounding`.

Left out: threads, graphics cards (but see `Program.jax`), and whatever needs more than one example to be seen.
"""

from __future__ import annotations

import builtins
import itertools
import linecache
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, Union, overload

import numpy as np

from ..arrays import numbers, precision, values
from ..contributions import grads_of
from ..engine import LEAF, Value
from ..given import function
from .backward import with_gradient
from .graph import CompileError, Graph, Run, argument_names
from .group import Plan
from .lines import average, spread
from .loops import rolled
from .printer import Page
from .proof import ALONE, FAULT, apart, difference, errors_of, moving, prove
from .tidy import tidied

__all__ = ["CompileError", "Program", "compile"]

_serial = itertools.count(1)

Result = TypeVar("Result")  # of a call of the program
Cost = Union[Value, tuple[Value, Sequence[Value]]]


@overload
def compile(f: Callable[..., Cost], parameters: Sequence[Value], *example: Any,
            dtype: Any = ...) -> Program[tuple[float, np.ndarray]]: ...


@overload
def compile(f: Callable[..., Sequence[Value]], parameters: Sequence[Value], *example: Any,
            dtype: Any = ...) -> Program[np.ndarray]: ...


def compile(f: Callable[..., Any], parameters: Sequence[Value], *example: Any, dtype: Any = np.float64) -> Program[Any]:
    """The program of `f`, scalar code for one example, over batches of examples.

    `f` receives a list of Values for each sequence of numbers in `example`, and returns one Value, a cost, or a list of
    Values; or a pair (cost, list), for the program of the cost with the list as its `outputs`. What it does must not
    depend on the numbers, so it runs here on the example and on other numbers, far and near, which the parameters hold
    meanwhile (let no other thread use them until this returns); all must be one graph, and the program's results must
    be those of the graphs, up to rounding. `parameters` are the Values to learn; a Value that was made before this call
    and is not among them is refused. CompileError says what is wrong, or what differs; a branch that is seldom taken
    may not be seen here, but `program.check` finds it on the examples that take it.

    >>> w, b = Value(2.0, "w"), Value(1.0, "b")
    >>> program = compile(lambda x, y: (w * x[0] + b - y[0]) ** 2, [w, b], [3.0], [5.0])
    >>> program(program.theta, [[3.0], [1.0]], [[5.0], [5.0]])     # two examples: average loss, and its gradient
    (4.0, array([4., 0.]))
    """
    return Program(f, parameters, example, dtype)


class Program(Generic[Result]):
    """What `compile` returns: NumPy code for a scalar function, with a gradient if it is a cost.

    `program(theta, *arrays)` takes the parameters as one vector and, for each argument of the scalar function, an array
    (B, n) with an example in each row. For a cost it returns (loss, gradient): the average over the batch, a float, and
    a new vector, which is the caller's; for a list, the outputs (B, n). ValueError for a wrong shape;
    FloatingPointError, naming the line, for log(0), 1/0, ∞ − ∞ and overflow of exp.

    `source` is exactly the code that runs, and runs by itself, as do `outputs_source`, for the outputs alone, and
    `jax_source`, for JAX (see `jax`); `print(program)` sums it up. A program can be pickled,
    and does the same in another process; but `f` stays behind, so that `check` is a RuntimeError there.
    """

    def __init__(self, f: Callable[..., Any], parameters: Sequence[Value], example: Sequence[Any], dtype: Any) -> None:
        self.f: Callable[..., Any] | None = function("f", f, len(example), of=f"the {len(example)} rows of an example")
        self.parameters, self.dtype = _leaves(parameters), precision(dtype)
        self._example = [_row(f"example[{i}]", given) for i, given in enumerate(example)]
        with moving(self.parameters):
            first, own = Run(f, self.parameters, self._example), [p.data for p in self.parameters]
        graph = Graph(first, self.parameters, argument_names(f, len(example)))
        plan = Plan(graph)
        self.is_cost, self.names, self.sizes = first.is_cost, graph.names, [len(nodes) for nodes in graph.inputs]
        self._one_output = first.is_one
        self.scalar_nodes, self.array_operations = graph.scalar_nodes, len(plan.variables)
        self.bytes_per_example, self._largest_batch = plan.floats_per_example * self.dtype.itemsize, 0
        self.source, self.outputs_source, self.jax_source = _pages(plan, self.names, self.dtype)
        self._run, self._run_outputs = _executed(self.source), _executed(self.outputs_source)
        del graph, plan  # of a large network they take as much memory as the proof
        prove(f, self.parameters, own, self._example, first, self._difference, float(np.finfo(self.dtype).max))

    def __getstate__(self) -> dict[str, Any]:
        left_behind = {"f": None, "_run": None, "_run_outputs": None, "_largest_batch": 0}
        return vars(self) | left_behind

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._run, self._run_outputs = _executed(self.source), _executed(self.outputs_source)

    def __call__(self, theta: Any, *arrays: Any) -> Result:
        theta, batch = self._checked(theta, arrays)
        result: Any
        if self.is_cost:
            loss, gradient = _guarded(self._run, theta, *batch)
            result = float(loss), gradient
        else:
            result = self.outputs(theta, *batch)
        return result

    def outputs(self, theta: Any, *arrays: Any) -> np.ndarray:
        """What the scalar function returns for every example, without gradients: (B,) for a cost, (B, n) for a list."""
        theta, batch = self._checked(theta, arrays)
        result = np.array(_guarded(self._run_outputs, theta, *batch), self.dtype)
        return result[:, 0] if self._one_output else result

    def jax(self) -> Callable[..., Any]:
        """The same program for JAX: a pure function of (theta, *arrays) that gives the loss, or the outputs (B, n).

        It is what `jax_source` says, made to be handed to `jax.jit`, `jax.grad` or `shard_map`; to `jax.vmap` and
        `jax.jacobian` for the gradient of each example and the Jacobian of outputs. Nothing is checked there, and where
        NumPy would raise, it goes on with inf or NaN. Its numbers are float32 unless `jax_enable_x64` is set.
        ModuleNotFoundError without JAX: `pip install micrograd2[jax]`.
        """
        try:
            return _executed(self.jax_source)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"program.jax() needs JAX: pip install micrograd2[jax] ({error})") from None

    @property
    def theta(self) -> np.ndarray:
        """The numbers that the parameters hold now, as a new vector."""
        with ALONE:  # while another thread compiles, they may be moved
            return np.array([p.data for p in self.parameters], dtype=self.dtype)

    def store(self, theta: Any) -> None:
        """Write a vector into the parameters."""
        theta, _ = self._checked(theta, None)
        with ALONE:
            for p, number in zip(self.parameters, theta.tolist()):
                p.data = number

    def check(self, theta: Any, *arrays: Any) -> None:
        """Compare the program with the scalar graph of every example given; CompileError says what differs, where.

        The parameters are set to `theta` meanwhile, and set back; no gradient is touched. RuntimeError for a program
        from another process, where its scalar function was left.
        """
        theta, batch = self._checked(theta, arrays)
        if self.f is None:
            raise RuntimeError("this program came from another process, without its scalar function: there is nothing "
                               "to compare it with; check it where it was compiled")
        with moving(self.parameters) as move:
            move(theta.tolist())
            for i in range(len(batch[0]) if batch else 1):
                run = Run(self.f, self.parameters, [array[i].tolist() for array in batch])
                if fault := self._difference(run, theta):
                    reason = difference(Run(self.f, self.parameters, self._example), run) or FAULT
                    raise CompileError(f"for example {i}, {fault}; {reason}")

    def _difference(self: Program[Any], run: Run, theta: Any) -> str:
        """How the program differs from this run, made while the parameters hold `theta`; "" if rounding explains it."""
        arrays = [[row] * 2 for row in run.numbers]  # a batch of two, since one might be told from many
        explained: list[Any] = []

        def errors() -> Any:
            if not explained:
                explained.extend(errors_of(run, self.dtype))
            return explained

        rows = self.outputs(theta, *arrays)
        if len(rows) != (2 if arrays else 1):
            return f"there are results for {len(rows)} examples in the program, but {2 if arrays else 1} were given"
        faults = [apart("the result", row, [value.data for value in run.outputs],
                        lambda: [errors()[0][value] for value in run.outputs]) for row in rows.reshape(len(rows), -1)]
        if run.cost is not None:
            loss, gradient = self(theta, *arrays)
            grads, cost = grads_of(run.cost), run.cost
            faults.append(apart("the loss", np.array([loss], self.dtype), [cost.data], lambda: [errors()[0][cost]]))
            faults.append(apart("the gradient", gradient, [grads.get(p, 0.0) for p in self.parameters],
                                lambda: [errors()[1].get(p, 0.0) for p in self.parameters],
                                [p.label for p in self.parameters]))
        return next(filter(None, faults), "")

    def _checked(self, theta: Any, arrays: Sequence[Any] | None) -> tuple[np.ndarray, list[np.ndarray]]:
        theta = numbers("theta", theta, self.dtype)
        if theta.shape != (len(self.parameters),):
            raise ValueError(f"theta must have shape ({len(self.parameters)},); got {theta.shape}")
        if arrays is None:
            return theta, []
        if len(arrays) != len(self.sizes):
            raise ValueError(f"the program takes theta and {len(self.sizes)} arrays ({', '.join(self.names)}); "
                             f"got {len(arrays)} arrays")
        batch: list[np.ndarray] = []
        for name, n, given in zip(self.names, self.sizes, arrays):
            array = numbers(name, given, self.dtype)
            if array.ndim == 1 and n == 1:
                array = array[:, None]
            batch.append(array)
            if array.ndim != 2 or array.shape[1] != n or not 0 < len(array) == len(batch[0]):
                raise ValueError(f"{name} must have shape (B, {n}), the same B > 0 for all; got {array.shape}")
        if batch and len(batch[0]) > self._largest_batch:
            self._keep_memory(len(batch[0]))
        return theta, batch

    def _keep_memory(self, examples: int) -> None:
        """Allocate and free one large block, so that malloc keeps what later calls free for the calls after them."""
        # Freed memory goes back to the system and is asked for again, page by page, which can take as long as the
        # arithmetic; but glibc keeps as much as the largest block, of up to 32 MB, that it has seen freed. Four times
        # the values: their gradients and temporaries need room too.
        np.empty(min(4 * examples * self.bytes_per_example, 2**25 - 2**16), np.uint8)
        self._largest_batch = examples

    def __repr__(self) -> str:
        return (f"Program: {self.scalar_nodes:,} scalar nodes -> {self.array_operations} array operations, "
                f"{len(self.parameters):,} parameters, {self.bytes_per_example:,} bytes kept for each example")


def _pages(plan: Plan, inputs: Sequence[str], dtype: np.dtype) -> tuple[str, str, str]:
    """The source of a program: with the gradient, of a cost; of the outputs alone; and for JAX."""
    outputs = tidied(rolled(plan.program(spread(plan.outputs, plan.outputs.shape, True)), plan.births))
    outputs_source = Page(outputs, inputs, dtype).source()
    if plan.cost is None:
        return outputs_source, outputs_source, Page(outputs, inputs, dtype, jax=True).source()
    loss = tidied(rolled(plan.program(average(plan.cost)), plan.births))
    whole = tidied(with_gradient(loss))
    return Page(whole, inputs, dtype).source(), outputs_source, Page(loss, inputs, dtype, jax=True).source()


def _leaves(given: Any) -> list[Value]:
    parameters = values("parameters", given)
    for p in parameters:
        if p.op is not LEAF:
            raise CompileError(f"parameters must be Values that are leaves; got {p!r:.80}, made of others")
    if len(set(parameters)) != len(parameters):
        raise CompileError("a parameter is listed twice")
    return parameters


def _row(name: str, given: Any) -> list[float]:
    row = np.atleast_1d(numbers(name, given))
    if row.ndim > 1:
        raise ValueError(f"{name} must be a row of numbers (n,); got the shape {row.shape}")
    return row.tolist()


def _executed(source: str) -> Callable[..., Any]:
    """The function `program` of the source; its lines show in tracebacks."""
    name = f"<program {next(_serial)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    space: dict[str, Any] = {}
    exec(builtins.compile(source, name, "exec"), space)  # the compiler wrote this text itself; none of it is a user's
    return space["program"]


def _guarded(function: Callable[..., Any], *args: Any) -> Any:
    """The function's result; where a number has no result, such as log(0) or ∞ − ∞, an error that names the line."""
    try:
        return function(*args)
    except FloatingPointError as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        raise FloatingPointError(f"{error}, in line {line.lineno} of the program: {line.line}") from None
