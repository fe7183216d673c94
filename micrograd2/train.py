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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np
from tqdm import tqdm

from .compiler import CompileError, compile
from .costs import squared_error
from .engine import Value, first_not_finite

Rate = Union[float, Callable[[int], float]]


class Optimizer:
    """A rule for one step. `lr`, the learning rate, is a number, or a function of the step number, counted from 0.

    The state of the rule lives here, so one optimiser belongs to one training run, which may take several `fit`s.
    """

    def __init__(self, lr: Rate) -> None:
        if not callable(lr) and not 0 < lr < float("inf"):
            raise ValueError(f"the learning rate must be a finite number above 0; got {lr!r}")
        self.lr = lr
        self.steps = 0

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """Where the rule goes for this gradient, before the learning rate: theta loses lr × this."""
        raise NotImplementedError

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The parameters after one step, as a new vector; `theta` and `gradient`, of one shape, stay as they are."""
        direction = self.direction(gradient)
        lr = self.lr(self.steps) if callable(self.lr) else self.lr
        self.steps += 1
        return theta - lr * direction

    def update(self, parameters: Sequence[Value]) -> None:
        """The same step on Values: reads their `grad`, writes their `data`.

        >>> w = Value(3.0)
        >>> (w * w).backward()
        >>> SGD(lr=0.25).update([w])
        >>> w.data                                              # 3 − 0.25 · 6
        1.5
        """
        theta = self.step(_gathered(parameters), np.array([p.grad for p in parameters]))
        _scatter(theta, parameters)


class SGD(Optimizer):
    """Gradient descent: θ ← θ − lr·v with v ← momentum·v + ∂C/∂θ; stochastic when the gradient is a mini-batch's.

    >>> SGD(lr=0.5).step(np.array([1.0, 2.0]), np.array([1.0, -1.0]))
    array([0.5, 2.5])
    """

    def __init__(self, lr: Rate, momentum: float = 0.0) -> None:
        super().__init__(lr)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be from 0 to below 1; got {momentum!r}")
        self.momentum = momentum
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


def _gathered(parameters: Sequence[Value]) -> np.ndarray:
    return np.array([p.data for p in parameters])


def _scatter(theta: np.ndarray, parameters: Sequence[Value]) -> None:
    for p, number in zip(parameters, theta.tolist()):
        p.data = number


@dataclass
class History:
    """What happened during `fit`: the loss of every step, and of every epoch on average, and the accuracy after it.

    `accuracy` stays empty where the targets are not classes. In a notebook it shows itself as a curve.

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
            text += f", accuracy {self.accuracy[-1]:.1%}".replace("%", " %")
        return text

    def _repr_svg_(self) -> str | None:
        losses = [loss for loss in self.loss if np.isfinite(loss)]
        if len(losses) < 2:
            return None
        top = max(losses) or 1.0
        points = " ".join(f"{10 + 300 * i / (len(losses) - 1):.1f},{110 - 90 * loss / top:.1f}"
                          for i, loss in enumerate(losses))
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="320" height="130" font-family="sans-serif" '
                f'font-size="10"><title>{self!r}</title>'
                f'<path d="M10 20V110H310" fill="none" stroke="#999"/>'
                f'<polyline points="{points}" fill="none" stroke="#2b6cb0" stroke-width="1.5"/>'
                f'<text x="10" y="12" fill="#777">{top:.3g}</text>'
                f'<text x="10" y="125" fill="#777">{self!r}</text></svg>')


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
        epochs: int = 1, batch_size: int = 100, seed: int = 0, compiled: bool = True,
        validation: tuple[Any, Any] | None = None, progress: bool = True,
        callback: Callable[[History], Any] | None = None) -> History:
    """Train `net` on examples X (N, inputs) and targets Y (N, outputs), or (N,) for one output; return the History.

    Every step averages the gradient of `cost(net(x), y)` over a mini-batch and lets the `optimizer` move the parameters
    (without one, plain `SGD(lr=0.1)`). After every epoch the accuracy is measured, on `validation = (X, Y)` or else on
    the training examples, and `callback(history)` is called. The same seed gives the same run, whether `compiled` to
    array code or on the scalar graph, up to rounding.

    Wrong shapes are a ValueError, and what cannot be compiled a CompileError, before anything is changed. A NaN or an
    infinity is a FloatingPointError that names the first operation that made it, with its operands. Whatever ends
    training early, Ctrl-C or an error, `net` keeps the last finished step. The gradients of its parameters are 0 then.

    >>> from micrograd2 import MLP, max_margin, data
    >>> net = MLP(2, [8, 1], activation="tanh", seed=1)
    >>> X, y = data.xor()
    >>> fit(net, X, y, cost=max_margin, optimizer=SGD(lr=0.5), epochs=50, progress=False).accuracy[-1]
    1.0
    """
    X, Y = _examples(X, Y)
    for name, number, least in (("epochs", epochs, 0), ("batch_size", batch_size, 1)):
        if not isinstance(number, int) or number < least:
            raise ValueError(f"{name} must be a whole number, at least {least}; got {number!r}")
    if not callable(getattr(net, "parameters", None)) or not net.parameters():
        raise ValueError(f"fit needs a network with parameters; got {net!r}")

    def f(x: Any, y: Any) -> Value:
        return cost(net(x), y[0] if len(y) == 1 else y)

    if not isinstance(f(X[0].tolist(), Y[0].tolist()), Value):  # wrong shapes show here, before anything is changed
        raise TypeError("the cost of one example must be one Value")
    optimizer = SGD(lr=0.1) if optimizer is None else optimizer
    program = compile(f, net.parameters(), X[0], Y[0]) if compiled else ScalarProgram(f, net.parameters())
    measured = _are_classes(Y)
    if measured:
        X_check, Y_check = (X, Y) if validation is None else _examples(*validation)
        outputs = _outputs(net, X[0], compiled)
        _share_right(outputs(X_check[:1]), Y_check[:1])
    theta = program.theta
    history = History()
    steps = -(-len(X) // batch_size)
    try:
        with tqdm(total=epochs * steps, unit="step", disable=not progress) as bar:
            for epoch in range(epochs):
                bar.set_description(f"epoch {epoch + 1}/{epochs}", refresh=False)
                weighted = 0.0
                for batch in mini_batches(len(X), batch_size, seed, epoch):
                    try:
                        loss, gradient = program(theta, X.take(batch, axis=0), Y.take(batch, axis=0))
                        moved = optimizer.step(theta, gradient)
                        if not (np.isfinite(loss) and np.isfinite(moved).all()):
                            raise FloatingPointError(f"the loss is {loss:g}" if not np.isfinite(loss) else
                                                     "the step would make a parameter infinite or NaN")
                    except FloatingPointError as error:
                        program.store(theta)
                        raise FloatingPointError(f"step {len(history.loss) + 1}: {error}. "
                                                 f"{_first_cause(f, X, Y, batch)}") from None
                    theta = moved
                    history.loss.append(loss)
                    weighted += loss * len(batch)
                    bar.update()
                program.store(theta)
                history.epoch_loss.append(weighted / len(X))
                shown = {"loss": f"{history.epoch_loss[-1]:.4f}"}
                if measured:
                    history.accuracy.append(_share_right(outputs(X_check), Y_check))
                    shown["accuracy"] = f"{history.accuracy[-1]:.1%}"
                bar.set_postfix(shown)
                if callback is not None:
                    callback(history)
    finally:
        program.store(theta)
        for p in net.parameters():
            p.grad = 0.0
    return history


def _first_cause(f: Callable[..., Value], X: np.ndarray, Y: np.ndarray, batch: np.ndarray) -> str:
    """Which operation, for which example of the batch, first made a NaN or an infinity on the scalar graph."""
    for i in batch.tolist():
        x = [Value(number, f"x[{k}]") for k, number in enumerate(X[i].tolist())]
        try:
            told = first_not_finite(f(x, Y[i].tolist()))
        except (ArithmeticError, ValueError) as error:  # the engine names what has no value
            told = str(error)
        if told:
            return f"The first cause, in example {i}: {told}. The network keeps the step before"
    return "Every example by itself is finite; a smaller learning rate keeps the step finite too"


def accuracy(net: Any, X: Any, Y: Any) -> float:
    """The share of examples that `net` gets right, from 0 to 1.

    With one output, its sign must be that of the target ±1; with several, the largest must be the label's, where Y
    holds labels (N,) or one-hot targets (N, outputs).

    >>> from micrograd2 import MLP
    >>> net = MLP(1, [1], seed=0)
    >>> net.parameters()[0].data = 2.0
    >>> accuracy(net, [[1.0], [-3.0]], [1, 1])
    0.5
    """
    X, Y = _examples(X, Y)
    try:
        outputs = _outputs(copy.deepcopy(net), X[0], compiled=True)  # whoever reads `net` meanwhile sees its numbers
    except CompileError:  # a network that decides by looking at its numbers
        outputs = _outputs(net, X[0], compiled=False)
    return _share_right(outputs(X), Y)


def _outputs(net: Any, x: np.ndarray, compiled: bool) -> Callable[[np.ndarray], np.ndarray]:
    """The function from many inputs (N, inputs) to outputs (N, outputs), with the parameters that `net` then has."""
    def as_list(x: Any) -> list[Value]:
        output = net(x)
        return [output] if isinstance(output, Value) else output

    if compiled:
        program = compile(as_list, net.parameters(), x)
        return lambda X: program.outputs(program.theta, X)
    return lambda X: np.array([[float(a) for a in as_list(x)] for x in X.tolist()])


def _share_right(outputs: np.ndarray, Y: np.ndarray) -> float:
    width = outputs.shape[1]
    if Y.shape[1] not in (1, width):
        raise ValueError(f"for {width} outputs, Y must hold labels (N,) or one-hot targets (N, {width}); got {Y.shape}")
    if width == 1:
        return float(np.mean(np.sign(outputs) == np.sign(Y)))
    labels = Y[:, 0] if Y.shape[1] == 1 else np.argmax(Y, axis=1)
    return float(np.mean(np.argmax(outputs, axis=1) == labels))


def _examples(X: Any, Y: Any) -> tuple[np.ndarray, np.ndarray]:
    """X (N, inputs) and Y (N, outputs) as float arrays, Y also where it was (N,); ValueError if they are not."""
    X, Y = np.asarray(X, dtype=float), np.asarray(Y, dtype=float)
    if X.ndim != 2 or Y.ndim not in (1, 2) or len(X) != len(Y) or len(X) == 0:
        raise ValueError(f"expected X (N, inputs) and Y (N, outputs) or (N,), N > 0; got shapes {X.shape}, {Y.shape}")
    return X, Y.reshape(len(Y), -1)


def _are_classes(Y: np.ndarray) -> bool:
    if Y.shape[1] == 1:
        return bool(np.isin(Y, (-1, 1)).all())
    return bool(np.isin(Y, (0, 1)).all() and (Y.sum(axis=1) == 1).all())
