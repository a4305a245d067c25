from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.entities.language import odoo_language, shop_language
from portal.entities.text import (
    address_of_mail,
    clean,
    html_to_text,
    lines,
    number,
    one_line,
    text_to_html,
    translated,
    yes,
)

MARKUP = "<>/!&;#[]-\"'= \n\r\t\u00a0\u200f\U0001f600apbrdivlscript"
ANY = st.text(st.characters(codec=None), max_size=500) | st.text(MARKUP, max_size=500)
FAMILY = "\u05e9\u05dc\u05d5\u05dd \u200f\U0001f468\u200d\U0001f469\u200d\U0001f467"
"""Hebrew with a direction mark, and an emoji of three joined ones."""


@pytest.mark.parametrize(("html", "text"), [
    ("<p>White Ceramic Mug, 325ml.</p>", "White Ceramic Mug, 325ml."),
    ("<p>One</p>\r\n<p></p>", "One"),
    ("<p>One</p><p>Two</p>", "One\n\nTwo"),
    ("One<br />Two<br>Three", "One\nTwo\nThree"),
    ("One<br><br><br>Two", "One\n\nTwo"),
    ("<ul><li>Red</li>\n<li><p>Blue</p></li><li></li></ul>End", "- Red\n- Blue\n\nEnd"),
    ("<div>One</div><div>Two</div>", "One\nTwo"),
    ("<table><tr><td>Size</td><td>XL</td></tr><tr><td>Width</td><td>5</td></tr></table>", "Size XL\nWidth 5"),
    ("soft <b>bold</b>, <i>thin</i>", "soft bold, thin"),
    ("a&nbsp;b &amp; &lt;c&gt; &eacute;&#233;", "a b & <c> éé"),
    ("Mug\u00a0The Adventure", "Mug The Adventure"),
    ("<style>p{color:red}</style><script>alert('x')</script>Safe", "Safe"),
    ("<![if !IE]>Word<![endif]> text<!-- hidden -->", "Word text"),
    ("One<![x]> two", "One two"),
    ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
    (f"<p>{FAMILY}</p>", FAMILY),
    ("", ""), (None, ""), (False, ""),
])
def test_html_reads_as_a_person_would_see_it(html: object, text: str) -> None:
    assert html_to_text(html) == text


def test_control_characters_are_dropped_and_spaces_that_do_not_break_are_kept_as_spaces() -> None:
    assert one_line("Ana\x00\x7f\x9f Gar\u00a0c\u00eda\x07\ufeff\ud800\t!\u2028?") == "Ana Gar c\u00eda ! ?"
    assert clean("Cafe\u0301") == "Café"
    assert lines(" a  b \r\n\r\n\r\n\r\nc\u2029d ") == "a b\n\nc\nd"


def test_an_email_address_is_compared_without_case_and_pasted_spaces() -> None:
    assert address_of_mail(" John.DOE@Example.COM\u200b\u00a0\n") == "john.doe@example.com"


@given(ANY)
def test_every_text_function_settles_at_once_and_leaves_what_odoo_can_store(text: str) -> None:
    for settle in (clean, one_line, lines, address_of_mail):
        once = settle(text)
        assert settle(once) == once
        assert "\x00" not in once
        once.encode()


@given(ANY)
def test_any_html_gives_normal_text_and_never_raises(html: str) -> None:
    text = html_to_text(html)
    assert lines(text) == text


@given(ANY)
def test_text_survives_the_way_to_html_and_back(text: str) -> None:
    assert html_to_text(text_to_html(text)) == lines(text)


@given(ANY)
def test_text_is_no_markup_once_it_is_html(text: str) -> None:
    inside = text_to_html(text).replace("<p>", "").replace("</p>", "").replace("<br />", "")
    assert "<" not in inside
    assert ">" not in inside


@pytest.mark.parametrize(("value", "text"), [
    ("23.900000", "23.9"), ("5.490000", "5.49"), ("0.000000", "0"), ("-0.0000001", "0"), (21.123456, "21.123456"),
    (0.1 + 0.2, "0.3"), (Decimal("1E+3"), "1000"), ("1e-7", "0"), ("0.0000005", "0.000001"), (7, "7"), (None, "0"), ("", "0"),
    (False, "0"), (" 12.50 ", "12.5"), ("100", "100"), ("-3.10", "-3.1"),
])
def test_numbers_have_one_spelling(value: object, text: str) -> None:
    assert number(value) == text


def test_numbers_are_rounded_half_up_to_the_places_asked_for() -> None:
    assert [number(n, 2) for n in ("12.345", "12.335", "-12.345", "0.123456")] == ["12.35", "12.34", "-12.35", "0.12"]


@pytest.mark.parametrize("value", ["abc", "12,50", "NaN", "Infinity", "1e99", [], True])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        number(value)


@given(st.decimals(-10**9, 10**9, places=8), st.integers(0, 6))
def test_a_number_is_its_own_normal_form(amount: Decimal, places: int) -> None:
    text = number(amount, places)
    assert number(text, places) == text
    assert abs(Decimal(text) - amount) <= Decimal("0.5").scaleb(-places)


def test_a_text_in_several_languages_falls_back_only_where_it_may() -> None:
    text = {1: " ", 2: "T-shirt imprimé"}
    assert translated(text, 2) == "T-shirt imprimé"
    assert translated(text, 1) == "T-shirt imprimé"
    assert translated(text, 1, otherwise_any=False) == ""
    assert translated(" plain ", 1) == "plain"
    assert translated({}, 1) == ""


def test_flags_are_read_in_every_spelling_of_the_webservice() -> None:
    assert [yes(v) for v in ("1", 1, True, "true")] == [True] * 4
    assert [yes(v) for v in ("0", 0, "", None, False)] == [False] * 5


@pytest.mark.parametrize(("iso", "installed", "code"), [
    ("en", ["en_GB", "en_US"], "en_US"), ("gb", ["en_US", "en_GB"], "en_GB"), ("gb", ["en_US"], "en_US"),
    ("fr", ["en_US", "fr_BE"], "fr_BE"), ("fr", ["fr_BE", "fr_FR"], "fr_FR"), ("br", ["pt_PT", "pt_BR"], "pt_BR"),
    ("sr", ["sr@latin"], "sr@latin"), ("de", ["en_US"], ""), ("", ["en_US"], ""),
])
def test_a_shop_language_finds_the_nearest_installed_one(iso: str, installed: list[str], code: str) -> None:
    assert odoo_language(iso, installed) == code


def test_an_odoo_language_is_named_as_the_shop_names_it() -> None:
    assert [shop_language(c) for c in ("fr_FR", "en_GB", "pt_BR", "sr@latin", False)] == ["fr", "gb", "br", "sr", ""]
