"""04 · One neuron, three avenues: how can an activation that should rise be raised? Writes 04_neuron.svg.

    python examples/04_neuron.py [--out FOLDER]

A neuron weighs its inputs, adds a bias, and squashes the sum: z = w·x + b, a = f(z). In "What is backpropagation
really doing?" (3Blue1Brown, 2017) an activation has three avenues to rise: raise the bias; raise the weights, in
proportion to the activations that they meet; change those activations, in proportion to their weights. The gradient
says how much each would help.
"""

import argparse
from pathlib import Path

from micrograd2 import MLP, Value, dot, draw, squared_error
from micrograd2.explain import nudges

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
out = options.parse_args().out

# A network of one neuron with three inputs: one bright, one dim, one dark.
net = MLP(3, [1], output="sigmoid")
(neuron,) = net.layers[0].neurons
x = [1.0, 0.3, 0.0]
for parameter, number in zip(net.parameters(), [0.5, -2.0, 1.5, -0.4]):
    parameter.data = number

((z, a),) = net.trace(x)[0]
print(f"inputs {x}, weights {[w.data for w in neuron.w]}, bias {neuron.b.data}")
print(f"z = w·x + b = {z.data:.2f}, a = sigmoid(z) = {a.data:.4f}, and it should be 1")
print(f"cost C = (a − 1)² = {squared_error([a], [1.0]).data:.4f}\n")

told = nudges(net, x, 1.0)
print("A nudge is minus a gradient: which way to go to lower the cost, and how much it helps. δ is short for ∂C/∂z.\n")
print(f"{told.wishes()}\n")
print(f"{told.avenues('layers[0].neurons[0]')}\n")
print("The weight of the bright input is worth changing, that of the dark one not: it meets a 0, whatever it is.")
print("The inputs are worth changing in proportion to their weights. Inputs are given; but neurons of a layer before")
print("could now be asked to change, and ask in turn: that is all of backpropagation (lesson 06).\n")

# By hand, for one weight: the three factors on the way back from C to w[0].
by_hand = 2 * (a.data - 1) * a.data * (1 - a.data) * x[0]
print(f"By hand: ∂C/∂w[0] = 2(a − 1) · a(1 − a) · x[0] = {by_hand:+.4f}, and the nudge is the opposite.\n")

print("Does it help? Move all that an avenue has, each number by its nudge, and the other two not at all:")
wish = told.outputs[0]
w, b = [weight.data for weight in neuron.w], neuron.b.data
for avenue, dw, db, dx in (("bias", [0.0] * 3, wish.bias, [0.0] * 3), ("weights", wish.weights, 0.0, [0.0] * 3),
                           ("activations", [0.0] * 3, 0.0, wish.previous)):
    moved = dot([i + d for i, d in zip(w, dw)], [i + d for i, d in zip(x, dx)], b + db).sigmoid()
    print(f"  {avenue:12} a goes from {a.data:.4f} to {moved.data:.4f}")

out.mkdir(parents=True, exist_ok=True)
cost = squared_error([net([Value(number, f"x{i}") for i, number in enumerate(x)])], [1.0])
cost.label = "C"
cost.backward()
print("\nthe three avenues as edges:", draw(cost).save_svg(out / "04_neuron.svg"))
