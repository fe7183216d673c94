"""What is shown: text from users stays on its line, whatever it says, and the two colours mean a sign."""

import pytest
from hypothesis import given, strategies as st

from micrograd2 import pictures
from micrograd2.shown import BLUE, DARK, LIGHT, ORANGE, printable


@given(st.text(), st.integers(1, 50) | st.none())
def test_text_from_users_is_one_line_of_letters_that_can_be_shown(text, most):
    line = printable(text, most)
    assert line.isprintable() and len(line.splitlines()) <= 1
    assert len(line) == min(len(text), len(text) if most is None else most)


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20))
def test_a_short_text_without_control_characters_is_shown_as_it_is(text):
    assert printable(text, 20) == printable(text) == text


@given(st.text(), st.integers(1, 50))
def test_shortening_twice_is_shortening_once(text, most):
    assert printable(printable(text, most), most) == printable(text, most)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_a_gradient_has_the_colour_of_its_sign(palette):
    assert [palette.sign(grad) for grad in (1e-9, -1e-9, 0.0)] == [palette.blue, palette.orange, palette.faint]


def test_pictures_and_tables_have_the_same_two_colours():
    assert (pictures.BLUE, pictures.ORANGE) == (BLUE, ORANGE) == (LIGHT.blue, LIGHT.orange)
