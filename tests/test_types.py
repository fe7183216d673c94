"""What a type checker tells a user: a small client under `mypy --strict`, against the package that is imported here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import micrograd2

FOUND = Path(micrograd2.__file__).parents[1]
CLIENT = '''
from micrograd2 import MLP, SGD, Value, accuracy, compile, data, draw, explain, fit, gradient, play, squared_error

X, y = data.xor()
net = MLP(2, [4, 1], activation="tanh", seed=1)
history = fit(net, X, y, optimizer=SGD(lr=0.1), epochs=3, progress=False)
output: Value = net(X[0])   # one Value or a list, by the number of outputs, which no checker can see
cost = squared_error([output], [y[0]])
program = compile(lambda x, t: squared_error([net(x)], t), net.parameters(), X[0], [y[0]])
both = compile(lambda x, t: (net(x) * t[0], net.layers[0](x)), net.parameters(), X[0], [y[0]])
hidden = compile(lambda x: net.layers[0](x), net.parameters(), X[0])
outputs = compile(lambda x: net(x), net.parameters(), X[0])
a: Value
b: Value
a, b = MLP(2, [2])([1, 2.0])
'''
TYPES = {
    "2 * output ** 2 - 1 / output": "Value", "cost": "Value", "cost.grad": "float", "cost.backward()": "None",
    "gradient(cost, net.parameters())": "list[Value]",
    "net.layers[0](X[0])": "list[Value]", "net.layers[0].neurons[0](X[0])": "Value",
    "net.named_parameters()": "list[tuple[str, Value]]",
    "history.loss": "list[float]", "accuracy(net, X, y)": "float",
    "program": "Program[tuple[float, ndarray]]", "both": "Program[tuple[float, ndarray]]",
    "program(program.theta, X, y)": "tuple[float, ndarray]", "program.theta": "ndarray",
    "hidden(hidden.theta, X)": "ndarray", "outputs": "Program[Any]", "outputs.outputs(outputs.theta, X)": "ndarray",
    "draw(cost)": "Picture", "draw(net, X[0], y[0])": "Picture", "draw(cost).svg()": "str",
    "play(net, X, y)": "Page", "play(cost).html": "str",
    "explain.nudges(net, X, y)": "Nudges", "explain.sensitivities(net, X, y)": "Sensitivities",
    "explain.health(net, X)": "Health", "explain.paths(cost, output)": "Paths", "explain.ledger(cost)": "Ledger",
    "explain.ledger(cost).entries[0].upstream": "float",
    "explain.gradcheck(lambda v: v.tanh(), [1.0])": "bool",
    "data.digits().x_train": "ndarray",
}


def short(revealed):
    """A type without the names of its modules, and an array's without its parameters."""
    revealed = re.sub(r"\b(?:\w+\.)+(?=\w)", "", revealed)
    return re.sub(r"ndarray\[(?:[^][]|\[[^][]*\])*\]", "ndarray", revealed)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What mypy says of the client, as lines: under each of the expressions its type."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "client.py").write_text(CLIENT + "".join(f"reveal_type({expression})\n" for expression in TYPES))
    run = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "client.py"], cwd=folder,
                         env={**os.environ, "MYPYPATH": "" if "site-packages" in str(FOUND) else str(FOUND)},
                         capture_output=True, text=True)
    return run.stdout.splitlines()


def test_a_client_is_clean_under_mypy_strict(checked):
    assert checked[-1].startswith("Success"), "\n".join(checked)


def test_what_a_user_gets_has_a_type(checked):
    revealed = [re.search('Revealed type is "(.*)"$', line)[1] for line in checked if "Revealed type" in line]
    assert {expression: short(type) for expression, type in zip(TYPES, revealed)} == TYPES
