"""The ledger: the backward pass line by line, as `flow` has it; and what would go wrong without its order."""

import pytest
from hypothesis import given

from micrograd2.contributions import flow
from micrograd2.engine import Value
from micrograd2.explain import ledger
from tests.programs import VALUES, programs, run
from tests.explain.jobs import close, tower


@given(programs(longest=30))
def test_the_ledger_is_the_flow_line_by_line(program):
    root = run(program.steps, [Value(x) for x in program.leaves], VALUES)
    told = ledger(root)
    assert [(e.result, e.operand, *e[3:7]) for e in told.entries] == [
        (s.result, s.result.args[s.which], *s[2:]) for s in flow(root)]
    assert [e.number for e in told.entries] == list(range(1, len(told.entries) + 1))
    assert not any(e.wrong for e in told.entries)
    root.backward()
    assert told.grads == {node: node.grad for node in told.grads}


def recursive(node, grads):
    """The naive backward pass as a learner writes it."""
    for operand, local in zip(node.args, node.local_grads):
        grads[operand] = grads.get(operand, 0.0) + grads[node] * local
        recursive(operand, grads)


@given(programs(longest=9))
def test_the_naive_ledger_does_what_recursion_does(program):
    root = run(program.steps, [Value(x) for x in program.leaves], VALUES)
    told = ledger(root, order="naive")
    grads = {root: 1.0}
    recursive(root, grads)
    assert told.grads == grads and told.right == ledger(root).grads
    if not any(e.wrong for e in told.entries):
        assert list(told.grads.values()) == close(list(told.right.values()))


def test_the_minimal_case_of_the_wrong_order():
    a = Value(1.0, "a")
    b = a + a
    b.label = "b"
    c = b + b
    c.label = "c"
    told = ledger(c, order="naive")
    assert [(e.upstream, e.total, bool(e.wrong)) for e in told.entries] == [
        (1, 1, False), (1, 1, True), (1, 2, True), (1, 2, False), (2, 4, True), (2, 6, True)]
    assert "b has 1 of 2" in str(told) and "again: these steps were walked before" in str(told)
    assert max(map(len, str(told).splitlines())) <= 80
    assert told.tables()[1].rows == [("a", 6.0, 4.0)]
    assert "comes out right" in str(ledger(a.tanh().exp(), order="naive"))


def test_what_the_ledger_refuses():
    x, y = tower(30)
    with pytest.raises(ValueError, match="the backward pass would have 8,589,934,584 lines"):
        ledger(y, order="naive")
    with pytest.raises(ValueError, match='order must be "topological" or "naive"; got \'best\''):
        ledger(y, order="best")
    with pytest.raises(TypeError, match="root must be a Value"):
        ledger(3.0)
