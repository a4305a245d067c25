"""Texts and numbers in normal form."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from html.parser import HTMLParser
from typing import Any

_BREAKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote"}
_HIDDEN = {"script", "style", "template"}


def clean(value: Any) -> str:
    """Text without control characters and outer white space; "" for nothing."""
    if value is None or value is False:
        return ""
    return "".join(c for c in str(value) if c in "\n\t" or (c.isprintable() or ord(c) > 0x2000)).replace("\t", " ").strip()


def one_line(value: Any) -> str:
    """Text on one line, each run of white space as one space."""
    return " ".join(clean(value).split())


def translated(value: Any, language: int) -> str:
    """The text in this language, or in the first one that has any; a text without languages as it is."""
    if isinstance(value, Mapping):
        own = clean(value.get(language) or value.get(str(language)))
        return own or next((text for text in map(clean, value.values()) if text), "")
    return clean(value)


def number(value: Any, places: int = 6) -> str:
    """A number as decimal text without superfluous zeros; "0" for nothing. Raises ValueError for what is none."""
    if value in (None, False, ""):
        return "0"
    try:
        amount = Decimal(str(value)).quantize(Decimal(1).scaleb(-places))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def html_to_text(html: Any) -> str:
    """What a reader sees of HTML: paragraphs as lines, list items with a dash, no markup, no scripts."""
    reader = _Reader()
    reader.feed(clean(html))
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    text: list[str] = []
    for line in lines:
        if line or (text and text[-1]):
            text.append(line)
    return "\n".join(text).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BREAKS:
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))
