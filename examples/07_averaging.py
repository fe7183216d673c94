"""07 · Averaging over examples: a careful man, and a drunk man stumbling downhill. Writes 07_averaging.png.

    python examples/07_averaging.py [--digits N] [--epochs N] [--seed S] [--out FOLDER]

The true gradient is the average over all examples. An average over a *mini-batch* of 100 points roughly the same way,
for a fraction of the work. In "What is backpropagation really doing?" (3Blue1Brown, 2017) that is a drunk man
stumbling quickly downhill, rather than a careful man who works out the exact direction of each slow step. Both start
here from the same network, take steps of the same learning rate, and pass over the digits equally often: equal work,
and about equal time.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from micrograd2 import MLP, compile, data, squared_error
from micrograd2.train import mini_batches

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--digits", type=int, default=2000, help="how many to learn from")
options.add_argument("--epochs", type=int, default=60, help="passes over the digits, for both")
options.add_argument("--seed", type=int, default=3, help="of the network and the order of the digits")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

digits = data.digits()
X, Y = digits.x_train[:args.digits], data.one_hot(digits.y_train[:args.digits], 10)
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
program = compile(lambda x, y: squared_error(net(x), y), net.parameters(), X[0], Y[0])
start = program.theta                        # all weights and biases as one vector: a place on the cost surface
program(start, X, Y)                         # the first call of anything takes longer


def descend(batch_size):
    """Every place on the way down, and the seconds after which it was reached."""
    theta, places, seconds = start, [start], [0.0]
    for epoch in range(args.epochs):
        for batch in mini_batches(len(X), batch_size, args.seed, epoch):
            before = time.perf_counter()
            _, gradient = program(theta, X[batch], Y[batch])
            theta = theta - 4.0 * gradient
            seconds.append(seconds[-1] + time.perf_counter() - before)
            places.append(theta)
    return np.array(places), np.array(seconds)


def loss(theta):
    return program(theta, X, Y)[0]


def angle(theta, size):
    """Between the gradients of `size` digits and that of all, in degrees, on average over some mini-batches."""
    true = program(theta, X, Y)[1]
    some = [program(theta, X[batch], Y[batch])[1]
            for batch, _ in zip(mini_batches(len(X), size, args.seed, 0), range(20))]
    return np.mean([np.degrees(np.arccos(g @ true / np.linalg.norm(g) / np.linalg.norm(true))) for g in some])


walkers = {"careful": len(X), "drunk": 100}
ways = {name: descend(batch_size) for name, batch_size in walkers.items()}
end = ways["drunk"][0][-1]

print(f"How far, in degrees, does the gradient of some digits point away from that of all {len(X):,}?")
print("(90° is no help at all: two random directions in 13,002 dimensions are that far apart.)")
print("    digits   at the start   at the end")
for size in (1, 10, 100):
    print(f"    {size:6}   {angle(start, size):11.0f}°  {angle(end, size):10.0f}°")
print("At the start nearly all digits want the same. At the end, what most want is done, and they pull apart.\n")

losses, shown = {}, {}
for name, (places, seconds) in ways.items():
    shown[name] = sorted({*np.geomspace(1, len(places) - 1, 40).astype(int), 0})
    losses[name] = [loss(places[i]) for i in shown[name]]
    pairs = np.linspace(0, len(places) - 2, 30).astype(int)
    up = np.mean([loss(places[i + 1]) > loss(places[i]) for i in pairs])
    print(f"{name:8}{walkers[name]:5} digits a step, {len(places) - 1:5,} steps in {seconds[-1]:.2f} s: loss from "
          f"{losses[name][0]:.3f} to {losses[name][-1]:.3f}, {up:3.0%} of the steps led uphill")
print(f"The drunk man often goes wrong, and is far ahead: he takes {len(X) // 100} steps in the time of one.\n")

try:
    import matplotlib
except ImportError:
    print("with matplotlib (pip install 'micrograd2[plots]') both paths would be drawn here")
    raise SystemExit
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402, once the backend is chosen

# A flat slice through 13,002 dimensions: the plane through the start and both ends.
across = end - start
across /= np.linalg.norm(across)
up = ways["careful"][0][-1] - start
up -= (up @ across) * across
up /= np.linalg.norm(up)
flat = {name: np.c_[(places - start) @ across, (places - start) @ up] for name, (places, _) in ways.items()}
low, high = np.vstack(list(flat.values())).min(axis=0), np.vstack(list(flat.values())).max(axis=0)
margin = 0.12 * max(high - low)
xs, ys = (np.linspace(a - margin, b + margin, 27) for a, b in zip(low, high))
surface = [[program(start + x * across + y * up, X[:300], Y[:300])[0] for x in xs] for y in ys]

figure, axes = plt.subplots(1, 3, figsize=(14, 4.4))
for name, colour, width in (("drunk", "#d9730d", 1.6), ("careful", "#2166ac", 2.6)):
    label = f"{name}: {walkers[name]:,} digits a step"
    axes[0].plot(shown[name], losses[name], color=colour, label=label, linewidth=width)
    axes[1].plot(ways[name][1][shown[name]], losses[name], color=colour, linewidth=width)
    axes[2].plot(*flat[name].T, color=colour, linewidth=width / 2)
    axes[2].plot(*flat[name][-1], "o", color=colour)
axes[0].set(xlabel="steps", ylabel="loss over all digits", xscale="symlog", ylim=0, title="step for step, as good")
axes[0].legend()
axes[1].set(xlabel="seconds", ylim=0, title="second for second, the drunk man is far ahead")
levels = np.geomspace(np.min(surface), np.max(surface), 16)
axes[2].contourf(xs, ys, surface, levels=levels, cmap="Greys", alpha=0.7)
axes[2].plot(0, 0, "o", color="#24292f")
axes[2].annotate("start ", (0, 0), fontsize=9, ha="right")
axes[2].set(title="both paths, seen in the plane of start and ends\n(dark is high; in between they leave it)",
            xticks=[], yticks=[])
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "07_averaging.png", dpi=120)
print("both ways down:", args.out / "07_averaging.png")
