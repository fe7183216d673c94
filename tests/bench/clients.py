"""Programs as users write them: scalar code with lists and loops, none of it written with the compiler in mind.

Each function takes sizes and returns a `Client`. `CLIENTS` names them all, with the sizes that the benchmark takes and
small ones, for tests. Weighted sums are written in every way: `dot`, `total`, `sum`, and bare + and *.
"""

import math
import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from micrograd2 import MLP, Value, cross_entropy, dot, gradient, logsumexp, maximum, squared_error, total


class Client(NamedTuple):
    """The cost of one example, the parameters, and how to draw B examples: one array (B, n) for each argument."""

    cost: Callable[..., Value]
    parameters: list[Value]
    draw: Callable[[np.random.Generator, int], list[np.ndarray]]


def graphs(client, theta, arrays):
    """The cost of every example, as a scalar graph, while the parameters are theta."""
    for p, number in zip(client.parameters, theta.tolist()):
        p.data = number
    examples = zip(*(array.tolist() for array in arrays))
    return [client.cost(*([Value(number) for number in row] for row in example)) for example in examples]


def matrix(rng, rows, columns):
    return [[Value(rng.gauss(0, columns ** -0.5)) for _ in range(columns)] for _ in range(rows)]


def vector(n, number=0.0):
    return [Value(number) for _ in range(n)]


def flat(*things):
    return [value for thing in things for value in (flat(*thing) if isinstance(thing, (list, tuple)) else [thing])]


def normal(*widths):
    """What draws arrays of such widths, from the normal distribution."""
    return lambda rng, B: [rng.standard_normal((B, n)) for n in widths]


def lstm(steps, inputs, hidden):
    """A long short-term memory reads a sequence, and foretells one number at its end."""
    rng = random.Random(0)
    weights = [matrix(rng, hidden, inputs + hidden) for _ in range(4)]
    biases = [vector(hidden, forget) for forget in (0.0, 1.0, 0.0, 0.0)]
    out, last = matrix(rng, 1, hidden), vector(1)

    def cost(x, y):
        h, c = [0.0] * hidden, [0.0] * hidden
        for t in range(steps):
            seen = x[inputs * t:inputs * (t + 1)] + h
            i, f, o, g = ([dot(w, seen, b) for w, b in zip(W, bias)] for W, bias in zip(weights, biases))
            for k in range(hidden):
                c[k] = f[k].sigmoid() * c[k] + i[k].sigmoid() * g[k].tanh()
            h = [o[k].sigmoid() * c[k].tanh() for k in range(hidden)]
        return squared_error([dot(w, h, b) for w, b in zip(out, last)], y)

    return Client(cost, flat(weights, biases, out, last), normal(inputs * steps, 1))


def gru(steps, inputs, hidden):
    """A gated recurrent unit foretells the next numbers at every step; nothing but + and * between its gates."""
    rng = random.Random(0)
    reset, update, new = (matrix(rng, hidden, inputs + hidden) for _ in range(3))
    biases, out = [vector(hidden) for _ in range(3)], matrix(rng, inputs, hidden)

    def linear(W, x, b):
        return [sum(w * v for w, v in zip(row, x)) + c for row, c in zip(W, b)]

    def cost(x):
        h, errors = [Value(0.0)] * hidden, []
        for t in range(steps):
            now, later = x[inputs * t:inputs * (t + 1)], x[inputs * (t + 1):inputs * (t + 2)]
            r = [z.sigmoid() for z in linear(reset, now + h, biases[0])]
            u = [z.sigmoid() for z in linear(update, now + h, biases[1])]
            kept = [a * b for a, b in zip(r, h)]
            h = [k * old + (1 - k) * z.tanh() for k, old, z in zip(u, h, linear(new, now + kept, biases[2]))]
            errors.append(squared_error(linear(out, h, [0.0] * inputs), later))
        return total(errors) / steps

    return Client(cost, flat(reset, update, new, biases, out), normal(inputs * (steps + 1)))


