"""10 · When learning fails: look before you guess. Writes 10_when_learning_fails.png.

    python examples/10_when_learning_fails.py [--epochs N] [--seed S] [--out FOLDER]

Four networks that learn to tell two moons apart badly or not at all, for four reasons that can all be read off the
gradients before training, and the cure of each. That a gradient passing through many flat curves vanishes, or through
steep ones explodes: Michael Nielsen, "Neural Networks and Deep Learning" (2015), chapter 5. Relus that die and sigmoids
that saturate: Andrej Karpathy, "Yes you should understand backprop" (2016).
"""

import argparse
import textwrap
from pathlib import Path

from micrograd2 import MLP, SGD, accuracy, data, fit, max_margin
from micrograd2.contributions import first_not_finite
from micrograd2.explain import health
from micrograd2.shown import BLUE, ORANGE

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=300, help="of training for every network, one step each")
options.add_argument("--seed", type=int, default=1, help="of the networks and the data")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

X, y = data.moons(100, noise=0.1, seed=args.seed)
curves: dict[str, list[float]] = {}


def network(depth=2, activation="relu", scale=1.0, bias=0.0):
    """Layers of 8 neurons and one output; all first weights times `scale`, and all hidden biases `bias`."""
    net = MLP(2, [8] * depth + [1], activation=activation, seed=args.seed)
    for layer in net.layers:
        for neuron in layer.neurons:
            for w in neuron.w:
                w.data *= scale
            neuron.b.data = bias if layer is not net.layers[-1] else 0.0
    return net


def examined(net):
    """The same network, once its health is told."""
    print(f"{health(net, X)}\n")
    return net


def train(name, net):
    curves[name] = losses = []
    try:  # smaller and smaller steps, since large ones jump to and fro at the end
        fit(net, X, y, cost=max_margin, optimizer=SGD(lr=lambda step: 0.3 * (1 - step / args.epochs)), progress=False,
            epochs=args.epochs, seed=args.seed, callback=lambda history: losses.append(history.loss[-1]))
    except FloatingPointError as error:
        why = str(error).split("#")[0].strip()
        print(textwrap.fill(f"{name}: loss {losses[-1]:.3g} at step {len(losses)}, and then: {why}", 80) + "\n")
        return
    print(f"{name}: loss from {losses[0]:.3g} to {losses[-1]:.3g}, {accuracy(net, X, y):.0%} right\n")


print("1. Nine layers of sigmoids. Each has a slope of at most 1/4, and the gradient is")
print("multiplied by all of them. It does not learn.\n")
train("1 vanishing", examined(network(depth=9, activation="sigmoid")))
print("Cured by tanh, whose slope is up to 1, as the advice says:\n")
net = network(depth=9, activation="tanh")
print(f"{health(net, X).tables()[0]}\n")
train("1 cured", net)

print("2. Relus with biases so low that none ever wakes. Where all outputs are 0, so")
print("are all gradients, for ever. It does not learn.\n")
train("2 dead", examined(network(bias=-8.0)))
print("Cured by biases of 0:\n")
train("2 cured", network())

print("3. First weights 100 times too large: tanh is at its ends, where it is flat. The")
print("last layer still learns from what it gets, and that is all.\n")
train("3 saturated", examined(network(activation="tanh", scale=100.0)))
print("Cured by weights of their usual size:\n")
train("3 cured", network(activation="tanh"))

print("4. Linear layers multiply: with weights far too large, each layer is larger than")
print("the one before, and so is each gradient. The first steps throw it out of bounds.\n")
train("4 exploding", examined(network(depth=9, activation="linear", scale=10.0)))
print("Cured by weights of their usual size (straight lines cannot bend around moons):\n")
train("4 cured", network(depth=9, activation="linear"))

print("With even larger weights the forward pass itself leaves all bounds. The first")
print("operation that did it is named, with its largest operands:\n")
sick = examined(network(depth=9, activation="linear", scale=1e36))
print("The same can be asked of any Value, such as a cost that is NaN:")
print(textwrap.fill(f"first_not_finite(net(x)): {first_not_finite(sick(X[0]))}", 80))

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("\nwith matplotlib (pip install -e '.[plots]') the losses would be drawn here")
    raise SystemExit
plt.switch_backend("Agg")

figure, axes = plt.subplots(1, 4, figsize=(15, 3.8))
panels = {"1 vanishing": ("nine layers of sigmoids", "center right"),
          "2 dead": ("relus with biases of −8", "center right"),
          "3 saturated": ("weights 100 times too large", "upper right"),
          "4 exploding": (f"after step {len(curves['4 exploding'])} there is no number left", "center right")}
for axis, (name, (title, place)) in zip(axes, panels.items()):
    axis.plot(curves[name], color=ORANGE, label=name[2:], marker="." if len(curves[name]) < args.epochs else "")
    axis.plot(curves[f"{name[0]} cured"], color=BLUE, label="cured")
    axis.set(xlabel="steps", ylim=0, title=title)
    axis.legend(loc=place)
axes[3].set(yscale="log", ylim=(0.1, 1e12))
axes[0].set_ylabel("loss")
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "10_when_learning_fails.png", dpi=120)
print("\nthe losses, sick and cured:", args.out / "10_when_learning_fails.png")
