"""Training: average the gradient over a mini-batch, take a step downhill, and again.

The loss of a batch is the average cost of its examples, its gradient the average of their gradients. An *optimiser*
turns the gradient into a step; a pass over all examples, in shuffled mini-batches, is an *epoch*; `fit` does epochs.

While training, the parameters live in one flat vector, theta, in the order of `net.parameters()`; a *program* maps
theta and a batch to the loss and its gradient, another such vector: what `compile` makes of the scalar code, or the
scalar graph itself (`ScalarProgram`). Training is the same with either, up to rounding:

    theta = program.theta
    for batch in mini_batches(len(X), 100, seed=0, epoch=0):
        loss, gradient = program(theta, X[batch], Y[batch])
        theta = optimizer.step(theta, gradient)
    program.store(theta)

Left out: what the numbers mean (see `explain`), and how to draw them (see `draw`).
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from os import PathLike
from typing import Any, Union

import numpy as np

from . import checkpoint as checkpoints
from .arrays import examples, numbers, precision, values
from .compiler import CompileError, Program, compile
from .contributions import first_not_finite
from .costs import check_targets, example_cost, squared_error
from .engine import LEAF, Value
from .given import finite, function, place, switch, whole
from .live import live
from .nn import MLP
from .shown import percent

Rate = Union[float, Callable[[int], float]]
REDRAWN = 100  # how often, in a notebook, the curve of a run is drawn anew
PIECE = 1000  # examples per batch when the accuracy is measured, so few that the inner arrays stay in the cache


class Optimizer:
    """A rule for one step. `lr`, the learning rate, is a number, or a function of the step number, counted from 0.

    The state of the rule lives here, in the attributes that `state` names, so one optimiser belongs to one training
    run, which may take several `fit`s.
    """

    state: tuple[str, ...] = ("steps",)

    def __init__(self, lr: Rate) -> None:
        self.lr: Rate = function("lr", lr, 1, of="the step, or a number") if callable(lr) else finite(
            "lr", lr, math.ulp(0.0), "a finite number above 0, or a function of the step")
        self.steps = 0

    def __repr__(self) -> str:
        settings = {name: value for name, value in vars(self).items() if name not in self.state and value}
        return f"{type(self).__name__}({', '.join(f'{name}={_called(value)}' for name, value in settings.items())})"

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """The direction of the step for this gradient: theta becomes theta − lr × direction."""
        raise NotImplementedError

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The parameters after one step, as a new vector; `theta` and `gradient`, of one shape, stay as they are.

        Everything is in the precision of `theta`, the state of the rule too.
        """
        theta = _floats("theta", theta)
        gradient = numbers("gradient", gradient, theta.dtype)
        if theta.shape != gradient.shape:
            raise ValueError(f"gradient must have the shape of theta, {theta.shape}; got {gradient.shape}")
        self._check_size(theta.shape)
        for name, state in self._arrays():
            setattr(self, name, state.astype(theta.dtype, copy=False))
        lr = self._rate(self.steps)
        direction = self.direction(gradient)
        self.steps += 1
        return theta - lr * direction

    def _rate(self, step: int) -> float:
        """The learning rate of a step; ValueError if `lr` is a function, and gives no finite number, at least 0."""
        if not callable(self.lr):
            return self.lr
        return finite(f"the learning rate of step {step}", self.lr(step), 0.0, "a finite number, at least 0")

    def _check_size(self, shape: tuple[int, ...]) -> None:
        """ValueError if the state is of another number of parameters."""
        for name, state in self._arrays():
            if state.shape != shape:
                raise ValueError(f"this {type(self).__name__} has the {name} of another training run, of the shape "
                                 f"{state.shape}; for the shape {shape} make a new one")

    def _arrays(self) -> list[tuple[str, np.ndarray]]:
        state = [(name, getattr(self, name)) for name in self.state]
        return [(name, array) for name, array in state if isinstance(array, np.ndarray)]

    def update(self, parameters: Sequence[Value]) -> None:
        """The same step on Values: reads their `grad`, writes their `data`.

        >>> w = Value(3.0)
        >>> (w * w).backward()
        >>> SGD(lr=0.25).update([w])
        >>> w.data                                              # 3 − 0.25 · 6
        1.5
        """
        parameters = values("parameters", parameters)
        theta = self.step(_gathered(parameters), numbers("the stored gradients", [p.grad for p in parameters]))
        _scatter(theta, parameters)


