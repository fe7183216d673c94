"""Training in a notebook, which is executed: the curve grows while it runs, and is there once at the end."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(not all(map(find_spec, ("nbclient", "ipykernel", "ipywidgets"))),
                                reason="no notebooks: pip install nbclient ipykernel ipywidgets")
CELLS = {
    "made": ("from micrograd2 import MLP, data, fit, max_margin\n"
             "X, y = data.moons(100, noise=0.1, seed=0)\n"
             "net = MLP(2, [8, 1], 'tanh', seed=0)\n"
             "def train(epochs=30, **settings):\n"
             "    return fit(net, X, y, cost=max_margin, epochs=epochs, batch_size=10, **settings)"),
    "assigned": "history = train()",
    "shown": "history",
    "last": "train(epochs=3)",
    "two": "first = train(epochs=3)\ntrain(epochs=2)",
    "muted": "train(epochs=3);",
    "silent": "train(epochs=3, progress=False)",
    "long": "long = train(epochs=123)",
    "interrupted": ("def stop(history):\n"
                    "    if len(history.epoch_loss) == 3:\n"
                    "        raise KeyboardInterrupt\n"
                    "train(callback=stop)"),
}
WIDGET, SVG = "application/vnd.jupyter.widget-view+json", "image/svg+xml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that executes cells; for each, what it shows in the end, and what it said on the way there."""
    import nbformat
    from nbclient import NotebookClient

    class Watched(NotebookClient):
        def process_message(self, message, cell, cell_index):
            said[cell_index].append(message)
            return super().process_message(message, cell, cell_index)

    said = []

    def execute(cells):
        said[:] = [[] for _ in cells]
        written = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        Watched(written, timeout=60, kernel_name="python3", allow_errors=True).execute(cwd=folder)
        return [(cell.outputs, messages) for cell, messages in zip(written.cells, said)]

    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(folder / name))
        patch.delenv("PYTHONWARNINGS", raising=False)  # what a kernel imports may warn; it would die of it
        yield execute


@pytest.fixture(scope="module")
def notebook(run):
    return dict(zip(CELLS, run(CELLS.values())))


def curves(notebook, cell):
    """The captions of all curves that a cell shows in the end."""
    return [caption(output.data[SVG]) for output in notebook[cell][0] if SVG in output.get("data", {})]


def caption(svg):
    return re.search("<title>(.*)</title>", svg)[1]


def redrawn(notebook, cell):
    """How many steps each curve had that took the place of another."""
    data = [message["content"]["data"] for message in notebook[cell][1] if message["msg_type"] == "update_display_data"]
    return [int(re.search(r"History: (\d+) steps", caption(one[SVG]))[1]) for one in data if SVG in one]


def test_a_curve_grows_and_stays(notebook):
    (curve,) = curves(notebook, "assigned")
    assert curve.startswith("History: 300 steps, 30 epochs") and curves(notebook, "shown") == [curve]
    assert redrawn(notebook, "assigned") == [*range(3, 301, 3), 300]


def test_a_long_run_is_redrawn_as_often_as_a_short_one(notebook):
    assert redrawn(notebook, "long") == [*range(13, 1231, 13), 1230]


def test_a_short_run_is_redrawn_at_every_step_that_has_a_curve(notebook):
    assert redrawn(notebook, "last") == [*range(2, 31), 30]


@pytest.mark.parametrize("cell, steps", [("last", [30]), ("two", [30, 20]), ("muted", [30]), ("silent", [30])])
def test_no_curve_is_there_twice(notebook, cell, steps):
    assert [int(re.search(r"(\d+) steps", curve)[1]) for curve in curves(notebook, cell)] == steps


def test_without_progress_nothing_moves(notebook):
    outputs, said = notebook["silent"]
    assert [output.output_type for output in outputs] == ["execute_result"]
    assert {message["msg_type"] for message in said} == {"status", "execute_input", "execute_result"}


def test_an_interrupted_run_leaves_the_curve_of_what_was_done(notebook):
    *_, error = notebook["interrupted"][0]
    assert error.ename == "KeyboardInterrupt" and redrawn(notebook, "interrupted")[-1] == 30
    assert [curve[:28] for curve in curves(notebook, "interrupted")] == ["History: 30 steps, 3 epochs,"]


def test_the_bar_is_the_notebooks_own_and_nothing_else_is_said(notebook):
    for name, (outputs, _) in notebook.items():
        bars = [output for output in outputs if WIDGET in output.get("data", {})]
        assert len(bars) == {"made": 0, "shown": 0, "silent": 0, "two": 2}.get(name, 1)
        assert not [output for output in outputs if output.output_type == "stream"]


def test_without_ipywidgets_the_bar_is_one_text_below_the_curve(run):
    _, (imported, _), (trained, _) = run(["import sys\nsys.modules['ipywidgets'] = None", CELLS["made"],
                                          "history = train(epochs=3)"])
    curve, *bar = trained
    assert imported == [] and SVG in curve.data and {output.name for output in bar} == {"stderr"}
    assert "ipywidgets" in bar[0].text and "30/30" in "".join(output.text for output in bar)


def test_a_terminal_shows_the_bar_alone(tmp_path):
    code = f"{CELLS['made']}\nhistory = train(epochs=3)"
    for command in ([sys.executable, "-c"], [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", "-c"]):
        run = subprocess.run([*command, code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True,
                             env={**os.environ, "PYTHONIOENCODING": "utf-8", "IPYTHONDIR": str(tmp_path)})
        assert run.stdout == "" and "30/30" in run.stderr and "History" not in run.stderr
