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
print("In lines 2 and 3, b has received 1 of the 2 that it is due, and passes that on")
print("to a. When the other 1 arrives, b passes on all it has, 2, and so the first 1")
print("goes to a a second time: 1 + 1 + 2 + 2 = 6.\n")

print("Now in order. b waits until both lines of c have paid in:\n")
print(f"{ledger(c)}\n")

c.backward()
print(f"backward() agrees: a.grad = {a.grad:g}. And so do the paths, each counted once:\n")
print(f"{paths(c, a)}\n")

print("A surprise, but no fault: a second backward() adds to what a leaf holds, so that")
print("many examples add up. Who wants the gradient of the last alone clears it first:\n")
print("             never cleared         cleared before each")
kept, cleared = Value(1.0), Value(1.0)
for call in (1, 2, 3):
    cleared.grad = 0.0
    for leaf in (kept, cleared):
        used_twice = leaf + leaf
        (used_twice + used_twice).backward()
    print(f"  backward {call}   a.grad = {kept.grad:2g}           a.grad = {cleared.grad:g}")

print("\nThe right order is also the only fast one. Let each value be used twice: without")
print("an order, the pass walks every path from x to y. The lines of its ledger:")
x = y = Value(1.0, "x")
for level in range(1, 41):
    y = y + y
    if level in (2, 10, 20, 40):
        ways = paths(y, x, top=0).count
        print(f"  {level:2} levels: {2 * level:2} in order, {2 * (2 ** level - 1):>17,} without, for "
              f"{ways:>17,} paths")

out.mkdir(parents=True, exist_ok=True)
print("\ntwo edges from a to b, two from b to c:", draw(c).save_svg(out / "03_order.svg"))