def _called(setting: Any) -> str:
    return getattr(setting, "__name__", repr(setting))


class SGD(Optimizer):
    """Gradient descent: θ ← θ − lr·v with v ← momentum·v + ∂C/∂θ; stochastic when the gradient is a mini-batch's.

    >>> SGD(lr=0.5).step(np.array([1.0, 2.0]), np.array([1.0, -1.0]))
    array([0.5, 2.5])
    """

    state = ("steps", "velocity")

    def __init__(self, lr: Rate, momentum: float = 0.0) -> None:
        super().__init__(lr)
        self.momentum = finite("momentum", momentum, 0.0, "a number from 0 to below 1")
        if self.momentum >= 1:
            raise ValueError(f"momentum must be a number from 0 to below 1; got {momentum!r}")
        self.velocity: Any = 0.0

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        if not self.momentum:
            return gradient
        self.velocity = self.momentum * self.velocity + gradient
        return self.velocity


class Adam(Optimizer):
    """Adam: the running mean of the gradient, over the root of the running mean of its square (Kingma and Ba, 2015).

    >>> Adam(lr=0.1).step(np.array([1.0, 2.0]), np.array([5.0, -0.01])).round(4)     # the first step is ±lr
    array([0.9, 2.1])
    """

    state = ("steps", "mean", "square")
    beta1, beta2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, lr: Rate = 0.001) -> None:
        super().__init__(lr)
        self.mean: Any = 0.0
        self.square: Any = 0.0

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        self.mean = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.square = self.beta2 * self.square + (1 - self.beta2) * gradient * gradient
        mean = self.mean / (1 - self.beta1 ** (self.steps + 1))
        square = self.square / (1 - self.beta2 ** (self.steps + 1))
        return mean / (np.sqrt(square) + self.epsilon)


class ScalarProgram:
    """A program that builds and walks the scalar graph of one example after the other: to learn from, and to compare.

    `f(x, y)` is the cost of one example, for a list of numbers x and a list of numbers y.
    """

    def __init__(self, f: Callable[..., Value], parameters: Sequence[Value]) -> None:
        self.f, self.parameters = f, parameters

    @property
    def theta(self) -> np.ndarray:
        """The numbers that the parameters hold now, as a new vector."""
        return _gathered(self.parameters)

    def store(self, theta: np.ndarray) -> None:
        """Write a vector into the parameters."""
        _scatter(theta, self.parameters)

    def __call__(self, theta: np.ndarray, X: np.ndarray, Y: np.ndarray) -> tuple[float, np.ndarray]:
        self.store(theta)
        loss = 0.0
        for p in self.parameters:
            p.grad = 0.0
        for x, y in zip(X.tolist(), Y.tolist()):
            cost = self.f(x, y)
            cost.backward()
            loss += cost.data
        return loss / len(X), np.array([p.grad for p in self.parameters]) / len(X)


def _floats(name: str, given: Any) -> np.ndarray:
    """The numbers given, in the precision that they have if they are floats."""
    floats = isinstance(given, np.ndarray) and given.dtype.kind == "f"
    return numbers(name, given, None if floats else np.float64)


def _gathered(parameters: Sequence[Value]) -> np.ndarray:
    return np.array([p.data for p in parameters])


def _scatter(theta: np.ndarray, parameters: Sequence[Value]) -> None:
    for p, number in zip(parameters, theta.tolist()):
        p.data = number


