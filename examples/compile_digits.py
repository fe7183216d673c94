"""From scalars to matrices: one's own loops, written with + and *, become W @ x + b. Prints all of it.

    python examples/compile_digits.py [--epochs N] [--compare N]

3Blue1Brown's films on neural networks leave the notation for later: a layer is W x + b, the backward pass a product
with the transpose. Here nobody writes it down. The network below adds and multiplies one number at a time; `compile`
reads the graph of one digit and finds the matrices in it.
"""

import argparse
import math
import random
import time

from micrograd2 import SGD, Value, compile, data
from micrograd2.engine import topological_order
from micrograd2.train import ScalarProgram, mini_batches

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=30)
options.add_argument("--compare", type=int, default=100, help="compare one step on so many digits")
args = options.parse_args()

# The parameters of 784-16-16-10: for every neuron, a list of weights and a bias.
rng = random.Random(0)
layers = [[([Value(rng.gauss(0, 1 / math.sqrt(nin))) for _ in range(nin)], Value(0.0)) for _ in range(nout)]
          for nin, nout in ((784, 16), (16, 16), (16, 10))]
parameters = [p for layer in layers for weights, bias in layer for p in [*weights, bias]]


def cost(x, y):
    """The cost of one digit: nothing but sums, products, and one sigmoid for each neuron."""
    for layer in layers:
        outputs = []
        for weights, bias in layer:
            z = bias
            for w, a in zip(weights, x):
                z = z + w * a
            outputs.append(z.sigmoid())
        x = outputs
    return sum((a - t) * (a - t) for a, t in zip(x, y))


digits = data.digits()
X, Y = digits.x_train, data.one_hot(digits.y_train, 10)

one = cost([Value(pixel) for pixel in X[0]], [Value(target) for target in Y[0]])  # once, however often they are read
print(f"the graph of one digit: {len(topological_order(one)):,} scalars, cost {one.data:.4f}\n")

start = time.perf_counter()
program = compile(cost, parameters, X[0], Y[0])
print(f"compiled in {time.perf_counter() - start:.2f} s, to this:\n\n{program.source}\n{program}\n")

# One step on a mini-batch, on the graph and in the program: the same numbers.
batch = next(mini_batches(len(X), args.compare, seed=0, epoch=0))
program(program.theta, X[batch], Y[batch])  # the first call of anything takes longer
theta = program.theta
times = []
for way, rounds in ((ScalarProgram(cost, parameters), 1), (program, 20)):
    found = []
    for _ in range(rounds):  # the best of some, since a short one may meet a busy moment
        start = time.perf_counter()
        loss, gradient = way(theta, X[batch], Y[batch])
        found.append(time.perf_counter() - start)
    times.append(min(found))
    print(f"one step on {len(batch)} digits with {type(way).__name__:13} {times[-1] * 1e3:9.2f} ms, loss {loss:.12f}")
print(f"that is {times[0] / times[1]:,.0f} times as fast\n")

# And the whole training run, in five lines.
start = time.perf_counter()
optimizer = SGD(lr=4.0)
for epoch in range(args.epochs):
    for batch in mini_batches(len(X), 100, seed=0, epoch=epoch):
        loss, gradient = program(theta, X[batch], Y[batch])
        theta = optimizer.step(theta, gradient)
program.store(theta)
seconds = time.perf_counter() - start


def guess(x):
    """Which digit the network sees: the brightest output, read off the scalar graph with the trained numbers."""
    for layer in layers:
        x = [1 / (1 + math.exp(-bias.data - sum(w.data * a for w, a in zip(weights, x)))) for weights, bias in layer]
    return max(range(10), key=x.__getitem__)


right = sum(guess(x) == label for x, label in zip(digits.x_test.tolist(), digits.y_test.tolist()))
print(f"{args.epochs} epochs in {seconds:.2f} s, then {right / len(digits.x_test):.1%} of the test digits read")
