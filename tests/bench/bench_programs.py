"""Programs as users write them (clients.py): what compiling takes, what it makes of them, and how fast that is.

    python tests/bench/bench_programs.py [NAME ...] [--steps N ...] [--rounds 20] [--float32] [--sources FOLDER]

For every program: the scalar nodes of one example, the array operations and the lines that they become, the seconds
that compiling takes (the best of three), the time of a step, forward and backward, for one example and for 64, and how
many times as long the scalar graph takes for as many; all steps in turns, the best of all rounds, collector on. Where
JAX is installed, last, how far its gradient of `program.jax()` is from the program's, relative to the largest slope.
With --steps, those that have steps in time are measured with each such number of them.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from clients import CLIENTS, STEPS, of_steps
from micrograd2 import Value, compile


def timed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def jax_apart(program, theta, arrays):
    """How far JAX's gradient is from the program's, relative to the largest slope."""
    import jax  # and no jax.jit: XLA takes minutes for thousands of lines
    _, ours = program(theta, *arrays)
    jax.config.update("jax_enable_x64", True)
    theirs = np.asarray(jax.grad(program.jax())(theta, *arrays))
    return np.abs(theirs - ours).max() / np.abs(ours).max()


def measured(name, sizes, rounds, dtype):
    """The program, and its line of the table."""
    client = CLIENTS[name][0](*sizes)
    arrays = [array.astype(dtype) for array in client.draw(np.random.default_rng(0), 64)]
    one = [array[:1] for array in arrays]
    example = [array[0].tolist() for array in arrays]

    def compiled():
        return compile(client.cost, client.parameters, *example, dtype=dtype)

    program = compiled()
    seconds = min(timed(compiled) for _ in range(3))
    theta = program.theta
    ways = [lambda: client.cost(*([Value(number) for number in row] for row in example)).backward(),
            lambda: program(theta, *one), lambda: program(theta, *arrays)]
    for way in ways:
        way()
    scalar, single, batch = (min(times) for times in zip(*([timed(way) for way in ways] for _ in range(rounds))))
    apart = f"{jax_apart(program, theta, arrays):9.0e}" if importlib.util.find_spec("jax") else ""
    return program, (
        f"{name:17}{program.scalar_nodes:8,}{program.array_operations:7}{len(program.source.splitlines()):7}"
        f"{seconds:9.2f} s{1e3 * scalar:10.2f} ms{1e3 * single:9.3f} ms{scalar / single:8.1f}x{1e3 * batch:9.3f} ms"
        f"{64 * scalar / batch:8.0f}x{apart}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*", metavar="NAME", default=[*CLIENTS], help=", ".join(CLIENTS))
    options.add_argument("--steps", type=int, nargs="+", help="measure programs with so many steps in time")
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--float32", action="store_true", help="compile for float32")
    options.add_argument("--sources", type=Path, metavar="FOLDER", help="write the page of every program there")
    args = options.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":     # NumPy reads it once, when it is imported: start again
        raise SystemExit(subprocess.run([sys.executable, *sys.argv],
                                        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}).returncode)
    dtype = np.float32 if args.float32 else np.float64
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}, {dtype.__name__}, one thread, best of "
          f"{args.rounds} rounds\n\n{'':17}{'scalar':>8}{'array':>7}{'':7}{'':11}{'scalar graph':>13}"
          f"{'program,':>12}{'':9}{'program,':>12}{'':9}{'JAX':>9}\n{'program':17}{'nodes':>8}{'ops':>7}{'lines':>7}"
          f"{'compiling':>11}{'one example':>13}{'one example':>12}{'':9}{'64 examples':>12}{'':9}{'apart':>9}")
    plans = [(name, of_steps(name, n)) for name in args.names if name in STEPS for n in args.steps or ()] or [
        (name, CLIENTS[name][1]) for name in args.names]
    for name, sizes in plans:
        program, line = measured(name, sizes, args.rounds, dtype)
        print(line, f"   {sizes[STEPS[name]]:,} steps" if args.steps else "", flush=True)
        if args.sources:
            args.sources.mkdir(parents=True, exist_ok=True)
            (args.sources / f"{name.replace(' ', '_')}.py").write_text(program.source)


if __name__ == "__main__":
    main()
