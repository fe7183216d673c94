"""Paths: those that brute force finds, and their sum, which is the gradient."""

import math

import pytest
from hypothesis import assume, given, strategies as st

from micrograd2.costs import squared_error
from micrograd2.engine import Value, maximum, topological_order, total
from micrograd2.explain import ledger, paths
from micrograd2.names import names_of
from micrograd2.nn import ACTIVATIONS, MLP
from tests.programs import VALUES, programs, run
from tests.explain.jobs import close, tower


def every_path(root, leaf):
    """All products of local derivatives, path by path; only for small graphs."""
    if root is leaf:
        return [1.0]
    return [local * rest for arg, local in zip(root.args, root.local_grads) for rest in every_path(arg, leaf)]


@given(programs(longest=12), st.integers(0, 3), st.integers(0, 12))
def test_paths_are_those_that_brute_force_finds(program, i, top):
    leaves = [Value(x) for x in program.leaves]
    root, leaf = run(program.steps, leaves, VALUES), leaves[i % len(leaves)]
    if leaf not in topological_order(root):
        with pytest.raises(ValueError, match="is not on the graph of root"):
            paths(root, leaf)
        return
    if paths(root, leaf, 0).count > 3000:
        return
    brute = every_path(root, leaf)
    told = paths(root, leaf, top)
    root.backward()
    assert told.count == len(brute) and told.total == leaf.grad
    assert told.total == pytest.approx(sum(brute), rel=1e-9, abs=1e-9)
    strongest = sorted(map(abs, brute), reverse=True)[:top]
    assert [abs(path.product) for path in told.strongest] == close(strongest)
    for path in told.strongest:
        assert path.values[0] is leaf and path.values[-1] is root
        assert path.product == close(math.prod(path.locals)) and len(path.locals) == len(path.values) - 1
        for operand, result, which, local in zip(path.values, path.values[1:], path.which, path.locals):
            assert result.args[which] is operand and result.local_grads[which] == local
    assert len({tuple(zip(path.values, path.which)) for path in told.strongest}) == len(strongest)  # no path twice
    str(told)


@given(programs(longest=40), st.integers(0, 3))
def test_the_sum_over_all_paths_is_the_gradient_and_nothing_is_written(program, i):
    leaves = [Value(x) for x in program.leaves]
    root, leaf = run(program.steps, leaves, VALUES), leaves[i % len(leaves)]
    nodes = topological_order(root)
    if leaf not in nodes:
        return
    for k, node in enumerate(nodes):
        node.grad = 0.5 * k
    told = paths(root, leaf)
    assert [node.grad for node in nodes] == [0.5 * k for k in range(len(nodes))]
    leaf.grad = 0.0
    root.backward()
    assert told.total == leaf.grad or math.isnan(leaf.grad)


@given(programs(longest=30), st.integers(0, 3), st.integers(0, 5))
def test_what_is_not_listed_is_the_sum_of_what_is_not_listed(program, i, top):
    leaves = [Value(x) for x in program.leaves]
    root = run(program.steps, leaves, VALUES)
    assume(leaves[i % len(leaves)] in topological_order(root))
    whole = paths(root, leaves[i % len(leaves)], top=1000)
    assume(whole.count <= 1000)
    found = paths(root, leaves[i % len(leaves)], top=top)
    left = [path.product for path in whole.strongest[top:]]
    assert found.others == pytest.approx(math.fsum(left), rel=1e-9, abs=1e-300, nan_ok=True)


def test_small_paths_beside_large_ones_are_neither_lost_nor_made_of_rounding():
    a = Value(1.0, "a")
    large = total([a * 1e17 for _ in range(10)])
    assert paths(large + a + a, a).others == 2.0
    zeros = total([a * 0.1 for _ in range(10)] + [a * 0.0 for _ in range(2000)])
    assert paths(zeros, a).others == 0.0 and "2,000 more" in str(paths(zeros, a))
    many = total([a * 1e17 for _ in range(10)] + [a * (1 + k) for k in range(2000)])
    assert math.isnan(paths(many, a).others) and "too small beside these" in str(paths(many, a))
    nothing = total([a * (1 if k % 2 else -1) for k in range(2000)])
    assert paths(nothing, a, top=0).others == 0.0   # beside none nothing is too small