def rnn(steps, inputs, hidden):
    """A recurrent network foretells the next numbers at every step."""
    rng = random.Random(0)
    W, b, out = matrix(rng, hidden, inputs + hidden), vector(hidden), matrix(rng, inputs, hidden)

    def cost(x):
        h, loss = [0.0] * hidden, 0.0
        for t in range(steps):
            h = [dot(w, x[inputs * t:inputs * (t + 1)] + h, c).tanh() for w, c in zip(W, b)]
            foretold = [dot(w, h, 0.0) for w in out]
            loss = loss + squared_error(foretold, x[inputs * (t + 1):inputs * (t + 2)])
        return loss / steps

    return Client(cost, flat(W, b, out), normal(inputs * (steps + 1)))


def lenet(side, kernel, maps, classes):
    """Convolution, ReLU, pooling, twice, and a layer to the scores: LeNet, taking the largest of four."""
    rng = random.Random(0)
    convolutions = [[(matrix(rng, before, kernel * kernel), Value(0.1)) for _ in range(after)]
                    for before, after in zip((1, *maps), maps)]
    last = side
    for _ in maps:
        last = (last - kernel + 1) // 2
    scores, biases = matrix(rng, classes, maps[-1] * last * last), vector(classes)

    def convolved(planes, weights, bias):
        size = len(planes[0]) - kernel + 1
        return [[dot(flat(weights), [plane[i + p][j + q] for plane in planes for p in range(kernel)
                                     for q in range(kernel)], bias).relu() for j in range(size)] for i in range(size)]

    def pooled(plane):
        return [[maximum(maximum(plane[i][j], plane[i][j + 1]), maximum(plane[i + 1][j], plane[i + 1][j + 1]))
                 for j in range(0, len(plane) - 1, 2)] for i in range(0, len(plane) - 1, 2)]

    def cost(pixels, label):
        planes = [[pixels[side * i:side * (i + 1)] for i in range(side)]]
        for layer in convolutions:
            planes = [pooled(convolved(planes, weights, bias)) for weights, bias in layer]
        return cross_entropy([dot(w, flat(planes), b) for w, b in zip(scores, biases)], label)

    def draw(rng, B):
        return [rng.random((B, side * side)), np.eye(classes)[rng.integers(classes, size=B)]]

    kernels = [thing for layer in convolutions for weights, bias in layer for thing in (weights, bias)]
    return Client(cost, flat(kernels, scores, biases), draw)


def transformer(positions, width, heads):
    """One block of a transformer: layer norm, causal attention, layer norm, a small network, with skip connections."""
    rng = random.Random(0)
    query, key, value, out = (matrix(rng, width, width) for _ in range(4))
    up, down = matrix(rng, 4 * width, width), matrix(rng, width, 4 * width)
    biases, gains = [vector(4 * width), vector(width)], [vector(width, 1.0), vector(width, 1.0)]
    shifts = [vector(width), vector(width)]
    size = width // heads

    def normed(x, gain, shift):
        mean = total(x) / len(x)
        spread = (total((v - mean) ** 2 for v in x) / len(x) + 1e-5).sqrt()
        return [g * (v - mean) / spread + s for g, v, s in zip(gain, x, shift)]

    def linear(W, x):
        return [dot(w, x, 0.0) for w in W]

    def gelu(z):
        return 0.5 * z * (1 + (0.7978845608 * (z + 0.044715 * z ** 3)).tanh())

    def attention(q, keys, values):
        scores = [dot(q, k, 0.0) / math.sqrt(size) for k in keys]
        norm = logsumexp(scores)
        shares = [(score - norm).exp() for score in scores]
        return [sum(share * v for share, v in zip(shares, column)) for column in zip(*values)]

    def cost(x, y):
        h = [x[width * t:width * (t + 1)] for t in range(positions)]
        seen = [normed(u, gains[0], shifts[0]) for u in h]
        q, k, v = ([linear(W, u) for u in seen] for W in (query, key, value))
        for t in range(positions):
            found = []
            for head in range(heads):
                part = slice(size * head, size * (head + 1))
                found += attention(q[t][part], [u[part] for u in k[:t + 1]], [u[part] for u in v[:t + 1]])
            h[t] = [a + b for a, b in zip(h[t], linear(out, found))]
        for t in range(positions):
            calm = normed(h[t], gains[1], shifts[1])
            inner = [gelu(dot(w, calm, b)) for w, b in zip(up, biases[0])]
            h[t] = [a + dot(w, inner, b) for a, w, b in zip(h[t], down, biases[1])]
        return squared_error(flat(h), y)

    return Client(cost, flat(query, key, value, out, up, down, biases, gains, shifts),
                  normal(positions * width, positions * width))


