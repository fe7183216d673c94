"""`fit` against the same training written by hand in NumPy, and JAX, all measured in one run, in turns.

    pip install jax jaxlib
    python tests/bench/bench_training.py [--repeat 7] [--mnist FOLDER]

The digit network, 784-16-16-10 with sigmoids and the squared error: five epochs of 20,000 digits, and, given the folder
of the four MNIST files, ten epochs of all 60,000. Each way takes the same digits in the same order, steps of SGD with
a rate that falls from 5 to 0 on batches of 100, and measures the accuracy after every epoch, on the digits learnt from,
or on the 10,000 others; `fit` also compiles, checks, and keeps the history. All must end at the same loss and accuracy.
JAX runs a whole epoch as one compiled `lax.scan`; compiling it is not counted. Prints the best time of each, one
thread, and how many times that of the loop by hand it is; for `fit`, also what it does before its first step.
"""

import argparse
import gc
import importlib.util
import itertools
import os
import subprocess
import sys
import time

import numpy as np

from micrograd2 import MLP, SGD, data, fit
from micrograd2.train import mini_batches

SIZES = [784, 16, 16, 10]
BATCH = 100
DTYPES = (np.float64, np.float32)


def digit_net():
    return MLP(SIZES[0], SIZES[1:], activation="sigmoid", output="sigmoid", seed=3)


def weights(net, dtype):
    """The weights W (inputs, outputs) and the biases b of every layer."""
    return [(np.array([[w.data for w in neuron.w] for neuron in layer.neurons], dtype).T.copy(),
             np.array([neuron.b.data for neuron in layer.neurons], dtype)) for layer in net.layers]


# Each way trains a fresh network, and returns the loss of every epoch and the accuracy after it.

def by_fit(net, X, Y, X_check, labels, epochs, lr, dtype):
    """Everything included: compiling, checks, history."""
    validation = None if X_check is X else (X_check, labels)
    history = fit(net, X, Y, optimizer=SGD(lr), epochs=epochs, batch_size=BATCH, seed=0, dtype=dtype,
                  validation=validation, progress=False)
    return history.epoch_loss, history.accuracy


def before_the_first_step(net, X, Y, X_check, labels, epochs, lr, dtype):
    by_fit(net, X, Y, X_check, labels, 0, lr, dtype)
    return [], []


