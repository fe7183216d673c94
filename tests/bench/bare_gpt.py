"""A GPT of one layer, 4,192 parameters as in examples/gpt.py, with + * / ** exp log relu alone, for any Value."""

import random

LETTERS, WIDTH, HEADS, BLOCK = 27, 16, 4, 16


def gpt_step(Value, name=(0, 5, 13, 13, 1, 0)):
    """One name, as numbers of letters, through the GPT: forward, backward, descent."""
    rng = random.Random(0)

    def matrix(rows, columns):
        return [[Value(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

    letter, position, last = matrix(LETTERS, WIDTH), matrix(BLOCK, WIDTH), matrix(LETTERS, WIDTH)
    query, key, value, out = (matrix(WIDTH, WIDTH) for _ in range(4))
    up, down = matrix(4 * WIDTH, WIDTH), matrix(WIDTH, 4 * WIDTH)
    parameters = [p for W in (letter, position, last, query, key, value, out, up, down) for row in W for p in row]

    def linear(W, x):
        return [sum(w * v for w, v in zip(row, x)) for row in W]

    def normed(x):
        scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
        return [v * scale for v in x]

    def softmax(scores):
        top = max(score.data for score in scores)
        powers = [(score - top).exp() for score in scores]
        whole = sum(powers)
        return [power / whole for power in powers]

    def run():
        keys, values, losses = [], [], []
        for t, (read, target) in enumerate(zip(name, name[1:])):
            x = normed([a + b for a, b in zip(letter[read], position[t])])
            before, x = x, normed(x)
            q = linear(query, x)
            keys.append(linear(key, x))
            values.append(linear(value, x))
            heads = []
            for start in range(0, WIDTH, WIDTH // HEADS):
                part = slice(start, start + WIDTH // HEADS)
                scores = [sum(a * b for a, b in zip(q[part], k[part])) / (WIDTH // HEADS) ** 0.5 for k in keys]
                weights = softmax(scores)
                heads += [sum(w * v[j] for w, v in zip(weights, values)) for j in range(part.start, part.stop)]
            x = [a + b for a, b in zip(linear(out, heads), before)]
            before, x = x, [v.relu() for v in linear(up, normed(x))]
            x = [a + b for a, b in zip(linear(down, x), before)]
            losses.append(-softmax(linear(last, x))[target].log())
        loss = sum(losses) / len(losses)
        loss.backward()
        grads = [p.grad for p in parameters]
        for p in parameters:
            p.data -= 1e-3 * p.grad
            p.grad = 0.0
        return loss.data, grads
    return run
