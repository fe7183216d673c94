"""Two moons, and a network that learns to tell them apart. Writes moons.html, where it learns before your eyes, and
moons.png where matplotlib is installed.

    python examples/moons.py [--steps N] [--seed S] [--out FOLDER]
"""

import argparse
import copy
from pathlib import Path

import numpy as np

from micrograd2 import MLP, SGD, accuracy, data, fit, max_margin, play
from micrograd2.shown import BLUE, ORANGE

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--steps", type=int, default=100, help="steps of gradient descent")
options.add_argument("--seed", type=int, default=1, help="of the network and the data")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the pictures")
args = options.parse_args()

X, y = data.moons(100, noise=0.1, seed=args.seed)
net = MLP(2, [16, 16, 1], seed=args.seed)
print(net, "with", len(net.parameters()), "parameters")

before = copy.deepcopy(net)
# With 100 points in a batch of 100, an epoch is one step, along the gradient over all points.
optimizer = SGD(lr=lambda step: 1 - 0.9 * step / args.steps)
history = fit(net, X, y, cost=max_margin, optimizer=optimizer, epochs=args.steps, seed=args.seed)
for step in sorted({0, args.steps // 10, args.steps // 2, args.steps - 1}):
    print(f"step {step + 1:3}: loss {history.loss[step]:.4f}, accuracy {history.accuracy[step]:.0%}")
print(f"accuracy on all {len(X)} points: {accuracy(net, X, y):.0%}")

args.out.mkdir(parents=True, exist_ok=True)
page = play({"0 steps": before, f"{args.steps} steps": net}, X, y, max_margin)
print("live, every point and every weight (open it with a browser):", page.save(args.out / "moons.html"))

try:
    import matplotlib
except ImportError:
    print("with matplotlib (pip install -e '.[plots]') the decision boundary would be drawn here")
    raise SystemExit
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402, once the backend is chosen

across, up = np.meshgrid(np.linspace(-1.6, 2.6, 60), np.linspace(-1.2, 1.7, 45))
score = np.reshape([net(point).data for point in np.c_[across.ravel(), up.ravel()]], across.shape)
plt.figure(figsize=(6, 4.2))
plt.contourf(across, up, score, levels=[-1e9, -1, 0, 1, 1e9], colors=["#f2b880", "#fbe8d3", "#d9e6f2", "#92b8da"])
plt.contour(across, up, score, levels=[0], colors="#24292f", linewidths=1.2)
for sign, colour in ((1, BLUE), (-1, ORANGE)):
    plt.scatter(X[y == sign, 0], X[y == sign, 1], c=colour, edgecolors="white", label=f"{sign:+}")
plt.title("the line where the score is 0, and the margin of ±1 beside it")
plt.legend()
plt.savefig(args.out / "moons.png", dpi=120)
print("the decision boundary:", args.out / "moons.png")
