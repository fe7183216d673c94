"""A run that was killed goes on from its checkpoint, to the same numbers; what is not its checkpoint is refused."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from micrograd2 import MLP, SGD, Adam, Value, fit, max_margin, squared_error
from micrograd2.checkpoint import fingerprint, read, write
from micrograd2.nn import Module
from micrograd2.train import mini_batches
from tests.programs import VALUES, programs, run

RULES = {"plain": lambda: SGD(0.2), "momentum": lambda: SGD(0.1, momentum=0.9), "Adam": lambda: Adam(0.05),
         "falling rate": lambda: SGD(lambda step: 0.3 / (1 + step))}


def task(n=30):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((n, 3))
    return MLP(3, [4, 1], activation="tanh", seed=2), X, np.sign(X @ [1.0, -2.0, 0.5])


def numbers(net):
    return [p.data for p in net.parameters()]


def seen(history):
    return history.loss, history.epoch_loss, history.accuracy


class Killed(Exception):
    pass


def stopping(after, history):
    if len(history.epoch_loss) == after:
        raise Killed


@pytest.mark.parametrize("way", [{"compiled": True}, {"compiled": False}, {"dtype": "float32"}], ids=str)
@pytest.mark.parametrize("rule", RULES)
def test_a_run_that_was_stopped_goes_on_to_the_same_numbers_bit_for_bit(tmp_path, rule, way):
    settings = {"cost": max_margin, "batch_size": 7, "seed": 3, "progress": False, **way}
    whole, X, Y = task()
    expected = fit(whole, X, Y, optimizer=RULES[rule](), epochs=6, **settings)
    for after in (1, 3, 5):
        path = tmp_path / f"{after}.json"
        net, X, Y = task()
        with pytest.raises(Killed):
            fit(net, X, Y, optimizer=RULES[rule](), epochs=6, checkpoint=path,
                callback=partial(stopping, after), **settings)
        fresh, X, Y = task()
        for p in fresh.parameters():
            p.data += 1.0  # whatever it is now, the file decides
        history = fit(fresh, X, Y, optimizer=RULES[rule](), epochs=6, checkpoint=path, **settings)
        assert numbers(fresh) == numbers(whole) and seen(history) == seen(expected)
        again = fit(fresh, X, Y, optimizer=RULES[rule](), epochs=6, checkpoint=path, **settings)  # nothing left to do
        assert numbers(fresh) == numbers(whole) and seen(again) == seen(expected)
        longer = fit(fresh, X, Y, optimizer=RULES[rule](), epochs=8, checkpoint=path, **settings)
        more, X, Y = task()
        assert seen(longer) == seen(fit(more, X, Y, optimizer=RULES[rule](), epochs=8, **settings))
        assert numbers(fresh) == numbers(more)


@pytest.mark.parametrize("rule", RULES)
def test_an_optimiser_that_was_interrupted_at_any_step_goes_on_with_the_same_call(tmp_path, monkeypatch, rule):
    def call(net, optimizer, path=None):
        return fit(net, X, Y, optimizer=optimizer, epochs=2, batch_size=10, checkpoint=path, compiled=False,
                   progress=False)

    def stopped(*given):
        for number, batch in enumerate(mini_batches(*given)):
            if 3 * given[-1] + number == step:
                raise KeyboardInterrupt
            yield batch

    whole, X, Y = task()
    expected = call(whole, RULES[rule]())
    for step in range(6):
        (net, _, _), optimizer, path = task(), RULES[rule](), tmp_path / f"{step}.json"
        monkeypatch.setattr("micrograd2.train.mini_batches", stopped)
        with pytest.raises(KeyboardInterrupt):
            call(net, optimizer, path)
        monkeypatch.undo()
        assert seen(call(net, optimizer, path)) == seen(expected) and numbers(net) == numbers(whole)


@pytest.mark.parametrize("way", [{"compiled": True}, {"compiled": False}, {"dtype": "float32"}], ids=str)
@pytest.mark.parametrize("after", [1, 2])
def test_what_a_callback_writes_into_the_parameters_is_in_the_checkpoint(tmp_path, after, way):
    def halve(history, stop):
        if len(history.epoch_loss) == after:
            for p in net.parameters():
                p.data /= 2
            if stop:
                raise Killed

    net, X, Y = task()
    expected = seen(fit(net, X, Y, epochs=3, progress=False, callback=partial(halve, stop=False), **way))
    whole, (net, _, _) = numbers(net), task()
    call = partial(fit, X=X, Y=Y, epochs=3, progress=False, checkpoint=tmp_path / "run.json", **way)
    with pytest.raises(Killed):
        call(net, callback=partial(halve, stop=True))
    net, _, _ = task()
    assert (seen(call(net)), numbers(net)) == (expected, whole)


def test_a_checkpoint_changes_nothing_in_a_run(tmp_path):
    (one, X, Y), (other, _, _) = task(), task()
    fit(one, X, Y, epochs=3, progress=False)
    fit(other, X, Y, epochs=3, progress=False, checkpoint=str(tmp_path / "run.json"))
    assert numbers(one) == numbers(other) and os.listdir(tmp_path) == ["run.json"]


def test_the_bar_of_a_run_that_goes_on_begins_where_it_was(tmp_path, capsys):
    for epochs in (2, 5):
        net, X, Y = task()
        fit(net, X, Y, epochs=epochs, batch_size=10, checkpoint=tmp_path / "run.json")
    assert "15/15" in capsys.readouterr().err


def trained(path, pause=0.0):
    net, X, Y = task()
    history = fit(net, X, Y, cost=max_margin, optimizer=Adam(0.05), epochs=12, batch_size=7, progress=False,
                  checkpoint=path, callback=lambda history: time.sleep(pause))
    return numbers(net), seen(history)


def epochs_in(path):
    return len(json.loads(path.read_text())["state"]["history"]["epoch_loss"]) if path.exists() else 0


def alive(child):
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, to be killed often")
@pytest.mark.forks
def test_fifty_kills_at_any_moment_lose_at_most_the_epoch_that_was_under_way(tmp_path):
    path, rng = tmp_path / "run.json", random.Random(0)
    expected = trained(tmp_path / "whole.json")
    kills, epochs = 0, []
    while kills < 50:
        path.unlink(missing_ok=True)
        for epoch in sorted(rng.sample(range(12), 4)):  # a run that is killed four times, somewhere in these epochs
            child = os.fork()
            if child == 0:
                try:
                    trained(path, pause=0.004)
                finally:
                    os._exit(0)
            while epochs_in(path) < epoch and alive(child):
                time.sleep(0.0005)
            time.sleep(rng.uniform(0.0, 0.01))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1
            epochs.append(epochs_in(path))
        assert trained(path) == expected
    assert len(set(epochs)) > 2  # they came at different moments
    assert sorted(os.listdir(tmp_path)) == ["run.json", "whole.json"]


class Bent:
    """An activation that is an object, of the kind that a process prints with its address."""

    def __call__(self, z):
        return z.tanh() + 0.1 * z


class Own(Module):
    """A network of one's own, without a text of its own."""

    def __init__(self):
        self.inner, self.scale = MLP(3, [4, 1], activation=Bent(), seed=2), Value(1.5)

    def __call__(self, x):
        return self.inner(x) * self.scale


