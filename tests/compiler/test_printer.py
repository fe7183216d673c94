"""The page: it can be read, runs by itself, and is the same every time."""

import ast
import subprocess
import sys

import numpy as np
import pytest

from micrograd2.compiler import compile
from micrograd2.engine import Value, dot, maximum, total
from tests.bench.clients import flat
from tests.compiler.scalar_code import arrays_of, batch, compiled, digit_program, named, unused_names, values

pytestmark = pytest.mark.filterwarnings("error")  # a program computes in silence, or raises


def ran_alone(source, *arguments):
    space = {}
    exec(source, space)
    return space["program"](*arguments)


@named
def test_the_source_runs_by_itself(make):
    f, parameters, widths = make()
    arrays = arrays_of(widths)
    program = compile(f, parameters, *(array[0] for array in arrays))
    result, alone = program(program.theta, *arrays), ran_alone(program.source, program.theta, *arrays)
    if program.is_cost:
        assert result[0] == alone[0]
        np.testing.assert_array_equal(result[1], alone[1])
    else:
        np.testing.assert_array_equal(result, alone)


def test_the_source_runs_in_a_file_with_numpy_alone(tmp_path):
    program, arrays = digit_program((6, 4, 3))
    np.savez(tmp_path / "numbers.npz", program.theta, *arrays)
    (tmp_path / "pasted.py").write_text(program.source + (
        f"\n\nimport sys\nfile = np.load({str(tmp_path / 'numbers.npz')!r})\n"
        "loss, gradient = program(*(file[name] for name in file.files))\n"
        "print(float(loss).hex(), *(float(number).hex() for number in gradient))\n"
        "assert 'micrograd2' not in sys.modules\n"))
    done = subprocess.run([sys.executable, "-I", tmp_path / "pasted.py"], capture_output=True, text=True, check=True)
    loss, gradient = program(program.theta, *arrays)
    assert [float.fromhex(word) for word in done.stdout.split()] == [loss, *gradient]


def test_the_source_of_the_digit_network_can_be_read():
    program, _ = digit_program((784, 16, 16, 10))
    assert sum(map(bool, program.source.splitlines())) <= 41
    assert max(map(len, program.source.splitlines())) <= 120
    words = {node.id for node in ast.walk(ast.parse(program.source)) if isinstance(node, ast.Name)}
    assert words >= {f"{letter}{k}" for letter in "Wbza" for k in (1, 2, 3)} | {f"d_z{k}" for k in (1, 2, 3)} | \
        {"loss", "gradient", "theta", "x", "y"}
    assert not unused_names(program.source)
    assert "(16, 784)" in program.source and "(B, 16)" in program.source


def test_the_source_of_one_neuron_can_be_read():
    w, b = values(3), Value(0.5)
    source = compile(lambda x: dot(w, x, b).tanh(), [*w, b], [1.0, 2.0, 3.0]).source
    for line in ("z1 = x @ W1.T + b1 ", "a1 = np.tanh(z1) ", "loss = a1.sum() / B"):
        assert f"    {line}" in source
    source = compile(lambda x: dot(w, x, 0.0), w, [1.0, 2.0, 3.0]).source
    assert "    z1 = x @ W1.T " in source and "+ 0" not in source
    source = compile(lambda x: (w[0] * x[0]).exp(), w, [1.0]).source
    assert "    v1 = p1 * x " in source and "    cost = exp(v1) " in source


@named
def test_the_source_is_the_same_every_time(make):
    def source(keep):
        keep += [[object() for _ in range(n)] for n in (10, 100, 1000)]  # so that addresses differ
        f, parameters, widths = make()
        return compile(f, parameters, *(array[0] for array in arrays_of(widths))).source
    kept = []
    assert len({source(kept) for _ in range(5)}) == 1


def test_a_program_in_float32_has_no_wider_numbers_in_it():
    program = compile(lambda x: [a * (k + 1.0) for k, a in enumerate(x)], [], [0.5] * 8, dtype="float32")
    assert ran_alone(program.source, program.theta, np.ones((2, 8), np.float32)).dtype == np.float32


@pytest.mark.parametrize("names", [
    "B, theta", "loss, gradient", "np, views", "program, d_v1", "g_W1, sigmoid", "float, W1", "len, slice",
    "print, exp", "ones, v1", "x, range", "less, z1", "b1, a1", "cost, k1", "i1, p1", "v, self", "d_x, d_z1"])
def test_no_name_of_an_argument_clashes_with_the_source(names):
    w = values(3, 2)
    for one, other in (names.split(", "), names.split(", ")[::-1]):
        f = eval(f"lambda {one}, {other}: "
                 f"total(maximum(dot(u, {one}, 0.5).sigmoid(), {one}[0] * {other}[0]) for u in w).exp() + "
                 f"total(p * p for u in w for p in u) + 0.25 * {one}[1] * {other}[1]",
                 {"w": w, "dot": dot, "total": total, "maximum": maximum})
        compiled(f, flat(w), batch(3, 2), batch(3, 2, seed=1))
