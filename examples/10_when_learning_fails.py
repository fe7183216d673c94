"""10 · When learning fails: look before you guess. Writes 10_when_learning_fails.png.

    python examples/10_when_learning_fails.py [--epochs N] [--seed S] [--out FOLDER]

Four networks that cannot learn to tell two moons apart, for four reasons that can all be read off the gradients, and
the cure of each. That a gradient passing through many flat curves vanishes, or through steep ones explodes: Michael
Nielsen, "Neural Networks and Deep Learning" (2015), chapter 5. Relus that die and sigmoids that saturate: Andrej
Karpathy, "Yes you should understand backprop" (2016).
"""

import argparse
from pathlib import Path

from micrograd2 import MLP, SGD, accuracy, data, fit, max_margin
from micrograd2.contributions import first_not_finite
from micrograd2.explain import health

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=150, help="of training for every network, one step each")
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
    history = fit(net, X, y, cost=max_margin, optimizer=SGD(lr=0.3), epochs=args.epochs, seed=args.seed, progress=False)
    curves[name] = history.loss
    print(f"{name}: loss from {history.loss[0]:.3f} to {history.loss[-1]:.3f}, {accuracy(net, X, y):.0%} right\n")


print("1. Nine layers of sigmoids. Each has a slope of at most 1/4, and the gradient is multiplied by all of them.\n")
train("1 vanishing", examined(network(depth=9, activation="sigmoid")))
print("Cured by tanh, whose slope is up to 1, as the advice says:\n")
net = network(depth=9, activation="tanh")
print(f"{health(net, X).tables()[0]}\n")
train("1 cured", net)

print("2. Relus with biases so low that none ever wakes. Where all outputs are 0, so are all gradients, for ever.\n")
train("2 dead", examined(network(bias=-8.0)))
print("Cured by biases of 0:\n")
train("2 cured", network())

print("3. First weights 100 times too large: tanh is at its ends, where it is flat.\n")
train("3 saturated", examined(network(activation="tanh", scale=100.0)))
print("Cured by weights of their usual size:\n")
train("3 cured", network(activation="tanh"))

print("4. Linear layers multiply: with weights far too large, each layer is larger than the one before.\n")
examined(network(depth=9, activation="linear", scale=10.0))
print("Until the numbers leave all bounds. The first operation that did it is named, with its largest operands:\n")
sick = examined(network(depth=9, activation="linear", scale=1e36))
print("The same can be asked of any Value, such as a cost that is NaN:")
print("  first_not_finite(net(x)):", first_not_finite(sick(X[0])))

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("\nwith matplotlib (pip install 'micrograd2[plots]') the losses would be drawn here")
    raise SystemExit
plt.switch_backend("Agg")

figure, axes = plt.subplots(1, 3, figsize=(12, 3.8))
for axis, name in zip(axes, ("1 vanishing", "2 dead", "3 saturated")):
    axis.plot(curves[name], color="#d9730d", label=name[2:])
    axis.plot(curves[f"{name[0]} cured"], color="#2166ac", label="cured")
    axis.set(xlabel="steps", ylim=0)
    axis.legend()
axes[0].set_ylabel("loss")
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "10_when_learning_fails.png", dpi=120)
print("\nthe losses, sick and cured:", args.out / "10_when_learning_fails.png")
