"""08 · Why not search? Trying combinations, one weight at a time, and one backward pass. Writes 08_why_not_search.png.

    python examples/08_why_not_search.py [--seed S] [--out FOLDER]

Must it be backpropagation? One could try values for all weights and keep the best (Welch Labs, "Neural Networks
Demystified, Part 3: Gradient Descent", 2014), or move one weight at a time and look what the cost does (Michael
Nielsen, "Neural Networks and Deep Learning", 2015, chapter 2). Here all three are measured, on the network of 13,002
weights and biases, and what cannot be waited for is extrapolated.
"""

import argparse
import gc
import math
from pathlib import Path
from timeit import timeit

from micrograd2 import MLP, data, squared_error
from micrograd2.shown import BLUE, ORANGE

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--seed", type=int, default=3, help="of the network")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

digits = data.digits()
x, y = digits.x_train[0].tolist(), data.one_hot(digits.y_train[:1], 10)[0].tolist()
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
parameters = net.parameters()


def cost():
    return squared_error(net(x), y)


def told(log10_seconds):
    """A time, given as its logarithm since it may be too long for a float, in words."""
    for unit, size in (("s", 1), ("minutes", 60), ("hours", 3600), ("days", 86400), ("years", 3.156e7)):
        number = log10_seconds - math.log10(size)
        if number < 2 or unit == "years" and number < 6:
            return f"{10 ** number:,.{max(0, 2 - math.floor(number))}f} {unit}"
    return f"10^{number:,.0f} years"


root = cost()
# timeit stops the garbage collector, unless it is told not to
forward, backward = (timeit(do, gc.enable, number=20) / 20 for do in (cost, root.backward))
print(f"One forward pass, the cost of one digit: {forward * 1e3:.1f} ms. One backward pass: {backward * 1e3:.1f} ms.\n")

print("1. Try 1,000 values for each weight, in all combinations, a forward pass each:")
for n in (1, 2, 3, 9, 100, len(parameters)):
    print(f"   {n:6,} weight{'s:' if n > 1 else ': '} {told(3 * n + math.log10(forward)):>18}")
enough = math.ceil(math.log10(4.4e17 / forward) / 3)
print(f"   The universe is about 14,000,000,000 years old: {enough} weights would take longer.\n")

print("2. Move one weight at a time, and see how the cost changes. Six of them, beside")
print("   what backpropagation says:")
net.zero_grad()
root.backward()
for parameter in (*parameters[150:153], *parameters[-3:]):
    number = parameter.data
    parameter.data += 1e-4
    print(f"   {parameter.label:28} {(cost().data - root.data) / 1e-4:+.6f}   {parameter.grad:+.6f}")
    parameter.data = number
one_by_one = (len(parameters) + 1) * forward
print(f"   Nearly the same. But all {len(parameters):,} need {len(parameters) + 1:,} forward passes: "
      f"{told(math.log10(one_by_one))}\n   for one gradient of one digit.\n")

both = forward + backward
print(f"3. One forward and one backward pass give all {len(parameters):,} at once, exactly:\n   {both * 1e3:.1f} ms, "
      f"{one_by_one / both:,.0f} times as fast. The backward pass walks each edge of the graph")
print("   once, as the forward pass does. So the whole gradient takes about as long as")
print("   the cost itself, however many weights there are.\n")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("with matplotlib (pip install -e '.[plots]') the three ways would be drawn here")
    raise SystemExit
plt.switch_backend("Agg")

plt.figure(figsize=(7.5, 4.6))
few, ends = [1 + i / 50 for i in range(400)], [1, len(parameters)]
plt.loglog(few, [forward * 1000 ** n for n in few], color="#24292f", label="all combinations of 1,000 values")
plt.loglog(ends, [2 * forward, one_by_one], color=ORANGE, label="one weight at a time")
plt.loglog(ends, [both, both], color=BLUE, linewidth=2.5, label="one backward pass")
for name, size in (("a day", 86400), ("the age of the universe", 4.4e17)):
    plt.axhline(size, color="#b8bec6", linewidth=0.8)
    plt.text(len(parameters), size * 1.5, name, ha="right", fontsize=9, color="#6e7781")
plt.gca().set(xlabel="weights and biases", ylabel="seconds, for one digit", ylim=(forward / 10, 1e21),
              title="why not search?")
plt.legend(loc=(0.42, 0.5))
plt.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
plt.savefig(args.out / "08_why_not_search.png", dpi=120)
print("the three ways:", args.out / "08_why_not_search.png")
