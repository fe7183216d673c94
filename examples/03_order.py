"""03 · Why topological order: never pass on a gradient that is not finished. Writes 03_order.svg.

    python examples/03_order.py [--out FOLDER]

The obvious backward pass calls itself: give each operand its share, then go on into that operand. It is wrong as soon
as a result is used twice, and this is what learners ask about most. The cure is an order: a value passes its gradient
on only when everything that uses it has paid in. Such an order is called topological. Here it costs nothing: a value
is always born before whatever is made from it, so going backwards from the youngest to the oldest is enough.
"""

import argparse
from pathlib import Path

from micrograd2 import Value, draw
from micrograd2.explain import ledger, paths

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
out = options.parse_args().out

a = Value(1.0, "a")
b = a + a
b.label = "b"
c = b + b
c.label = "c"
print("b = a + a; c = b + b. So c = 4a, and ∂c/∂a must be 4.\n")

print("The obvious way, as a function that calls itself:")
print("    def backward(result):")
print("        for operand, local in zip(result.args, result.local_grads):")
print("            operand.grad += result.grad * local")
print("            backward(operand)\n")
print(f"{ledger(c, order='naive')}\n")
print("In lines 2 and 3, b has received 1 of the 2 that it is due, and passes that on to a. When the other 1 arrives,")
print("b passes on all it has, 2, and so the first 1 goes down a second time: 1 + 1 + 2 + 2 = 6.\n")

print("Now in order. b waits until both lines of c have paid in:\n")
print(f"{ledger(c)}\n")

c.backward()
print(f"backward() agrees: a.grad = {a.grad:g}. And so do the paths, of which each counts once:\n")
print(f"{paths(c, a)}\n")

print("The right order is also the only fast one. Let each value be used twice; the naive pass walks every way:")
x = y = Value(1.0, "x")
for level in range(1, 41):
    y = y + y
    if level in (2, 10, 20, 40):
        ways = paths(y, x, top=0).count
        print(f"  {level:2} levels: {2 * level:3} lines in order,  {2 * (2 ** level - 1):>21,} without,  "
              f"{ways:>21,} paths from x to y")

out.mkdir(parents=True, exist_ok=True)
print("\ntwo edges from a to b, two from b to c:", draw(c).save_svg(out / "03_order.svg"))
