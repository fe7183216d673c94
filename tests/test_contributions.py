"""The backward pass told: every contribution is one that `backward` makes, wherever the way ends."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from micrograd2.contributions import first_not_finite, flow, grads_of
from micrograd2.costs import squared_error
from micrograd2.engine import Value, dot, topological_order
from micrograd2.nn import MLP
from micrograd2.train import SGD, fit
from tests.programs import VALUES, programs, record, run


class Spy(Value):
    """A leaf that keeps every gradient written into it."""

    __slots__ = ("writes",)

    @property
    def grad(self):
        return self.writes[-1]

    @grad.setter
    def grad(self, new):
        self.writes = [*getattr(self, "writes", []), new]


@given(programs())
@settings(deadline=None)
def test_backward_is_flow_edge_by_edge(program):
    leaves = [Spy(x) for x in program.leaves]
    result = run(program.steps, leaves, VALUES)
    before = record(result)
    told, alone = list(flow(result)), grads_of(result)
    assert record(result) == before
    result.backward()
    assert alone == {result: 1.0} | {step.result.args[step.which]: step.total for step in told}
    grads = {result: 1.0}
    writes = {leaf: [0.0] if leaf is not result else [0.0, 1.0] for leaf in leaves}
    for step in told:
        operand = step.result.args[step.which]
        assert step.operand is operand
        assert step.upstream == step.result.grad == grads[step.result]
        assert step.local == step.result.local_grads[step.which]
        assert step.contribution == step.upstream * step.local
        assert step.total == grads.get(operand, 0.0) + step.contribution
        grads[operand] = step.total
        if operand in writes:
            writes[operand].append(step.total)
    order = topological_order(result)
    edges = [(v, i) for v in reversed(order) for i in range(len(v.args))]
    assert [(step.result, step.which) for step in told] == edges
    assert all(v.grad == grads[v] for v in order)
    assert all(leaf.writes == writes[leaf] for leaf in leaves)


@given(programs(longest=20), st.data())
def test_the_way_back_between_two_values_is_the_engines_derivative(program, data):
    leaves = [Value(x) for x in program.leaves]
    steps: list[Value] = []
    root = run(program.steps, leaves, VALUES, lambda value: steps.append(value) or value)
    end = data.draw(st.sampled_from(steps))
    root.backward()
    found = grads_of(root, {end})
    assert grads_of(root, {root}) == {root: 1.0}
    assert found.get(end, 0.0) == pytest.approx(end.grad, rel=1e-9, abs=1e-11) and root in found
    assert not found.keys() & (set(end.args) - set().union(*(v.args for v in found.keys() - {end})))


@pytest.mark.parametrize("walk", [topological_order, grads_of, lambda root: list(flow(root)), first_not_finite])
def test_what_is_no_value_has_no_graph(walk):
    with pytest.raises(TypeError, match=r"root must be a Value; got 3 \(int\)"):
        walk(3)


# What is not finite

def test_the_first_operation_that_is_not_finite_is_named_with_its_operands():
    a, b = Value(1e200, "a"), Value(1e150, "b")
    assert first_not_finite((a * b) * 0.5 - 3) == "* of a=1e+200, b=1e+150 is inf"
    assert first_not_finite(a + b) == ""
    assert first_not_finite(a * b - a * b).startswith("* of a=1e+200")
    assert first_not_finite(Value(math.nan, "x").tanh()) == "x is nan"
    weights = [Value(1.0, f"w{i}") for i in range(20)]
    weights[7].data = 1e200
    told = first_not_finite(dot(weights, [1e200] * 20, 0.0))
    assert told == "dot of w7=1e+200, w0=1, w1=1, 1e+200, 1e+200, 1e+200 and 35 more is inf"
    assert "the gradient of a is inf: * adds upstream" in first_not_finite((Value(1e-300, "a") * 1e200) * 1e200 * 1e-50)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("lr, X, cost, told", [
    (1e30, [[1.0], [2.0]], lambda a, y: (a - y) * (a - y), r"the loss is inf\. .* in example [01]: \* of .* is inf"),
    (0.1, [[1.0], [math.nan]], squared_error, r"step 1: the loss is nan\. .* in example 1: x\[0\] is nan"),
    (1e200, [[1.0], [2.0]], lambda a, y: (a - y) * 1e200, "step 1: the step would make a parameter infinite or NaN"),
    (1.0, [[1.0], [2.0]], lambda a, y: (a - y) * 1e300 * 1e300, r"in example [01]: \* of .*1e\+300.* is -?inf"),
])
def test_training_that_meets_a_nan_or_an_infinity_names_the_first_cause(compiled, lr, X, cost, told):
    net = MLP(1, [1], seed=0)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=told):
        fit(net, X, [1.0, 1.0], cost, SGD(lr), epochs=20, compiled=compiled, progress=False)
    assert all(math.isfinite(p.data) for p in net.parameters())


def test_what_a_program_refuses_is_named_on_the_scalar_graph():
    net = MLP(1, [1], seed=0)
    net.layers[0].neurons[0].b.data = 9.0
    with pytest.raises(FloatingPointError, match=r"in line \d+ of the program: .* log of -.* has no value"):
        fit(net, [[1.0], [2.0]], [1.0, 1.0], lambda a, y: (a - y).log(), SGD(5.0), epochs=20, progress=False)