def kalman(steps):
    """A Kalman filter: minus the log-likelihood of measured places, of a body that has a place and a velocity.

    To be learnt: the logarithms of three variances, the friction, and where it starts.
    """
    dt = 0.1
    noise, drift, push, friction, place, speed = parameters = [Value(number) for number in (-1, -4, -2, 0.2, 0, 0)]

    def cost(measured):
        R, Q0, Q1 = noise.exp(), drift.exp(), push.exp()
        x, v = place, speed
        P = [[Value(1.0), Value(0.0)], [Value(0.0), Value(1.0)]]
        F = [[1.0, dt], [0.0, 1 - friction * dt]]
        result = 0.0
        for z in measured:
            x, v = F[0][0] * x + F[0][1] * v, F[1][0] * x + F[1][1] * v
            FP = [[sum(F[i][k] * P[k][j] for k in range(2)) for j in range(2)] for i in range(2)]
            P = [[sum(FP[i][k] * F[j][k] for k in range(2)) for j in range(2)] for i in range(2)]
            P[0][0], P[1][1] = P[0][0] + Q0, P[1][1] + Q1
            S = P[0][0] + R
            K = [P[0][0] / S, P[1][0] / S]
            error = z - x
            x, v = x + K[0] * error, v + K[1] * error
            P = [[P[i][j] - K[i] * P[0][j] for j in range(2)] for i in range(2)]
            result = result + 0.5 * (S.log() + error * error / S)
        return result

    return Client(cost, parameters, normal(steps))


def neural_ode(steps, hidden):
    """A field of velocities, learnt from where a point is after every step (Runge-Kutta of fourth order)."""
    net = MLP(2, [hidden, hidden, 2], activation="tanh", seed=0)
    dt = 2.0 / steps

    def moved(x, slope, dt):
        return [a + dt * s for a, s in zip(x, slope)]

    def cost(x, path):
        errors = []
        for t in range(steps):
            k1 = net(x)
            k2 = net(moved(x, k1, dt / 2))
            k3 = net(moved(x, k2, dt / 2))
            k4 = net(moved(x, k3, dt))
            x = [a + dt / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(x, k1, k2, k3, k4)]
            errors.append(squared_error(x, path[2 * t:2 * t + 2]))
        return total(errors) / steps

    return Client(cost, net.parameters(), normal(2, 2 * steps))


def bodies(count, steps):
    """The masses of bodies that attract each other in the plane, learnt from where they end (leapfrog)."""
    masses = [Value(1.0 + 0.1 * i) for i in range(count)]
    dt = 0.05

    def pulls(places):
        felt = [[0.0, 0.0] for _ in range(count)]
        for i in range(count):
            for j in range(count):
                if i != j:
                    dx, dy = places[j][0] - places[i][0], places[j][1] - places[i][1]
                    pull = masses[j] / (dx * dx + dy * dy + 0.25) ** 1.5
                    felt[i] = [felt[i][0] + pull * dx, felt[i][1] + pull * dy]
        return felt

    def cost(begin, velocities, end):
        places = [begin[2 * i:2 * i + 2] for i in range(count)]
        speeds = [velocities[2 * i:2 * i + 2] for i in range(count)]
        felt = pulls(places)
        for _ in range(steps):
            speeds = [[v + 0.5 * dt * a for v, a in zip(*pair)] for pair in zip(speeds, felt)]
            places = [[x + dt * v for x, v in zip(*pair)] for pair in zip(places, speeds)]
            felt = pulls(places)
            speeds = [[v + 0.5 * dt * a for v, a in zip(*pair)] for pair in zip(speeds, felt)]
        return squared_error(flat(places), end)

    return Client(cost, masses, normal(2 * count, 2 * count, 2 * count))


