"""What the connector said, in the reader's language.

Log, causes and remedies are kept in English, as the command line tells them. The sentences they were made from stand in the
catalogues under the context "said", with numbered gaps: "Order {1} is no longer in the shop." When a page shows a text, it is
recognised by its sentence. What nobody wrote here, such as an answer of Odoo, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask
from flask_babel import get_locale, get_translations

CONTEXT = "said\x04"
"""How gettext keys the texts of a context."""
GAP = re.compile(r"\{(\d)\}")
_START = 5
"""So many letters of its beginning lead to a sentence; one that begins with a gap is tried for every text."""
_RECORD = re.compile(r"([A-Za-z]+) (\d[\d:]*)")
"""How a record is called: product 12, stock 12:34."""
_NUMBER = re.compile(r"(\d[\d,.]*) ([a-z]+)")
_ENDS = re.compile(r"(?<=[.!?:;,]) ")


def init_app(app: Flask) -> None:
    """Install the filter `told`."""
    app.jinja_env.filters["told"] = told


def told(text: Any) -> str:
    """The text in the language of the page."""
    if not text:
        return ""
    locale = str(get_locale() or "en")
    return _book(locale).tell(str(text)) if locale != "en" else str(text)


@lru_cache(maxsize=8)
def _book(_locale: str) -> Book:
    catalogue: Mapping[Any, str] = getattr(get_translations(), "_catalog", {})
    return Book({key.removeprefix(CONTEXT): text for key, text in catalogue.items()
                 if isinstance(key, str) and key.startswith(CONTEXT) and text})


@dataclass(frozen=True)
class _Sentence:
    pattern: re.Pattern[str]
    translation: str
    weight: int


class Book:
    """The sentences of one language: English with gaps → translation with the same gaps."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self._whole = {text: translation for text, translation in sentences.items() if not GAP.search(text)}
        self._by_start: dict[str, list[_Sentence]] = {}
        for text, translation in sentences.items():
            if GAP.search(text):
                literals = GAP.split(text)[::2]
                pattern = re.compile("(.*?)".join(map(re.escape, literals)), re.DOTALL)
                found = _Sentence(pattern, translation, sum(map(len, literals)))
                self._by_start.setdefault(text[:_START] if len(literals[0]) >= _START else "", []).append(found)
        self.tell: Callable[[str], str] = lru_cache(maxsize=5000)(self._tell)

    def _tell(self, text: str) -> str:
        """The longest beginning that is known, then the rest."""
        said = self._known(text) or self._within_a_sentence(text)
        if said is not None:
            return said
        ends = [match.start() for match in _ENDS.finditer(text)]
        for end in reversed(ends):
            said = self._known(text[:end]) or self._label(text[:end])
            if said is not None:
                return f"{said} {self._tell(text[end + 1:])}"
        return f"{text[:ends[0]]} {self._tell(text[ends[0] + 1:])}" if ends else text

    def _known(self, text: str) -> str | None:
        if text in self._whole:
            return self._whole[text]
        record = _RECORD.fullmatch(text)
        if record and record[1] in self._whole:
            return f"{self._whole[record[1]]} {record[2]}"
        number = _NUMBER.fullmatch(text)
        if number and number[2] in self._whole:
            return f"{number[1]} {self._whole[number[2]]}"
        candidates = (*self._by_start.get(text[:_START], ()), *self._by_start.get("", ()))
        for sentence in sorted(candidates, key=lambda one: -one.weight):
            found = sentence.pattern.fullmatch(text)
            if found:
                return self._filled(sentence.translation, found.groups())
        return None

    def _within_a_sentence(self, text: str) -> str | None:
        """What follows a colon begins small."""
        said = self._known(text[:1].upper() + text[1:]) if text[:1].islower() else None
        return None if said is None else said[:1].lower() + said[1:]

    def _label(self, text: str) -> str | None:
        """Words before a colon, a comma or a semicolon, as in a list."""
        said = self._known(text[:-1]) if text[-1] in ":;," else None
        return None if said is None else said + text[-1]

    def _filled(self, translation: str, values: tuple[str, ...]) -> str:
        return GAP.sub(lambda gap: self._in_gap(values[int(gap[1]) - 1]), translation)

    def _in_gap(self, value: str) -> str:
        inner = value.strip()
        return value.replace(inner, self._tell(inner)) if inner else value

