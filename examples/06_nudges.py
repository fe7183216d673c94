"""06 · A network's nudges, added up: backpropagation, told with all its numbers. Writes 06_nudges.svg.

    python examples/06_nudges.py [--epochs N] [--seed S] [--out FOLDER]

The story of "What is backpropagation really doing?" (3Blue1Brown, 2017), on a real network and one digit. The cost
wishes that each output rise or fall; each output neuron has three avenues (lesson 04), and through the third it asks
the neurons before it to change. Every output neuron asks something else; the wishes are added up, and then it is that
layer's turn. The letters are those of Michael Nielsen, "Neural Networks and Deep Learning" (2015), chapter 2: z is a
neuron's weighted sum, a = f(z) its activation, δ = ∂C/∂z.
"""

import argparse
from pathlib import Path

from micrograd2 import MLP, SGD, data, draw, fit
from micrograd2.explain import nudges

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=1, help="of training before the look inside")
options.add_argument("--seed", type=int, default=3, help="of the network and the order of the digits")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

digits = data.digits()
X, Y = digits.x_train, data.one_hot(digits.y_train, 10)
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
fit(net, X, Y, optimizer=SGD(lr=4.0), epochs=args.epochs, seed=args.seed, progress=False)

x, label = digits.x_test[0], digits.y_test[0]
target = data.one_hot([label], 10)[0]
found = nudges(net, x, target)
print(f"The network has seen little so far. Here is a {label}. What should change?\n")
print(f"1. {found.wishes()}\n")
print(f"Output {label} should be 1, the others 0. The further an output is from that, the\nstronger the wish.\n")

name = found.outputs[label].name
print(f"2. {found.avenues(name)}\n")
print("The bias; the weights, in proportion to the activations; the activations, in\nproportion to the weights.\n")

print(f"3. {found.asks(2)}\n")
wanted = found.layers[2].wished
most = max(range(16), key=lambda i: abs(wanted[i]))
column = " ".join(f"{row[most]:+.3f}" for row in found.layers[2].asked)
print(f"Each row is the wish list of one output. Column a[{most}] adds up to {wanted[most]:+.3f}:\n{column}\n")

print(f"4. {found.recursion()}\n")
print("An activation a can only change through z, and there the slope f′(z) decides how")
print("much: a neuron on the flat part of its curve hardly listens. Then the same story")
print("again, one layer back. That is all.\n")

print(f"5. {found.hebbian()}\n")

print("6. And for 100 digits at once? Each has its own wishes, and they are averaged:\n")
many = nudges(net, digits.x_test[:100], data.one_hot(digits.y_test[:100], 10))
print(f"{many.wishes()}\n")
k = min((j for j, output in enumerate(many.outputs) if output.wish > 0), key=lambda j: many.outputs[j].agree_wish)
shown = digits.y_test[:100]
one_group, other_group = (nudges(net, digits.x_test[:100][group], data.one_hot(shown[group], 10)).outputs[k]
                          for group in (shown == k, shown != k))
print(f"The {sum(shown == k)} that are a {k} wish output {k} to change by {one_group.wish:+.3f} each, the "
      f"{sum(shown != k)} others by\n{other_group.wish:+.3f}. The average is {many.outputs[k].wish:+.3f}: "
      "a few strong wishes outweigh many weak\nones. An average is no vote. And where wishes are opposite, "
      "they cancel out.")

args.out.mkdir(parents=True, exist_ok=True)
print("\nthe gradient in every weight:", draw(net, x.tolist(), target.tolist()).save_svg(args.out / "06_nudges.svg"))
