"""Finding a record by what people call it: its id on either side, its reference, its name in Odoo, an e-mail address.

Words are learned whenever a change of the record ends, also if it fails, so that an order that is stuck is found by its reference.
E-mail addresses are kept as digests that only this installation can make.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal import crypto
from portal.entities import registry
from portal.entities.text import address_of_mail
from portal.models import Mapping as LinkRow
from portal.models import SearchWord, Store, SyncJob
from portal.sync.links import Link

LONGEST = 100
MOST = 50
_LAST = "\U0010ffff"
_KINDS = {"customer": "customer", "client": "customer", "product": "product", "order": "order", "stock": "stock"}
ENTITIES = ("customer", "product", "combination", "stock", "order")


@dataclass(frozen=True, order=True)
class Hit:
    """A record that was found, and by what: its shop id, its Odoo id, or a word."""

    entity: str
    record: str
    by: str


def words(link: Link) -> set[str]:
    """By what a linked record is found."""
    values = (link.data.get("reference"), link.data.get("name"), link.base.get("email")) if link.entity == "order" else \
        (link.base.get("reference"), link.base.get("barcode"), link.base.get("email"))
    return {str(value) for value in values if value}


def learn(session: Session, store_id: int, found: Mapping[tuple[str, str], Iterable[str]]) -> None:
    """Remember words by (entity, record). What is known already costs one statement."""
    rows = [{"store_id": store_id, "word": word, "entity": entity, "record": record}
            for (entity, record), said in found.items() for word in sorted({_stored(text) for text in said} - {""})]
    if rows:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(SearchWord).on_conflict_do_nothing(), rows)


def find(session: Session, store: Store, text: str) -> list[Hit]:
    """The records that a person may mean, best first: ids before words, whole words before beginnings."""
    text = " ".join(text.split())[:LONGEST]
    kind, _, rest = text.lower().partition(" ")
    only = _KINDS.get(kind.removesuffix("s")) if rest else None
    if only:
        text = rest.strip()
    text = text.lstrip("#").strip()
    if not text:
        return []
    found: dict[tuple[str, str], Hit] = {}
    for hit in (*_by_id(session, store, text), *_by_word(session, store, text)):
        if only is None or hit.entity == only:
            found.setdefault((hit.entity, hit.record), hit)
    return list(found.values())[:MOST]


def _by_id(session: Session, store: Store, text: str) -> list[Hit]:
    if not re.fullmatch(r"\d{1,18}(:\d{1,18})?", text):
        return []
    mine = (LinkRow.store_id == store.id, LinkRow.target == store.target, LinkRow.entity.in_(ENTITIES))
    linked = session.execute(select(LinkRow.entity, LinkRow.shop_id).where(*mine, LinkRow.shop_id == text))
    hits = [Hit(entity, record, "shop") for entity, record in linked]
    noticed = session.scalars(select(SyncJob.entity).distinct().where(
        SyncJob.store_id == store.id, SyncJob.entity.in_([e.name for e in registry.ENTITIES]), SyncJob.record == text,
        SyncJob.direction == "ps_to_odoo"))
    hits += [Hit(entity, text, "shop") for entity in noticed]
    if text.isdecimal():
        over_there = session.execute(select(LinkRow.entity, LinkRow.shop_id).where(*mine, LinkRow.odoo_id == int(text)))
        hits += [Hit(entity, record, "odoo") for entity, record in over_there]
    return hits


def _by_word(session: Session, store: Store, text: str) -> list[Hit]:
    if "@" in text:
        wanted: ColumnElement[bool] = SearchWord.word.in_([f"@{digest}" for digest in crypto.keyed_digests(address_of_mail(text))])
    else:
        word = text.lower()
        wanted = (SearchWord.word >= word) & (SearchWord.word < word + _LAST)
    rows = session.execute(select(SearchWord.entity, SearchWord.record).distinct().where(SearchWord.store_id == store.id, wanted)
                           .limit(MOST))
    return sorted(Hit(entity, record, "word") for entity, record in rows)


def _stored(text: str) -> str:
    if "@" in text and (address := address_of_mail(text)):
        return f"@{crypto.keyed_digests(address)[0]}"
    return " ".join(text.lower().split())[:LONGEST]
