"""02 · The chain rule on every edge: multiply along the way, add up where ways meet. Writes 02_chain_rule.svg.

    python examples/02_chain_rule.py [--out FOLDER]

Every operation knows one small thing: how fast its result changes with each operand, the local derivative. `backward`
only multiplies these on its way from the result back. The expression is the one that Andrej Karpathy differentiates
by hand in "The spelled-out intro to neural networks and backpropagation: building micrograd" (2022).
"""

import argparse
from pathlib import Path

from micrograd2 import Value, draw
from micrograd2.explain import gradcheck, ledger, paths

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
out = options.parse_args().out


def expression(a, b, c, f):
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    L = d * f
    L.label = "L"
    return L


a, b, c, f = Value(2.0, "a"), Value(-3.0, "b"), Value(10.0, "c"), Value(-2.0, "f")
L = expression(a, b, c, f)
print(f"e = a·b, d = e + c, L = d·f: with a=2, b=−3, c=10, f=−2, L = {L.data:g}\n")

print("Each line below is one edge of that graph. The gradient of the result (upstream)")
print("is multiplied by the local derivative, and this contribution is added to the")
print("gradient of the operand:\n")
print(f"{ledger(L)}\n")

print("So the gradient of a is the product of the local derivatives on its way to L:")
print("  ∂L/∂a = ∂L/∂d · ∂d/∂e · ∂e/∂a = f · 1 · b = (−2) · 1 · (−3) = 6\n")
print(f"{paths(L, a)}\n")

# And where a value is used twice, there are two ways to the result. What comes along each is added.
x = Value(3.0, "x")
square = x * x
square.label = "x²"
y = square + x
y.label = "y"
print("y = x² + x, at x = 3: x is used three times, so there are three ways, and they")
print("add up to 2x + 1 = 7.\n")
print(f"{paths(y, x)}\n")

L.backward()
print("backward() does all this:", ", ".join(f"∂L/∂{v.label} = {v.grad:g}" for v in (a, b, c, f)))
print("Is it true? gradcheck changes each a little and measures, as in lesson 01:",
      gradcheck(expression, [a, b, c, f]))

out.mkdir(parents=True, exist_ok=True)
print("\nthe chain rule on every edge:", draw(L).save_svg(out / "02_chain_rule.svg"))
