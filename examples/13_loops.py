"""13 · From steps in time to a loop: a recurrent cell and its page. Writes 13_loops.png.

    python examples/13_loops.py [--most N] [--out FOLDER]

A recurrent network reads one number after the other, and carries what it has made of them from step to step. Going
backward through it is going backward in time: Werbos, "Backpropagation through time: what it does and how to do it",
Proceedings of the IEEE 78 (1990). On the scalar graph nothing of the loop is left: a thousand steps are a thousand
copies of the cell. `compile` finds them to be copies, and writes the loop, and the loop backwards.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np

from micrograd2 import Adam, Value, compile, dot
from micrograd2.shown import BLUE, ORANGE

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--most", type=int, default=400, help="measure sequences of up to so many steps")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

HIDDEN = 4
rng = random.Random(0)
rows = [[Value(rng.gauss(0, 0.5)) for _ in range(HIDDEN + 1)] for _ in range(HIDDEN)]
biases, out = ([Value(rng.gauss(0, 0.5)) for _ in range(HIDDEN)] for _ in range(2))
parameters = [*(w for row in rows for w in row), *biases, *out]


def cell(h, x):
    """What is carried on, after one more number."""
    return [dot(row, [*h, x], b).tanh() for row, b in zip(rows, biases)]


def cost(x):
    """How badly each number of a sequence is foretold from those before it, on average."""
    h, errors = [Value(0.0)] * HIDDEN, []
    for now, later in zip(x, x[1:]):
        h = cell(h, now)
        errors.append((dot(out, h, 0.0) - later) ** 2)
    return sum(errors) / len(errors)


def waves(count, length):
    """Sequences: waves of different speed, each begun somewhere."""
    numbers = np.random.default_rng(0)
    speed, start = numbers.uniform(0.3, 0.6, (count, 1)), numbers.uniform(0, 2 * math.pi, (count, 1))
    return np.sin(start + speed * np.arange(length))


X = waves(50, 25)
program = compile(cost, parameters, X[0])
print(f"24 steps of a recurrent cell: {program.scalar_nodes:,} scalars, none of which knows of a\n"
      f"loop. What compile makes of them:\n\n{program.source}")
print("""How to read it:
- The first loop is the cell: what is carried and the number of this step,
  times a matrix, and tanh. What no step needs of the one before is done to all
  steps at once, behind the loop.
- s.. keeps what the way back will need of every step.
- The second loop goes from the last step to the first: what a step hands back
  to what it was carried is carried to the step before. That is all there is to
  backpropagation through time.
- The gradient of a matrix that is used in every step is added up over all of
  them: one product, over steps and examples at once.
""")

loss, gradient = program(program.theta, X[:2])
roots = [cost(list(map(Value, row))) for row in X[:2].tolist()]
(sum(roots) / 2).backward()
print(f"The same numbers: no gradient differs from the graph's by more than "
      f"{max(abs(p.grad - g) for p, g in zip(parameters, gradient)):.0e}.\n")

print("The page does not grow with the number of steps, the scalars do:")
for steps in (steps for steps in (10, 100, 400) if steps <= args.most):
    start = time.perf_counter()
    longer = compile(cost, parameters, waves(1, steps + 1)[0])
    print(f"  {steps:5,} steps: {longer.scalar_nodes:7,} scalars, {len(longer.source.splitlines())} lines, compiled in "
          f"{time.perf_counter() - start:.2f} s")

theta, optimizer = program.theta, Adam(lr=0.02)
losses = []
for step in range(400):
    loss, gradient = program(theta, X)
    theta = optimizer.step(theta, gradient)
    losses.append(loss)
program.store(theta)
print(f"\n400 steps of training on 50 waves: the average error goes from {losses[0]:.3f} to {losses[-1]:.4f}.")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("with matplotlib (pip install -e '.[plots]') what it foretells would be drawn here")
    raise SystemExit
plt.switch_backend("Agg")

wave = waves(51, 41)[-1].tolist()
h, foretold = [Value(0.0)] * HIDDEN, list[float]()
for k in range(40):
    h = cell(h, wave[k] if k < 20 else foretold[-1])  # from here on it hears only itself
    foretold.append(dot(out, h, 0.0).data)
plt.figure(figsize=(7, 3.6))
plt.plot(range(41), wave, color="#999999", label="a wave that it has never seen")
plt.plot(range(1, 21), foretold[:20], "o", color=BLUE, markersize=4, label="foretold from the wave so far")
plt.plot(range(21, 41), foretold[20:], "o", color=ORANGE, markersize=4, label="foretold from what it foretold")
plt.gca().set(xlabel="step", ylabel="number", ylim=(-1.6, 2.1))
plt.legend(loc="upper center", ncols=3, fontsize=7)
plt.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
plt.savefig(args.out / "13_loops.png", dpi=120)
print("what it foretells:", args.out / "13_loops.png")
