"""06 · A network's nudges, added up: backpropagation, told with all its numbers. Writes 06_nudges.svg.

    python examples/06_nudges.py [--epochs N] [--seed S] [--out FOLDER]

The story of "What is backpropagation really doing?" (3Blue1Brown, 2017), on a real network and one digit. Each
output has a nudge, to rise or to fall; each output neuron has three avenues (lesson 04), and through the third it asks
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
print(f"1. {found.output_nudges()}\n")
print(f"Output {label} should be 1, the others 0. The further an output is from that, the\nstronger the nudge.\n")

name = found.outputs[label].name
print(f"2. {found.avenues(name)}\n")
print("The bias; the weights, in proportion to the activations; the activations, in\nproportion to the weights.\n")

print(f"3. {found.wishes(2)}\n")
sums = found.layers[2].input_nudges
most = max(range(16), key=lambda i: abs(sums[i]))
column = " ".join(f"{row[most]:+.3f}" for row in found.layers[2].wishes)
print(f"Each row is the wish list of one output. Column a[{most}] adds up to {sums[most]:+.3f}:\n{column}\n")

print(f"4. {found.recursion()}\n")
print("An activation a can only change through z, and there the slope f′(z) decides how")
print("much: a neuron on the flat part of its curve hardly listens. Then the same story")
print("again, one layer back. That is all.\n")

print(f"5. {found.hebbian()}\n")

print("6. And for 100 digits at once? Each has its own nudges, and they are averaged:\n")
many = nudges(net, digits.x_test[:100], data.one_hot(digits.y_test[:100], 10))
print(f"{many.output_nudges()}\n")
k = min((j for j, output in enumerate(many.outputs) if output.nudge > 0), key=lambda j: many.outputs[j].agree_nudge)
shown = digits.y_test[:100]
one_group, other_group = (nudges(net, digits.x_test[:100][group], data.one_hot(shown[group], 10)).outputs[k]
                          for group in (shown == k, shown != k))
print(f"The {sum(shown == k)} that are a {k} nudge output {k} by {one_group.nudge:+.3f} each, the "
      f"{sum(shown != k)} others by\n{other_group.nudge:+.3f}. The average is {many.outputs[k].nudge:+.3f}: "
      "a few strong nudges outweigh many weak\nones. An average is no vote. And where nudges are opposite, "
      "they cancel out.")

args.out.mkdir(parents=True, exist_ok=True)
print("\nthe gradient in every weight:", draw(net, x.tolist(), target.tolist()).save_svg(args.out / "06_nudges.svg"))
