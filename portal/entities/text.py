"""Texts and numbers in normal form: what both sides are brought to before they are compared.

Every function is idempotent, and none raises on text, whatever people pasted into a shop.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from html import escape
from html.parser import HTMLParser
from typing import Any

_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
"""Control characters (Odoo refuses NUL), halves of surrogate pairs, byte order marks. Joiners and marks of right-to-left
scripts stay, because names and emoji need them."""


def clean(value: Any) -> str:
    """Text in Unicode's composed form, without control characters and outer white space; "" for None and False."""
    if value is None or value is False:
        return ""
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _UNWANTED.sub("", _NEWLINES.sub("\n", text)))
    return text.strip()


def one_line(value: Any) -> str:
    """Text on one line, each run of white space (no-break spaces included) as one space."""
    return " ".join(clean(value).split())


def lines(value: Any) -> str:
    """Text of several lines: each as `one_line`, at most one empty line in a row."""
    return re.sub("\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in clean(value).split("\n"))).strip()


def address_of_mail(value: Any) -> str:
    """An e-mail address in lower case, without the spaces and invisible characters that are pasted along with one."""
    text = "".join(c for c in clean(value) if not c.isspace() and unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", text.lower())


def translated(value: Any, language: int, *, otherwise_any: bool = True) -> str:
    """The text in this language, else (unless told not to) in the first one that has any; a plain text as it is."""
    if not isinstance(value, Mapping):
        return clean(value)
    own = clean(value.get(language) or value.get(str(language)))
    if own or not otherwise_any:
        return own
    return next((text for text in map(clean, value.values()) if text), "")


def yes(value: Any) -> bool:
    """A flag of the webservice, which writes 1, "1", "0", "" or nothing."""
    return str(value or "0").strip().lower() in ("1", "true")


def number(value: Any, places: int = 6) -> str:
    """A number as decimal text, rounded half up, without superfluous zeros; "0" for nothing.

    Raises ValueError for what is no number.
    """
    text = "" if value is None or value is False else str(value).strip()
    if not text:
        return "0"
    try:
        amount = Decimal(text).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not amount.is_finite():
        raise ValueError(f"{value!r} is not a number")
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def html_to_text(html: Any) -> str:
    """What a reader sees of HTML: paragraphs apart, lines as lines, list items with a dash, no markup, no scripts."""
    reader = _Reader()
    # A marked section such as Word's <![if !IE]> is a comment to a browser, and an error to Python's parser.
    reader.feed(clean(html).replace("<![", "<!"))
    reader.close()
    return lines("".join(reader.parts))


def text_to_html(text: str) -> str:
    """Text as paragraphs of HTML; `html_to_text` gives the same text back."""
    paragraphs = lines(text).split("\n\n") if text else []
    return "".join(f"<p>{escape(paragraph, quote=False)}</p>".replace("\n", "<br />") for paragraph in paragraphs if paragraph)


_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "hr"})
_BLOCKS = frozenset({"div", "li", "tr", "section", "article", "header", "footer", "dl", "dt", "dd", "address", "figure"})
_CELLS = frozenset({"td", "th"})
_HIDDEN = frozenset({"script", "style", "template", "title"})


class _Reader(HTMLParser):
    """Collects text; line breaks wait until text follows, so that nested blocks do not add up."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._breaks = 0
        self._bullet = False
        self._in_item = False
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag == "br":
            self._breaks += 1
        elif tag in _CELLS:
            self.parts.append(" ")
        else:
            self._break(tag)
            if tag == "li":
                self._bullet = self._in_item = True

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
            return
        if tag == "li":
            self._bullet = False
        elif tag in ("ul", "ol"):
            self._in_item = False
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        text = " ".join(data.split())
        if not text:
            self.parts.append(" ")
            return
        self.parts += ["\n" * min(self._breaks, 2), "- " if self._bullet else "", " " if data[0].isspace() else "", text,
                       " " if data[-1].isspace() else ""]
        self._breaks, self._bullet = 0, False

    def _break(self, tag: str) -> None:
        apart = 2 if tag in _PARAGRAPHS and not self._in_item else 1
        self._breaks = max(self._breaks, apart if tag in _PARAGRAPHS or tag in _BLOCKS else 0)
