"""`fit` against the same training written by hand in NumPy, and JAX, all measured in one run, in turns.

    pip install jax jaxlib
    python tests/bench/bench_training.py [--repeat 7] [--mnist FOLDER]

The digit network, 784-16-16-10 with sigmoids and the squared error: five epochs of 20,000 digits, and, given the folder
of the four MNIST files, ten epochs of all 60,000. Each way takes the same digits in the same order, steps of SGD on
batches of 100, and measures the accuracy after every epoch; `fit` also compiles, checks, and keeps the history. All
must end at the same loss and accuracy. JAX runs a whole epoch as one compiled `lax.scan`; compiling it is not counted.
Prints the best time of each, one thread, and how many times that of the loop by hand it is.
"""

import argparse
import gc
import importlib.util
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
    history = fit(net, X, Y, optimizer=SGD(lr), epochs=epochs, batch_size=BATCH, seed=0, dtype=dtype,
                  validation=(X_check, labels), progress=False)
    return history.epoch_loss, history.accuracy


def by_hand(net, X, Y, X_check, labels, epochs, lr, dtype):
    """As a careful person writes it."""
    X, Y, X_check = X.astype(dtype, copy=False), Y.astype(dtype, copy=False), X_check.astype(dtype, copy=False)
    (W1, b1), (W2, b2), (W3, b3) = weights(net, dtype)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def forward(x):
        a1 = sigmoid(x @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        return a1, a2, sigmoid(a2 @ W3 + b3)

    losses, right = [], []
    for epoch in range(epochs):
        loss = 0.0
        for batch in mini_batches(len(X), BATCH, seed=0, epoch=epoch):
            x, y = X[batch], Y[batch]
            a1, a2, a3 = forward(x)
            loss += float(((a3 - y) ** 2).sum())
            d3 = 2 * (a3 - y) / len(x) * a3 * (1 - a3)
            d2 = d3 @ W3.T * a2 * (1 - a2)
            d1 = d2 @ W2.T * a1 * (1 - a1)
            W3 -= lr * (a2.T @ d3)
            b3 -= lr * d3.sum(axis=0)
            W2 -= lr * (a1.T @ d2)
            b2 -= lr * d2.sum(axis=0)
            W1 -= lr * (x.T @ d1)
            b1 -= lr * d1.sum(axis=0)
        losses.append(loss / len(X))
        right.append(float(np.mean(forward(X_check)[-1].argmax(axis=1) == labels)))
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
    def one_epoch(layers, X, Y, order, lr):
        def step(layers, batch):
            loss, gradient = jax.value_and_grad(cost)(layers, X[batch], Y[batch])
            return jax.tree.map(lambda p, g: p - lr * g, layers, gradient), loss
        layers, losses = jax.lax.scan(step, layers, order)
        return layers, losses.mean()

    @jax.jit
    def share_right(layers, X, labels):
        return jax.numpy.mean(outputs(layers, X).argmax(axis=1) == labels)

    def train(net, X, Y, X_check, labels, epochs, lr, dtype):
        X, Y, X_check = [jax.numpy.asarray(array.astype(dtype, copy=False)) for array in (X, Y, X_check)]
        layers, losses, right = weights(net, dtype), [], []
        for epoch in range(epochs):
            order = np.stack(list(mini_batches(len(X), BATCH, seed=0, epoch=epoch)))
            layers, loss = one_epoch(layers, X, Y, order, dtype(lr))
            losses.append(float(loss))
            right.append(float(share_right(layers, X_check, labels)))
        return losses, right
    return train


def compare(title, ways, X, Y, X_check, labels, epochs, lr, repeat):
    best = {(name, dtype): float("inf") for dtype in DTYPES for name in ways}
    ends = {}
    for _ in range(repeat):
        for name, dtype in best:
            net = digit_net()
            gc.collect()
            start = time.perf_counter()
            losses, right = ways[name](net, X, Y, X_check, labels, epochs, lr, dtype)
            best[name, dtype] = min(best[name, dtype], time.perf_counter() - start)
            ends[name, dtype] = losses[-1], right[-1]
    print(f"\n{title:34}" + "".join(f"{dtype.__name__:>11} {'ratio':>8} {'right':>8}" for dtype in DTYPES))
    for name in ways:
        columns = ""
        for dtype in DTYPES:
            seconds, (loss, right) = best[name, dtype], ends[name, dtype]
            expected = ends["NumPy by hand", dtype]
            if not np.allclose((loss, right), expected, rtol=1e-6 if dtype is np.float64 else 5e-2):
                raise SystemExit(f"{name}, {dtype.__name__}: loss and accuracy {loss}, {right}; by hand {expected}")
            columns += f"{seconds:9.3f} s {seconds / best['NumPy by hand', dtype]:7.2f}x {right:8.2%}"
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
    ways = {"NumPy by hand": by_hand, "fit, with all it does": by_fit}
    if importlib.util.find_spec("jax") is None:
        print("jax is not installed, so its line is left out")
    else:
        ways["jax.jit of an epoch, lax.scan"] = by_jax()
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}, one thread, best of {args.repeat}")
    digits = data.mnist(args.mnist) if args.mnist else data.digits()
    some = np.arange(20_000) % len(digits.x_train)
    X, labels = digits.x_train[some], digits.y_train[some]
    compare("5 epochs of 20,000 digits", ways, X, data.one_hot(labels, 10), X, labels, 5, 4.0, args.repeat)
    if args.mnist:
        compare("10 epochs of MNIST, on its test", ways, digits.x_train, data.one_hot(digits.y_train, 10),
                digits.x_test, digits.y_test, 10, 4.0, min(args.repeat, 3))


if __name__ == "__main__":
    main()
