"""07 · Averaging over examples: a careful man, and a drunk man stumbling downhill. Writes 07_averaging.png.

    python examples/07_averaging.py [--digits N] [--epochs N] [--seed S] [--out FOLDER]

The true gradient is the average over all examples. An average over a *mini-batch* of 100 points roughly the same way,
for a fraction of the work. In "What is backpropagation really doing?" (3Blue1Brown, 2017) that is a drunk man
stumbling quickly downhill, rather than a careful man who works out each slow step. Here both start from the same
network, with the same learning rate, and pass over the digits equally often: equal work, and about equal time. A third
looks at 10 digits at a time, and stumbles worse.
"""

import argparse
import math
import os
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads that wait for each other would be timed, not the steps

import numpy as np  # noqa: E402

from micrograd2 import MLP, compile, data, squared_error  # noqa: E402
from micrograd2.shown import BLUE, ORANGE  # noqa: E402
from micrograd2.train import mini_batches  # noqa: E402

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--digits", type=int, default=1000, help="how many to learn from")
options.add_argument("--epochs", type=int, default=60, help="passes over the digits, for each")
options.add_argument("--seed", type=int, default=3, help="of the network and the order of the digits")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

digits = data.digits()
X, Y = digits.x_train[:args.digits], data.one_hot(digits.y_train[:args.digits], 10)
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
program = compile(lambda x, y: squared_error(net(x), y), net.parameters(), X[0], Y[0])
start = program.theta                        # all weights and biases as one vector: a place on the cost surface
program(start, X, Y)                         # the first call of anything takes longer


def loss_at(theta, some=slice(None)):
    """The loss, without its gradient."""
    return program.outputs(theta, X[some], Y[some]).mean()


def descend(batch_size):
    """Places on the way down: step: (seconds to get there, place). Some of all, some with the next, and the last 25."""
    steps = args.epochs * math.ceil(len(X) / batch_size)
    kept = {*np.geomspace(1, steps, 30).astype(int), *np.linspace(1, steps, 300).astype(int), *watched(steps),
            *(watched(steps) + 1), *range(steps - 24, steps + 1)}
    step, theta, way, began = 0, start, {0: (0.0, start)}, time.perf_counter()
    for epoch in range(args.epochs):
        for batch in mini_batches(len(X), batch_size, args.seed, epoch):
            step, theta = step + 1, theta - 4.0 * program(theta, X[batch], Y[batch])[1]
            if step in kept:
                way[step] = (time.perf_counter() - began, theta)
    return way


def watched(steps):
    """The steps of which is asked whether the next leads uphill."""
    return np.linspace(0, steps - 1, 30).astype(int)


def angle(theta, size):
    """Between the gradients of `size` digits and that of all, in degrees, on average over some mini-batches."""
    true = program(theta, X, Y)[1]
    some = [program(theta, X[batch], Y[batch])[1]
            for batch, _ in zip(mini_batches(len(X), size, args.seed, 0), range(20))]
    return np.mean([np.degrees(np.arccos(g @ true / np.linalg.norm(g) / np.linalg.norm(true))) for g in some])


walkers = {"careful": len(X), "drunk": 100, "very drunk": 10}
ways = {name: descend(batch_size) for name, batch_size in walkers.items()}
ends = {name: max(way) for name, way in ways.items()}
end = ways["drunk"][ends["drunk"]][1]

print(f"How far, in degrees, does the gradient of some digits point away from that of\nall {len(X):,}? "
      f"(90° is no help at all: two random directions in {len(start):,}\ndimensions are about that far apart.)")
print("    digits   at the start   at the end")
for size in (1, 10, 100):
    print(f"    {size:6}   {angle(start, size):11.0f}°  {angle(end, size):10.0f}°")
print("At the start nearly all digits want the same. At the end, what most want is\ndone, and they pull apart.\n")

print(f"Three walk downhill from there: a careful man, who asks all {len(X):,} digits before\n"
      f"each step, a drunk man, who asks {walkers['drunk']}, and one very drunk, who asks {walkers['very drunk']}.\n")