def physics_informed(points, hidden):
    """A network u(x, t) that obeys Burgers' equation, u_t + u·u_x = ν·u_xx, where it is asked, and begins as it must.

    Its slopes are taken by `gradient`, inside the cost; the viscosity ν is learnt too.
    """
    net, viscosity = MLP(2, [hidden, hidden, 1], activation="tanh", seed=0), Value(0.1)

    def cost(where, begin):
        residuals = []
        for x, t in zip(where[:points], where[points:]):
            u = net([x, t])
            u_x, u_t = gradient(u, [x, t])
            u_xx, = gradient(u_x, [x])
            residuals.append((u_t + u * u_x - viscosity * u_xx) ** 2)
        first = [(net([x, 0.0]) + (math.pi * x).sin()) ** 2 for x in begin]
        return total(residuals) / points + total(first) / points

    return Client(cost, [*net.parameters(), viscosity], normal(2 * points, points))


def mixture(inputs, hidden, bells):
    """A mixture density network: for every input a mixture of bells over the plane; minus the log-likelihood."""
    net = MLP(inputs, [hidden, hidden, 5 * bells], activation="tanh", seed=0)

    def cost(x, y):
        out = net(x)
        heights, places, spreads = out[:bells], out[bells:3 * bells], out[3 * bells:]
        terms = []
        for k in range(bells):
            log_p = heights[k] - logsumexp(heights) - math.log(2 * math.pi)
            for d in range(2):
                s = spreads[2 * k + d]
                log_p = log_p - s - 0.5 * ((y[d] - places[2 * k + d]) / s.exp()) ** 2
            terms.append(log_p)
        return -logsumexp(terms)

    return Client(cost, net.parameters(), normal(inputs, 2))


def spring(steps):
    """How stiff a spring is, and its friction, from where a mass on it ends."""
    stiffness, friction = Value(1.0), Value(0.1)
    dt = 10.0 / steps

    def cost(begin, end):
        x, v = begin
        for _ in range(steps):
            v = v + dt * (-stiffness * x - friction * v)
            x = x + dt * v
        return (x - end[0]) ** 2

    return Client(cost, [stiffness, friction], normal(2, 1))


def horner(degree):
    """A polynomial by Horner's rule, and its coefficients."""
    coefficients = vector(degree + 1, 0.1)

    def cost(x, y):
        result = 0.0
        for c in coefficients:
            result = result * x[0] + c
        return (result - y[0]) ** 2

    return Client(cost, coefficients, lambda rng, B: [rng.uniform(-1, 1, (B, 1)), rng.standard_normal((B, 1))])


def pendulum(steps):
    """The length, the friction and the push of a pendulum, fitted to its measured angle at every one of many steps."""
    parameters = pull, friction, push = [Value(number) for number in (4.0, 0.3, 0.1)]
    dt = 4.0 / steps

    def cost(begin, angles):
        angle, speed = begin
        result = 0.0
        for k, measured in enumerate(angles):
            speed = speed + dt * (push * math.cos(3 * k * dt) - pull * angle.sin() - friction * speed)
            angle = angle + dt * speed
            result = result + (angle - measured) ** 2
        return result / steps

    return Client(cost, parameters, normal(2, steps))


CLIENTS = {  # a name -> the program, its sizes for the benchmark, and those for tests
    "RNN": (rnn, (20, 8, 16), (5, 2, 3)),
    "LSTM": (lstm, (20, 8, 16), (3, 2, 3)),
    "GRU": (gru, (20, 8, 16), (3, 2, 3)),
    "LeNet": (lenet, (28, 5, (6, 16), 10), (10, 3, (2, 3), 3)),
    "transformer": (transformer, (12, 32, 4), (3, 4, 2)),
    "Kalman filter": (kalman, (20,), (4,)),
    "neural ODE": (neural_ode, (10, 16), (2, 3)),
    "N-body": (bodies, (6, 20), (3, 2)),
    "physics-informed": (physics_informed, (8, 16), (2, 3)),
    "mixture density": (mixture, (16, 64, 8), (3, 4, 2)),
    "pendulum": (pendulum, (200,), (10,)),
    "spring": (spring, (200,), (7,)),
    "Horner's rule": (horner, (20,), (6,)),
}
STEPS = {  # which of the sizes says how many steps there are in time
    "RNN": 0, "LSTM": 0, "GRU": 0, "Kalman filter": 0, "neural ODE": 0, "N-body": 1, "pendulum": 0, "spring": 0,
    "Horner's rule": 0}


def of_steps(name, steps):
    """The sizes of the benchmark, but with so many steps in time."""
    sizes = list(CLIENTS[name][1])
    sizes[STEPS[name]] = steps
    return sizes