def test_more_paths_than_anyone_can_list():
    x, y = tower(60)
    told = paths(y, x)
    y.backward()
    assert told.count == 2 ** 60 > 10 ** 12 and told.total == x.grad
    assert f"{2 ** 60:,} paths" in str(told) and f"{2 ** 60 - 10:,} more" in str(told)


def test_equal_paths_do_not_multiply_the_work():
    x = y = Value(1.0, "x")
    for _ in range(1200):
        y = y * 0.7 + y * 0.7 if _ % 2 else y + y
    told = paths(y, x, top=5)
    assert told.count == 2 ** 1200 and len(told.strongest) == 5
    assert "about 10^361.2 paths" in str(told)


def test_a_long_chain_needs_no_recursion():
    x = y = Value(1.0, "x")
    for _ in range(5000):
        y = y + 1.0
    assert paths(y, x).count == 1 and len(paths(y, x).strongest[0].values) == 5001
    assert len(ledger(y).entries) == 10000 and len(str(ledger(y, order="naive")).splitlines()) > 10000


def test_the_path_from_a_value_to_itself_is_empty():
    x = Value(2.0, "x")
    told = paths(x, x)
    assert (told.count, told.total, told.strongest[0].locals) == (1, 1.0, [])
    y = x - x                                            # the two paths cancel out
    told = paths(y, x)
    assert told.total == 0 and math.isnan(told.share(told.strongest[0]))


def test_paths_of_which_one_takes_away_what_another_brings_have_no_shares():
    x = Value(2.0, "x")
    for y, shares in ((x - x, False), (x * 3 - x, False), (x * x + x, True), (-x - x, True), (x * 0 + x, True)):
        assert ("%" in str(paths(y, x)), "share" in str(paths(y, x))) == (shares, shares)


def test_paths_through_a_network_go_by_its_neurons():
    net = MLP(2, [2, 2], activation="tanh", seed=1)
    cost = squared_error(net([1.0, -1.0]), [0.0, 1.0])
    cost.label = "C"
    text = str(paths(cost, net.layers[0].neurons[1].w[0]))
    for j in (0, 1):
        assert f"layers[0].neurons[1].w[0] → layers[0].neurons[1] → layers[1].neurons[{j}] → C" in text


@pytest.mark.parametrize("f", [Value.tanh, lambda z: z * z.sigmoid(), lambda z: maximum(z, 0.1 * z)])
def test_an_activation_is_named_whatever_it_is_made_of(f, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "made", f)
    net = MLP(2, [2, 2], activation="made", output="made", seed=1)
    traced = net.trace([1.0, -1.0])
    names = names_of(squared_error([a for _, a in traced[-1]], [0.0, 1.0]))
    for j, (z, a) in enumerate(traced[0]):
        assert (names[z], names[a]) == (f"layers[0].neurons[{j}].z", f"layers[0].neurons[{j}].a")
    assert [name for name in names.values() if name.startswith("layers[0]") and name.endswith(".a")] == [
        names[a] for _, a in traced[0]]
    outputs = {value for value, name in names.items() if name.startswith("layers[1]") and name.endswith(".a")}
    assert outputs == ({a for _, a in traced[1]} if f is Value.tanh else set())     # the cost may go on with it


def test_what_paths_refuse():
    a, b = Value(1.0, "a"), Value(1.0, "b")
    with pytest.raises(ValueError, match="leaf, b, is not on the graph of root"):
        paths(a * a, b)
    with pytest.raises(ValueError, match="is not on the graph"):
        paths(a, a * a)
    with pytest.raises(TypeError, match="root must be a Value; got float"):
        paths(1.0, a)
    with pytest.raises(TypeError, match="leaf must be a Value; got str"):
        paths(a, "a")
    for top in (-1, 1.5):
        with pytest.raises(ValueError, match="top must be a whole number"):
            paths(a, a, top)
