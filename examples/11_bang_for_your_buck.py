"""11 · Bang for your buck: five ways to spend a step of the same length. Writes 11_bang_for_your_buck.png.

    python examples/11_bang_for_your_buck.py [--epochs N] [--length L] [--seed S] [--out FOLDER]

Which changes of the 13,002 weights and biases lower the loss most for what they cost? "What is backpropagation really
doing?" (3Blue1Brown, 2017) calls it the most bang for your buck. Here the bucks are the length of the step: from one
place five rules each walk equally far, in a direction of their own. The gradient foretells what each will bring, and
the loss, computed again, says what it did bring: at this length, and at twice the length, where a slope that is true
at the start of the step is not true any more at its end.
"""

import argparse
from pathlib import Path

import numpy as np

from micrograd2 import MLP, SGD, compile, data, fit, squared_error
from micrograd2.shown import BLUE, ORANGE

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=1, help="of training before the step")
options.add_argument("--length", type=float, default=0.5, help="of the step, as a distance in 13,002 dimensions")
options.add_argument("--seed", type=int, default=3, help="of the network, the order of the digits, the directions")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

digits = data.digits()
X, Y = digits.x_train, data.one_hot(digits.y_train, 10)
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
fit(net, X, Y, optimizer=SGD(lr=4.0), epochs=args.epochs, seed=args.seed, progress=False)
X, Y = X[:500], Y[:500]
program = compile(lambda x, y: squared_error(net(x), y), net.parameters(), X[0], Y[0])
place = program.theta
loss, gradient = program(place, X, Y)


def change(direction, length):
    """What a step brings: the loss after it, less the loss before it."""
    return program.outputs(place + length * direction, X, Y).mean() - loss


def unit(direction):
    return direction / np.linalg.norm(direction)


strongest = np.argmax(abs(gradient))
alone = np.zeros_like(gradient)
alone[strongest] = -gradient[strongest]
at_random = [unit(some) for some in np.random.default_rng(args.seed).normal(size=(20, len(place)))]
directions = {"against the gradient": unit(-gradient),
              "all equally, by sign": unit(-np.sign(gradient)),
              "the strongest alone": unit(alone),
              "best of 20 random": min(at_random, key=lambda direction: change(direction, args.length)),
              f"one digit's wish, a {digits.y_train[0]}": unit(-program(place, X[:1], Y[:1])[1])}

print(f"{len(place):,} weights and biases, after {args.epochs} epoch{'s' * (args.epochs != 1)}. "
      f"The loss over {len(X)} digits is {loss:.4f}.")
print("Five steps from here, equally long. How does each change the loss?\n")
far = 2 * args.length
print(f"{'':24}    angle to   a step of {args.length:<6g}      a step of {far:g}")
print(f"{'':24}−gradient   predicted  actual   predicted  actual")
for rule, direction in directions.items():
    slope = gradient @ direction  # how fast the loss changes in that direction
    angle = np.degrees(np.arccos(np.clip(-slope / np.linalg.norm(gradient), -1, 1)))
    print(f"{rule:24}{angle:8.0f}°  {args.length * slope:+10.4f} {change(direction, args.length):+.4f}"
          f"  {far * slope:+10.4f} {change(direction, far):+.4f}")

print(f"""
The prediction is length × slope, and the slope in a direction is
−|gradient| × cos(angle). No angle is smaller than 0°: a small step brings most
against the gradient. That is all that "steepest" means.
- By sign, the weights that matter little take as much of the length as those
  that matter much. Alone, even the strongest of {len(place):,} is a poor team.
- In so many dimensions a random direction is at 90° to nearly everything: the
  best of 20 brings next to nothing.
- One digit's wish is good for that digit. What it does to the others nobody
  asked: so wishes are averaged (lesson 07).
At twice the length the prediction doubles, and what the step brings does not:
the slope was measured here, and it changes on the way. So steps are small, and
after each the gradient is computed again.
""")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("the picture needs matplotlib: pip install -e '.[plots]'")
    raise SystemExit
plt.switch_backend("Agg")

colours = dict(zip(directions, [BLUE, "#67a9cf", "#24292f", "#8c959f", ORANGE]))
along = np.linspace(0, 1.5 * far, 31)
figure, (bars, rays) = plt.subplots(1, 2, figsize=(11, 4.4))
for row, (rule, direction) in enumerate(directions.items()):
    colour, slope = colours[rule], gradient @ direction
    bars.barh(row - 0.2, args.length * slope, 0.36, edgecolor=colour, facecolor="none", linestyle="--")
    bars.barh(row + 0.2, change(direction, args.length), 0.36, color=colour)
    rays.plot(along, [change(direction, length) for length in along], color=colour, linewidth=2)
    rays.plot(along, along * slope, color=colour, linestyle="--", linewidth=1)
bars.set_yticks(range(len(directions)), directions)
bars.locator_params(axis="x", nbins=5)
for label, colour in zip(bars.get_yticklabels(), colours.values()):
    label.set_color(colour)
bars.invert_yaxis()
bars.axvline(0, color="#24292f", linewidth=0.8)
bars.set(xlabel="change of the loss", title=f"a step of {args.length:g}: predicted (dashed) and actual (filled)")
lowest = 1.2 * far * gradient @ directions["against the gradient"]
for length in (args.length, far):
    rays.axvline(length, color="#b8bec6", linewidth=0.8)
rays.set(xlabel="length of the step", ylabel="change of the loss", ylim=(lowest, -lowest),
         title="dashed: the slope at the start")
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "11_bang_for_your_buck.png", dpi=120)
print("what each step brings:", args.out / "11_bang_for_your_buck.png")
