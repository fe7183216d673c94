"""07 · Averaging over examples: a careful man, and a drunk man stumbling downhill. Writes 07_averaging.png.

    python examples/07_averaging.py [--digits N] [--epochs N] [--seed S] [--out FOLDER]

The true gradient is the average over all examples. An average over a *mini-batch* of 100 points roughly the same way,
for a fraction of the work. In "What is backpropagation really doing?" (3Blue1Brown, 2017) that is a drunk man
stumbling quickly downhill, rather than a careful man who works out each slow step. Here both start from the same
network, with the same learning rate, and pass over the digits equally often: equal work, and about equal time.
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
    """Every place on the way down, after the seconds that it took to get there."""
    theta, way, began = start, [(0.0, start)], time.perf_counter()
    for epoch in range(args.epochs):
        for batch in mini_batches(len(X), batch_size, args.seed, epoch):
            theta = theta - 4.0 * program(theta, X[batch], Y[batch])[1]
            way.append((time.perf_counter() - began, theta))
    return way


def angle(theta, size):
    """Between the gradients of `size` digits and that of all, in degrees, on average over some mini-batches."""
    true = program(theta, X, Y)[1]
    some = [program(theta, X[batch], Y[batch])[1]
            for batch, _ in zip(mini_batches(len(X), size, args.seed, 0), range(20))]
    return np.mean([np.degrees(np.arccos(g @ true / np.linalg.norm(g) / np.linalg.norm(true))) for g in some])


walkers = {"careful": len(X), "drunk": 100}
ways = {name: descend(batch_size) for name, batch_size in walkers.items()}
end = ways["drunk"][-1][1]

print(f"How far, in degrees, does the gradient of some digits point away from that of all {len(X):,}?")
print("(90° is no help at all: two random directions in 13,002 dimensions are that far apart.)")
print("    digits   at the start   at the end")
for size in (1, 10, 100):
    print(f"    {size:6}   {angle(start, size):11.0f}°  {angle(end, size):10.0f}°")
print("At the start nearly all digits want the same. At the end, what most want is done, and they pull apart.\n")

curves = {}
for name, way in ways.items():
    shown = sorted({0, *np.geomspace(1, len(way) - 1, 40).astype(int)})
    curves[name] = shown, [way[i][0] for i in shown], [program(way[i][1], X, Y)[0] for i in shown]
    up = np.mean([program(way[i + 1][1], X, Y)[0] > program(way[i][1], X, Y)[0]
                  for i in np.linspace(0, len(way) - 2, 30).astype(int)])
    print(f"{name:8}{walkers[name]:5} digits a step, {len(way) - 1:5,} steps in {way[-1][0]:.2f} s: loss from "
          f"{curves[name][2][0]:.3f} to {curves[name][2][-1]:.3f}, {up:3.0%} of the steps led uphill")
print(f"The drunk man often goes wrong, and is far ahead: he takes {len(X) // 100} steps in the time of one.\n")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("with matplotlib (pip install 'micrograd2[plots]') both paths would be drawn here")
    raise SystemExit
plt.switch_backend("Agg")

# A flat slice through 13,002 dimensions: the plane through the start and both ends, which lie to the right and above.
plane, lengths = np.linalg.qr(np.c_[end - start, ways["careful"][-1][1] - start])
plane *= np.sign(np.diag(lengths))
figure, (by_step, by_second, seen) = plt.subplots(1, 3, figsize=(14, 4.4))
for name, colour, width in (("drunk", "#d9730d", 1.6), ("careful", "#2166ac", 2.6)):
    steps, seconds, losses = curves[name]
    by_step.plot(steps, losses, color=colour, label=f"{name}: {walkers[name]:,} digits a step", linewidth=width)
    by_second.plot(seconds, losses, color=colour, linewidth=width)
    seen.plot(*np.transpose([(theta - start) @ plane for _, theta in ways[name]]), color=colour, linewidth=width / 2)
    seen.plot(*(ways[name][-1][1] - start) @ plane, "o", color=colour)
by_step.set(xlabel="steps", ylabel="loss over all digits", xscale="symlog", ylim=0, title="step for step, as good")
by_step.legend()
by_second.set(xlabel="seconds", ylim=0, title="second for second, the drunk man is far ahead")
seen.plot(0, 0, "o", color="#24292f")
seen.annotate("start ", (0, 0), fontsize=9, ha="right")
seen.set(title="both paths, seen in the plane of start and ends\n(dark is high; in between they leave it)",
         xticks=[], yticks=[])
seen.margins(0.12)
xs, ys = (np.linspace(low, high, 27) for low, high in (seen.get_xlim(), seen.get_ylim()))
surface = [[program(start + plane @ (x, y), X[:300], Y[:300])[0] for x in xs] for y in ys]
seen.contourf(xs, ys, surface, levels=np.geomspace(np.min(surface), np.max(surface), 16), cmap="Greys", alpha=0.7)
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "07_averaging.png", dpi=120)
print("both ways down:", args.out / "07_averaging.png")
