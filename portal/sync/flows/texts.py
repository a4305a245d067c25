"""Names and descriptions in the languages that shop and Odoo share. Odoo's user sees one of them; each other one is read and
written with its own call, for a whole batch where that can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from portal.entities.base import OdooFacts, RecordEntity, Row, Values
from portal.entities.product import PRODUCT, in_language, language_of
from portal.models import SyncJob
from portal.sync import facts
from portal.sync.flows.loading import cell, load
from portal.sync.flows.templates import read_templates
from portal.sync.work import Work

TEXTS: Mapping[str, str] = {"name": "name", "description": "description_sale"}
"""What a product has in several languages, with Odoo's fields."""


def read(work: Work, odoo: OdooFacts, ids: Sequence[int], more: Collection[str] = ()) -> list[Row]:
    """Templates with all that `from_odoo` needs and the fields in `more`. One more call per language."""
    rows = read_templates(work.odoo, ids, [*PRODUCT.odoo_fields(odoo), *more])
    by_id = {row["id"]: row for row in rows}
    for code in _codes(work) if rows else ():
        told = work.odoo.read(PRODUCT.odoo_model, sorted(by_id), list(TEXTS.values()), context={"lang": code})
        for row in told:
            by_id[row["id"]] |= {in_language(key, code): row[field] for key, field in TEXTS.items()}
    return rows


def repeated(work: Work, entity: RecordEntity, odoo: OdooFacts, changes: Mapping[int, Collection[str]]) -> dict[int, set[str]]:
    """By Odoo id, the texts that are not translated there now. `changes`: what is about to be written; where no main text
    changes it does not matter. No call where it matters nowhere."""
    ids = sorted(number for number, names in changes.items() if set(names) & set(TEXTS))
    if entity.name != PRODUCT.name or not ids or not _codes(work):
        return {}
    return {row["id"]: untranslated(PRODUCT.from_odoo(row, odoo)) for row in read(work, odoo, ids)}


def untranslated(values: Values) -> set[str]:
    """The texts in which a product of Odoo has no translation."""
    return {key for key, value in values.items() if language_of(key) and not value}


def write(work: Work, jobs: Sequence[SyncJob], entity: RecordEntity, odoo_id: int, values: Values, only: Collection[str], *,
          repeated: Collection[str]) -> None:
    """Write the texts in other languages of one record; a call for each language that has something new. After the main text,
    which in Odoo stands for every language without its own."""
    for code, row in entity.texts(values, only, repeated).items():
        work.before_write(jobs)
        work.odoo.write(entity.odoo_model, [odoo_id], row, context={**entity.context, "lang": code})


def load_new(work: Work, jobs: Sequence[SyncJob], entity: RecordEntity, names: Sequence[str], values: Sequence[Values]) -> None:
    """Write the texts in other languages of records that were just created under these external ids. One call per language."""
    by_language: dict[str, list[list[str]]] = {}
    for name, one in zip(names, values, strict=True):
        for code, row in entity.texts(one, None).items():
            main = {field: one[key] for key, field in TEXTS.items()}
            texts = {**main, **row}
            by_language.setdefault(code, []).append([name, *(cell(texts[field], boolean=False) for field in TEXTS.values())])
    for code, table in by_language.items():
        load(work, jobs, entity.odoo_model, ["id", *TEXTS.values()], table, language=code)


def _codes(work: Work) -> list[str]:
    return list(facts.shop(work.services, work.store).shared.values())
