from __future__ import annotations

import io
import logging

import pytest

from portal.logs import FORMAT, Redacting, hide, redact

SECRET = "S3CR3T0123456789"


@pytest.mark.parametrize("text", [
    f"GET /cron?token={SECRET}",
    f"https://shop.example.com/api/products?display=[id]&ws_key={SECRET} failed",
    f"https://{SECRET}@shop.example.com/api",
    f"https://{SECRET}:@shop.example.com/api",
    f"redis://:{SECRET}@host:6379/0",
    f"postgresql+psycopg://user:{SECRET}@host/db",
    f"Authorization: Bearer {SECRET}",
    f"Authorization: Basic {SECRET}==",
    f"{{'Authorization': 'Bearer {SECRET}', 'Accept': 'text/html'}}",
    f"Cookie: session={SECRET}; theme=dark",
    f'{{"token": "{SECRET}", "event": "x"}}',
    f"odoo_key='{SECRET}'",
    f"password: {SECRET}",
    f"PORTAL_SECRET_KEY={SECRET}",
    f"sent bearer {SECRET}",
])
def test_a_secret_is_hidden(text: str) -> None:
    assert SECRET not in redact(text)
    assert "[hidden]" in redact(text)


@pytest.mark.parametrize("text", [
    "Order 12: the total is 10.00 and the shop's 10.01",
    "worker 1 ended (-9); starting it again in 0.2 s",
    "https://shop.example.com/api/products/12 answered 404",
    "KeyError: 'id_order'",
    "Is the network reachable? Test it.",
])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_value_made_known_is_hidden_wherever_it_stands() -> None:
    hide("quite ordinary words", "short")
    assert redact("args [1, 'quite ordinary words', 'short']") == "args [1, '[hidden]', 'short']"


@pytest.mark.parametrize(("text", "shown"), [
    ("a\nb", r"a\nb"), ("a\r\nb", r"a\r\nb"), ("\x1b[31mred", r"\x1b[31mred"), ("x\u2028y", r"x\u2028y"),
    ("tab\tstays", "tab\tstays"),
])
def test_an_entry_is_one_line_without_control_characters(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_a_traceback_is_redacted_too_and_stays_on_one_line() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Redacting(FORMAT))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise ValueError(f"token={SECRET}")
    except ValueError:
        logger.exception("it failed")
    assert SECRET not in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