def by_hand(net, X, Y, X_check, labels, epochs, lr, dtype):
    """As a careful person writes it."""
    X, X_check = X.astype(dtype, copy=False), None if X_check is X else X_check.astype(dtype, copy=False)
    Y = Y.astype(dtype, copy=False)
    (W1, b1), (W2, b2), (W3, b3) = weights(net, dtype)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def forward(x):
        a1 = sigmoid(x @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        return a1, a2, sigmoid(a2 @ W3 + b3)

    losses, right, steps = [], [], itertools.count()
    for epoch in range(epochs):
        loss = 0.0
        for batch in mini_batches(len(X), BATCH, seed=0, epoch=epoch):
            x, y = X[batch], Y[batch]
            a1, a2, a3 = forward(x)
            loss += float(((a3 - y) ** 2).sum())
            d3 = 2 * (a3 - y) / len(x) * a3 * (1 - a3)
            d2 = d3 @ W3.T * a2 * (1 - a2)
            d1 = d2 @ W2.T * a1 * (1 - a1)
            rate = lr(next(steps))
            W3 -= rate * (a2.T @ d3)
            b3 -= rate * d3.sum(axis=0)
            W2 -= rate * (a1.T @ d2)
            b2 -= rate * d2.sum(axis=0)
            W1 -= rate * (x.T @ d1)
            b1 -= rate * d1.sum(axis=0)
        losses.append(loss / len(X))
        right.append(float(np.mean(forward(X if X_check is None else X_check)[-1].argmax(axis=1) == labels)))
    return losses, right


def by_jax():
    """One jitted `lax.scan` over all steps of an epoch."""
    import jax
    jax.config.update("jax_enable_x64", True)

    def outputs(layers, x):
        for W, b in layers:
            x = jax.nn.sigmoid(x @ W + b)
        return x

    def cost(layers, x, y):
        return ((outputs(layers, x) - y) ** 2).sum() / len(y)

    @jax.jit
    def one_epoch(layers, X, Y, order, rates):
        def step(layers, batch_and_rate):
            batch, rate = batch_and_rate
            loss, gradient = jax.value_and_grad(cost)(layers, X[batch], Y[batch])
            return jax.tree.map(lambda p, g: p - rate * g, layers, gradient), loss
        layers, losses = jax.lax.scan(step, layers, (order, rates))
        return layers, losses.mean()

    @jax.jit
    def share_right(layers, X, labels):
        return jax.numpy.mean(outputs(layers, X).argmax(axis=1) == labels)

    def train(net, X, Y, X_check, labels, epochs, lr, dtype):
        X, Y, X_check = [jax.numpy.asarray(array.astype(dtype, copy=False)) for array in (X, Y, X_check)]
        layers, losses, right = weights(net, dtype), [], []
        for epoch in range(epochs):
            order = np.stack(list(mini_batches(len(X), BATCH, seed=0, epoch=epoch)))
            rates = np.array([lr(epoch * len(order) + k) for k in range(len(order))], dtype)
            layers, loss = one_epoch(layers, X, Y, order, rates)
            losses.append(float(loss))
            right.append(float(share_right(layers, X_check, labels)))
        return losses, right
    return train


def compare(title, ways, X, Y, X_check, labels, epochs, repeat):
    steps = epochs * len(X) / BATCH
    best = {(name, dtype): float("inf") for dtype in DTYPES for name in ways}
    ends = {}
    for _ in range(repeat):
        for name, dtype in best:
            net = digit_net()
            gc.collect()
            start = time.perf_counter()
            losses, right = ways[name](net, X, Y, X_check, labels, epochs, lambda step: 5 * (1 - step / steps), dtype)
            best[name, dtype] = min(best[name, dtype], time.perf_counter() - start)
            ends[name, dtype] = losses[-1:] + right[-1:]
    print(f"\n{title:34}" + "".join(f"{dtype.__name__:>11} {'ratio':>8} {'right':>8}" for dtype in DTYPES))
    for name in ways:
        columns = ""
        for dtype in DTYPES:
            seconds, end, expected = best[name, dtype], ends[name, dtype], ends["NumPy by hand", dtype]
            if end and not np.allclose(end, expected, rtol=0.01):
                raise SystemExit(f"{name}, {dtype.__name__}: the last loss and accuracy are {end}, by hand {expected}")
            columns += f"{seconds:9.3f} s {seconds / best['NumPy by hand', dtype]:7.2f}x "
            columns += f"{end[1]:8.2%}" if end else " " * 8
        print(f"{name:34}{columns}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeat", type=int, default=7, help="turns of each way")
    options.add_argument("--mnist", metavar="FOLDER", help="train on all of MNIST too")
    args = options.parse_args()
    if os.environ.get("BENCH_THREADS") != "1":   # the libraries read these once, when they are imported: start again
        settings = dict.fromkeys(("BENCH_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
                                  "NPROC"), "1")   # NPROC is JAX's
        raise SystemExit(subprocess.run([sys.executable, *sys.argv], env=os.environ | settings).returncode)
    ways = {"NumPy by hand": by_hand, "fit, with all it does": by_fit, "  before its first step": before_the_first_step}
    if importlib.util.find_spec("jax") is None:
        print("jax is not installed, so its line is left out")
    else:
        ways["jax.jit of an epoch, lax.scan"] = by_jax()
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}, one thread, best of {args.repeat}")
    digits = data.mnist(args.mnist) if args.mnist else data.digits()
    some = np.arange(20_000) % len(digits.x_train)
    X, labels = digits.x_train[some], digits.y_train[some]
    compare("5 epochs of 20,000 digits", ways, X, data.one_hot(labels, 10), X, labels, 5, args.repeat)
    if args.mnist:
        compare("10 epochs of MNIST, on its test", ways, digits.x_train, data.one_hot(digits.y_train, 10),
                digits.x_test, digits.y_test, 10, args.repeat)


if __name__ == "__main__":
    main()
