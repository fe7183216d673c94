"""The README's table of measured speed, as Markdown: ratios, each of two ways that are measured side by side.

    pip install micrograd==0.1.0 jax
    python tests/bench/bench_table.py [--rounds 7] [--large]

What is measured is that of the other benchmarks here, which tell more, and check that all ways give the same numbers.
The two of a row take turns and count with the best of the rounds, in seconds of the processor, on one thread: what else
the machine does then matters little. Without JAX its row is left out.
`--large` adds ten million nodes and a million parameters, once: that takes 3 GB and some minutes.
"""

import argparse
import datetime
import gc
import importlib.util
import math
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import micrograd.engine
import micrograd.nn
import numpy as np
import plain
from bare_gpt import gpt_step
from bench_compiler import best_step, jax_step, program_step, sigmoid_net, textbook_step
from bench_engine import digit, moons_step, nodes
from bench_training import BATCH, by_fit, by_hand, digit_net

import micrograd2
from micrograd2 import SGD, MLP, Value, compile, data, squared_error

LARGE = [784, 1024, 200, 10]


def best_times(runs, rounds):
    """The best time of one run of each function, of three in a row, where the garbage of one is the next one's."""
    best = [math.inf] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            gc.collect()
            start = time.process_time()
            for _ in range(3):
                run()
            best[i] = min(best[i], (time.process_time() - start) / 3)
    return best


def row(what, beside, times):
    """A line of the table, of the times of ours and of theirs."""
    ours, theirs = times
    ratio = theirs / ours
    print(f"| {what} | {beside} | {ratio:,.{0 if ratio >= 10 else 2}f}× |", flush=True)


def seconds(run):
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def engine(rounds):
    ours, theirs, beside = Value, micrograd.engine.Value, "micrograd 0.1.0"
    row("10,000 nodes of + and ×, forward and backward", beside,
        best_times((nodes(ours), nodes(theirs)), rounds))
    row("a step on 100 moons, 2-16-16-1", beside,
        best_times((moons_step(MLP, ours), moons_step(micrograd.nn.MLP, theirs)), rounds))
    row("one digit through 784-16-16-10 and back", beside,
        best_times((digit(MLP, ours), digit(micrograd.nn.MLP, theirs)), rounds))
    row("a GPT of bare + and ×, one name", "a plain `Value` of forty lines",
        best_times((gpt_step(ours), gpt_step(plain.Value)), rounds))


def compiler(rounds):
    digits, what = data.digits(), f"a compiled step of 784-16-16-10, {BATCH} digits"
    x, y = digits.x_train[:BATCH], data.one_hot(digits.y_train[:BATCH], 10)
    net = sigmoid_net()
    theta = np.array([p.data for p in net.parameters()])
    program, _ = program_step(theta, x, y)

    def scalars():
        for image, target in zip(x.tolist(), y.tolist()):
            squared_error(net(image), target).backward()

    row(what, "its scalar graphs", best_times((program, scalars), rounds))
    others = {"NumPy as a textbook writes it": textbook_step, "the fastest NumPy that we can write": best_step("C")}
    if importlib.util.find_spec("jax"):
        others["`jax.jit`"] = jax_step
    for beside, step in others.items():
        row(what, beside, best_times((program, step(theta, x, y)[0]), 50 * rounds))


def training(rounds):
    digits = data.digits()
    some = np.arange(20_000) % len(digits.x_train)
    X, labels = digits.x_train[some], digits.y_train[some]
    Y = data.one_hot(labels, 10)

    def training_by(way):
        return lambda: way(digit_net(), X, Y, X, labels, 5, lambda step: 5 * (1 - step / 1000), np.float64)

    row("`fit`, 5 epochs of 20,000 digits, with all it does", "the loop by hand in NumPy",
        best_times((training_by(by_fit), training_by(by_hand)), rounds))


def large():
    small = best_times([nodes(Value)], 5)[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    whole, _ = seconds(nodes(Value, 10_000_000))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    print(f"| a node of 10,000,000, forward and backward: {whole:.1f} s, {peak:.1f} GB in all | one of 10,000 | "
          f"{1000 * small / whole:.2f}× |", flush=True)

    made, net = seconds(lambda: sigmoid_net(LARGE))
    x, y = np.random.default_rng(0).random((5 * BATCH, 784)), data.one_hot(np.arange(5 * BATCH) % 10, 10)
    scalar, _ = seconds(lambda: squared_error(net(x[0]), y[0]).backward())
    compiling, program = seconds(lambda: compile(lambda x, y: squared_error(net(x), y), net.parameters(), x[0], y[0]))
    theta, optimizer = program.theta, SGD(0.1)
    run, _ = textbook_step(theta, x[:BATCH], y[:BATCH], LARGE)
    name = "-".join(map(str, LARGE))
    row(f"a compiled step of {name}, {BATCH} examples", "NumPy as a textbook writes it",
        best_times((lambda: program(theta, x[:BATCH], y[:BATCH]), run), 5))
    losses = []
    for k in range(50):
        some = slice(k % 5 * BATCH, (k % 5 + 1) * BATCH)
        loss, gradient = program(theta, x[some], y[some])
        theta = optimizer.step(theta, gradient)
        losses.append(loss)
    print(f"\n{name}, a network of {len(program.parameters):,} parameters, is made in {made:.0f} s and compiled in "
          f"{compiling:.0f} s; its scalar graph\nof one example goes forward and back in {scalar:.1f} s. In 50 steps "
          f"its loss goes from {losses[0]:.3f} to {losses[-1]:.3f}.")


def processor():
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")] if Path("/proc/cpuinfo").exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--large", action="store_true", help="ten million nodes and a million parameters, too")
    args = options.parse_args()
    print("| what | beside | how many times as fast |\n|---|---|---|")
    engine(args.rounds)
    compiler(args.rounds)
    training(args.rounds)
    if args.large:
        large()
    print(f"\n{processor()}, one thread, {platform.system()}, CPython {platform.python_version()}, NumPy "
          f"{np.__version__}, micrograd2 {micrograd2.__version__}, {datetime.date.today():%d %B %Y}. The best of "
          f"{args.rounds} rounds or more.")


if __name__ == "__main__":
    if os.environ.get("BENCH_THREADS") != "1":   # the libraries read these once, when they are imported: start again
        kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        settings = dict.fromkeys(("BENCH_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
                                  "NPROC"), "1")   # NPROC is JAX's
        raise SystemExit(subprocess.run([sys.executable, *sys.argv], env=kept | settings).returncode)
    sys.setrecursionlimit(1_000_000)  # micrograd and the plain Value recurse: they need a deep stack
    threading.stack_size(512 * 1024 * 1024)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
