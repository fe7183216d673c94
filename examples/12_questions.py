"""12 · Questions people ask, each answered by a run and a sentence. Writes 12_questions.png.

    python examples/12_questions.py [--steps N] [--seed S] [--out FOLDER]

They are those that viewers of "What is backpropagation really doing?" (3Blue1Brown, 2017) come back with. The first
network is one to check with a pencil, a traffic light: three lamps, and go or stop. The others read digits.
"""

import argparse
from pathlib import Path

import numpy as np

from micrograd2 import MLP, SGD, Value, compile, data, fit, gradient, squared_error
from micrograd2.contributions import grads_of
from micrograd2.explain import nudges
from micrograd2.shown import BLUE, ORANGE
from micrograd2.train import mini_batches

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--steps", type=int, default=1500, help="of training on the digits, to the end of an epoch")
options.add_argument("--seed", type=int, default=3, help="of the network and the order of the digits")
options.add_argument("--out", type=Path, default=Path("out"), help="the folder for the picture")
args = options.parse_args()

print("1. Is there a network that I can check with a pencil?")
light = MLP(3, [2, 1], activation="relu", output="linear")
for parameter, number in zip(light.parameters(), [1, 1, -1, 0, -1, 0, 1, 0, 0.5, 0.5, 0]):
    parameter.data = float(number)
lamps, go = [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 0, 1]  # red, red and yellow, yellow, green


def cost_of_green():
    return squared_error([light(lamps[3])], [go[3]])


for layer, pairs in zip(light.layers, light.trace(lamps[3])):
    for neuron, (z, a) in zip(layer.neurons, pairs):
        print(f"   w = {[w.data for w in neuron.w]}, b = {neuron.b.data}: z = {z.data}, a = {a.data}")
cost = cost_of_green()
print(f"   Red, yellow, green are {lamps[3]}. It says {a.data}, and should say {go[3]}: C = {cost.data}")
asked = {p: grad for p, grad in grads_of(cost).items() if grad and p in light.parameters()}
print("   Gradients other than 0, all of them:")
for p, grad in asked.items():
    print(f"     ∂C/∂{p.label} = {grad:g}")

print("\n2. While one weight moves, are the others held still?")
before = [p.data for p in light.parameters()]
for p in asked:  # each asked afresh, where those before it have moved already
    p.data -= 0.1 * grads_of(cost_of_green())[p]
one_by_one, in_turn = cost_of_green().data, [p.data for p in asked]
for p, number in zip(light.parameters(), before):
    p.data = number
for p, grad in asked.items():
    p.data -= 0.1 * grad
print(f"   moved together: {'  '.join(f'{p.data:.4f}' for p in asked)}   C = {cost_of_green().data:.4f}")
print(f"   one by one:     {'  '.join(f'{number:.4f}' for number in in_turn)}   C = {one_by_one:.4f}")
print("   A gradient asks: what if this one alone moved? All are computed at the old\n"
      "   place, then all move at once. That is not the same, but nearly so when steps\n"
      "   are small; one by one, each weight would need a backward pass of its own.")
fit(light, lamps, go, optimizer=SGD(lr=0.1), epochs=200, progress=False)
print(f"   After 200 epochs of it the four lights give {', '.join(f'{light(x).data:.2f}' for x in lamps)}.\n")

digits = data.digits()
X, Y, labels = digits.x_train, data.one_hot(digits.y_train, 10), digits.y_train
net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid", seed=args.seed)
program = compile(lambda x, y: squared_error(net(x), y), net.parameters(), X[0], Y[0])
reader = compile(net, net.parameters(), X[0])
start = program.theta


def read(theta, some):
    return np.argmax(reader.outputs(theta, some), axis=1)


print(f"3. Where do {len(start):,} weights and biases come from?")
sizes = [(len(layer.neurons[0].w), len(layer.neurons)) for layer in net.layers]
print(f"   {' + '.join(f'({nin} + 1) × {nout}' for nin, nout in sizes)}"
      f" = {' + '.join(f'{(nin + 1) * nout:,}' for nin, nout in sizes)} = {len(start):,}:\n"
      "   each neuron has a weight for everything that it reads, and one bias.\n")

print("4. Is the gradient of the average the average of the gradients?")
each = np.mean([program(start, X[i:i + 1], Y[i:i + 1])[1] for i in range(100)], axis=0)
off = np.abs(each - program(start, X[:100], Y[:100])[1]).max()
print(f"   Over 100 digits no number of the one differs from the other by more than\n   {off:.0e}: yes, "
      "as the slope of a sum is the sum of the slopes.\n")

print("5. What if we listened to one digit only, to this 2?")
two = np.flatnonzero(labels == 2)[0]
listened = start - 4.0 * program(start, X[two:two + 1], Y[two:two + 1])[1]
for when, theta in (("before", start), ("after one step", listened)):
    print(f"   read as a 2 {when}: {np.mean(read(theta, digits.x_test) == 2):.0%} of {len(digits.x_test):,} digits")
print("   Its wish is to see a 2, whatever is there. Only all together ask for more.\n")

