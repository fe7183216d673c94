"""Loops: where the scalar code has steps in time, the page has a loop, and does what the scalar graph does."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from micrograd2.compiler import compile
from micrograd2.compiler.repeats import Order
from micrograd2.engine import Value, dot, logsumexp, maximum, total
from tests.bench.clients import CLIENTS, flat
from tests.compiler.scalar_code import assert_agrees, batch, compiled, slow, values
from tests.libraries import jax_precision

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises


def code(program):
    """The lines of the program, without the tables above it."""
    return program.source.split("def program")[1].splitlines()


def is_loop(program):
    return any(line.strip().startswith("for ") for line in code(program))


@pytest.mark.parametrize("name, few, many", [
    ("RNN", (8, 2, 3), (19, 2, 3)), ("LSTM", (8, 2, 3), (19, 2, 3)), ("GRU", (8, 2, 3), (19, 2, 3)),
    ("Kalman filter", (12,), (23,)), ("neural ODE", (7, 3), (12, 3)), ("N-body", (3, 8), (3, 15)),
    ("pendulum", (9,), (200,)), ("spring", (9,), (200,)), ("Horner's rule", (9,), (200,))])
def test_the_page_does_not_grow_with_the_number_of_steps(name, few, many):
    make, pages = CLIENTS[name][0], []
    for sizes in (few, many):
        client = make(*sizes)
        arrays = client.draw(np.random.default_rng(0), 3)
        program = compiled(client.cost, client.parameters, *arrays, tolerance=1e-12)
        assert is_loop(program)
        pages.append([len(page.split("def program")[1].splitlines())  # above it, there may be a table of numbers
                      for page in (program.source, program.outputs_source, program.jax_source)])
    assert pages[0] == pages[1]


def test_2000_steps_are_written_in_the_lines_of_20():
    few, many = (compiled(client.cost, client.parameters, *client.draw(np.random.default_rng(0), 2), tolerance=1e-9)
                 for client in map(CLIENTS["spring"][0], (20, 2000)))
    assert len(few.source.splitlines()) == len(many.source.splitlines())


# Random recurrences: states of n numbers, made new by the same steps in every turn

TURN_STEPS = {  # each makes new numbers of u and v, and of inputs x, parameters c, constants k of a turn
    "linear": lambda u, v, x, W, b, c, k: [dot(w, u, p) for w, p in zip(W, b)],
    "bare": lambda u, v, x, W, b, c, k: [sum(p * q for p, q in zip(w, v)) for w in W],
    "joined": lambda u, v, x, W, b, c, k: [dot(w + w, x + u, p) for w, p in zip(W, b)],
    "tanh": lambda u, v, x, W, b, c, k: [p.tanh() for p in u],
    "sine": lambda u, v, x, W, b, c, k: [(p + q).sin() for p, q in zip(u, x)],
    "mix": lambda u, v, x, W, b, c, k: [0.5 * p + 0.25 * q for p, q in zip(u, v)],
    "product": lambda u, v, x, W, b, c, k: [p * q for p, q in zip(u, v)],
    "input": lambda u, v, x, W, b, c, k: [0.5 * p + q for p, q in zip(u, x)],
    "parameters of the turn": lambda u, v, x, W, b, c, k: [0.5 * p + q for p, q in zip(u, c)],
    "constants of the turn": lambda u, v, x, W, b, c, k: [p * q for p, q in zip(u, k)],
    "normed": lambda u, v, x, W, b, c, k: [p / (sum(q * q for q in u) + 1.0) for p in v],
    "total": lambda u, v, x, W, b, c, k: [0.1 * p + 0.3 * sum(u) for p in v],
    "softmax": lambda u, v, x, W, b, c, k: [(p - logsumexp(u)).exp() for p in u],
    "larger": lambda u, v, x, W, b, c, k: [maximum(0.9 * p, q + 0.011) for p, q in zip(u, x)],
    "triangle": lambda u, v, x, W, b, c, k: [dot(w[:i + 1], u[:i + 1], p) for i, (w, p) in enumerate(zip(W, b))],
    "turned": lambda u, v, x, W, b, c, k: u[1:] + u[:1],
}
FIRSTS = {"numbers": lambda x, b: [Value(0.3)] * len(b), "zeros": lambda x, b: [Value(0.0)] * len(b),
          "parameters": lambda x, b: b, "inputs": lambda x, b: x}
ENDS = ("the last", "every one", "every second", "their total", "a running mean", "turned and cut", "products",
        "log-sum-exps", "ragged", "sums of some", "a weighted sum")


@st.composite
def recurrences(draw):
    """f, parameters, arrays of 3 examples; how many turns there are."""
    n, turns, states = draw(st.integers(1, 3)), draw(st.integers(4, 9)), draw(st.integers(1, 3))
    steps = draw(st.lists(st.tuples(st.sampled_from(sorted(TURN_STEPS)), st.integers(0, 9), st.integers(0, 9)),
                          min_size=states, max_size=7))
    first, end = draw(st.sampled_from(sorted(FIRSTS))), draw(st.sampled_from(ENDS))
    back = draw(st.integers(1, 3))  # the state of how many turns before is used as well
    W, b, c = values(n, n), values(n, seed=1), values(turns, n, seed=2)
    constants = np.random.default_rng(3).uniform(-1, 1, (turns, n)).tolist()
    as_list, squared = draw(st.booleans()), draw(st.booleans())

    def f(x):
        inputs = [x[n * t:n * t + n] for t in range(turns)]
        before = [[FIRSTS[first](inputs[0], b) for _ in range(states)]] * back
        kept, mean = [], Value(0.0)
        for t in range(turns):
            made = [*before[-1], before[-back][0]]
            for name, i, j in steps:
                made.append(TURN_STEPS[name](made[-1 - i % len(made)], made[j % len(made)], inputs[t], W, b, c[t],
                                             constants[t]))
            before.append(made[-states:])
            kept.append(before[-1][0])
            mean = 0.9 * mean + 0.1 * before[-1][-1][0]
        results = {"the last": flat(before[-1]), "every one": flat(kept), "every second": flat(kept[::2]),
                   "their total": [sum(column) for column in zip(*kept)], "a running mean": [mean],
                   "turned and cut": flat([h[::-1][:2] for h in kept]),
                   "products": [dot(w, h).tanh() for h in kept for w in W],
                   "log-sum-exps": [logsumexp([dot(w, h, p) for w, p in zip(W, b)]) for h in kept],
                   "ragged": [logsumexp([p * w[0] for p in h[:i + 1]]) for h in kept for i, w in enumerate(W)],
                   "sums of some": [sum(p * p for p in h[:i + 1]) for h in kept for i in range(n)],
                   "a weighted sum": [sum(dot(b, [p * p + q for p, q in zip(h, c[0])]) for h in kept)]}[end]
        return results if as_list else sum((v - 0.3) ** 2 if squared else v for v in results)

    return f, flat(W, b, c), [np.random.default_rng(4).uniform(-1, 1, (3, n * turns))]


@slow
@given(recurrences())
def test_random_recurrences_equal_the_scalar_graph(recurrence):
    f, parameters, arrays = recurrence
    program = compile(f, parameters, arrays[0][0])
    assert_agrees(program, f, parameters, *arrays)


# What must hold of loops, one by one

def recurrent(step, turns=8, first=0.5):
    """h = step(h, x[t], t), turn after turn; its square at the end."""
    def f(x):
        h = Value(first)
        for t in range(turns):
            h = step(h, x[t], t)
        return h ** 2
    return f


W, U, C = Value(0.7, "w"), Value(-0.4, "u"), [Value(0.1 * t) for t in range(16)]


@pytest.mark.parametrize("step", [
    lambda h, x, t: (W * h + U * x).tanh(),
    lambda h, x, t: (W * h + C[t]).tanh(),                          # a parameter of every turn
    lambda h, x, t: (W * h + 0.1 * t).tanh() * x,                   # a number of every turn
    lambda h, x, t: (W * h).tanh() + (x * 0.5 if t % 2 else x),     # two kinds of turn
    lambda h, x, t: maximum(W * h, x) - U * (h * h),
    lambda h, x, t: W * h / (h * h + 1.0) + x.exp(),
], ids=["a cell", "own parameters", "own numbers", "even and odd", "a maximum", "a quotient"])
def test_a_recurrence_becomes_a_loop(step):
    few, many = (compiled(recurrent(step, turns), [W, U, *C], batch(3, turns)) for turns in (8, 16))
    assert is_loop(few) and is_loop(many)
    assert len(code(few)) == len(code(many)) < 60


def test_fewer_than_four_turns_are_written_out():
    program = compiled(recurrent(lambda h, x, t: (W * h + U * x).tanh(), turns=3), [W, U], batch(3, 3))
    assert not is_loop(program)


def test_two_chains_that_take_turns_are_both_followed():
    def f(x):
        g, h = x[0], x[1]
        for _ in range(8):
            g, h = (W * h).sin(), (U * g).sin()
        return g * h
    compiled(f, [W, U], batch(3, 2))


def test_a_number_two_turns_old_is_carried_twice():
    def f(x):
        old, h = x[0], x[1]
        for t in range(2, 12):
            old, h = h, (W * h + U * old + x[t]).tanh()
        return h ** 2
    program = compiled(f, [W, U], batch(3, 12))
    assert is_loop(program)


def test_weighted_sums_of_every_turn_are_added_up():
    def f(x):
        h, run = x[0:2], 0.0
        for t in range(1, 9):
            h = [(W * p + q).tanh() for p, q in zip(h, x[2 * t:2 * t + 2])]
            run = run + dot(C[:2], [p * p + q for p, q in zip(h, C[2:])])
        return run
    compiled(f, [W, *C], batch(3, 18))
    compiled(lambda x: f(x) ** 2, [W, *C], batch(3, 18))


def test_the_total_of_running_totals():
    def f(x):
        h, run, kept = x[0], x[0], []
        for t in range(1, 12):
            h = (W * h + x[t]).tanh()
            run = run + h
            kept.append(run)
        return sum(kept)
    compiled(f, [W], batch(3, 12))


def test_a_sum_whose_turns_hand_back_the_same_is_no_loop_backwards():
    def f(x):
        h, squares = x[0:2], []
        for t in range(1, 9):
            h = [(W * p + q).tanh() for p, q in zip(h, x[2 * t:2 * t + 2])]
            squares += [sum(p * p for p in h[:i + 1]) ** 2 for i in range(2)]
        return sum(squares)
    compiled(f, [W], batch(3, 18))


def test_what_is_made_of_every_state_may_be_a_long_chain():
    def f(x):
        h, run = x[0], 0.0
        for t in range(1, 6):
            h = (W * h + x[t]).tanh()
            end = h
            for _ in range(400):
                end = end.sin()
            run = run + end
        return run
    compiled(f, [W], batch(3, 6))


def test_a_long_chain_of_different_depths_compiles():
    w = Value(0.5)

    def f(x):
        for _ in range(2000):
            x = [(x[0] * w).sin()]
        return x[0]
    compiled(f, [w], batch(2, 1))


def test_a_loss_at_every_one_of_many_steps():
    w = Value(0.5)

    def f(x):
        h, losses = x[0], []
        for _ in range(1500):
            h = (w * h).tanh()
            losses.append(h * h)
        return total(losses)
    compiled(f, [w], batch(2, 1))


def test_two_chains_side_by_side_are_one_loop():
    def f(x):
        h = [x[0], x[1]]
        for t in range(2, 24):
            h.append((W * h[-2] + x[t]).tanh())
        return h[-1] * h[-2]
    program = compiled(f, [W], batch(3, 24))
    assert is_loop(program)


def test_a_turn_that_needs_what_was_made_of_it_elsewhere_is_no_turn():
    def f(x):
        b = (U * x[1]).cos()
        a = (W * b.exp()).sin()
        for t in range(2, 14):
            a, b = (W * b).sin(), (U * a).cos()
        return a * b
    assert is_loop(compiled(f, [W, U], batch(3, 2)))


def test_what_follows_another_loop_is_a_loop_too():
    def f(x):
        h = x[0]
        for t in range(8):
            h = (W * h + x[t]).tanh()
        for t in range(9):
            h = (U * h - x[t]).sin()
        return h
    program = compiled(f, [W, U], batch(3, 9))
    assert sum(line.strip().startswith("for ") for line in code(program)) == 4


def test_a_loop_may_read_what_another_left_and_first_what_it_began_with():
    def f(x):
        kept, h = [x[0].exp()], x[1]
        for t in range(8):
            kept.append((W * kept[-1] + x[t]).tanh() * x[t + 1])
        for one in kept:
            h = (U * h - one).sin()
        return h
    compiled(f, [W, U], batch(3, 9))


def test_what_is_done_to_every_state_after_the_loop_is_done_to_all_at_once():
    def f(x, y):
        h, kept = x[0], []
        for t in range(1, 12):
            h = (W * h + x[t]).tanh()
            kept.append(h)
        return sum((h - other) ** 2 for h, other in zip(kept, y))
    program = compiled(f, [W, U], batch(3, 12), batch(3, 11, seed=1))
    assert sum(line.strip().startswith("for ") for line in code(program)) == 2
    assert len(code(program)) < 40


def test_a_pair_of_cost_and_outputs_has_loops_in_both_pages():
    def f(x, y):
        h, kept = x[0], []
        for t in range(1, 12):
            h = (W * h + x[t]).tanh()
            kept.append(h)
        return (h - y[0]) ** 2, kept
    program = compile(f, [W], [0.1] * 12, [0.2])
    arrays = [batch(3, 12), batch(3, 1, seed=1)]
    program.check(program.theta, *arrays)
    assert is_loop(program) and "for t in" in program.outputs_source
    assert program.outputs(program.theta, *arrays).shape == (3, 11)


def test_an_argument_may_be_called_as_the_loop_calls_its_own_things():
    def f(t, carried, slices, x1):
        h = t[0]
        for k in range(8):
            h = (W * h + carried[k] * slices[0]).tanh() + x1[0]
        return h
    pytest.importorskip("jax")
    program = compile(f, [W], [0.1], [0.1] * 8, [0.2], [0.3])
    arrays = [batch(3, 1), batch(3, 8), batch(3, 1), batch(3, 1)]
    assert_agrees(program, f, [W], *arrays)
    loss, _ = program(program.theta, *arrays)
    with jax_precision(True):
        assert float(program.jax()(program.theta, *arrays)) == pytest.approx(loss, rel=1e-12)


@settings(max_examples=max(1, settings().max_examples // 10))
@given(recurrences())
@example(None)
def test_loops_in_jax_equal_the_scalar_graph(recurrence):
    jax = pytest.importorskip("jax")
    if recurrence is None:
        client = CLIENTS["RNN"][0](9, 2, 3)
        f, parameters, arrays = client.cost, client.parameters, client.draw(np.random.default_rng(0), 3)
    else:
        f, parameters, arrays = recurrence
    program = compile(f, parameters, arrays[0][0])
    with jax_precision(True):
        if not program.is_cost:
            found = np.asarray(jax.jit(program.jax())(program.theta, *arrays))
            np.testing.assert_allclose(found, program(program.theta, *arrays), rtol=1e-10, atol=1e-10)
            return
        loss, gradient = jax.jit(jax.value_and_grad(program.jax()))(program.theta, *arrays)
    expected_loss, expected_gradient = program(program.theta, *arrays)
    assert float(loss) == pytest.approx(expected_loss, rel=1e-10)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-9)


def test_a_division_by_zero_in_some_turn_names_its_line():
    program = compile(lambda x: recurrent(lambda h, x, t: W * h + 1 / x)(x), [W], [1.0] * 8)
    with pytest.raises(FloatingPointError, match=r"divide by zero .*, in line \d+ of the program"):
        program(program.theta, [[1.0] * 7 + [0.0]])


def lorenz(h, x, w, dt=0.01):
    a, b, c = h
    return [a + dt * w[0] * (b - a), b + dt * (a * (w[1] - c) - b), c + dt * (a * b - w[2] * c)]


def friction(h, x, w, dt=0.1):
    def slope(angle, speed):
        return speed, -w[0] * angle.sin() - w[1] * speed

    def away(k, far):
        return [a + far * d for a, d in zip(h, k)]

    one = slope(*h)
    two = slope(*away(one, dt / 2))
    three = slope(*away(two, dt / 2))
    four = slope(*away(three, dt))
    return [a + dt / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(h, one, two, three, four)]


def predator(h, x, w, dt=0.02):
    hares, foxes = h
    return [hares + dt * hares * (w[0] - w[1] * foxes), foxes + dt * foxes * (w[1] * hares - w[2])]


def heavy_ball(h, x, w):
    place, speed = h
    speed = 0.9 * speed - 0.02 * w[0] * (4 * place * place * place - place + w[1])
    return [place + speed, speed]


@pytest.mark.parametrize("step, states", [(lorenz, 3), (friction, 2), (predator, 2), (heavy_ball, 2)])
def test_steps_of_several_numbers_that_are_written_one_by_one_become_a_loop(step, states):
    pages = []
    for steps in (12, 25):
        w, X = values(3, low=0.5, high=1.5), batch(3, states, low=0.2, high=0.9)

        def f(x):
            h = x
            for _ in range(steps):
                h = step(h, x, w)
            return sum(a * a for a in h)

        program = compiled(f, w, X)
        assert is_loop(program)
        pages.append(len(code(program)))
    assert pages[0] == pages[1]


def test_what_reads_a_state_a_thousand_times_in_a_turn_needs_no_recursion():
    w = values(1, low=0.1, high=0.2)

    def f(x):
        h = x[0]
        for _ in range(5):
            slow = h
            for k in range(1100):
                slow = slow + (h * (0.001 * (k + 1))).sin() * 0.001
            h = slow * w[0]
        return h

    compiled(f, w, batch(2, 1))


def test_the_more_loops_there_are_the_more_lines_are_compared_and_not_all_with_all(monkeypatch):
    compared, relations = [], Order.relations
    monkeypatch.setattr(Order, "relations", lambda *args: compared.append(args) or relations(*args))

    def comparisons(loops):
        compared.clear()
        kinds, rng = [Value.tanh, Value.sin, Value.cos, Value.atan, lambda v: v * 0.9], random.Random(1)
        steps = list(itertools.accumulate((rng.randint(1, 4) for _ in range(loops)), lambda k, n: (k + n) % 5))

        def f(x):
            v = x[0]
            for k in steps:
                for _ in range(5):
                    v = kinds[k](v)
            return v

        compile(f, [], [0.5])
        return len(compared)

    assert comparisons(160) < 6 * comparisons(40)
