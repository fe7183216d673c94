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

found = nudges(net, x, 1.0)
print("A nudge is minus a gradient: which way to go to lower the cost, and how much it")
print("helps. δ is short for ∂C/∂z.\n")
print(f"{found.output_nudges()}\n")
print(f"{found.avenues('layers[0].neurons[0]')}\n")
print("The weight of the bright input is worth changing, that of the dark one not: it")
print("meets a 0, whatever it is. The inputs are worth changing in proportion to their")
print("weights, but nobody can move an activation: it can only be asked to change. The")
print("neurons of a layer before would do so by their own weights and biases, and ask")
print("in turn: that is all of backpropagation (lesson 06).\n")

# By hand, for one weight: the three factors on the way back from C to w[0].
by_hand = 2 * (a.data - 1) * a.data * (1 - a.data) * x[0]
print(f"By hand: ∂C/∂w[0] = 2(a − 1) · a(1 − a) · x[0] = {by_hand:+.4f}, and the nudge is")
print("the opposite.\n")

print("Does it help? Move each number by its nudge, and all others not at all:")
output = found.outputs[0]
w, b = [weight.data for weight in neuron.w], neuron.b.data
still = [0.0] * 3
for avenue, dw, db, dx in (("bias", still, output.bias, still), ("weights", output.weights, 0.0, still),
                           ("bias and weights: a step", output.weights, output.bias, still),
                           ("if the inputs could obey", still, 0.0, output.wishes)):
    moved = dot([i + d for i, d in zip(w, dw)], [i + d for i, d in zip(x, dx)], b + db).sigmoid()
    print(f"  {avenue:25} a goes from {a.data:.4f} to {moved.data:.4f}")
print("Who decides how much of each? Nobody has to: a step moves every weight and bias")
print("at once, each by its gradient, and so those that help more move more.")

out.mkdir(parents=True, exist_ok=True)
cost = squared_error([net([Value(number, f"x[{i}]") for i, number in enumerate(x)])], [1.0])
cost.label = "C"
cost.backward()
print(f"\nThe picture shows gradients, so each sign is the opposite of a nudge's: where\n"
      f"x[1] is wished to move by {output.wishes[1]:+.4f}, it says {-output.wishes[1]:+.4f}.")
print("the three avenues as edges:", draw(cost).save_svg(out / "04_neuron.svg"))
