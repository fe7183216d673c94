"""One neuron: its weighted sum, its activation, and the gradient of everything behind them. Writes neuron.svg.

    python examples/neuron.py [--out FOLDER]
"""

import argparse
from pathlib import Path

from micrograd2 import Value, dot, draw

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
out = options.parse_args().out

# A neuron reads two inputs. Its weights say how much it cares about each, its bias how easily it wakes.
x = [Value(2.0, "x0"), Value(-1.0, "x1")]
w = [Value(0.5, "w0"), Value(1.5, "w1")]
b = Value(1.0, "b")

z = dot(w, x, b)
z.label = "z"
a = z.sigmoid()
a.label = "a"
print(f"z = {w[0].data}·{x[0].data} + {w[1].data}·{x[1].data} + {b.data} = {z.data}")
print(f"a = sigmoid(z) = {a:.4f}")

# Suppose that it should be 1. The cost of this example is the squared difference, and its gradient says what to do.
cost = (a - 1) ** 2
cost.label = "C"
cost.backward()
print(f"C = (a − 1)² = {cost:.4f}\n")
for value in (*w, b, *x):
    verb = "lowers" if value.grad < 0 else "raises"
    print(f"∂C/∂{value.label} = {value.grad:+.4f}: raising {value.label} {verb} the cost")

# The chain rule by hand, for one weight: the three factors on the way back from C to w0.
by_hand = 2 * (a.data - 1) * a.data * (1 - a.data) * x[0].data
print(f"\n∂C/∂w0 = 2(a − 1) · a(1 − a) · x0 = {by_hand:+.4f}, the same")

out.mkdir(parents=True, exist_ok=True)
print("the gradient on every edge:", draw(cost).save_svg(out / "neuron.svg"))
