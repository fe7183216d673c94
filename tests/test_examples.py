"""Every example runs by itself, in a folder of its own, with short settings, and leaves what it promises."""

import os
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SHORT = {
    "01_value.py": ([], ["01_value.svg"], "x.grad = 14\n"),
    "02_chain_rule.py": ([], ["02_chain_rule.svg"], "∂L/∂a = 6, ∂L/∂b = -4, ∂L/∂c = -2, ∂L/∂f = 4"),
    "03_order.py": ([], ["03_order.svg"], "backward() agrees: a.grad = 4."),
    "04_neuron.py": ([], ["04_neuron.svg"], "weights      a goes from 0.3775 to 0.4548"),
    "05_sensitivity.py": ([], ["05_sensitivity.png"], " 32.0 times as sensitive"),
    "06_nudges.py": ([], ["06_nudges.svg"], "nudge −∂C/∂a      agree"),
    "07_averaging.py": (["--digits", "300", "--epochs", "5"], ["07_averaging.png"], "led uphill"),
    "08_why_not_search.py": ([], ["08_why_not_search.png"], "13,003 forward passes"),
    "09_matrices.py": (["--widest", "8"], ["09_matrices.png"], "z1 = x @ W1.T + b1"),
    "10_when_learning_fails.py": (["--epochs", "20"], ["10_when_learning_fails.png"], "saturated: 13"),
    "neuron.py": ([], ["neuron.svg"], "a = sigmoid(z) = 0.6225"),
    "moons.py": (["--steps", "60"], ["moons.png"], "accuracy on all 100 points: 100%"),
    "compile_digits.py": (["--epochs", "1", "--compare", "5"], [], "z1 = x @ W1.T + b1"),
    "gpt.py": (["--steps", "2", "--batch", "2"], [], "it invents: "),
    "digits.py": (["--examples", "100", "--epochs", "1"], ["digits.svg"], "13,002 weights and biases"),
}


def test_every_example_is_run():
    assert set(SHORT) == {path.name for path in EXAMPLES.glob("*.py")}


@pytest.mark.parametrize("name", SHORT)
def test_example(name, tmp_path):
    options, files, printed = SHORT[name]
    run = subprocess.run([sys.executable, str(EXAMPLES / name), *options], cwd=tmp_path, capture_output=True, text=True,
                         env={**os.environ, "PYTHONIOENCODING": "utf-8"}, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    assert printed in run.stdout
    for file in files:
        path = tmp_path / "out" / file
        assert path.stat().st_size > 2000
        if path.suffix == ".svg":
            xml.etree.ElementTree.parse(path)


def test_gpt_learns_the_same_on_its_scalar_graph(tmp_path):
    def losses(*options):
        run = subprocess.run([sys.executable, str(EXAMPLES / "gpt.py"), "--steps", "3", "--batch", "2", *options],
                             capture_output=True, text=True, cwd=tmp_path, check=True)
        return [line for line in run.stdout.splitlines() if line.startswith("step")]
    assert losses() == losses("--scalar") and len(losses()) == 3


def test_digits_reads_the_full_set(tmp_path):
    run = subprocess.run([sys.executable, str(EXAMPLES / "digits.py"), "--mnist", str(tmp_path / "nowhere")],
                         capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode != 0 and "train-images-idx3-ubyte" in run.stderr