OWN = {"Module": Own, "activation": lambda: MLP(3, [4, 1], activation=Bent(), seed=2)}


def trained_own(make, epochs, path=None, shift=0.0):
    (_, X, Y), net = task(), OWN[make]()
    for p in net.parameters():
        p.data += shift
    history = fit(net, X, Y, cost=lambda a, y: (a - y) ** 2 + 0.1 * abs(a), batch_size=7, epochs=epochs,
                  optimizer=SGD(lambda step: 0.1 / (1 + step)), progress=False, checkpoint=path)
    return numbers(net), seen(history)


@pytest.mark.parametrize("make", OWN)
def test_a_network_of_ones_own_goes_on_in_another_process_bit_for_bit(tmp_path, make):
    path = tmp_path / "run.json"
    program = f"from tests.test_checkpoint import trained_own; trained_own({make!r}, 2, {str(path)!r})"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[1])
    assert epochs_in(path) == 2
    assert trained_own(make, 5, path, shift=1.0) == trained_own(make, 5)


def made(program, factor=1.0):
    """A cost that runs a random program on its output and target, and a learning rate, of the names of all others."""
    def cost(output, target):
        leaves = [output * 0 + x for x in program.leaves]
        return run(program.steps, leaves, VALUES) * 0 + (output - target) ** 2 * factor
    return cost


def result_of(program):
    return run(program.steps, [Value(x) for x in program.leaves], VALUES).data


@given(programs(), programs())
@settings(max_examples=30)
def test_another_cost_of_the_same_name_is_refused_and_the_same_is_not(tmp_path_factory, program, other):
    path = tmp_path_factory.mktemp("run") / "run.json"
    fit_made = partial(fit, progress=False, compiled=False, checkpoint=path)
    net, X, Y = task(4)
    fit_made(net, X, Y, made(program))
    fit_made(net, X, Y, made(program), epochs=2)
    different = [made(program, 2.0)]
    if result_of(program) != result_of(other):
        different.append(made(other))
    for cost in different:
        with pytest.raises(ValueError, match="another run: its graph of one example was"):
            fit_made(net, X, Y, cost, epochs=3)


def either(net, x):
    """What looks at its numbers has another graph on either side."""
    output = net.inner(x)
    return output if output.data > 0 else 2 * output


@pytest.mark.parametrize("forward", [either, lambda net, x: net.inner(x) * random.gauss(1.0, 0.1)])
def test_a_network_whose_graph_is_not_always_the_same_goes_on(tmp_path, monkeypatch, forward):
    monkeypatch.setattr(Own, "__call__", forward)
    (_, X, Y), net, random_state = task(), Own(), random.getstate()
    random.seed(0)
    for epochs in range(1, 20):
        history = fit(net, X, Y, epochs=epochs, compiled=False, progress=False, checkpoint=tmp_path / "run.json")
        for p in net.parameters():
            p.data += 0.1 * epochs
    random.setstate(random_state)
    assert len(history.epoch_loss) == 19


