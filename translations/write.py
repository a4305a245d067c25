"""Brings the catalogues up to date with the texts of templates and code, and says what has no translation yet:

    .venv/bin/python -m translations.write
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from portal.entities import registry
from portal.sync import duplicates
from translations import said

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "translations"
LANGUAGES = ("fr", "es", "it")
METHODS = [("templates/**.html", "jinja2"), ("portal/web/**.py", "python")]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}
OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}


def collect() -> Catalog:
    """Every text of the pages, from templates, views and the tables that pages are built from."""
    found = Catalog(project="Odoo Connector", charset="utf-8", fuzzy=False)
    for name, line, text, comments, context in extract_from_dir(str(ROOT), METHODS, OPTIONS, KEYWORDS, ("Translators:",)):
        found.add(text, locations=[(name, line)], auto_comments=comments, context=context)
    for entity in registry.ENTITIES:
        found.add(entity.label, locations=[("portal/entities/registry.py", 1)])
    for source in duplicates.SOURCES.values():
        found.add(source.label, locations=[("portal/sync/duplicates.py", 1)])
    for name, text in said.collect(ROOT):
        found.add(text, locations=[(name, 1)], context=said.CONTEXT)
    return found


def path_of(language: str) -> Path:
    """Where the texts of a language stand."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """The catalogue of a language as it is kept; empty where there is none."""
    if not path_of(language).exists():
        return Catalog(locale=language, project="Odoo Connector", charset="utf-8", fuzzy=False)
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def missing(catalogue: Catalog) -> list[str]:
    """The texts without a translation in every plural form."""
    return [str(message.id) for message in catalogue if message.id and
            (message.fuzzy or not all(message.string if isinstance(message.string, (list, tuple)) else [message.string]))]


def main() -> int:
    """Update each catalogue; exit code 1 while something is missing."""
    template, lacking = collect(), 0
    for language in LANGUAGES:
        catalogue = read(language)
        made = catalogue.creation_date
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.creation_date = made  # else each branch changes this line, and no two of them merge
        catalogue.obsolete.clear()
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        with path_of(language).open("wb") as file:
            write_po(file, catalogue, width=120, omit_header=False, no_location=True, sort_output=True, ignore_obsolete=True)
        todo = missing(catalogue)
        lacking += len(todo)
        print(f"{language}: {len(list(catalogue)) - 1} texts, {len(todo)} without translation")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
