"""The scalar engine against micrograd 0.1.0, both measured in one run, in turns.

    pip install micrograd==0.1.0
    python tests/bench/bench_engine.py [--rounds 5]

Prints how many times faster micrograd2 is, with the garbage collector on, and off in brackets. The same programs run on
both engines. Each round times three runs in a row, as in training, where the garbage of one step is collected during
the next; the best round counts.
"""

import argparse
import gc
import random
import sys
import threading
import time

import micrograd.engine
import micrograd.nn

import micrograd2
from micrograd2.data import digits, moons


def plain(Value):
    """10,000 nodes of + and *, forward and backward."""
    rng = random.Random(0)
    numbers = [Value(rng.random()) for _ in range(10)]

    def run():
        result = Value(0.0)
        for i in range(5000):
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


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    theirs, ours = micrograd.engine.Value, micrograd2.Value
    programs = {
        "10,000 plain nodes": (plain(theirs), plain(ours)),
        "moons step": (moons_step(micrograd.nn.MLP, theirs), moons_step(micrograd2.MLP, ours)),
        "one digit": (digit(micrograd.nn.MLP, theirs), digit(micrograd2.MLP, ours)),
    }
    print(f"{'':20} {'micrograd':>12} {'micrograd2':>12}   ratio [collector off]")
    for name, runs in programs.items():
        slow, fast = best_times(runs, rounds)
        gc.disable()
        slow_off, fast_off = best_times(runs, rounds)
        gc.enable()
        print(f"{name:20} {slow * 1e3:9.2f} ms {fast * 1e3:9.2f} ms   {slow / fast:.1f}x [{slow_off / fast_off:.1f}x]")


if __name__ == "__main__":  # micrograd recurses: it needs a deep stack
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(512 * 1024 * 1024)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