curves = {}
print(f"{'':12}digits a step    steps  seconds   loss at the end   steps uphill")
for name, way in ways.items():
    shown = sorted({0, *np.geomspace(1, ends[name], 30).astype(int)})
    curves[name] = shown, [way[i][0] for i in shown], [loss_at(way[i][1]) for i in shown]
    up = np.mean([loss_at(way[i + 1][1]) > loss_at(way[i][1]) for i in watched(ends[name])])
    print(f"{name:12}{walkers[name]:13,}{ends[name]:9,}{way[ends[name]][0]:9.2f}{curves[name][2][-1]:18.3f}{up:15.0%}")
often = Y.mean(axis=0)
plateau = np.sum(often * (1 - often))
print(f"""
From a loss of {curves["careful"][2][0]:.3f} each first comes to a plateau near {plateau:.2f}: there the network
says the same of every digit, how often each occurs, which costs the sum of
p(1 − p). Only behind it does it begin to look. The drunk man often goes wrong,
and is far ahead: he takes {len(X) // 100} steps in the time of one. With {walkers["very drunk"]} digits at a
time each step is worth less again, and there are {walkers["drunk"] // walkers["very drunk"]} times as many of them.
""")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("with matplotlib (pip install -e '.[plots]') both paths would be drawn here")
    raise SystemExit
plt.switch_backend("Agg")

# A flat slice through 13,002 dimensions: the plane through the start and both ends, which lie to the right and above.
plane, lengths = np.linalg.qr(np.c_[end - start, ways["careful"][ends["careful"]][1] - start])
plane *= np.sign(np.diag(lengths))
figure, ((by_step, by_second), (seen, near)) = plt.subplots(2, 2, figsize=(11, 9))
for name, colour in (("very drunk", "#e8b48a"), ("drunk", ORANGE), ("careful", BLUE)):
    steps, seconds, losses = curves[name]
    by_step.plot(steps, losses, color=colour, label=f"{name}: {walkers[name]:,} digits a step", linewidth=2)
    by_second.plot(seconds, losses, color=colour, linewidth=2)
    if name != "very drunk":
        seen.plot(*np.transpose([(theta - start) @ plane for _, theta in ways[name].values()]), color=colour)
        seen.plot(*(ways[name][ends[name]][1] - start) @ plane, "o", color=colour)
    last = np.array([theta for _, theta in ways[name].values()][-25:])
    flat = np.linalg.svd(last - last[0], full_matrices=False)[2][:2]
    steps = (last - last[0]) @ flat.T
    steps *= np.sign(steps[-1])  # to the right, and up
    near.plot(*(steps / np.linalg.norm(steps, axis=1).max()).T, ".-", color=colour, linewidth=1)
for axis in (by_step, by_second):
    axis.axhline(plateau, color="#8c959f", linewidth=0.8, linestyle=":")
by_step.set(xlabel="steps", ylabel="loss over all digits", xscale="symlog", xlim=0, ylim=0, title="step for step")
by_step.legend()
by_second.set(xlabel="seconds", ylim=0, title="second for second, the drunk man is far ahead")
seen.plot(0, 0, "o", color="#24292f")
seen.annotate("start", (0, 0), (-8, 0), textcoords="offset points", fontsize=9, ha="right", va="center",
              bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"})
seen.set(title="two paths, in the plane of start and ends (dark is high)", xticks=[], yticks=[])
seen.margins(0.12)
near.plot(0, 0, "o", color="#24292f")
near.set(title="the last 24 steps of each, left to right, equally large", aspect="equal", xticks=[], yticks=[])
xs, ys = (np.linspace(low, high, 21) for low, high in (seen.get_xlim(), seen.get_ylim()))
surface = [[loss_at(start + plane @ (x, y), slice(200)) for x in xs] for y in ys]
seen.contourf(xs, ys, surface, levels=np.geomspace(np.min(surface), np.max(surface), 16), cmap="Greys", alpha=0.7)
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "07_averaging.png", dpi=100)
print("all ways down:", args.out / "07_averaging.png")
