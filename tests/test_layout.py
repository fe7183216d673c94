"""The layout: which module may import which, what the package exports, and that it is clean under flake8 and mypy."""

import ast
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import micrograd2
from micrograd2 import compiler, explain

ROOT = Path(__file__).parents[1]
PACKAGE = Path(micrograd2.__file__).parent
FLOORS = {  # module: the modules of this package, then the outside packages, that it may import
    "engine": (set(), set()),
    "contributions": ({"engine"}, set()),
    "copies": ({"engine"}, set()),
    "expressions": (set(), set()),
    "given": (set(), set()),
    "shown": (set(), set()),
    "files": ({"given"}, set()),
    "live": (set(), {"IPython"}),
    "arrays": ({"engine", "given"}, {"numpy"}),
    "nn": ({"engine", "arrays", "files", "given"}, set()),
    "names": ({"engine", "nn", "shown"}, set()),
    "costs": ({"engine", "given"}, set()),
    "compiler": ({"expressions", "engine", "contributions", "arrays", "given"}, {"numpy"}),
    "backprop": ({"engine", "contributions", "nn", "costs", "arrays", "given"}, {"numpy"}),
    "checkpoint": ({"engine", "files"}, {"numpy"}),
    "train": ({"engine", "contributions", "nn", "costs", "compiler", "arrays", "checkpoint", "given", "shown",
               "live"}, {"numpy", "tqdm"}),
    "pictures": ({"engine", "contributions", "arrays", "files", "nn", "names", "costs", "backprop", "given", "shown"},
                 {"graphviz"}),
    "explain": ({"engine", "contributions", "nn", "names", "costs", "backprop", "given", "shown"}, set()),
    "player": ({"expressions", "engine", "contributions", "files", "nn", "names", "costs", "backprop", "pictures",
                "shown"}, set()),
    "data": ({"arrays", "given"}, {"numpy"}),
}


def imports(path):
    """The modules of this package, its own room apart, and the outside packages, that a file imports."""
    inside, outside = set(), set()
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level == depth:
                inside |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            outside.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            outside |= {alias.name.split(".")[0] for alias in node.names}
    return inside, outside - set(sys.stdlib_module_names)


def modules():
    """Every module or room by name, with its files."""
    files = {path.stem: [path] for path in PACKAGE.glob("*.py")}
    return files | {path.parent.name: sorted(path.parent.glob("*.py")) for path in PACKAGE.glob("*/__init__.py")}


def test_every_module_has_its_floor():
    assert set(modules()) - {"__init__"} == set(FLOORS)


@pytest.mark.parametrize("name", FLOORS)
def test_imports_stay_on_their_floor(name):
    for path in modules()[name]:
        inside, outside = imports(path)
        assert inside <= FLOORS[name][0] and outside <= FLOORS[name][1], path


@pytest.mark.parametrize("package", [micrograd2, compiler, explain])
def test_no_module_bears_the_name_of_an_exported_function(package):
    functions = {name for name in package.__all__ if callable(getattr(package, name))}
    assert not functions & {module.name for module in pkgutil.iter_modules(package.__path__)}


def test_each_explanation_stands_in_the_private_module_of_its_name():
    for name in explain.__all__:
        if inspect.isfunction(getattr(explain, name)):
            assert getattr(explain, name).__module__ == f"micrograd2.explain._{name}"


def test_the_readme_lists_every_file_and_room_that_a_reader_may_open():
    listed = set(re.findall(r"\(micrograd2/([\w/.]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    files = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    explanations = {f"explain/{path.name}" for path in PACKAGE.glob("explain/_[a-z]*.py")}
    assert listed == rooms | files | explanations


@pytest.mark.parametrize("package", [micrograd2, compiler, explain])
def test_exports_exist_and_have_docstrings(package):
    for name in package.__all__:
        assert getattr(package, name).__doc__


def test_every_cost_is_public():
    costs = {name for name, thing in vars(micrograd2.costs).items() if isinstance(thing, FunctionType)
             and thing.__module__ == "micrograd2.costs" and name[0] != "_"}
    assert costs - {"example_cost", "check_targets"} <= set(micrograd2.__all__)


def test_importing_prints_nothing_and_opens_nothing():
    script = ("import builtins, graphviz, importlib.resources, numpy, sys, tqdm\n"
              "builtins.open = None\n"
              "import micrograd2\n"
              "assert not {'matplotlib', 'jax', 'IPython'} & set(sys.modules)\n")
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize("tool, paths", [("flake8", [ROOT]), ("mypy", [PACKAGE, ROOT / "examples"])])
def test_clean_under(tool, paths):
    own = [path for path in paths if path.is_relative_to(ROOT)]  # a package that is installed is not looked at
    run = subprocess.run([sys.executable, "-m", tool, *own], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
