"""The compiled program against NumPy written by hand, PyTorch and JAX, all measured in one run, in turns.

    pip install torch==2.13.0 jax jaxlib
    python tests/bench/bench_compiler.py [--rounds 300] [--threads 1] [--mnist FOLDER] [--repeat 3]

Without PyTorch or JAX their lines are left out. Prints the time of one step (loss and gradient) of the digit network,
784-16-16-10 with sigmoids and the squared error, batch of 100, and how many times that of the compiled program it is;
then what compiling takes; then, given the folder of the four MNIST files, full training. Each time is the best of all
rounds. All steps start from the same numbers, and must give the same loss and gradient.
"""

import argparse
import gc
import importlib.util
import math
import os
import subprocess
import sys
import time
import tracemalloc

import numpy as np

from micrograd2 import MLP, SGD, Adam, cross_entropy, data, fit, squared_error
from micrograd2.compiler import compile
from micrograd2.train import mini_batches

SIZES = [784, 16, 16, 10]
BATCH = 100
DTYPES = (np.float64, np.float32)


def sigmoid_net(sizes=SIZES):
    return MLP(sizes[0], sizes[1:], activation="sigmoid", output="sigmoid", seed=3)


def matrices(theta, sizes=SIZES):
    """The weights W (inputs, outputs) and the biases b of every layer, as arrays of their own."""
    layers, start = [], 0
    for n, width in zip(sizes, sizes[1:]):
        block = theta[start:start + width * (n + 1)].reshape(width, n + 1)
        layers.append((np.ascontiguousarray(block[:, :n].T), block[:, n].copy()))
        start += block.size
    return layers


def vector(gradients):
    """The gradients of `matrices`, in the order of theta."""
    return np.concatenate([np.column_stack([gW.T, gb]).ravel() for gW, gb in gradients])


# One step. Each of these returns a function to be timed, and one that makes (loss, gradient vector) of its result.

def program_step(theta, x, y):
    """What `compile` made of the scalar code."""
    net = sigmoid_net()
    f = compile(lambda x, y: squared_error(net(x), y), net.parameters(), x[0], y[0], dtype=theta.dtype)
    return lambda: f(theta, x, y), lambda result: result


