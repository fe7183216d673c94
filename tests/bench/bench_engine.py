"""The scalar engine against a plain Value of forty lines (plain.py) and against micrograd 0.1.0, in one run, in turns.

    pip install micrograd==0.1.0
    python tests/bench/bench_engine.py [--rounds 7] [--repeat 3]

Prints how many times faster micrograd2 is, with the garbage collector on, and off in brackets; above 1x it is faster.
The same programs run on both engines, and give the same gradients. Each round times a few runs in a row, as in
training, where the garbage of one step is collected during the next; the best round counts. Then: bytes a node.
"""

import argparse
import gc
import random
import sys
import threading
import time
import tracemalloc

import micrograd.engine
import micrograd.nn
import plain
from bare_gpt import gpt_step

import micrograd2
from micrograd2.data import digits, moons


# Against the plain Value: a GPT with bare operators (bare_gpt.py), and single operations

OPERATIONS = {
    "a + b": lambda a, b: a + b, "a * b": lambda a, b: a * b, "a - b": lambda a, b: a - b, "a / b": lambda a, b: a / b,
    "-a": lambda a, b: -a, "a + 1.5": lambda a, b: a + 1.5, "1.5 + a": lambda a, b: 1.5 + a,
    "a * 2": lambda a, b: a * 2, "2 * a": lambda a, b: 2 * a, "a - 1.5": lambda a, b: a - 1.5,
    "1.5 - a": lambda a, b: 1.5 - a, "a / 3": lambda a, b: a / 3, "3 / a": lambda a, b: 3 / a,
    "a ** 2": lambda a, b: a ** 2, "a ** -0.5": lambda a, b: a ** -0.5, "exp": lambda a, b: a.exp(),
    "log": lambda a, b: a.log(), "tanh": lambda a, b: a.tanh(), "relu": lambda a, b: a.relu(),
}


def operation(act, Value):
    """One operation, 2,000 times, forward alone."""
    a, b = Value(1.3), Value(0.7)

    def run():
        for _ in range(2000):
            act(a, b)
    return run


# Against micrograd

def nodes(Value, count=10_000):
    """So many nodes of + and *, forward and backward."""
    rng = random.Random(0)
    numbers = [Value(rng.random()) for _ in range(10)]

    def run():
        result = Value(0.0)
        for i in range(count // 2):
            result = result * numbers[i % 10] + numbers[(i + 3) % 10]
        result.backward()
    return run


def moons_step(MLP, Value):
    """One step on the moons: 100 points through 2-16-16-1, max-margin loss, L2 penalty, backward, descent."""
    X, y = moons(100, noise=0.1, seed=0)
    X, y = X.tolist(), y.tolist()
    net = MLP(2, [16, 16, 1])

    def run():
        scores = [net([Value(number) for number in x]) for x in X]
        losses = [(1 + -target * score).relu() for target, score in zip(y, scores)]
        loss = sum(losses) * (1 / len(losses)) + 1e-4 * sum(p * p for p in net.parameters())
        net.zero_grad()
        loss.backward()
        for p in net.parameters():
            p.data -= 0.01 * p.grad
    return run


def digit(MLP, Value):
    """The squared error of one digit through 784-16-16-10, forward and backward."""
    image = digits().x_train[0].tolist()
    net = MLP(784, [16, 16, 10])

    def run():
        outputs = net([Value(pixel) for pixel in image])
        cost = sum((a - (i == 5)) ** 2 for i, a in enumerate(outputs))
        cost.backward()
    return run


def best_times(runs, rounds):
    """The best time of one run of each function, in seconds, taken in turns."""
    best = [float("inf")] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            gc.collect()
            start = time.perf_counter()
            for _ in range(3):
                run()
            best[i] = min(best[i], (time.perf_counter() - start) / 3)
    return best


def compared(name, theirs, ours, rounds):
    """One line: how many times faster ours is."""
    slow, fast = best_times((theirs, ours), rounds)
    gc.disable()
    slow_off, fast_off = best_times((theirs, ours), rounds)
    gc.enable()
    print(f"{name:24} {slow * 1e3:9.3f} ms {fast * 1e3:9.3f} ms   {slow / fast:6.2f}x [{slow_off / fast_off:.2f}x]")


def bytes_a_node(Value, count=20_000):
    """How much memory a node of + or * takes."""
    a = Value(1.1)
    kept = [a]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(count // 2):
        kept[0] = kept[0] * a + a
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / count


def measure(rounds):
    ours, theirs = micrograd2.Value, micrograd.engine.Value
    loss, grads = gpt_step(ours)()
    other_loss, other_grads = gpt_step(plain.Value)()
    assert abs(loss - other_loss) < 1e-12 and max(abs(a - b) for a, b in zip(grads, other_grads)) < 1e-12
    print(f"{'':24} {'plain Value':>12} {'micrograd2':>12}   ratio [collector off]")
    compared("one GPT name", gpt_step(plain.Value), gpt_step(ours), rounds)
    for name, act in OPERATIONS.items():
        compared(name, operation(act, plain.Value), operation(act, ours), 3 * rounds)
    print(f"{'':24} {'micrograd':>12} {'micrograd2':>12}   ratio [collector off]")
    compared("10,000 plain nodes", nodes(theirs), nodes(ours), rounds)
    compared("moons step", moons_step(micrograd.nn.MLP, theirs), moons_step(micrograd2.MLP, ours), rounds)
    compared("one digit", digit(micrograd.nn.MLP, theirs), digit(micrograd2.MLP, ours), rounds)
    print(f"bytes a node of + or *: plain Value {bytes_a_node(plain.Value):.0f}, micrograd2 {bytes_a_node(ours):.0f}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--repeat", type=int, default=1)
    given = options.parse_args()
    for _ in range(given.repeat):
        measure(given.rounds)


if __name__ == "__main__":  # both recurse: they need a deep stack
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(512 * 1024 * 1024)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
