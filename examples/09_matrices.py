"""09 · From scalars to matrices: one's own loops become W @ x + b. Writes 09_matrices.png.

    python examples/09_matrices.py [--widest N] [--out FOLDER]

3Blue1Brown's films on neural networks draw neurons and then write σ(W a + b); Michael Nielsen, "Neural Networks and
Deep Learning" (2015), chapter 2, gives the backward pass as a product with the transpose of W. Here nobody writes a
matrix down: the network below adds and multiplies one number at a time, and `compile` reads the graph that this leaves,
finds the matrices in it, and writes the NumPy that does the same for many examples. The same for 13,002 parameters:
compile_digits.py.
"""

import argparse
import gc
import random
import textwrap
from pathlib import Path
from timeit import repeat

import numpy as np

from micrograd2 import Value, compile
from micrograd2.shown import BLUE, ORANGE
from micrograd2.train import ScalarProgram

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--widest", type=int, default=64, help="measure networks of up to so many neurons in a layer")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()


def network(sizes):
    """The parameters, and the cost of one example, written with + and * alone (and one sigmoid for each neuron)."""
    rng = random.Random(0)
    layers = [[([Value(rng.gauss(0, 1)) for _ in range(nin)], Value(0.0)) for _ in range(nout)]
              for nin, nout in zip(sizes, sizes[1:])]

    def cost(x, y):
        for layer in layers:
            outputs = []
            for weights, bias in layer:
                z = bias
                for w, a in zip(weights, x):
                    z = z + w * a
                outputs.append(z.sigmoid())
            x = outputs
        return sum((a - t) * (a - t) for a, t in zip(x, y))

    return [p for layer in layers for weights, bias in layer for p in (*weights, bias)], cost


parameters, cost = network([4, 3, 2])
x, y = [0.1, 0.2, 0.3, 0.4], [0.0, 1.0]
program = compile(cost, parameters, x, y)
print("A network 4-3-2, written with + and * for one example, becomes NumPy for B\nexamples at once:\n")
print(textwrap.fill(str(program), 80))
print(f"""
{program.source}
How to read it:
- theta holds all parameters in a row, neuron by neuron; `views` are windows
  into it: W1 has one row for each neuron.
- z1 = x @ W1.T + b1 is W x + b for every example at once: x has a row for each.
- d_z1 is δ of lesson 06, a row for each example. d_z2 @ W2 is Wᵀ δ: what layer
  2 asks of layer 1, added up.
- d_z1.T @ x, written into g_W1, is ∂C/∂W1: activation times δ, added up over
  the examples.
""")

loss, gradient = program(program.theta, [x, x], [y, y])
root = cost(x, y)
root.backward()
print(f"The same numbers: cost {root.data:.12f} on the graph, {loss:.12f} in\nthe program; no gradient differs by more "
      f"than {max(abs(p.grad - g) for p, g in zip(parameters, gradient)):.0e}.\n")

print("The number of array operations does not grow with the width of the network, the")
print("scalars do. Time for an example, on the graph and in a batch of 100:")
widths = [2 ** k for k in range(2, 12) if 2 ** k <= args.widest]
on_graph: list[float] = []
in_batch: list[float] = []
for width in widths:
    parameters, cost = network([width, width, width])
    program = compile(cost, parameters, [0.5] * width, [0.5] * width)
    X = np.random.default_rng(0).random((100, width))
    for way, examples, times in ((ScalarProgram(cost, parameters), X[:3], on_graph), (program, X, in_batch)):
        way(program.theta, examples, examples)  # the first call of anything takes longer
        # once may meet a busy moment, so the best of some; timeit stops the garbage collector, unless told not to
        times.append(min(repeat(lambda: way(program.theta, examples, examples), gc.enable, repeat=5, number=1))
                     / len(examples))
    print(f"  width {width:3}: {program.scalar_nodes:6,} scalars {on_graph[-1] * 1e6:8,.0f} µs    "
          f"{program.array_operations} array operations {in_batch[-1] * 1e6:5.1f} µs")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("\nwith matplotlib (pip install -e '.[plots]') these times would be drawn here")
    raise SystemExit
plt.switch_backend("Agg")

plt.figure(figsize=(7, 4.4))
plt.loglog(widths, on_graph, "o-", color=ORANGE, label="one number at a time: the scalar graph")
plt.loglog(widths, in_batch, "o-", color=BLUE, label="100 at a time: the program that was read off it")
plt.gca().set(xlabel="neurons in each layer", ylabel="seconds for one example",
              title="the same sums, the same gradients")
plt.xticks(widths, [str(width) for width in widths])
plt.minorticks_off()
plt.legend()
plt.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
plt.savefig(args.out / "09_matrices.png", dpi=120)
print("\nthe times of both:", args.out / "09_matrices.png")
