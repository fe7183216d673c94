"""Bring your own network, trained elsewhere, and watch its gradient flow. Writes your_network.svg and .html.

    python examples/your_network.py [--epochs N] [--out FOLDER]

A multilayer perceptron is its arrays of weights and biases, layer by layer, whoever trained it. Here scikit-learn
trains one that reads digits, and PyTorch, where it is installed, one that tells two moons apart. `MLP.from_arrays`
makes each anew of Values, and then it is drawn, played and explained like any other.

What to know of the two: scikit-learn keeps weights as (nin, nout), and ends in a softmax, which here belongs to the
cost; PyTorch computes in float32 unless it is told otherwise, and a Value in float64.
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np

from micrograd2 import MLP, compile, cross_entropy, data, draw, logsumexp, play, squared_error
from micrograd2.explain import nudges

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--epochs", type=int, default=20, help="of scikit-learn's training")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture and the page")
args = options.parse_args()
if importlib.util.find_spec("sklearn") is None:
    raise SystemExit("this example needs scikit-learn: pip install scikit-learn")
from sklearn.neural_network import MLPClassifier  # noqa: E402, once it is known to be there

print("1. From scikit-learn, an MLPClassifier that reads digits")
digits = data.digits()
there = MLPClassifier(hidden_layer_sizes=[16, 16], activation="logistic", learning_rate_init=0.01, random_state=1)
for _ in range(args.epochs):
    there.partial_fit(digits.x_train, digits.y_train, classes=range(10))

names = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
kinds = [names[there.activation]] * len(there.hidden_layer_sizes) + ["linear"]
here = MLP.from_arrays([(W.T, b, kind) for W, b, kind in zip(there.coefs_, there.intercepts_, kinds)])
print(f"   {here}")


def softmax(scores):
    norm = logsumexp(scores)
    return [(score - norm).exp() for score in scores]


X, labels = digits.x_test[:200], digits.y_test[:200]
Y = data.one_hot(labels, 10)
ours = np.array([[p.data for p in softmax(here(x))] for x in X])
apart = np.abs(ours - there.predict_proba(X)).max()
print(f"   probabilities of {len(X)} digits, there and here: at most {apart:.1e} apart")

wrong = int(np.argmax(ours.argmax(axis=1) != labels))
x, y, read = X[wrong], Y[wrong], ours[wrong].argmax()
print(f"   It reads {np.mean(ours.argmax(axis=1) == labels):.0%} of them. Digit {wrong} is a {labels[wrong]}, "
      f"read as a {read}. What should change?\n")
print(nudges(here, x, y, cost=cross_entropy).output_nudges())

args.out.mkdir(parents=True, exist_ok=True)
picture = draw(here, x, y, cost=cross_entropy).save_svg(args.out / "your_network.svg")
page = play(here, X[wrong:wrong + 3], Y[wrong:wrong + 3], cost=cross_entropy).save(args.out / "your_network.html")
print(f"\n   the gradient in every weight: {picture}\n   the same, step by step: {page}")

print("\n2. From PyTorch, an nn.Sequential that tells two moons apart")
if importlib.util.find_spec("torch") is None:
    print("   left out, as PyTorch is not installed: pip install torch")
    raise SystemExit
import torch  # noqa: E402, large, and so left out where it is not installed

moons, sides = data.moons(100, noise=0.1, seed=1)
inputs = torch.tensor(moons, dtype=torch.float32)
targets = torch.tensor(sides, dtype=torch.float32)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(100):
    optimizer.zero_grad()
    (model(inputs)[:, 0] - targets).square().mean().backward()
    optimizer.step()


def brought(state, activations):
    """The network of a state_dict, which is names and arrays; what it does between them, a state_dict does not say."""
    layers = [name.removesuffix(".weight") for name in state if name.endswith(".weight")]
    return MLP.from_arrays([(state[f"{name}.weight"], state.get(f"{name}.bias"), activation)
                            for name, activation in zip(layers, activations, strict=True)])


here = brought(model.state_dict(), ["tanh", "linear"])
print(f"   {here}")
ours = np.array([here(point).data for point in moons])
with torch.no_grad():
    apart = np.abs(ours - model(inputs)[:, 0].numpy()).max()
    print(f"   outputs of {len(moons)} points, there in float32 and here: at most {apart:.1e} apart")
    model.double()
    apart = np.abs(ours - model(torch.tensor(moons))[:, 0].numpy()).max()
    print(f"   the same, there in float64 and here: at most {apart:.1e} apart")

program = compile(lambda x, y: squared_error(here(x), y), here.parameters(), moons[0], sides[:1])
loss, gradient = program(program.theta, moons, sides[:, None])
model.zero_grad()
(model(torch.tensor(moons))[:, 0] - torch.tensor(sides)).square().mean().backward()
theirs = np.concatenate([np.c_[layer.weight.grad, layer.bias.grad].ravel() for layer in model[::2]])
print(f"   the gradients of the loss, {loss:.4f}: at most {np.abs(gradient - theirs).max():.1e} apart")

far = int(np.argmax((ours - sides) ** 2))
x, y = moons[far], sides[far]
print(f"   Point {far} is {y:+}, told as {ours[far]:+.2f}. What should change?\n")
print(nudges(here, x, y).output_nudges())
picture = draw(here, x, y).save_svg(args.out / "your_moons.svg")
page = play(here, x, y).save(args.out / "your_moons.html")
print(f"\n   the gradient in every weight: {picture}\n   the same, step by step: {page}")