def textbook_step(theta, x, y, sizes=SIZES):
    """As a textbook writes it."""
    (W1, b1), (W2, b2), (W3, b3) = matrices(theta, sizes)
    B = len(x)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def run():
        a1 = sigmoid(x @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        a3 = sigmoid(a2 @ W3 + b3)
        loss = ((a3 - y) ** 2).sum(axis=1).mean()
        d3 = 2 * (a3 - y) / B * a3 * (1 - a3)
        d2 = d3 @ W3.T * a2 * (1 - a2)
        d1 = d2 @ W2.T * a1 * (1 - a1)
        return loss, ((x.T @ d1, d1.sum(axis=0)), (a1.T @ d2, d2.sum(axis=0)), (a2.T @ d3, d3.sum(axis=0)))
    return run, lambda result: (result[0], vector(result[1]))


def best_step(order):
    """The fastest that we can write: every array is made once, and overwritten by each call, the gradient too.

    With order "F" the batch is the last axis in memory: each line then works on rows of 100 numbers, not of 16.
    """
    def step(theta, x, y):
        B, layers = len(x), matrices(theta)
        widths, dtype = SIZES[1:], theta.dtype
        a = [np.empty((B, n), dtype, order) for n in widths]
        d = [np.empty((B, n), dtype, order) for n in widths]
        slope = [np.empty((B, n), dtype, order) for n in widths]
        gradients = [(np.empty_like(W), np.empty_like(b)) for W, b in layers]
        ones, difference = np.ones(B, dtype), d[2].ravel("K")
        inputs, y = [x, a[0], a[1]], np.asarray(y, order=order)
        forward = [(from_, W, b, to) for from_, (W, b), to in zip(inputs, layers, a)]
        backward = [(a[k], slope[k], d[k], inputs[k].T, *gradients[k], layers[k][0].T, d[k - 1]) for k in (2, 1)]

        def run():
            for from_, W, b, z in forward:
                np.matmul(from_, W, out=z)
                np.add(z, b, out=z)
                np.negative(z, out=z)
                np.exp(z, out=z)
                np.add(z, 1, out=z)
                np.reciprocal(z, out=z)
            np.subtract(a[2], y, out=d[2])
            loss = np.dot(difference, difference) / B
            np.multiply(d[2], 2 / B, out=d[2])
            for a_, slope_, d_, inputs_T, gW, gb, W_T, d_below in backward:
                np.multiply(a_, a_, out=slope_)
                np.subtract(a_, slope_, out=slope_)
                np.multiply(d_, slope_, out=d_)
                np.matmul(inputs_T, d_, out=gW)
                np.matmul(ones, d_, out=gb)
                np.matmul(d_, W_T, out=d_below)
            np.multiply(a[0], a[0], out=slope[0])
            np.subtract(a[0], slope[0], out=slope[0])
            np.multiply(d[0], slope[0], out=d[0])
            np.matmul(x.T, d[0], out=gradients[0][0])
            np.matmul(ones, d[0], out=gradients[0][1])
            return loss, gradients
        return run, lambda result: (result[0], vector(result[1]))
    return step


def torch_step(theta, x, y):
    """PyTorch, eager."""
    import torch
    layers = []
    for W, b in matrices(theta):
        linear = torch.nn.Linear(*W.shape)
        linear.weight, linear.bias = torch.nn.Parameter(torch.tensor(W.T.copy())), torch.nn.Parameter(torch.tensor(b))
        layers += [linear, torch.nn.Sigmoid()]
    net, x, y = torch.nn.Sequential(*layers), torch.tensor(x), torch.tensor(y)

    def run():
        net.zero_grad()
        loss = ((net(x) - y) ** 2).sum() / len(x)
        loss.backward()
        return loss.item()
    return run, lambda loss: (loss, vector([(layer.weight.grad.numpy().T, layer.bias.grad.numpy())
                                            for layer in layers[::2]]))


def jax_step(theta, x, y):
    """JAX: jit of value_and_grad, its inputs already in JAX's own arrays."""
    import jax
    jax.config.update("jax_enable_x64", True)
    layers, x, y = [tuple(map(jax.numpy.asarray, layer)) for layer in matrices(theta)], *map(jax.numpy.asarray, (x, y))

    def cost(layers, x, y):
        for W, b in layers:
            x = jax.nn.sigmoid(x @ W + b)
        return ((x - y) ** 2).sum() / len(y)

    step = jax.jit(jax.value_and_grad(cost))

    def run():
        return jax.block_until_ready(step(layers, x, y))
    return run, lambda result: (float(result[0]), vector([(np.asarray(gW), np.asarray(gb)) for gW, gb in result[1]]))


def best_times(runs, rounds, calls=1):
    """The best time of each function, in seconds: taken in turns, each warm from a call that is not counted."""
    best = [float("inf")] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            if calls > 1:
                run()
            for _ in range(calls):
                start = time.perf_counter()
                run()
                best[i] = min(best[i], time.perf_counter() - start)
    return best


def measure_steps(rounds, threads):
    steps = {"compiled program": program_step, "textbook NumPy": textbook_step, "best NumPy, by rows": best_step("C"),
             "best NumPy, by columns": best_step("F"), "PyTorch eager": torch_step, "jax.jit": jax_step}
    for name, package in (("PyTorch eager", "torch"), ("jax.jit", "jax")):
        if importlib.util.find_spec(package) is None:
            print(f"{name}: {package} is not installed, so it is left out")
            del steps[name]
    if "PyTorch eager" in steps:
        import torch
        torch.set_num_threads(threads)
    x, y = data.digits().x_train[:BATCH], data.one_hot(data.digits().y_train[:BATCH], 10)
    theta = np.array([p.data for p in sigmoid_net().parameters()])
    theta += 0.1 * np.random.default_rng(0).standard_normal(theta.size)     # biases too
    runs = []
    for dtype in DTYPES:
        expected = None
        for name, step in steps.items():
            run, read = step(theta.astype(dtype), x.astype(dtype), y.astype(dtype))
            loss, gradient = read(run())
            assert gradient.dtype == dtype, (name, gradient.dtype)
            if expected is None:
                expected = loss, np.array(gradient)
            rounding = 1e3 * np.finfo(dtype).eps
            if not (abs(loss - expected[0]) <= rounding * loss
                    and np.allclose(gradient, expected[1], rtol=rounding, atol=rounding * abs(gradient).max())):
                raise SystemExit(f"{name}, {dtype.__name__}: another loss or gradient than the compiled program")
            runs.append(run)
    print("all give the same loss and gradient")
    gc.disable()
    times = np.reshape(best_times(runs, rounds, calls=4), (len(DTYPES), -1)) * 1e6
    gc.enable()
    print(f"\n{'one step, batch of 100':26}" + "".join(f"{dtype.__name__:>12} {'ratio':>8}" for dtype in DTYPES))
    for name, row in zip(steps, times.T):
        print(f"{name:26}" + "".join(f"{t:9.0f} µs {t / t0:7.2f}x" for t, t0 in zip(row, times[:, 0])))


def bare(net):
    """The squared error with nothing but + and * between the sigmoids."""
    def f(x, y):
        for layer in net.layers:
            outputs = []
            for neuron in layer.neurons:
                z = neuron.b
                for w, a in zip(neuron.w, x):
                    z = z + w * a
                outputs.append(z.sigmoid())
            x = outputs
        cost = 0
        for a, target in zip(x, y):
            cost = cost + (a - target) * (a - target)
        return cost
    return f


def measure_compiling(rounds):
    image, target = data.digits().x_train[0], data.one_hot(data.digits().y_train[:1], 10)[0]
    net, large = sigmoid_net(), sigmoid_net([784, 128, 64, 10])
    programs = {
        "784-16-16-10": (net, lambda x, y: squared_error(net(x), y)),
        "784-128-64-10": (large, lambda x, y: squared_error(large(x), y)),
        "784-16-16-10, bare + and *": (net, bare(net)),
    }

    def make(name):
        network, f = programs[name]
        return compile(f, network.parameters(), image, target)

    times = best_times([lambda name=name: (gc.collect(), make(name)) for name in programs], rounds)
    collecting = best_times([gc.collect], 3)[0]
    print(f"\n{'compiling':26} {'time':>9} {'parameters':>11} {'scalar nodes':>13} {'array operations':>17} "
          f"{'lines':>6} {'peak memory':>12}")
    for name, seconds in zip(programs, times):
        gc.collect()
        tracemalloc.start()
        program = make(name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{name:26} {seconds - collecting:7.2f} s {len(program.parameters):11,} {program.scalar_nodes:13,} "
              f"{program.array_operations:17} {len(program.source.splitlines()):6} {peak / 2**20:9.1f} MB")


def measure_training(folder, repeat):
    """The loop of `fit`, without its bar and its accuracies; then `fit` itself, everything included."""
    digits = data.mnist(folder)
    targets = data.one_hot(digits.y_train, 10)
    steps_per_epoch = math.ceil(len(targets) / BATCH)

    def falling(lr, epochs):
        return lambda step: lr * (1 - step / (epochs * steps_per_epoch))

    def squares():
        return sigmoid_net(), squared_error, SGD(falling(5.0, 10))

    def entropy():
        return MLP(784, [16, 16, 10], activation="relu", seed=0), cross_entropy, Adam(falling(0.002, 30))

    def train(make, epochs, dtype):
        net, cost, optimizer = make()
        X, Y = digits.x_train.astype(dtype), targets.astype(dtype)
        program = compile(lambda x, y: cost(net(x), y), net.parameters(), X[0], Y[0], dtype=dtype)
        gc.collect()
        theta = program.theta
        start = time.perf_counter()
        for epoch in range(epochs):
            for batch in mini_batches(len(X), BATCH, seed=0, epoch=epoch):
                _, gradient = program(theta, X.take(batch, axis=0), Y.take(batch, axis=0))
                theta = optimizer.step(theta, gradient)
        seconds = time.perf_counter() - start
        program.store(theta)
        return seconds, net

    def fitted(make, epochs, dtype):
        net, cost, optimizer = make()
        start = time.perf_counter()
        fit(net, digits.x_train, targets, cost, optimizer, epochs, BATCH, seed=0, progress=False,
            validation=(digits.x_test, digits.y_test))
        return time.perf_counter() - start, net

    def share_right(net):
        outputs = compile(lambda x: net(x), net.parameters(), digits.x_test[0]).outputs
        theta = np.array([p.data for p in net.parameters()])
        return np.mean(outputs(theta, digits.x_test).argmax(axis=1) == digits.y_test)

    cases = [(name, make, epochs, way, dtype)
             for name, make, epochs in (("sigmoid, squares, SGD", squares, 10), ("ReLU, entropy, Adam", entropy, 30))
             for way, dtype in ((train, np.float64), (train, np.float32), (fitted, np.float64))]
    best, right = [float("inf")] * len(cases), [0.0] * len(cases)
    for _ in range(repeat):
        for i, (name, make, epochs, way, dtype) in enumerate(cases):
            seconds, net = way(make, epochs, dtype)
            best[i], right[i] = min(best[i], seconds), share_right(net)
    print(f"\n{f'MNIST, {len(targets):,} digits':26} {'epochs':>6} {'time':>10} {'test digits read':>17}")
    for (name, _, epochs, way, dtype), seconds, share in zip(cases, best, right):
        what = "fit, with all it does" if way is fitted else f"the steps alone, {dtype.__name__}"
        print(f"{name:26} {epochs:6} {seconds:8.2f} s {100 * share:15.2f} %   {what}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=300, help="turns of each step, four calls in a turn")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--mnist", metavar="FOLDER", help="train on all of MNIST too")
    options.add_argument("--repeat", type=int, default=3, help="how often to compile and to train")
    args = options.parse_args()
    n = str(args.threads)
    if os.environ.get("BENCH_THREADS") != n:     # the libraries read these once, when they are imported: start again
        kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        settings = dict.fromkeys(("BENCH_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
                                  "NPROC"), n)   # NPROC is JAX's
        raise SystemExit(subprocess.run([sys.executable, *sys.argv], env=kept | settings).returncode)
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}, threads: {n}, best of {args.rounds} rounds")
    measure_steps(args.rounds, args.threads)
    measure_compiling(args.repeat)
    if args.mnist:
        measure_training(args.mnist, args.repeat)


if __name__ == "__main__":
    main()
