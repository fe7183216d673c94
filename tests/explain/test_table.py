"""Tables: each shows the numbers that there are, in a terminal and in a notebook alike; labels are text."""

import html
import math
from html.parser import HTMLParser

import pytest

from micrograd2 import pictures
from micrograd2.engine import Value
from micrograd2.explain import Table, health, ledger, nudges, paths, sensitivities
from micrograd2.names import names_of
from micrograd2.nn import MLP
from micrograd2.shown import BLUE, ORANGE


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


HOSTILE = ["<script>alert(1)</script>", "\"'&<b>", "a|b{}\\N", "two\nlines", "\x1b[31m", "é" * 10_000, "🙂"]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_are_text(label):
    a = Value(2.0, label)
    c = a * a
    c.label = label
    for told in (paths(c, a), ledger(c), ledger(c, order="naive")):
        reader = Reader()
        reader.feed(told._repr_html_())
        assert set(reader.tags) <= {"p", "b", "table", "tr", "th", "td", "div", "br"}
        assert "\x1b" not in str(told) and max(map(len, str(told).splitlines())) < 700
    if len(label) < 30 and label.isprintable():
        assert label in str(ledger(c)) and label in reader.text


def test_bars_grow_with_the_number_and_show_its_sign():
    table = Table("t", {"": "", "n": "+~"}, [("a", 2.0), ("b", -1.0), ("c", 0.0), ("d", math.nan), ("e", "")], bar="n")
    shown = table._repr_html_()
    assert f"width:120.0px;height:0.8em;background:{BLUE}" in shown
    assert f"width:60.0px;height:0.8em;background:{ORANGE}" in shown
    assert (BLUE, ORANGE) == (pictures.BLUE, pictures.ORANGE)
    assert "<div" not in Table("t", {"": ""}, [("a",)])._repr_html_()


def test_numbers_in_a_column_stand_under_one_another():
    lines = str(Table("t", {"n": "+~", "m": "~"}, [(1.0, 1234567.0), (-0.25, 2.5), (12.5, 0.0)])).splitlines()
    assert lines == ["t", "     n        m", " +1.00  1234567", " -0.25        2", "+12.50        0"]
    assert str(Table("t", {"n": "~"}, [(1e-9,), (0.0,)])).splitlines()[2:] == ["1.000e-09", "0.000e+00"]
    assert str(Table("t", {"n": "~"}, [])) == "t\nn"
    assert str(Table("only", {}, [], "a remark")) == "only\na remark"


def test_what_stands_above_and_below_a_table_is_wrapped_to_a_terminal():
    title, remark = " ".join(["title"] * 40), "one line\n" + " ".join(["remark"] * 40)
    lines = str(Table(title, {}, [], remark)).splitlines()
    assert max(map(len, lines)) <= 80 and " ".join(lines) == f"{title} {remark}".replace("\n", " ")
    assert "one line" in lines


def test_a_value_without_a_name_is_called_as_it_was_made():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    for value, name in (((a + b) * a, "(a + b) × a"), ((a * b).tanh(), "tanh(a × b)"), ((a - b) ** 2, "(a − b)²"),
                        (a ** -0.5, "a^-0.5")):
        assert names_of(value)[value] == name
    assert names_of((a * b + a) ** 2 * (a - b))[a] == "a"
    long = ((a * b + a) ** 2 * (a - b)).tanh()
    assert names_of(long)[long] == "tanh(n6:*)"


def test_every_explanation_shows_the_same_numbers_in_a_notebook():
    net = MLP(2, [2, 2], seed=1)
    X, Y = [[1.0, 2.0], [0.5, -1.0]], [[0.0, 1.0], [1.0, 0.0]]
    a = Value(2.0, "a")
    for told in (nudges(net, X, Y), sensitivities(net, X, Y), health(net, X), paths(a * a, a), ledger(a * a)):
        shown = html.unescape(told._repr_html_())
        for table in told.tables():
            for cell in (cell for row in table.cells() for cell in row):
                assert cell in shown and cell in str(told)
