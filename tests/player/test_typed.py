"""The page of an expression that is typed: read as Python reads it, computed as the engine computes it, never run."""

from __future__ import annotations

import ast
import math
import re
import urllib.parse
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from micrograd2 import engine
from micrograd2.contributions import first_not_finite, flow, grads_of
from micrograd2.engine import Op, Value, dot, logsumexp, maximum, minimum, topological_order, total
from micrograd2.player import play
from micrograd2.player.typed import typed_page
from tests.player.test_player import HOSTILE, about, number
from tests.player.test_arithmetic import at_a_kink, near
from tests.player.test_instruments import settle, wait
from tests.player.test_looks import LAYOUT, SIZES, SOUND

FUNCTIONS = {row.symbol: row for row in vars(engine).values() if isinstance(row, Op) and row.symbol in
             ("exp", "log", "sqrt", "sin", "cos", "atan", "tanh", "sigmoid", "softplus", "relu", "abs")}
NAMES: dict[str, Any] = {**FUNCTIONS, "maximum": maximum, "minimum": minimum, "dot": dot, "total": total,
                         "logsumexp": logsumexp}
LEAVES = {"a": 2.0, "b": -1.5, "x": 0.25, "w_0": 1.0, "δ": 0.0}


class Lifted(ast.NodeTransformer):
    """Every number becomes a Value, its sign with it; but the exponents that have no names in them stay as they are."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        operand = node.operand
        if isinstance(node.op, ast.UAdd):
            return self.visit(operand)
        if (x := literal(node)) is not None:
            return self.visit(ast.Constant(x))
        return ast.UnaryOp(node.op, self.visit(operand))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        named = any(isinstance(part, (ast.Name, ast.Call)) for part in ast.walk(node.right))
        plain = isinstance(node.op, ast.Pow) and not named
        return ast.BinOp(self.visit(node.left), node.op, node.right if plain else self.visit(node.right))

    def visit_Constant(self, node: ast.Constant) -> Any:
        return ast.Call(ast.Name("Value", ast.Load()), [ast.Constant(float(node.value))], [])


def literal(node: ast.AST) -> float | None:
    if isinstance(node, ast.UnaryOp) and (x := literal(node.operand)) is not None:
        return -x if isinstance(node.op, ast.USub) else x
    return float(node.value) if isinstance(node, ast.Constant) else None


def by_python(text: str, leaves: dict[str, float]) -> Value:
    """What Python makes of a text, its last line named C, with Values as names."""
    tree = ast.fix_missing_locations(Lifted().visit(ast.parse(text)))
    names = {**NAMES, "Value": Value, **{name: Value(x, name) for name, x in leaves.items()}}
    for line in tree.body:
        exec(compile(ast.Module([line], []), "typed", "exec"), names)
        name = line.targets[0].id
        names[name].label = name
    return names["C"]


NUMBERS = st.sampled_from(["1", "2", "0.5", "3.", ".25", "1e-1", "0", "1.5"])
SPACE = st.sampled_from(["", " ", "  "])


def grown(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    unary = st.sampled_from([*FUNCTIONS, "", "-", "+"])
    plain = st.sampled_from(["2", "3", "-1", "0.5", "-(2)", "(1/2)", "0", "2**-1", "exp(0)", "1", "-0.5",
                             "(-8)**(1/3)"])
    return st.one_of(
        st.tuples(part, SPACE, st.sampled_from("+-*/+-*"), SPACE, part).map("".join), st.builds("-{}".format, part),
        st.builds("{}({})".format, unary, part), st.builds("({})**{}".format, part, plain),
        st.builds("{} ** {}".format, part, part),
        st.builds("{}({}, {})".format, st.sampled_from(["maximum", "minimum"]), part, part),
        st.builds("({}).{}()".format, part, st.sampled_from(["tanh", "exp", "relu"])),
        st.builds("dot([{}, {}], [\n{}, {}], {})".format, part, part, part, part, part),
        st.builds("dot([{}], [{}])".format, part, part),
        st.builds("total([{}, {}, {}])".format, part, part, part),
        st.builds("logsumexp([{}, {}])".format, part, part))


TEXTS = st.recursive(st.sampled_from(list(LEAVES)) | NUMBERS, grown, max_leaves=12)


@st.composite
def texts(draw: Any) -> str:
    """One to three lines, of which the last one, C, uses all."""
    lines, names = [], []
    for k in range(draw(st.integers(0, 2))):
        text = draw(TEXTS)
        if literal(ast.parse(text, mode="eval").body) is None and text not in LEAVES and text not in names:
            names.append(f"c{k}")
            lines.append(f"c{k} = {text}")
    return draw(st.sampled_from([";", "\n", " ; # why\n"])).join(
        [*lines, f"C = 1*({draw(TEXTS)})" + "".join(f" + {name}" for name in names)])


def shown(tab: Any, text: str) -> str:
    """Open a text, and what the page says about it."""
    tab.run(f"page.open({text!r})" if text.isascii() else f"page.open({ast.literal_eval(repr(text))!r})")
    return tab.text("#fault")


def faulty(tab: Any) -> bool:
    return tab.run("document.body.classList.contains('faulty')")


@settings(max_examples=100, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(text=texts())
def test_what_is_typed_is_what_python_makes_of_it(typed, text):
    leaves = {name: x for name, x in LEAVES.items() if re.search(rf"\b{name}\b", text)}
    said = shown(typed, text + "".join(f"\n{name} = {x!r}" for name, x in leaves.items()))
    try:
        root = by_python(text, leaves)
    except (ArithmeticError, ValueError, TypeError) as error:
        assert faulty(typed)
        if found := re.match(r"(\S+) of (.*) has no (value|derivative): ", str(error)):
            told = re.match(r"(\S+) of (.*) (?:has no (value|derivative)|is too large for a number)\.", said)
            if told and told[3]:
                assert (told[1], told[3]) == (found[1], found[3])
                assert numbers_of(told[2]) == near(numbers_of(found[2]))
        return
    if first_not_finite(root):
        assert faulty(typed) or any(map(math.isfinite, grads_of(root).values()))
        return
    assert not faulty(typed), said
    if at_a_kink(root) or max(abs(node.data) for node in topological_order(root)) > 1e3:
        return
    places = {node: i for i, node in enumerate(topological_order(root))}
    labels, args, numbers, gradients, contributions = typed.run(
        "[page.nodes.map(n => n.label), page.nodes.map(n => n.args), page.numbers, page.gradients, "
        "page.flow.map(edge => edge.contribution)]")
    assert sorted(filter(None, labels)) == sorted(node.label for node in places if node.label)
    order = sorted(places, key=lambda node: labels.index(node.label) if not node.args and node.label else
                   len(labels) + node.born)    # the page has leaves with names first, as they come
    assert labels == [node.label for node in order]
    assert args == [[order.index(arg) for arg in node.args] for node in order]
    assert numbers == near([node.data for node in order])
    assert gradients == near([grads_of(root)[node] for node in order])
    assert contributions == near([step.contribution for step in flow(root)])


def numbers_of(text: str) -> list[float]:
    return [float(part.rpartition("=")[2]) for part in text.split(", ")]


@pytest.fixture(scope="module")
def typed(browser):
    tab = browser.open(play("C = (a*b + a)**2; a = 2; b = -1.5").html, calm=True)
    yield tab
    assert tab.messages == [] and len(tab.requests) <= 2
    tab.close()


@pytest.mark.parametrize("text, mark, message", [
    ("", " ", "Type an expression"), ("(a*b", " ", "an operator or ) is missing"), ("a*", " ", "is missing"),
    ("a b", "b", "Between a and b an operator is missing"), ("2a", "a", "Between 2 and a"),
    ("a(b)", "a", "is no function"),
    ("a^2", "^", "A power is written a**2"), ("a // b", "/", "should stand, not /"), ("a == b", "=", "One ="),
    ("c = d = 2", "=", "One ="), ("foo(a)", "foo", "these are: exp, log"), ("exp", "exp", "write exp(a)"),
    ("exp = 2", "exp", "take another name"), ("maximum(a)", "maximum", "written maximum(a, b)"),
    ("dot([a], [b, c])", "dot", "written dot([v, w], [x, y], b)"), ("total(a, b)", "total", "written total([a, b])"),
    ("[a]", "[", "A list stands in a function"), ("total([])", "total", "written"), ("a)", ")", "should stand, not )"),
    ("c = a*b; c = 2", "c", "given already"), ("d = c*2; c = a*b; c + d", "c", "used before it is made"),
    ("a = a*2", "a", "used before it is made"), ("a.foo()", "foo", "is no function"), ("a.", " ", "After a point"),
    ("1e999", "1e999", "too large"), ("a**(1/0)", "**", "exponent has no value"), ("a < b", "<", "means nothing"),
    ('"a"', '"', "means nothing"), ("constructor(a)", "constructor", "is no function"), ("🙂", "🙂", "means nothing"),
    ("(" * 150 + "a" + ")" * 150, "(", "nested too deeply"), ("-" * 300 + "a", "-", "nested too deeply"),
    ("a+" * 1500 + "a", "a", "3001 letters, and at most 2000"),
    ("+".join(["sin(a)"] * 200), "sin", "at most 300 values"),
    (f"total([{', '.join('a' * 14)}])", "total", "at most 13 numbers"), ("a +\n\nb", "\n", "is missing")])
def test_what_is_not_understood_is_told_and_marked(typed, text, mark, message):
    shown(typed, "c = a*b; C = c + a")
    said = shown(typed, text)
    assert message in said and faulty(typed), said
    assert typed.text("#fault mark") == (mark if mark != "\n" else " ")
    assert typed.run("document.querySelector('#stage').inert && document.querySelector('footer').inert")
    assert shown(typed, "C = a + a") == "" and not faulty(typed)
    assert not typed.run("document.querySelector('#stage').inert")


@pytest.mark.parametrize("text, expected", [
    ("log(a); a = 0", "log of a=0 has no value."), ("1/(a - b); a = 2; b = 2", "/ of 1, 0 has no value."),
    ("sqrt(a); a = 0", "sqrt of a=0 has no derivative."), ("exp(1000)", "exp of 1000 has no value."),
    ("(-8)**(1/3)", "**0.3333333333333333 of -8 has no value."),
    ("a**b; a = -2; b = 3", "** of a=-2, b=3 has no derivative."),
    ("c = 1e200*1e200; c + 1", "* of 1e+200, 1e+200 is too large for a number."), ("0**-1", "**-1 of 0 has no value.")])
def test_what_has_no_value_is_told_as_the_engine_tells_it(typed, text, expected):
    assert shown(typed, text).startswith(expected) and faulty(typed)


def test_a_line_that_nothing_uses_is_told(typed):
    assert shown(typed, "c = a*b; d = a + a; c*2") == "Not used by the last line, so not shown: d."
    assert not faulty(typed)


def test_names_that_javascript_knows_are_only_names(typed):
    for name in ("constructor", "__proto__", "toString", "window", "alert", "hasOwnProperty"):
        assert shown(typed, f"C = {name}*{name}; {name} = 3") == ""
        assert typed.run("[page.numbers.at(-1), page.gradients[0]]") == [9, 6]


def test_a_number_that_has_no_value_stays_in_its_field(opened):
    tab = opened(play("y = log(a) + b; a = 2; b = 1"), calm=True)
    settle(tab)
    tab.run("document.querySelector('.numbers input').select()")
    tab.write("-1")
    tab.run("document.activeElement.blur()")
    tab.size(900, 700)                                  # the picture, of a = 2, is drawn anew
    settle(tab)
    assert faulty(tab) and "a=-1 has no value" in tab.text("#fault")
    assert tab.run("document.querySelector('.numbers input').value") == "-1"


def test_numbers_stand_in_fields_that_follow_what_is_dragged(opened):
    tab = opened(play("C = (a*b + a)**2; a = 2; b = -1.5"), calm=True)
    fields = "Object.fromEntries([...document.querySelectorAll('.numbers input')].map(i => [i.ariaLabel, i.value]))"
    assert tab.run("document.querySelector('#typed').value") == "C = (a*b + a)**2"
    assert tab.run(fields) == {"a": "2", "b": "-1.5"} and tab.run("page.player.step") == 0
    tab.run("document.querySelector('.numbers input').select()")
    tab.write("3")
    assert tab.run("page.numbers.at(-1)") == (3 * -1.5 + 3) ** 2 and tab.run(fields)["a"] == "3"
    tab.key("ArrowUp")
    assert tab.run("page.numbers[0]") == 3.1
    tab.run("document.querySelector('.numbers input').select()")
    tab.write("-")
    assert faulty(tab) and "a has no number" in tab.text("#fault")
    tab.write("0,5")
    assert not faulty(tab) and tab.run("page.numbers[0]") == -0.5
    settle(tab)
    tab.drag("[data-node='1'] .face", right=60)
    b = tab.run("page.numbers[1]")
    assert float(tab.run(fields)["b"]) == b != -1.5
    wait(tab, 300)
    address = urllib.parse.unquote(tab.run("location.hash"))
    assert address == f"#text=C = (a*b + a)**2\na = -0.5\nb = {b!r}&step=10"
    numbers = tab.run("page.numbers")
    tab.point(*tab.at("#restore"))
    wait(tab)
    tab.click("#restore")
    assert tab.run(fields) == {"a": "2", "b": "-1.5"}
    again = opened(play("x"), address[1:].replace("+", "%2B").replace(" ", "%20").replace("\n", "%0A"), calm=True)
    assert again.run("page.numbers") == numbers and again.run("page.player.step") == 10


def test_what_is_typed_is_played_while_it_is_typed(opened):
    tab = opened(play("x"), calm=True)
    tab.run("document.querySelector('#typed').select()")
    for letter in "C = (alpha + 1)**2":
        tab.write(letter)
    assert not faulty(tab) and tab.run("page.player.step") == tab.run("Number(document.querySelector('#scrub').max)")
    assert tab.run("page.numbers[0]") == 0.5 and tab.text("h1") == "Backpropagation of what you type"
    assert "raising it raises C" in tab.text("#legend")
    tab.key("ArrowLeft")
    tab.key("Home")
    tab.write("B = C; ")
    assert faulty(tab) and "used before" in tab.text("#fault")
    tab.run("document.querySelector('#choices select').selectedIndex = 3,"
            "document.querySelector('#choices select').onchange()")
    assert tab.run("page.nodes.map(node => node.label)") == ["w0", "w1", "x0", "x1", "b", "z", "", "", "", "C"]
    assert number(tab.text("[data-node='0'] .grad").removeprefix("grad ")) == about(-0.3549)


def test_what_was_asked_of_one_expression_is_not_asked_of_another(opened):
    tab = opened(play("C = (a*b + a)**2; a = 2; b = -1.5"), "predict=1&step=7", calm=True)
    for _ in range(2):
        tab.key("ArrowRight")
    assert tab.run("[page.player.step, page.predict.pending]") == [8, 9]
    assert tab.text(".quiz h2") == "What is added to a.grad: plus or minus?"
    tab.run("document.querySelector('#typed').focus()")
    tab.type("+")                                               # is typed, and no answer
    assert tab.run("document.querySelector('#typed').value") == "C = (a*b + a)**2+" and faulty(tab)
    assert tab.run("page.predict.pending") == 9
    tab.type("b")
    assert not faulty(tab) and tab.run("page.predict.pending") is None and tab.run("page.predict.isOn")
    assert tab.run("document.querySelector('.quiz, .verdict')") is None
    wait(tab, 300)
    again = opened(play("x"), tab.run("location.hash.slice(1)"), calm=True)
    assert again.run("page.numbers") == tab.run("page.numbers") and again.run("page.predict.isOn")


def test_an_address_is_text(opened):
    tab = opened(play("C = a*a"), calm=True)
    for hostile in (" ".join(text for text in HOSTILE if len(text) < 99 and text not in "\ud800\0"), "x" * 10_000):
        tab.visit("text=" + urllib.parse.quote(hostile))
        assert tab.run("document.querySelectorAll('script').length") == 2 and tab.text("title").startswith("Backprop")
        assert tab.run("document.querySelector('#typed').value") == hostile and faulty(tab)
        assert tab.run("document.querySelectorAll('#fault *').length") == 4


def test_every_row_of_the_table_can_be_typed():
    page = typed_page("x").html
    for name in NAMES:
        assert f'"{name}":{{' in page
    assert '"sign":{' not in page and '"<":{' not in page


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="at most 2,000 letters; got 2,001"):
        play("a" * 2001)
    with pytest.raises(TypeError, match="no X and Y"):
        play("a*b", [1.0])


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_overlaps_or_is_cut_off_where_one_types(opened, dark):
    tab = opened(play("z = dot([w0, w1], [x0, x1], b)\nC = (sigmoid(z) - 1)**2"), dark=dark, calm=True)
    for width, height in SIZES:
        tab.size(width, height)
        settle(tab)
        assert tab.run(SOUND) == [] and tab.run(LAYOUT) == [], (width, height)
        assert tab.run("""(b => b.left >= 0 && b.right <= innerWidth && document.querySelector('#stage').clientHeight)
                          (document.querySelector('#choices').getBoundingClientRect())""") >= 80, (width, height)
