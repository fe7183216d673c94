"""The main job: 13,002 weights and biases learn to read handwritten digits. Writes digits.svg and digits.html.

    python examples/digits.py [--mnist FOLDER] [--epochs N] [--seed S] [--out FOLDER]

The network of 3Blue1Brown's films on neural networks, 784-16-16-10 with sigmoids; the cost of one example is the sum of
the squared differences between its ten outputs and what they should be; each step follows the average gradient of a
mini-batch of 100.
"""

import argparse
import copy
from pathlib import Path

import numpy as np
from tqdm import tqdm

from micrograd2 import MLP, SGD, data, draw, fit, play

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--mnist", type=Path, help="the folder of the four MNIST files, for all 60,000 digits")
options.add_argument("--epochs", type=int, default=30)
options.add_argument("--examples", type=int, help="train on so many digits only")
options.add_argument("--seed", type=int, default=3, help="of the network and the order of the digits")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture and the page")
args = options.parse_args()

digits = data.mnist(args.mnist) if args.mnist else data.digits()
x_train, y_train = digits.x_train[:args.examples], data.one_hot(digits.y_train[:args.examples], 10)
x_test, y_test = digits.x_test[:args.examples], digits.y_test[:args.examples]

net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
print(f"{net}: {len(net.parameters()):,} weights and biases, {len(x_train):,} digits to learn from")


way = {"0": copy.deepcopy(net)}  # epochs, and the network as it was after them


def report(history):
    epochs = len(history.epoch_loss)
    tqdm.write(f"epoch {epochs:2}: loss {history.epoch_loss[-1]:.4f}, "
               f"{history.accuracy[-1]:.1%} of {len(x_test):,} test digits read")  # above the bar, not through it
    if epochs in (1, 3, args.epochs):
        way[f"{epochs}" if epochs < args.epochs else f"{epochs} epochs"] = copy.deepcopy(net)


fit(net, x_train, y_train, optimizer=SGD(lr=4.0), epochs=args.epochs, batch_size=100, seed=args.seed,
    validation=(x_test, y_test), callback=report)

# One digit that it has never seen: what it thinks, and which weights would most change its mind.
image, label = x_test[0], y_test[0]
for row in image.reshape(28, 28)[4:24:2]:
    print("   ", "".join(" .:-=+*#%@"[int(9.99 * pixel)] for pixel in row))
outputs = [a.data for a in net(image)]
print(f"a {label}, read as a {np.argmax(outputs)}:", "  ".join(f"{i}: {a:.2f}" for i, a in enumerate(outputs)))

args.out.mkdir(parents=True, exist_ok=True)
picture = draw(net, image, data.one_hot([label], 10)[0])
print("the gradient of its cost in every weight:", picture.save_svg(args.out / "digits.svg"))

# The story of backpropagation, played on the network before and after it has learnt: on some digits that it has never
# seen, the worst read first. Any number can be changed in the page, and training goes on in it.
some, targets = x_test[:24], data.one_hot(y_test[:24], 10)
costs = [sum((a.data - y) ** 2 for a, y in zip(net(x), target)) for x, target in zip(some, targets)]
order = np.argsort(costs)[::-1]
page = play(way, some[order], targets[order])
print("the same, played step by step (open it with a browser):", page.save(args.out / "digits.html"))
