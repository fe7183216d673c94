"""A GPT in scalars: it reads first names, one letter after the other, and then invents new ones.

    python examples/gpt.py [--steps N] [--batch N] [--scalar] [--seed S]

The model of Andrej Karpathy's microgpt (https://karpathy.github.io/2026/02/12/microgpt/): 4,192 parameters. Each letter
becomes a list of 16 numbers. Attention lets a position look back at those before it: its query is compared with their
keys, and it takes from each of them as much of its value as the two agree. A small network of ReLUs then works on what
came together, and the last product says how likely every letter is to be the next.

All of it is written one number at a time. Compiled, it is a page of array code that trains on 32 names at once;
`--scalar` trains the same function on its scalar graph, with the same losses, and lets you wait. The names (names.txt)
are the 32,033 most common ones of 2018 in the files of the US Social Security Administration, which are public domain.
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from micrograd2 import Adam, Value, compile, cross_entropy, dot, logsumexp

LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # the dot stands before and after every name
V, T, D, HEADS = len(LETTERS), 16, 16, 4  # letters, positions, numbers for each position, heads of attention


def model(seed):
    """All weights: lists of rows, by name."""
    rng = random.Random(seed)
    shapes = {"letter": (D, V), "position": (T, D), "query": (D, D), "key": (D, D), "value": (D, D), "out": (D, D),
              "up": (4 * D, D), "down": (D, 4 * D), "next": (V, D)}
    return {name: [[Value(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]
            for name, (rows, columns) in shapes.items()}


def linear(W, x):
    return [dot(w, x, 0.0) for w in W]


def add(a, b):
    return [p + q for p, q in zip(a, b)]


def normed(x):
    """x, scaled so that the mean of its squares is 1 (RMS norm)."""
    scale = (dot(x, x, 0.0) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


def attention(query, keys, values):
    """The average of the values, each weighted by how well its key answers the query."""
    scores = [dot(query, key, 0.0) * len(query) ** -0.5 for key in keys]
    norm = logsumexp(scores)
    weights = [(score - norm).exp() for score in scores]
    return [dot(weights, column, 0.0) for column in zip(*values)]


def gpt(w, letters):
    """For every position, a score for each letter that could come next. `letters` are one-hot lists of V numbers."""
    keys, values, scores = [], [], []
    for letter, position in zip(letters, w["position"]):
        x = normed(add(linear(w["letter"], letter), position))
        h = normed(x)
        query = linear(w["query"], h)
        keys.append(linear(w["key"], h))
        values.append(linear(w["value"], h))
        seen = []
        for start in range(0, D, D // HEADS):
            head = slice(start, start + D // HEADS)
            seen += attention(query[head], [key[head] for key in keys], [value[head] for value in values])
        x = add(x, linear(w["out"], seen))
        h = [z.relu() for z in linear(w["up"], normed(x))]
        x = add(x, linear(w["down"], h))
        scores.append(linear(w["next"], x))
    return scores


def cost(w, text, shares):
    """The average cost of the letters of one name, each foretold from those before it.

    `text` is one-hot, letter by letter, the first and the last being dots; position t counts for `shares[t]`.
    """
    letters = [text[i:i + V] for i in range(0, len(text), V)]
    costs = [cross_entropy(scores, letter) for scores, letter in zip(gpt(w, letters[:-1]), letters[1:])]
    return dot(shares, costs, 0.0)


def encoded(name, length):
    """The text of a name, and the share of each position: 0 where the name is over."""
    text, shares = np.zeros((length + 1, V)), np.zeros(length)
    text[np.arange(length + 1), [LETTERS.index(letter) for letter in f".{name}".ljust(length + 1, ".")]] = 1
    shares[:len(name) + 1] = 1 / (len(name) + 1)
    return text.ravel(), shares


def scalar_step(w, parameters, names):
    """The average loss of some names and its gradient, on the scalar graph, each name as long as it is."""
    loss = 0.0
    for p in parameters:
        p.grad = 0.0
    for name in names:
        text, shares = encoded(name, len(name) + 1)
        result = cost(w, text.tolist(), shares.tolist())
        result.backward()
        loss += result.data / len(names)
    return loss, np.array([p.grad for p in parameters]) / len(names)


def invented(w, parameters, count, rng):
    """New names: letter after letter is drawn, the likelier ones even more often than the model holds them to be."""
    program = compile(lambda text: [score for scores in gpt(w, [text[i:i + V] for i in range(0, T * V, V)])
                                    for score in scores], parameters, np.zeros(T * V))
    names = [""] * count
    for t in range(T):
        text = np.array([encoded(name, T - 1)[0] for name in names])
        chances = np.exp(2 * program.outputs(program.theta, text)[:, t * V:(t + 1) * V])
        for i, chance in enumerate(chances):
            if len(names[i]) == t:  # its last letter was not a dot
                names[i] += LETTERS[rng.choice(V, p=chance / chance.sum())].strip(".")
    return names


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=1000)
    options.add_argument("--batch", type=int, default=32, help="names in a step")
    options.add_argument("--scalar", action="store_true", help="train on the scalar graph")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()

    rng = np.random.default_rng(args.seed)
    names = rng.permutation((Path(__file__).parent / "names.txt").read_text().split())
    held_out, names = names[:500], names[500:]
    w = model(args.seed)
    parameters = [p for rows in w.values() for row in rows for p in row]
    print(f"{len(parameters):,} parameters, {len(names):,} names to learn from")

    def arrays(some):
        return map(np.array, zip(*(encoded(name, T) for name in some)))

    program = compile(lambda text, shares: cost(w, text, shares), parameters, *encoded("", T))
    print(program)
    theta, optimizer = program.theta, Adam(lr=lambda step: 0.01 * (1 - step / args.steps))
    start, losses = time.perf_counter(), []
    for step in tqdm(range(args.steps), unit="step"):
        some = names.take(range(step * args.batch, (step + 1) * args.batch), mode="wrap").tolist()
        if args.scalar:
            program.store(theta)
            loss, gradient = scalar_step(w, parameters, some)
        else:
            loss, gradient = program(theta, *arrays(some))
        theta = optimizer.step(theta, gradient)
        losses = [*losses[-99:], loss]  # one batch is now easier, now harder: only their mean falls smoothly
        if step in (0, 1, 2, 5, 10, 20, 50) or step % 100 == 99 or step == args.steps - 1:
            tqdm.write(f"step {step + 1:4}: loss {loss:.6f}, over the last {len(losses)} steps {np.mean(losses):.6f}")
    seconds = time.perf_counter() - start
    program.store(theta)
    print(f"{seconds:.1f} s, {1000 * seconds / (args.steps * args.batch):.2f} ms for each name; "
          f"loss on {len(held_out)} names that it has never seen: {program(theta, *arrays(held_out))[0]:.4f}")
    print("it invents:", ", ".join(invented(w, parameters, 20, rng)))


if __name__ == "__main__":
    main()
