"""Copies of a graph, here and across processes: the same record, born anew."""

import copy
import multiprocessing
import operator
import pickle
import random
from concurrent.futures import ProcessPoolExecutor

import cloudpickle
import pytest
from hypothesis import given, settings

from micrograd2.engine import ADD, MUL, SUM, TANH, Op, Value, to_the, topological_order
from tests.programs import VALUES, programs, run


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_born_anew_and_independent(duplicate):
    a = Value(2.0, "a")
    b = a * a
    b.label = "b"
    b.backward()
    twin = duplicate(b)
    assert (twin.data, twin.grad, twin.label, twin.op, twin.local_grads) == (4.0, 1.0, "b", b.op, (2.0, 2.0))
    assert twin is not b and twin.born > b.born
    twin.data, twin.grad, twin.label = 0.0, 9.0, "twin"
    assert (b.data, b.grad, b.label, b.args) == (4.0, 1.0, "b", (a, a))


def test_copy_shares_operands_and_deepcopy_does_not():
    a = Value(2.0, "a")
    b = a * a
    assert copy.copy(b).args == (a, a)
    everything = {"b": b, "a": a, "sum": b + a}
    twins = copy.deepcopy(everything)
    assert twins["b"].args == (twins["a"], twins["a"]) and twins["sum"].args == (twins["b"], twins["a"])
    assert not set(twins.values()) & set(everything.values())
    (twins["sum"] * twins["b"]).backward()
    assert (twins["a"].grad, a.grad) == (44.0, 0.0)


@given(programs())
@settings(deadline=None)
def test_a_deep_copy_is_the_same_graph(program):
    result = run(program.steps, [Value(x, f"x{i}") for i, x in enumerate(program.leaves)], VALUES)
    twin = copy.deepcopy(result)
    order, twins = topological_order(result), topological_order(twin)
    place, places = {v: i for i, v in enumerate(order)}, {v: i for i, v in enumerate(twins)}
    assert place.keys().isdisjoint(places) and min(v.born for v in twins) > max(v.born for v in order)
    assert [[place[arg] for arg in v.args] for v in order] == [[places[arg] for arg in v.args] for v in twins]
    for each in (result, twin):
        each.backward()
    assert [(v.data, v.grad, v.label, v.op) for v in order] == [(v.data, v.grad, v.label, v.op) for v in twins]


# Copies across processes

def same(twin, value):
    """Whether two records are one: the same numbers, rows, labels and operands, shared in the same places."""
    twins, values = topological_order(twin), topological_order(value)
    place = {node: i for i, node in enumerate(values)}
    there = {node: i for i, node in enumerate(twins)}
    return len(twins) == len(values) and all(
        (a.op, repr(a.data), repr(a.grad), a.label, repr(a.local_grads), [there[x] for x in a.args])
        == (b.op, repr(b.data), repr(b.grad), b.label, repr(b.local_grads), [place[x] for x in b.args])
        for a, b in zip(twins, values))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@given(program=programs())
@settings(max_examples=20)
def test_a_pickle_is_the_same_graph_born_anew(protocol, program):
    result = run(program.steps, [Value(x, f"x{i}") for i, x in enumerate(program.leaves)], VALUES)
    result.backward()
    twin = pickle.loads(pickle.dumps(result, protocol))
    assert same(twin, result)
    order = topological_order(twin)
    assert all(arg.born < node.born for node in order for arg in node.args)
    assert min(node.born for node in order) > result.born
    assert (twin * twin).backward() is None and twin.grad == 2 * twin.data


@given(programs())
@settings(max_examples=20)
def test_values_pickled_together_stay_together(program):
    nodes = []
    result = run(program.steps, [Value(x) for x in program.leaves], VALUES, each=lambda v: nodes.append(v) or v)
    shuffled = random.Random(len(nodes)).sample([*nodes, result], len(nodes) + 1)
    twins = pickle.loads(pickle.dumps(shuffled))
    copies = dict(zip(shuffled, twins))
    assert all(copies[arg] is twin for node, twin in copies.items() for arg, twin in zip(node.args, twin.args)
               if arg in copies)
    assert all(repr(twin.data) == repr(node.data) and twin.op is node.op for node, twin in copies.items())
    assert len(topological_order(copies[result])) == len(topological_order(result))
    again = pickle.loads(pickle.dumps(shuffled))
    assert not set(again) & set(twins)


@pytest.mark.parametrize("row", [ADD, MUL, TANH, SUM, to_the(2.0), to_the(-0.5)], ids=repr)
def test_a_row_stays_itself_when_copied_or_pickled(row):
    for twin in (pickle.loads(pickle.dumps(row)), cloudpickle.loads(cloudpickle.dumps(row)), copy.copy(row),
                 copy.deepcopy([row])[0]):
        assert twin is row


def test_a_row_of_ones_own_is_no_name():
    own = Op("half", lambda x: x / 2, lambda y, x: (0.5,))
    assert Value.apply(own, [Value(3.0)]).data == 1.5
    with pytest.raises(TypeError, match="half.* not in the engine's table"):
        pickle.dumps(own)


def squared_elsewhere(h):
    d = h * h
    d.backward()
    return d.data, h.grad, d.op is MUL, h.args[0].grad


def test_a_graph_goes_on_in_another_process():
    """Births from another process, later than any here or earlier than any there, must not disturb the order."""
    a = Value(3.0, "a")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(squared_elsewhere, a * 2).result() == (36.0, 12.0, True, 24.0)
        assert pool.submit(operator.mul, a, a).result().args[0].label == "a"
        assert cloudpickle.loads(pool.submit(cloudpickle.dumps, a + 1).result()).data == 4.0
    late = pickle.loads(pickle.dumps(a * 2))
    assert squared_elsewhere(late) == (36.0, 12.0, True, 24.0)