@settings(max_examples=30)
@given(rate=st.floats(1e-3, 1e-1), factor=st.floats(0, 3), since=st.integers(0, 4))
def test_another_learning_rate_is_refused_though_it_is_a_function(tmp_path_factory, rate, factor, since):
    def rates(factor):
        return SGD(lambda step: rate * factor if step >= since else rate)

    path = tmp_path_factory.mktemp("run") / "run.json"
    net, X, Y = task()
    fit_here = partial(fit, net, X, Y, batch_size=6, progress=False, compiled=False, checkpoint=path)
    fit_here(optimizer=rates(1.0))
    fit_here(optimizer=rates(1.0), epochs=2)
    if rate * factor != rate:
        with pytest.raises(ValueError, match="another run: its optimizer was"):
            fit_here(optimizer=rates(factor), epochs=3)


OTHERWISE = {
    "seed": {"seed": 1}, "batch_size": {"batch_size": 5}, "cost": {"cost": squared_error},
    "optimizer": {"optimizer": SGD(0.2)}, "dtype": {"dtype": "float32"}, "examples": {}, "network": {}}


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_checkpoint_of_another_run_is_refused_and_nothing_changes(tmp_path, name):
    path = tmp_path / "run.json"
    net, X, Y = task()
    fit(net, X, Y, cost=max_margin, optimizer=SGD(0.1), progress=False, checkpoint=path)
    before, written = numbers(net), path.read_bytes()
    settings = {"cost": max_margin, "optimizer": SGD(0.1)} | OTHERWISE[name]
    if name == "examples":
        X = X + 1e-9
    if name == "network":
        net = MLP(3, [2, 2, 1], activation="tanh", seed=2)
        before = numbers(net)
    with pytest.raises(ValueError, match=f"run.json is the checkpoint of another run: its {name} was "):
        fit(net, X, Y, epochs=2, progress=False, checkpoint=path, **settings)
    assert numbers(net) == before and path.read_bytes() == written


def test_a_damaged_checkpoint_is_refused_and_nothing_changes(tmp_path):
    path = tmp_path / "run.json"
    net, X, Y = task(4)
    fit(net, X, Y, optimizer=SGD(0.1, momentum=0.5), progress=False, checkpoint=path)
    whole, before = path.read_text(), numbers(net)
    changes = [lambda text, k=k: text[:k] for k in range(0, len(whole) - 2, 7)]
    words = ("theta", "velocity", "steps", "loss", "run")
    changes += [lambda text, word=word: text.replace(word, "?") for word in words]
    changes += [lambda text: "[]", lambda text: "{}", lambda text: text.replace('"theta": [', '"theta": [1.0, '),
                lambda text: text.replace('"steps": 1', '"steps": "1"'),
                lambda text: text.replace('"loss": [', '"loss": [{},')]
    for change in changes:
        path.write_text(change(whole))
        with pytest.raises(ValueError, match="run.json is"):
            fit(net, X, Y, optimizer=SGD(0.1, momentum=0.5), epochs=2, progress=False, checkpoint=path)
        assert numbers(net) == before


def test_what_is_read_is_what_was_written(tmp_path):
    path = tmp_path / "state.json"
    state = {"theta": np.array([1.5, -0.0, 5e-324, 1e308]), "list": [0.1, 0.2], "count": 3, "rule": {"mean": 0.0}}
    run = {"seed": 0, "shape": (1, 2), "width": np.int64(3)}
    assert read(path, run, state) is state
    write(path, run, state | {"rule": {"mean": np.array([0.1])}})
    found = read(path, run, state)
    assert found["theta"].tobytes() == state["theta"].tobytes() and found["rule"]["mean"].tolist() == [0.1]
    assert found["list"] == state["list"] and found["count"] == 3
    with pytest.raises(TypeError, match="a checkpoint holds numbers"):
        write(path, run, {"theta": object()})
    assert read(path, run, state)["count"] == 3


def test_a_fingerprint_is_of_numbers_and_shapes():
    X = np.arange(12.0)
    assert fingerprint(X) == fingerprint(X.copy()) == fingerprint(np.arange(24.0)[:12])
    assert len({fingerprint(X), fingerprint(X.reshape(3, 4)), fingerprint(X.astype(np.float32)), fingerprint(X + 1e-15),
                fingerprint(X, X), fingerprint(X[:6], X[6:])}) == 6


def test_a_folder_that_is_missing_is_told_before_an_epoch_is_lost(tmp_path):
    net, X, Y = task()
    before = numbers(net)
    with pytest.raises(FileNotFoundError):
        fit(net, X, Y, progress=False, checkpoint=tmp_path / "nowhere" / "run.json", cost=max_margin)
    assert numbers(net) == before
