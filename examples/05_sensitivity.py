"""05 · Sensitivity: 32 times. What 13,002 numbers of a gradient say. Writes 05_sensitivity.png.

    python examples/05_sensitivity.py [--epochs N] [--seed S] [--out FOLDER]

A gradient of 13,002 dimensions is hard to picture as a direction. "What is backpropagation really doing?"
(3Blue1Brown, 2017) offers another way to read it: the size of each number says how sensitive the cost is to that
weight. If one is 3.2 and another 0.1, the cost is 32 times as sensitive to the first. This lesson finds such a pair,
and tries it out.
"""

import argparse
from pathlib import Path

from micrograd2 import MLP, SGD, data, fit, squared_error
from micrograd2.explain import sensitivities
from micrograd2.shown import BLUE, ORANGE

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=3, help="of training before the look inside")
options.add_argument("--seed", type=int, default=3, help="of the network and the order of the digits")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

digits = data.digits()
X, Y = digits.x_train, data.one_hot(digits.y_train, 10)
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
fit(net, X, Y, optimizer=SGD(lr=4.0), epochs=args.epochs, seed=args.seed, progress=False)

x, y = X[0].tolist(), Y[0].tolist()
found = sensitivities(net, x, y)
print(f"a network that reads digits, after {args.epochs} epochs, and one digit, a {digits.y_train[0]}:\n")
print(f"{found}\n")

# The first, and the one to which the cost is as nearly 32 times less sensitive as can be.
first = found.ranked[0]
other = min(found.ranked, key=lambda s: abs(abs(s.gradient) - abs(first.gradient) / 32))
print(f"{first.name}: {first.gradient:+.5f}\n{other.name}: {other.gradient:+.5f}")
print(f"The cost is {found.ratio(first.name, other.name):.1f} times as sensitive to the first. So a step of 0.01 in "
      "the\nfirst should matter as much as one of 0.32 in the second (each in the direction\nthat raises the cost):\n")


def cost():
    return squared_error(net(x), y).data


before, named = cost(), dict(net.named_parameters())
for s, step in ((first, 0.01), (other, 0.01), (other, 0.32)):
    parameter, number = named[s.name], named[s.name].data
    parameter.data += step if s.gradient > 0 else -step
    print(f"  {s.name:28} moved by {step:.2f}: the cost changes by {cost() - before:+.2e}")
    parameter.data = number

try:
    import matplotlib.colors
except ImportError:
    print("\nwith matplotlib (pip install -e '.[plots]') all 13,002 sensitivities would be drawn here")
    raise SystemExit
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402, once the backend is chosen

sizes = [abs(s.gradient) for s in found.ranked if s.gradient]
gradients = {s.name: s.gradient for s in found.ranked}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=[1.3, 1])
left.loglog(range(1, len(sizes) + 1), sizes, color=BLUE)
left.set(xlabel="rank", ylabel="sensitivity |∂C/∂w|", ylim=(max(sizes) / 1e6, 2 * max(sizes)),
         title=f"a few weights matter much, most hardly ({len(found.ranked) - len(sizes):,} not at all)")
for s in (first, other):
    left.plot(found.ranked.index(s) + 1, abs(s.gradient), "o", color=ORANGE)
    left.annotate(f"{s.name}  ", (found.ranked.index(s) + 1, abs(s.gradient) / (4 if s is first else 1.6)), va="top",
                  fontsize=9, ha="left" if s is first else "right")
strongest = max(range(16), key=lambda j: abs(gradients[f"layers[0].neurons[{j}].b"]))
image = [[gradients[f"layers[0].neurons[{strongest}].w[{28 * row + column}]"] for column in range(28)]
         for row in range(28)]
top = max(abs(number) for row in image for number in row)
colours = matplotlib.colors.LinearSegmentedColormap.from_list("sign", [ORANGE, "#ffffff", BLUE])
right.imshow(image, cmap=colours, vmin=-top, vmax=top)
right.set(xticks=[], yticks=[], title=f"∂C/∂w of neuron {strongest} of the first layer:\nonly where there is ink")
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "05_sensitivity.png", dpi=120)
print("\nall sensitivities, and those of one neuron as an image:", args.out / "05_sensitivity.png")
