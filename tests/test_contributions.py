"""The backward pass told: every contribution is one that `backward` makes, wherever the way ends."""

import pytest
from hypothesis import given, settings, strategies as st

from micrograd2.contributions import first_not_finite, flow, grads_of
from micrograd2.engine import Value, topological_order
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
