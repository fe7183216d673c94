"""01 · A value and its gradient: how much does a result change when a number behind it changes? Writes 01_value.svg.

    python examples/01_value.py [--out FOLDER]

The gradient ∂y/∂x says how fast y changes when x does. This lesson first measures one, by changing x a little and
looking at y again, then lets `backward` find it, and then uses it. The beginning, a slope without any calculus,
follows Andrej Karpathy's lecture "The spelled-out intro to neural networks and backpropagation: building micrograd"
(2022).
"""

import argparse
from pathlib import Path

from micrograd2 import Value, draw

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
out = options.parse_args().out


def f(x):
    return 3 * x * x - 4 * x + 5


print("y = 3x² − 4x + 5, at x = 3. Raise x by a small h: how much does y rise?")
for h in (1.0, 0.1, 0.001, 0.00001):
    print(f"  h = {h:<7g} y goes from {f(3)} to {f(3 + h):<9.8g} it rises by {(f(3 + h) - f(3)) / h:.4f} · h")
print("The smaller h, the closer to 14 · h. This 14 is the slope of y at x = 3, its\ngradient ∂y/∂x.\n")

# The same formula with a Value in it. A Value computes like a number, and remembers how it was made.
x = Value(3.0, "x")
y = f(x)
y.label = "y"
y.backward()
print(f"With a Value no h is needed: y.backward() leaves the gradient in x.grad = {x.grad:g}\n")

# With several numbers behind a result, each has a gradient of its own, and one backward pass finds them all.
price, pieces, discount = Value(4.0, "price"), Value(6.0, "pieces"), Value(5.0, "discount")
bill = price * pieces - discount
bill.backward()
print(f"bill = price · pieces − discount = {bill.data:g}")
for v in (price, pieces, discount):
    print(f"  ∂bill/∂{v.label:8} = {v.grad:+g}: raising the {v.label} by 1 {'lowers' if v.grad < 0 else 'raises'} the "
          f"bill by {abs(v.grad):g}")

print("\nAnd what is it good for? To make y small, move x a little against its gradient,\nagain and again:")
x.data = 3.0
for step in range(8):
    y_now = f(x)
    x.grad = 0.0  # gradients add up over backward passes, so start from none
    y_now.backward()
    print(f"  x = {x.data:.4f}   y = {y_now.data:.4f}   ∂y/∂x = {x.grad:+.4f}")
    x.data -= 0.1 * x.grad
print("y falls to its lowest, where the gradient is 0 (x = 2/3). A network learns in no\nother way.\n")

out.mkdir(parents=True, exist_ok=True)
x.data, x.grad = 3.0, 0.0
y = f(x)
y.label = "y"
y.backward()
print("how y was made, and the gradient on every edge:", draw(y).save_svg(out / "01_value.svg"))
