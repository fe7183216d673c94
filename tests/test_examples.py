"""Every example runs by itself, in a folder of its own, with short settings, and leaves what it promises."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.libraries import needs_jax, needs_sklearn

EXAMPLES = Path(__file__).parents[1] / "examples"
SHORT = {
    "01_value.py": ([], ["01_value.svg"], "x.grad = 14\n"),
    "02_chain_rule.py": ([], ["02_chain_rule.svg"], "∂L/∂a = 6, ∂L/∂b = -4, ∂L/∂c = -2, ∂L/∂f = 4"),
    "03_order.py": ([], ["03_order.svg"], "backward() agrees: a.grad = 4."),
    "04_neuron.py": ([], ["04_neuron.svg"], "weights                   a goes from 0.3775 to 0.4548"),
    "05_sensitivity.py": ([], ["05_sensitivity.png"], " 32.0 times as sensitive"),
    "06_nudges.py": ([], ["06_nudges.svg"], "nudge −∂C/∂a      agree"),
    "07_averaging.py": (["--digits", "300", "--epochs", "5"], ["07_averaging.png"], "steps uphill"),
    "08_why_not_search.py": ([], ["08_why_not_search.png"], "13,003 forward passes"),
    "09_matrices.py": (["--widest", "8"], ["09_matrices.png"], "z1 = x @ W1.T + b1"),
    "10_when_learning_fails.py": (["--epochs", "20"], ["10_when_learning_fails.png"], "saturated: 13"),
    "11_bang_for_your_buck.py": ([], ["11_bang_for_your_buck.png"], "against the gradient           0°"),
    "13_loops.py": (["--most", "10"], ["13_loops.png"], "for t in reversed(range(24)):"),
    "12_questions.py": (["--steps", "100"], ["12_questions.png"], "12,560 + 272 + 170 = 13,002"),
    "moons.py": (["--steps", "60"], ["moons.html", "moons.png"], "accuracy on all 100 points: 100%"),
    "compile_digits.py": (["--epochs", "1", "--compare", "5"], [], "z1 = x @ W1.T + b1"),
    "gpt.py": (["--steps", "2", "--batch", "2"], [], "it invents: "),
    "many_machines.py": (["--devices", "4", "--steps", "20"], [], "13,003 numbers, by all-reduce: the average"),
    "your_network.py": (["--epochs", "2"], ["your_network.svg", "your_network.html"], "2. From PyTorch"),
    "pictures.py": (["--epochs", "1"], ["neuron.svg", "digits.svg", "backward.svg", "neuron-dark.svg",
                                        "digits-dark.svg", "backward-dark.svg"], "backward.svg"),
    "digits.py": (["--examples", "100", "--epochs", "1"], ["digits.svg", "digits.html"], "13,002 weights and biases"),
}
NEEDS = {"many_machines.py": needs_jax, "your_network.py": needs_sklearn}


def test_every_example_is_run():
    assert {*SHORT, "gallery.py"} == {path.name for path in EXAMPLES.glob("*.py")}     # that one in test_gallery.py


@pytest.mark.parametrize("name", [pytest.param(name, marks=NEEDS.get(name, ())) for name in SHORT])
def test_example(name, tmp_path):
    options, files, printed = SHORT[name]
    run = subprocess.run([sys.executable, str(EXAMPLES / name), *options], cwd=tmp_path, capture_output=True, text=True,
                         env={**os.environ, "PYTHONIOENCODING": "utf-8"}, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    assert printed in run.stdout
    if name[:2].isdigit() or name == "your_network.py":
        assert max(map(len, run.stdout.splitlines())) <= 80, "a lesson is read in a terminal"
    for file in files:
        path = tmp_path / "out" / file
        assert path.stat().st_size > 2000
        if path.suffix == ".svg":
            xml.etree.ElementTree.parse(path)


def lesson(name, folder, *options):
    """What a lesson prints, as lines."""
    run = subprocess.run([sys.executable, str(EXAMPLES / name), *options], cwd=folder, capture_output=True, check=True,
                         encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    return run.stdout.splitlines()


def numbers(line):
    return [float(number.replace(",", "")) for number in re.findall(r"[-+]?\d[\d,]*\.?\d*", line)]


def test_a_leaf_that_is_never_cleared_adds_up_beside_one_that_is(tmp_path):
    calls = [numbers(line)[1:] for line in lesson("03_order.py", tmp_path) if line.startswith("  backward")]
    assert calls == [[4 * call, 4] for call in (1, 2, 3)]


def test_an_average_is_no_vote(tmp_path):
    lines = " ".join(lesson("06_nudges.py", tmp_path))
    told = re.search(r"The \d+ that are a .* average is [-+.\d]+", lines)[0]
    few, _, _, strong, many, weak, average = numbers(told)
    assert few < many and strong > 0 > weak and average > 0
    assert average == pytest.approx((few * strong + many * weak) / (few + many), abs=2e-3)


def test_mini_batches_are_ahead_for_the_same_work(tmp_path):
    lines = lesson("07_averaging.py", tmp_path, "--epochs", "20")
    losses, uphill = zip(*(numbers(line)[-2:] for line in lines if line.startswith(("careful", "drunk", "very drunk"))))
    assert list(losses) == sorted(losses, reverse=True) and uphill[0] < min(uphill[1:])


def test_every_cure_helps(tmp_path):
    lines = lesson("10_when_learning_fails.py", tmp_path)
    sick = {line[0]: numbers(line)[2] for line in lines if re.match(r"\d (vanishing|dead|saturated): loss from", line)}
    cured = {line[0]: numbers(line)[2] for line in lines if re.match(r"\d cured: loss from", line)}
    assert set(sick) == set("123") and set(cured) == set("1234")
    assert all(cured[which] < 0.3 * sick[which] for which in sick)
    assert any(line.startswith("4 exploding: loss") for line in lines)


def test_no_step_of_that_length_brings_as_much_as_one_against_the_gradient(tmp_path):
    table = lesson("11_bang_for_your_buck.py", tmp_path)[5:10]
    angles, predicted, actual, predicted_far, actual_far = zip(*(numbers(line)[-5:] for line in table))
    assert list(angles) == sorted(angles) and list(predicted) == sorted(predicted)
    assert list(actual) == sorted(actual) and actual[-1] > 0 > actual[0]
    assert all(2 * one == pytest.approx(two, abs=2e-4) for one, two in zip(predicted, predicted_far))
    assert predicted[0] < actual[0] and actual_far[0] - predicted_far[0] > 2 * (actual[0] - predicted[0])


def test_the_answers_to_the_questions_are_what_their_sentences_say(tmp_path):
    lines = lesson("12_questions.py", tmp_path, "--steps", "300")
    together, one_by_one = (numbers(line)[-1] for line in lines if line.startswith(("   moved tog", "   one by one:")))
    assert together != one_by_one and max(together, one_by_one) < 0.25
    assert [numbers(line)[-2] for line in lines if line.startswith("   read as a 2")] == [0, 100]
    unseen = [numbers(line)[-1] for line in lines if "of those not seen" in line]
    assert unseen == sorted(unseen) and len(unseen) == 4
    left, right = (numbers(line)[-2:] for line in lines if "as low as" in line)
    assert left[0] < 0 < right[0] and left[1] < right[1]
    (falls,) = (numbers(line) for line in lines if line.startswith("   loss from"))
    assert falls[0] > falls[1]


def test_gpt_learns_the_same_on_its_scalar_graph(tmp_path):
    def losses(*options):
        run = subprocess.run([sys.executable, str(EXAMPLES / "gpt.py"), "--steps", "3", "--batch", "2", *options],
                             capture_output=True, text=True, cwd=tmp_path, check=True)
        return [line for line in run.stdout.splitlines() if line.startswith("step")]
    assert losses() == losses("--scalar") and len(losses()) == 3


def many_machines(folder, *options):
    """The lines that it prints about its steps; no process of it is left behind, whatever happens."""
    run = subprocess.Popen([sys.executable, str(EXAMPLES / "many_machines.py"), "--steps", "60", *options], text=True,
                           cwd=folder, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        printed, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors
        with pytest.raises(ProcessLookupError):
            os.killpg(run.pid, 0)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    return [line for line in printed.splitlines() if line.startswith(("devices", "step", "60 steps"))]


@needs_jax
def test_two_processes_of_two_devices_learn_the_same_as_one_machine(tmp_path):
    devices, *steps, last = many_machines(tmp_path, "--processes", "2", "--devices", "2")
    assert devices == "devices: 4, processes: 2, examples of a step: 200"
    assert [line.split()[3] for line in steps] == [f"{line.split()[-1]}," for line in steps] and len(steps) == 3
    assert float(last.split()[6]) < 1e-13
    assert steps == many_machines(tmp_path)[1:-1]


@pytest.mark.parametrize("name, module, said", [
    ("many_machines.py", "jax", "this example needs JAX: pip install 'micrograd2[jax]'\n"),
    ("your_network.py", "sklearn", "this example needs scikit-learn: pip install scikit-learn\n"),
], ids=["JAX", "scikit-learn"])
def test_an_example_says_what_it_needs(tmp_path, name, module, said):
    code = f"import runpy, sys; sys.modules[{module!r}] = None; del sys.argv[0]; runpy.run_path(sys.argv[0])"
    run = subprocess.run([sys.executable, "-c", code, str(EXAMPLES / name)], cwd=tmp_path, capture_output=True,
                         text=True)
    assert run.returncode == 1 and run.stderr == said


@needs_sklearn
def test_networks_trained_elsewhere_are_the_same_here(tmp_path):
    lines = lesson("your_network.py", tmp_path, "--epochs", "2")
    probabilities, *torch = [float(line.split()[-2]) for line in lines if "at most" in line]
    assert probabilities < 1e-12
    if find_spec("torch"):
        single, double, gradients = torch
        assert single < 1e-6 and double < 1e-12 and gradients < 1e-12
        assert {"your_moons.svg", "your_moons.html"} < {path.name for path in (tmp_path / "out").iterdir()}
    else:
        assert not torch and lines[-1] == "   left out, as PyTorch is not installed: pip install torch"


def test_digits_reads_the_full_set(tmp_path):
    run = subprocess.run([sys.executable, str(EXAMPLES / "digits.py"), "--mnist", str(tmp_path / "nowhere")],
                         capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode != 0 and "train-images-idx3-ubyte" in run.stderr


def cells(kind):
    notebook = json.loads((EXAMPLES / "tour.ipynb").read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def shown(thing):
    """What a notebook asks the last expression of a cell for, most telling first, as IPython does."""
    if hasattr(thing, "_repr_mimebundle_"):
        return thing._repr_mimebundle_()
    if hasattr(thing, "_repr_svg_"):
        return {"image/svg+xml": thing._repr_svg_()}
    return {"text/plain": repr(thing)}


def run_cell(source, names):
    """Run a cell as a notebook does; what its last expression shows."""
    *before, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        before, last = [*before, last], None
    exec(compile(ast.Module(before, []), "tour.ipynb", "exec"), names)
    value = None if last is None else eval(compile(ast.Expression(last.value), "tour.ipynb", "eval"), names)
    return {} if value is None else shown(value)


def test_the_tour_runs_from_the_top_and_shows_its_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    bundles = [run_cell("".join(cell["source"]), names) for cell in cells("code")]
    pictures = [bundle["image/svg+xml"] for bundle in bundles if "image/svg+xml" in bundle]
    assert len(pictures) == 13 and sum("text/html" in bundle for bundle in bundles) == 2
    for picture in pictures:
        xml.etree.ElementTree.fromstring(picture)
    assert "∂d/∂a += 1.0 × -1.5 = -1.5   so far -0.5" in capsys.readouterr().out
    assert names["history"].accuracy[-1] > 0.8 and not list(tmp_path.iterdir())
    assert bundles[2] == {"text/plain": "(-0.5, 2.0)"}


def test_the_tour_is_written_without_outputs_and_short():
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells("code"))
    assert all(len(cell["source"]) <= 15 for cell in cells("code"))
    ids = [cell["id"] for cell in cells("code") + cells("markdown")]
    assert len(set(ids)) == len(ids)