@dataclass
class History:
    """What happened during `fit`: the loss of every step, and of every epoch on average, and the accuracy after it.

    `accuracy` stays empty where the targets are not classes. In a notebook it shows itself as a curve, which grows
    while `fit` runs.

    >>> History(loss=[0.9, 0.3], epoch_loss=[0.6], accuracy=[0.75])
    History: 2 steps, 1 epoch, loss 0.6, accuracy 75.0 %
    """

    loss: list[float] = field(default_factory=list)
    epoch_loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        epochs = len(self.epoch_loss)
        text = f"History: {len(self.loss)} steps, {epochs} epoch{'s' * (epochs != 1)}"
        if self.epoch_loss:
            text += f", loss {self.epoch_loss[-1]:.4g}"
        if self.accuracy:
            text += f", accuracy {percent(self.accuracy[-1], 1)}"
        return text

    def _repr_svg_(self) -> str | None:
        losses = np.array(self.loss)[np.isfinite(self.loss)]
        if len(losses) < 2:
            return None
        largest = abs(losses).max() or 1.0  # divided by it, so that no difference overflows
        low, high = min(0.0, losses.min() / largest), max(0.0, losses.max() / largest)
        zero, *heights = 110 - 90 * (np.array([0.0, *losses / largest]) - low) / (high - low or 1.0)
        points = " ".join(f"{10 + 300 * i / (len(losses) - 1):.1f},{heights[i]:.1f}" for i in _visible(losses))
        width = max(320, 20 + 6 * len(repr(self)))  # so that the caption is not cut
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="130" font-family="sans-serif" '
                f'font-size="10"><title>{self!r}</title>'
                f'<path d="M10 20V110M10 {zero:.1f}H310" fill="none" stroke="#999"/>'
                f'<polyline points="{points}" fill="none" stroke="#2b6cb0" stroke-width="1.5"/>'
                f'<text x="10" y="12" fill="#777">{max(0.0, losses.max()):.3g}</text>'
                f'<text x="10" y="125" fill="#777">{self!r}</text></svg>')


def _visible(losses: np.ndarray) -> list[int]:
    """At most two points per pixel of a curve 300 pixels wide: the lowest and highest loss, and the first and last.

    >>> len(_visible(np.arange(1e6)))
    600
    """
    pixels = np.array_split(np.arange(len(losses)), min(len(losses), 300))
    ends = (pixel[best(losses[pixel])] for pixel in pixels for best in (np.argmin, np.argmax))
    return sorted({0, len(losses) - 1, *map(int, ends)})