print("6. How many examples does it need?")
many, seen, unseen = [50, 200, 1000, 5000], [], []
for n in many:
    theta, epoch, done = start, 0, 0
    while done < args.steps:
        for batch in mini_batches(n, 20, args.seed, epoch):
            theta, done = theta - 2.0 * program(theta, X[batch], Y[batch])[1], done + 1
        epoch += 1
    seen.append(float(np.mean(read(theta, X[:n]) == labels[:n])))
    unseen.append(float(np.mean(read(theta, digits.x_test) == digits.y_test)))
    print(f"   {n:5,} digits, {done:,} steps: {seen[-1]:4.0%} of these read, {unseen[-1]:4.0%} of those not seen")
print("   Few are learnt by heart. What is true of others too, it must find in many.\n")

print("7. Which layer is to blame?")
ends = np.cumsum([(nin + 1) * nout for nin, nout in sizes])[:-1]
blame = {}
for when, place in (("at the start", start), ("after training", theta)):
    wanted = program(place, digits.x_test[:1], data.one_hot(digits.y_test[:1], 10))[1]
    blame[when] = [float(part @ part / (wanted @ wanted)) for part in np.split(wanted, ends)]
    print(f"   {when:15} {' / '.join(f'{share:.0%}' for share in blame[when])}")
print(f"""   When a small step lowers the cost of one {digits.y_test[0]}, these are the shares that
   layers[0], [1] and [2] have in it. None is to blame alone, and it changes.
""")

print("8. What is a local minimum, and did we end in one?")


def valley(x):
    return x ** 4 - 2 * x ** 2 + 0.5 * x


walks = []
for x in (Value(-1.7), Value(1.7)):
    walk = [x.data]
    for step in range(60):
        x = Value(x.data - 0.03 * gradient(valley(x), [x])[0].data)
        walk.append(x.data)
    walks.append(walk)
    print(f"   x⁴ − 2x² + x/2, down from {walk[0]:+.1f}: ends at {walk[-1]:+.3f}, as low as {valley(walk[-1]):+.3f}")
loss, slope = program(theta, X, Y)
after = program(theta - 0.5 * slope, X, Y)[0]
print(f"""   Both ends are local minima: no small step from there leads down. Where did
   the last network of 6 end? |gradient| is {np.linalg.norm(slope):.3f}, and one more step takes the
   loss from {loss:.5f} to {after:.5f}. That is no minimum: we only stopped.
""")

print("9. Is this how a brain learns?")
program.store(theta)
found = nudges(net, digits.x_test[0], data.one_hot(digits.y_test[:1], 10)[0])
last = found.layers[-1]
output = min(last.neurons, key=lambda neuron: neuron.delta)
i = int(np.argmax(output.weights))
fires, rises = 1 + sum(a > last.inputs[i] for a in last.inputs), last.neurons.index(output)
print(f"""   Who fires together wires together: for a {digits.y_test[0]}, the weight that most wants to
   grow leads from a[{i}] = {last.inputs[i]:.2f}, number {fires} of {len(last.inputs)} by activation, to output {rises},
   the one nudged up most. That far it may be so. But the output then asks
   a[{i}] to change by −δ × w = {-output.delta:.4f} × {output.w[i]:+.3f}: the wish goes back through the
   very weight that the activation came by. Nobody has seen that in a brain.
""")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("the picture needs matplotlib: pip install -e '.[plots]'")
    raise SystemExit
plt.switch_backend("Agg")

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), width_ratios=[1, 1.3, 1.3])
for shift, (when, shares), colour in zip((-0.2, 0.2), blame.items(), (ORANGE, BLUE)):
    left.bar([k + shift for k in range(3)], shares, 0.38, color=colour, label=when)
left.set_xticks(range(3), [f"layers[{k}]" for k in range(3)])
left.legend(loc="upper center")
left.set(ylim=(0, 1.2), ylabel="share of the fall of the cost", title="which layer is to blame?")
middle.semilogx(many, seen, "o-", color=ORANGE, label="the digits it learnt from")
middle.semilogx(many, unseen, "o-", color=BLUE, label="digits that it has not seen")
middle.set_xticks(many, [f"{n:,}" for n in many])
middle.minorticks_off()
middle.set(xlabel="digits to learn from", ylabel="share that it reads", ylim=(0, 1.05),
           title="how many examples does it need?")
middle.legend(loc="lower right")
xs = np.linspace(-1.75, 1.75, 200)
right.plot(xs, valley(xs), color="#24292f")
for walk, colour in zip(walks, (BLUE, ORANGE)):
    right.plot(walk, [valley(x) for x in walk], "o-", color=colour, markersize=4, alpha=0.6)
    right.annotate(f"  ends at {walk[-1]:+.2f}", (walk[-1], valley(walk[-1])), xytext=(0, -14),
                   textcoords="offset points", ha="center", color=colour)
right.set(xlabel="x", title="two local minima: the start decides", ylim=(-2.2, 4.5))
figure.tight_layout()
args.out.mkdir(parents=True, exist_ok=True)
figure.savefig(args.out / "12_questions.png", dpi=120)
print("blame, examples, minima:", args.out / "12_questions.png")
