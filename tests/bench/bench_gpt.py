"""The GPT of examples/gpt.py, the same scalar code three ways: its scalar graph, compiled for one name, and for 32; and
with bare operators on a plain Value of forty lines, the garbage collector off.

    python tests/bench/bench_gpt.py [--rounds 20] [--steps 50] [--float32]

Prints the time that training takes for each name, all ways in turns, the best of all rounds; what was compiled; then
trains both ways for some steps of 4 names, from the same start, and prints how far losses and gradients ever differ.
Each graph is as long as its name; a program always works on 16 positions, and ignores those after the name.
"""

import argparse
import gc
import sys
import threading
import time
from pathlib import Path

import numpy as np

import plain
from bare_gpt import gpt_step
from micrograd2 import Adam, compile

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import gpt  # noqa: E402, an example is a script, not a part of the package


def best_times(runs, rounds):
    """The best time of each function, in seconds, taken in turns."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--steps", type=int, default=50)
    options.add_argument("--float32", action="store_true", help="compile for float32")
    args = options.parse_args()
    dtype = np.float32 if args.float32 else np.float64

    names = (Path(gpt.__file__).parent / "names.txt").read_text().split()
    names = [names[i] for i in np.random.default_rng(0).permutation(len(names))]
    w = gpt.model(0)
    parameters = [p for rows in w.values() for row in rows for p in row]
    start = time.perf_counter()
    program = compile(lambda text, shares: gpt.cost(w, text, shares), parameters, *gpt.encoded("", gpt.T), dtype=dtype)
    print(f"{program}\ncompiled in {time.perf_counter() - start:.2f} s to {len(program.source.splitlines())} lines, "
          f"{len(program.source[program.source.index('def program'):].splitlines())} of them the program itself\n")

    def step(theta, some):
        return program(theta, *map(np.array, zip(*(gpt.encoded(name, gpt.T) for name in some))))

    theta, encoded = program.theta, list(map(np.array, zip(*(gpt.encoded(name, gpt.T) for name in names[:32]))))
    best = best_times({"scalar graph": lambda: gpt.scalar_step(w, parameters, names[:8]),
                       "program, one name at a time": lambda: [step(theta, [name]) for name in names[:8]],
                       "program, 32 names at a time": lambda: step(theta, names[:32]),
                       "the same 32, encoded before": lambda: program(theta, *encoded)}, args.rounds)
    scalar = best["scalar graph"] / 8
    bare = [gpt_step(plain.Value, [gpt.LETTERS.index(letter) for letter in f".{name}."]) for name in names[:8]]
    gc.disable()
    best["plain Value"] = best_times({"": lambda: [run() for run in bare]}, args.rounds)[""]
    gc.enable()
    for name, seconds in best.items():
        seconds /= 32 if "32" in name else 8
        print(f"{name:28} {1000 * seconds:8.3f} ms for each name {scalar / seconds:8.1f}x the scalar graph"
              f"{best['plain Value'] / 8 / seconds:8.1f}x the plain Value")

    optimizer, apart, steepest = Adam(lr=lambda step: 0.01 * (1 - step / args.steps)), [0.0, 0.0], 0.0
    for k in range(args.steps):
        some = names[4 * k:4 * k + 4]
        program.store(theta)
        (loss, gradient), (scalar_loss, scalar_gradient) = step(theta, some), gpt.scalar_step(w, parameters, some)
        apart = [max(apart[0], abs(loss - scalar_loss)), max(apart[1], np.abs(gradient - scalar_gradient).max())]
        steepest = max(steepest, np.abs(scalar_gradient).max())
        theta = optimizer.step(theta, gradient)
    print(f"\n{args.steps} steps of 4 names: losses at most {apart[0]:.1e} apart, gradients {apart[1]:.1e} "
          f"(the largest was {steepest:.2f}); last loss {loss:.4f}")


if __name__ == "__main__":
    sys.setrecursionlimit(1_000_000)  # the plain Value goes back by recursion
    threading.stack_size(512 * 1024 * 1024)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