def mini_batches(n: int, batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """The numbers 0 … n−1, shuffled and cut into arrays of `batch_size`; the last may be shorter.

    The order of an epoch comes from `default_rng([seed, epoch])` alone.

    >>> [len(batch) for batch in mini_batches(250, 100, seed=0, epoch=0)]
    [100, 100, 50]
    """
    order = np.random.default_rng([seed, epoch]).permutation(n)
    for start in range(0, n, batch_size):
        yield order[start:start + batch_size]


def fit(net: Any, X: Any, Y: Any, cost: Callable[..., Value] = squared_error, optimizer: Optimizer | None = None,
        epochs: int = 1, batch_size: int = 100, seed: int = 0, compiled: bool = True, dtype: Any = "float64",
        validation: tuple[Any, Any] | None = None, progress: bool = True,
        callback: Callable[[History], Any] | None = None,
        checkpoint: str | PathLike[str] | None = None) -> History:
    """Train `net` on examples X (N, inputs) and targets Y (N, outputs), or (N,) for one output; return the History.

    Every step averages the gradient of `cost(net(x), y)` over a mini-batch and lets the `optimizer` move the parameters
    (without one, plain `SGD(lr=0.1)`). After every epoch the accuracy is measured where the targets are classes of the
    outputs (±1 for one output, else one-hot), on `validation = (X, Y)`, which serves nothing else, or on the training
    examples; and `callback(history)` is called, which may write into the parameters: the run goes on from there. The
    same seed gives the same run, whether `compiled` to array code or on the scalar graph, up to rounding; array code
    may compute in the `dtype` "float32" as well, which is faster. After every epoch the run is written to the file
    `checkpoint`; if that is there when `fit` is called again, after whatever killed it, the run goes on from it, to the
    same numbers. With `progress` a bar says how far it is; in a notebook the curve of the history grows above it.

    Wrong shapes and targets that mean nothing to the cost are a ValueError, and what cannot be compiled a CompileError,
    before anything is changed. A NaN or an infinity is a FloatingPointError that names the first operation that made
    it, with its operands. Whatever ends training early, Ctrl-C or an error, `net` keeps the last finished step, and the
    gradients of its parameters are set to 0.

    >>> from micrograd2 import MLP, max_margin, data
    >>> net = MLP(2, [8, 1], activation="tanh", seed=1)
    >>> X, y = data.xor()
    >>> fit(net, X, y, cost=max_margin, optimizer=SGD(lr=0.5), epochs=50, progress=False).accuracy[-1]
    1.0
    """
    optimizer = SGD(lr=0.1) if optimizer is None else optimizer
    epochs, batch_size, seed = whole("epochs", epochs, 0), whole("batch_size", batch_size, 1), whole("seed", seed, 0)
    compiled, progress = switch("compiled", compiled), switch("progress", progress)
    parameters = _parameters(net)
    _check_settings(cost, optimizer, compiled, precision(dtype), validation, callback, checkpoint)
    optimizer._check_size((len(parameters),))
    X, Y = _examples(net, X, Y, dtype)
    judged = (X, Y) if validation is None else _validation(net, validation, X, dtype)

    def f(x: Any, y: Any) -> Value:
        return example_cost(net, x, y, cost)

    def f_and_outputs(x: Any, y: Any) -> tuple[Value, list[Value]]:
        outputs = net(x)
        listed = _as_list(outputs)  # before the cost, which may change the list
        return example_cost(lambda _: outputs, x, y, cost), listed

    example = _tried(f, X, Y)
    check_targets(cost, Y)
    answer = _as_list(net(X[example].tolist()))
    width = len(answer) if isinstance(answer, list) else 0
    classes = _are_classes(Y, width) or _are_classes(judged[1], width, labels=Y.shape[1] == width)
    if not classes and judged[1].shape[1] != Y.shape[1]:
        raise ValueError(f"validation: Y must have {_counted(Y, 'target')} for each example, as Y has; got "
                         f"{judged[1].shape[1]}")
    program: Any = (_compiled(f_and_outputs if classes else f, parameters, X, Y, example, dtype) if compiled
                    else ScalarProgram(f, parameters))
    run = _Run(program, optimizer, f, X, Y, batch_size, seed)
    measure = None
    if classes:
        outputs = run.outputs if compiled else partial(_scalar_outputs, net)
        measure = _measure(outputs, *judged)
    save = _go_on_from(checkpoint, run, net, cost, example)
    try:
        _train(run, epochs, measure, save, callback, progress)
    finally:
        run.store()
        for p in parameters:
            p.grad = 0.0
    return run.history


def _check_settings(cost: Any, optimizer: Any, compiled: bool, dtype: np.dtype, validation: Any, callback: Any,
                    checkpoint: Any) -> None:
    function("cost", cost, 2, of="outputs and targets, such as squared_error")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one such as SGD(lr=0.1) or Adam(); got {optimizer!r:.80}")
    if not compiled and dtype != np.float64:
        raise ValueError(f"dtype must be float64 where compiled is False, as the scalar graph computes in that; got "
                         f"{dtype}")
    if validation is not None and (not isinstance(validation, (tuple, list)) or len(validation) != 2):
        raise ValueError(f"validation must be a pair (X, Y); got {validation!r:.80}")
    if callback is not None:
        function("callback", callback, 1, of="the history")
    if checkpoint is not None:
        place("checkpoint", checkpoint)


def _parameters(net: Any) -> list[Value]:
    """The parameters of a network; TypeError or ValueError if it is none, or has none."""
    _check_network(net)
    parameters = values("net.parameters()", net.parameters())
    if not parameters:
        raise ValueError(f"net must have parameters; got {net!r:.80}, which has none")
    for p in parameters:
        if p.op is not LEAF:
            raise ValueError(f"the parameters of net must be leaves; got {p!r:.80}, made by {p.op.symbol} of others, "
                             f"which training would not do again: do it in the call of net")
    return parameters


def _check_network(net: Any) -> None:
    if isinstance(net, type) or not callable(net) or not callable(getattr(net, "parameters", None)):
        raise TypeError(f"net must be a network, such as MLP(2, [3, 1]); got {net!r:.80}")


def _finite(X: np.ndarray, Y: np.ndarray, order: Iterable[int]) -> Iterator[int]:
    """The examples whose numbers are all finite, in this order."""
    return (i for i in order if np.isfinite(X[i]).all() and np.isfinite(Y[i]).all())


def _tried(f: Callable[..., Value], X: np.ndarray, Y: np.ndarray) -> int:
    """The first example that is finite; the error of `f`, tried on it, if X or Y has another shape than it expects."""
    first = next(_finite(X, Y, range(len(X))), None)
    f(X[first or 0].tolist(), Y[first or 0].tolist())
    if first is None:
        raise FloatingPointError(f"no example is finite. {_first_cause(f, X, Y, np.arange(len(X)))}")
    return first


def _compiled(f: Callable[..., Any], parameters: list[Value], X: np.ndarray, Y: np.ndarray, example: int,
              dtype: Any) -> Program:
    """The program of f, made on one example, and compared with the scalar graph on two others, half way and last."""
    program = compile(f, parameters, X[example], Y[example], dtype=dtype)
    half_way, backwards = _finite(X, Y, range(len(X) // 2, len(X))), _finite(X, Y, reversed(range(len(X))))
    for i in {next(half_way, example), next(backwards)} - {example}:
        try:
            program.check(program.theta, X[i:i + 1], Y[i:i + 1])
        except (ArithmeticError, ValueError):
            pass  # it has no value there; training names the cause when it comes to this example
    return program


class _Run:
    """A training run: a program and its mini-batches; how far it is, in `theta`, `history`, and the optimiser's state.

    `f(x, y)` is the cost of one example on the scalar graph, which is asked for the cause when a step fails.
    """

    def __init__(self, program: Any, optimizer: Optimizer, f: Callable[..., Value], X: np.ndarray, Y: np.ndarray,
                 batch_size: int, seed: int) -> None:
        self.program, self.optimizer, self.f, self.X, self.Y = program, optimizer, f, X, Y
        self.batch_size, self.seed = batch_size, seed
        self.theta, self.history = program.theta, History()
        self._held = self.theta  # what the parameters hold, up to the rounding of dtype
        self._batch = [np.empty((min(batch_size, len(X)), array.shape[1]), array.dtype) for array in (X, Y)]

    def epoch(self, number: int) -> Iterator[float]:
        """Take the steps of one epoch; yield the loss before each."""
        weighted = 0.0
        for batch in mini_batches(len(self.X), self.batch_size, self.seed, number):
            loss = self.step(batch)
            weighted += loss * len(batch)
            yield loss
        self.history.epoch_loss.append(weighted / len(self.X))

    def step(self, batch: np.ndarray) -> float:
        """Take one step, and return the loss before it; FloatingPointError, with the first cause, and no step, if the
        loss or a parameter is not finite."""
        try:
            loss, theta = self._next(*self._rows(batch))
        except FloatingPointError as error:
            self.store()
            raise FloatingPointError(f"step {len(self.history.loss) + 1}: {error}. "
                                     f"{_first_cause(self.f, self.X, self.Y, batch)}") from None
        self.theta = theta
        self.history.loss.append(loss)
        return loss

    def _rows(self, batch: np.ndarray) -> Iterator[np.ndarray]:
        """The examples of a mini-batch, reusing the buffers of the one before."""
        for array, rows in zip((self.X, self.Y), self._batch):
            yield array.take(batch, axis=0, out=rows[:len(batch)], mode="clip")  # "raise" would copy them twice

    def _next(self, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = self.program(self.theta, x, y)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss:g}")
        before = vars(self.optimizer).copy()
        theta = self.optimizer.step(self.theta, gradient)
        if not np.isfinite(theta).all():
            vars(self.optimizer).update(before)
            raise FloatingPointError("the step would make a parameter infinite or NaN")
        return loss, theta

    def store(self) -> None:
        """Write `theta` into the parameters, unless they hold it: what has not been stepped is not rounded either."""
        if self.theta is not self._held:
            self.program.store(self.theta)
            self._held = self.theta

    def take_over(self) -> bool:
        """Whether somebody has written into the parameters since `store`; if so, that is `theta` from now on."""
        theta = self.program.theta
        written = bool((theta != self.theta).any())
        if written:
            self.theta = self._held = theta
        return written

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """What the network answers now, (N, outputs), by the program; the zeros only fill the place of targets."""
        return self.program.outputs(self.theta, X, np.zeros((len(X), self.Y.shape[1]), X.dtype))

    def state(self) -> dict[str, Any]:
        """All that changes while training."""
        rule = {name: getattr(self.optimizer, name) for name in self.optimizer.state}
        return {"theta": self.theta, "optimizer": rule, "history": asdict(self.history)}

    def restore(self, state: dict[str, Any]) -> None:
        self.theta, self.history = state["theta"], History(**state["history"])
        vars(self.optimizer).update(state["optimizer"])


def _train(run: _Run, epochs: int, measure: Callable[[], float] | None, save: Callable[[], None],
           callback: Callable[[History], Any] | None, progress: bool) -> None:
    """All epochs that are still to do, and what is done after each."""
    history, steps = run.history, -(-len(run.X) // run.batch_size)
    done = len(history.epoch_loss)
    curve = live(history, every=-(-epochs * steps // REDRAWN)) if progress else nullcontext(lambda: None)
    with curve as redraw, _bar(epochs * steps, min(done, epochs) * steps, progress) as bar:
        for epoch in range(done, epochs):
            bar.set_description(f"epoch {epoch + 1}/{epochs}", refresh=False)
            for _ in run.epoch(epoch):
                bar.update()
                redraw()
            run.store()
            shown = {"loss": f"{history.epoch_loss[-1]:.4f}"}
            if measure is not None:
                history.accuracy.append(measure())
                shown["accuracy"] = percent(history.accuracy[-1], 1)
            bar.set_postfix(shown)
            save()
            if callback is not None:
                try:
                    callback(history)
                finally:  # an early stop may bring the best parameters back, and then raise
                    if run.take_over():
                        save()


def _bar(total: int, done: int, progress: bool) -> Any:
    """A bar for so many steps, in a notebook the notebook's own; without `progress` it is not seen."""
    if progress:
        from tqdm.auto import tqdm  # not before: in a notebook without ipywidgets it warns when it is imported
    else:
        from tqdm import tqdm
    return tqdm(total=total, initial=done, unit="step", disable=not progress)


def _go_on_from(checkpoint: str | PathLike[str] | None, run: _Run, net: Any, cost: Any,
                example: int) -> Callable[[], None]:
    """Put the run where its checkpoint is, if there is one; return what writes the next, if there is to be one."""
    if checkpoint is None:
        return lambda: None
    started_with = _started_with(run, net, cost, example)
    saved = checkpoints.read(checkpoint, started_with, run.state())
    checkpoints.write(checkpoint, started_with, saved)  # if that cannot be done, it is known before an epoch is lost
    run.restore(saved)
    return lambda: checkpoints.write(checkpoint, started_with, run.state())


def _started_with(run: _Run, net: Any, cost: Any, example: int) -> dict[str, Any]:
    """Two runs with the same answer here may share a checkpoint, whatever their number of epochs.

    Nothing here is an address, or a number that training moves: the same run is known in another process, and later.
    """
    rule = {name: "a function" if callable(value) else value for name, value in vars(run.optimizer).items()
            if name not in run.optimizer.state}
    if callable(run.optimizer.lr):
        steps = -(-len(run.X) // run.batch_size)  # of an epoch; some of them tell two rates apart
        rule["lr"] = [run.optimizer._rate(step) for step in (0, *(2 ** k for k in range((steps - 1).bit_length())))]
    network = f"{re.sub(' at 0x[0-9a-f]+', '', repr(net)):.200}" if type(net) is MLP else type(net).__qualname__
    return {"seed": run.seed, "batch_size": run.batch_size, "dtype": run.theta.dtype.name,
            "examples": checkpoints.fingerprint(run.X, run.Y),
            "cost": getattr(cost, "__qualname__", type(cost).__name__), "network": network,
            "parameters": len(run.theta), "optimizer": [type(run.optimizer).__name__, rule],
            "graph of one example": _graph(run, net.parameters(), example)}


def _graph(run: _Run, parameters: list[Value], example: int) -> str:
    """A fingerprint of the graph of one example: all that the network and the cost do, whatever they are called.

    It is made twice, with numbers that training does not move, so that code that looks at them has the same graph
    again; "" where it has not, as chance decides.
    """
    def once() -> str:
        try:
            cost = run.f(run.X[example].tolist(), run.Y[example].tolist())
        except (ArithmeticError, ValueError) as error:  # for these numbers there is no result
            return str(error)
        return checkpoints.fingerprint_of_graph(cost, parameters)

    theta = _gathered(parameters)
    _scatter(np.linspace(0.25, 0.75, len(theta)), parameters)
    try:
        first, second = once(), once()
    finally:
        _scatter(theta, parameters)
    return first if first == second else ""


def _first_cause(f: Callable[..., Value], X: np.ndarray, Y: np.ndarray, batch: np.ndarray) -> str:
    """Which operation, for which example of the batch, first made a NaN or an infinity on the scalar graph."""
    for i in batch.tolist():
        x = [Value(number, f"x[{k}]") for k, number in enumerate(X[i].tolist())]
        try:
            cause = first_not_finite(f(x, Y[i].tolist()))
        except (ArithmeticError, ValueError) as error:  # the engine names what has no value
            cause = str(error)
        if cause:
            return f"The first cause, in example {i}: {cause}. The network keeps the step before"
    if X.dtype != np.float64:
        return 'Every example by itself is finite in float64: train with dtype="float64", or a smaller learning rate'
    return "Every example by itself is finite; a smaller learning rate keeps the step finite too"


def accuracy(net: Any, X: Any, Y: Any) -> float:
    """The share of examples that `net` gets right, from 0 to 1.

    With one output, its sign must be that of the target ±1; with several, the largest must be the label's, where Y
    holds labels (N,), whole numbers from 0, or one-hot targets (N, outputs). ValueError for other targets, and for an
    output that is NaN, which names the example.

    >>> from micrograd2 import MLP
    >>> net = MLP(1, [1], seed=0)
    >>> net.parameters()[0].data = 2.0
    >>> accuracy(net, [[1.0], [-3.0]], [1, 1])
    0.5
    """
    _check_network(net)
    X, Y = _examples(net, X, Y)
    try:
        own = copy.deepcopy(net)  # others may read `net` meanwhile
        program = compile(lambda x: _as_list(own(x)), own.parameters(), X[0])
        outputs = partial(program.outputs, program.theta)
    except CompileError:  # a network that decides by looking at its numbers
        outputs = partial(_scalar_outputs, net)
    return _measure(outputs, X, Y)()


def _measure(outputs: Callable[[np.ndarray], np.ndarray], X: np.ndarray, Y: np.ndarray) -> Callable[[], float]:
    """The function that measures the share of these examples whose `outputs`, as they then are, are right."""
    right = _right_answers(Y, outputs(X[:1]).shape[1])

    def measure() -> float:
        pieces = [outputs(X[start:start + PIECE]) for start in range(0, len(X), PIECE)]
        return _share_right(np.concatenate(pieces), right)
    return measure


def _scalar_outputs(net: Any, X: np.ndarray) -> np.ndarray:
    """The outputs (N, outputs) for inputs X (N, inputs), by the scalar graph of each."""
    return np.array([[float(a) for a in _as_list(net(x))] for x in X.tolist()])


def _as_list(outputs: Any) -> Any:
    """What a network returned, in a list of its own, if it is one Value or several."""
    if isinstance(outputs, Value):
        return [outputs]
    return list(outputs) if isinstance(outputs, (list, tuple)) else outputs


def _right_answers(Y: np.ndarray, width: int) -> np.ndarray:
    """What the network should answer, (N,): −1 or 1 with one output, else the label; ValueError if Y is neither."""
    if Y.shape[1] not in (1, width):
        raise ValueError(f"for {width} outputs, Y must hold labels (N,) or one-hot targets (N, {width}); got {Y.shape}")
    if width == 1:
        wrong, expected = ~np.isin(Y[:, 0], (-1, 1)), "-1 or 1, as the network has one output"
        if np.isin(Y[:, 0], (0, 1)).all():
            expected += " (write 2*y - 1, or use two outputs)"
    elif Y.shape[1] == 1:
        wrong, expected = ~np.isin(Y[:, 0], np.arange(width)), f"a label, a whole number from 0 to {width - 1}"
    else:
        wrong = ~(np.isin(Y, (0, 1)).all(axis=1) & (Y.sum(axis=1) == 1))
        expected = "one-hot: one 1 among zeros"
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"Y[{i}] must be {expected}; got {Y[i].tolist() if Y.shape[1] > 1 else Y[i, 0]}")
    return np.argmax(Y, axis=1) if Y.shape[1] > 1 else Y[:, 0]


def _share_right(outputs: np.ndarray, right: np.ndarray) -> float:
    unknown = np.isnan(outputs).any(axis=1)
    if unknown.any():
        i = int(np.argmax(unknown))
        raise ValueError(f"the network's output for X[{i}] is {outputs[i].tolist()}: NaN is neither right nor wrong")
    answers = np.sign(outputs[:, 0]) if outputs.shape[1] == 1 else np.argmax(outputs, axis=1)
    return float(np.mean(answers == right))


def _examples(net: Any, X: Any, Y: Any, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """X (N, inputs) and Y (N, targets), of one example or a batch; ValueError if there are no targets."""
    if Y is None:
        raise TypeError("Y must hold the targets; got None")
    X, Y = examples(X, Y, len(net.layers[0].neurons[0].w) if isinstance(net, MLP) else None, dtype)
    return np.ascontiguousarray(X), np.ascontiguousarray(Y)  # of others NumPy copies all to take some rows


def _validation(net: Any, pair: tuple[Any, Any], X: np.ndarray, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        judged = _examples(net, *pair, dtype)
        if judged[0].shape[1] != X.shape[1]:
            raise ValueError(f"X must have {_counted(X, 'number')} for each example, as X has; got "
                             f"{judged[0].shape[1]}")
        return judged
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None


def _counted(rows: np.ndarray, thing: str) -> str:
    """How many numbers are in a row, in words."""
    return f"{rows.shape[1]} {thing}{'s' * (rows.shape[1] != 1)}"


def _are_classes(Y: np.ndarray, outputs: int, labels: bool = False) -> bool:
    """Whether all targets say which answer of so many outputs is right: ±1, or one-hot, or, where they may be, labels.

    Targets of another width mean something to the cost alone.
    """
    if Y.shape[1] != outputs:
        return labels and Y.shape[1] == 1 and bool(np.isin(Y, np.arange(outputs)).all())
    if outputs == 1:
        return bool(np.isin(Y, (-1, 1)).all())
    return bool(np.isin(Y, (0, 1)).all() and (Y.sum(axis=1) == 1).all())
