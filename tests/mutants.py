"""Mutants: does a test fail when one operator, constant, condition or return of a module is another?

    python tests/mutants.py micrograd2/compiler/loops.py --sample 50

Each mutant is a copy of the package with one such change. The tests that concern the module run on it, the quick ones
first; a mutant that they do not notice survives, and is printed. It shows a test that is missing, or code that does
nothing, or a change that makes no difference. The same seed takes the same sample.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import hypothesis  # noqa: F401
import numpy  # noqa: F401
import pytest

ROOT = Path(__file__).resolve().parents[1]
COMPILER = ["tests/test_rows.py", *(f"tests/compiler/test_{name}.py" for name in (
    "view", "lines", "tidy", "text", "printer", "proof", "rounding", "cost_and_outputs", "graph", "clients", "compiler",
    "loops", "group"))]
FIRST = {  # of the compiler, and of a module of it: the tests that are the most likely to notice
    "compiler": ["compiler"], "graph.py": ["graph", "group"], "group.py": ["group"], "layout.py": ["group"],
    "lines.py": ["lines"], "backward.py": ["lines", "loops"], "tidy.py": ["tidy", "lines"], "repeats.py": ["loops"],
    "turns.py": ["loops"], "loops.py": ["loops"], "view.py": ["view", "lines"], "text.py": ["text"],
    "printer.py": ["printer", "lines", "jax"], "proof.py": ["proof"], "rounding.py": ["rounding", "proof"]}
TESTS = {  # of a file, or of a folder
    "engine.py": ["tests/test_engine.py", "tests/test_oracle.py", "tests/test_walk.py"],
    "backprop.py": ["tests/test_backprop.py"],
    **{where: [*dict.fromkeys([*(f"tests/compiler/test_{name}.py" for name in first), *COMPILER])]
       for where, first in FIRST.items()},
}
OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
         ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
         ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
         ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And}


def others(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """What may stand in place of a node, or of a part of it."""
    if isinstance(node, ast.BinOp) and type(node.op) in OTHER:
        yield node, ast.BinOp(node.left, OTHER[type(node.op)](), node.right)
    elif isinstance(node, ast.Compare):
        for k, op in enumerate(node.ops):
            yield node, ast.Compare(node.left, [*node.ops[:k], OTHER[type(op)](), *node.ops[k + 1:]], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield node, ast.BoolOp(OTHER[type(node.op)](), node.values)
        for k in range(len(node.values)):
            yield node, ast.BoolOp(node.op, [*node.values[:k], *node.values[k + 1:]])
    elif isinstance(node, ast.UnaryOp):
        yield node, node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
        yield node, ast.Constant(not node.value if isinstance(node.value, bool) else node.value + 1)
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield node.test, ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.comprehension):
        yield from ((test, ast.Constant(True)) for test in node.ifs)
    elif isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
        yield node.value, ast.Constant(None)
    elif isinstance(node, (ast.Expr, ast.AugAssign)) and not isinstance(node.value, (ast.Constant, ast.Yield)):
        yield node, ast.Pass()


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """(line, what was changed into what, the whole source) for every mutant."""
    tree, text = ast.parse(source), source.encode()
    ends = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
    aside = {part for node in ast.walk(tree) for part in ast.walk(
        node if isinstance(node, ast.JoinedStr) else getattr(node, "annotation", None)
        or getattr(node, "returns", None) or ast.Pass())}
    for node in ast.walk(tree):
        for old, new in others(node) if node not in aside else ():
            begin, end = ends[old.lineno - 1] + old.col_offset, ends[old.end_lineno - 1] + old.end_col_offset
            changed = f"({ast.unparse(new)})" if isinstance(new, ast.expr) else ast.unparse(new)
            yield (old.lineno, f"{ast.unparse(old).splitlines()[0]}  →  {changed}",
                   (text[:begin] + changed.encode() + text[end:]).decode())


def run(folder: Path, tests: list[str], seconds: int) -> None:
    """Run tests of the copy of the project in this folder; the process ends with 0 if they pass in time."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.chdir(folder)
    sys.path[:1] = [str(folder)]
    sys.exit(pytest.main(["-q", "-x", "-n0", "-pno:cacheprovider", "--assert=plain", "--hypothesis-profile=mutants",
                          *tests]))


def passes(folder: Path, tests: list[str], seconds: int) -> bool:
    """Whether they pass, in a process of their own, where what takes long to import is there already."""
    process = multiprocessing.get_context("fork").Process(target=run, args=(folder, tests, seconds))
    process.start()
    process.join()
    return process.exitcode == 0


def main() -> None:
    reads = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reads.add_argument("files", nargs="+", type=Path, help="modules to change, from the top of the project")
    reads.add_argument("--sample", type=int, default=30, help="how many mutants of each module")
    reads.add_argument("--seed", type=int, default=0)
    reads.add_argument("--lines", type=int, nargs=2, help="only those of lines from, to")
    reads.add_argument("--tests", nargs="+", help="files of tests, in place of those in the table above")
    reads.add_argument("--seconds", type=int, default=300, help="of computing, for the tests of one mutant")
    given = reads.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("micrograd2", "tests", "examples", "setup.cfg", "README.md"):
            (shutil.copytree if (ROOT / part).is_dir() else shutil.copy2)(ROOT / part, folder / part)
        for file in given.files:
            source = (ROOT / file).read_text()
            tests = given.tests or TESTS.get(file.name) or TESTS[file.parent.name]
            sys.dont_write_bytecode = False
            if not passes(folder, tests, given.seconds):
                raise SystemExit(f"without a change the tests fail, or take more than {given.seconds} s: "
                                 f"{' '.join(tests)}")
            sys.dont_write_bytecode = True
            everything = [mutant for mutant in mutants(source)
                          if not given.lines or given.lines[0] <= mutant[0] <= given.lines[1]]
            chosen = sorted(random.Random(given.seed).sample(everything, min(given.sample, len(everything))))
            survivors = 0
            for line, change, mutant in chosen:
                begin = time.monotonic()
                (folder / file).write_text(mutant)
                alive = passes(folder, tests, given.seconds)
                survivors += alive
                seconds = time.monotonic() - begin
                print(f"{'SURVIVES' if alive else 'killed  '} {seconds:5.1f} s {file}:{line}: {change}", flush=True)
            (folder / file).write_text(source)
            print(f"{file}: {len(chosen) - survivors} of {len(chosen)} killed; there are {len(everything)}", flush=True)


if __name__ == "__main__":
    main()
