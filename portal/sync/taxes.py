"""The taxes of a store: what the shop can charge, the Odoo taxes for it, what the merchant chose, and the orders that wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from portal.db import now
from portal.entities import tax_table
from portal.entities.tax import TaxMap, missing_cause
from portal.models import Store, SyncJob
from portal.order_tables import TaxChoice, TaxTable
from portal.settings import SettingError
from portal.sync import jobs, log, sales
from portal.sync.services import Services

KEEP_SECONDS = 3600.0
"""How long a worker trusts the table that the tax page shows."""
SHOWN = 50
"""Waiting orders that are named for each tax."""
_WAIT = ("dead", "error", "pending")


@dataclass(frozen=True)
class Missing:
    """A tax that orders wait for: where, which rate, how many orders, and the jobs of the first of them."""

    place: str
    label: str
    cause: str
    number: int
    jobs: tuple[SyncJob, ...]


def chosen(session: Session, store: Store) -> TaxMap:
    """What the merchant chose for this Odoo database."""
    rows = session.scalars(select(TaxChoice).where(*_mine(store)))
    return {(row.place, row.rate, row.tax_group): tuple(row.taxes) for row in rows}


def find(session: Session, store: Store) -> TaxTable | None:
    """The table as it was last read, if it belongs to this Odoo database."""
    row = session.get(TaxTable, store.id)
    return row if row is not None and row.target == store.target else None


def refresh(services: Services, store: Store) -> int:
    """Read the taxes of both sides anew and try the orders again whose tax is there now; their number."""
    shop = services.shop(store)
    rows = {resource: shop.find(resource, {}, fields) for resource, fields in tax_table.READS.items()}
    odoo = sales.odoo_sales(services, store, keep=0)
    language = shop.profile.default_language if shop.profile else 1
    with services.db.begin() as session:
        waiting = missing(session, store)
        choices = chosen(session, store)
        more = [(item.place, item.label) for item in waiting] + [(place, rate) for place, rate, _ in choices]
        content = tax_table.table(rows, odoo, more, language=language)
        row = session.get(TaxTable, store.id) or TaxTable(store_id=store.id)
        row.target, row.content, row.at = store.target, content, now()
        session.add(row)
        return sum(replay(session, store, item.cause, "the taxes were read again") for item in waiting
                   if _is_there(content, item, choices))


def note(services: Services, store: Store) -> None:
    """Keep the table fresh enough to be shown; for workers, who pass by with every order."""
    services.remember("tax table", store, KEEP_SECONDS, partial(refresh, services, store))


def missing(session: Session, store: Store) -> list[Missing]:
    """The taxes that orders of the store wait for, the one with most orders first."""
    number = func.count().label("number")
    of_store = (SyncJob.store_id == store.id, SyncJob.entity == "order", SyncJob.state.in_(_WAIT))
    causes = session.execute(select(SyncJob.cause, number).where(*of_store, SyncJob.cause.startswith("tax:", autoescape=True))
                             .group_by(SyncJob.cause).order_by(number.desc(), SyncJob.cause)).all()
    found = []
    for cause, count in causes:
        _, label, place = cause.split(":", 2)
        rows = session.scalars(select(SyncJob).where(*of_store, SyncJob.cause == cause).order_by(SyncJob.id).limit(SHOWN))
        found.append(Missing(place, label, cause, count, tuple(rows)))
    return found


def replay(session: Session, store: Store, cause: str, why: str) -> int:
    """Try every order again that waits for this tax; their number."""
    number = jobs.replay(session, store.id, cause, why)
    if number:
        _, label, place = cause.split(":", 2)
        log.write(session, store.id, f"{number:,} {'order that waits' if number == 1 else 'orders that wait'} for {label} tax in "
                  f"{place} will be tried again.", entity="order")
    return number


def choose(session: Session, store: Store, place: str, label: str, group: int, taxes: Collection[int], actor: str) -> int:
    """Use these Odoo taxes for a rate in a place; the number of orders that were waiting for it and are tried again.

    No taxes: back to what is found by itself. Raises SettingError naming what is wrong with them.
    """
    row = find(session, store)
    line = _line(row.content, place, label) if row is not None else None
    if row is None or line is None:
        raise SettingError(f"rate: The shop charges no {label} in {place}, as far as was read. Read the taxes again.")
    if group and group not in {item["id"] for item in line["groups"]}:
        raise SettingError(f"group: Tax group {group} does not charge {label} in {place}.")
    picked = sorted(set(taxes))
    allowed = [way for kind in ("included", "excluded") for way in line[kind]]
    fitting = [way for way in allowed if set(way) <= set(picked)]
    if picked and {number for way in fitting for number in way} != set(picked):
        known = row.content["taxes"]
        wrong = next(number for number in picked if not any(number in way for way in fitting))
        raise SettingError(f"taxes: {known.get(str(wrong), f'The Odoo tax {wrong}')} does not make {label}.")
    session.execute(delete(TaxChoice).where(*_mine(store), TaxChoice.place == place, TaxChoice.rate == label,
                                            TaxChoice.tax_group == group))
    if picked:
        session.add(TaxChoice(store_id=store.id, target=store.target, place=place, rate=label, tax_group=group, taxes=picked))
    names = ", ".join(row.content["taxes"][str(number)] for number in picked) or "what is found by itself"
    log.write(session, store.id, f"Tax {label} in {place}{f', tax group {group}' if group else ''}: {names}.", actor=actor)
    return replay(session, store, missing_cause(label, place.partition("-")[0]), f"a tax was chosen by {actor}")


def line(session: Session, store: Store, place: str, label: str, group: int = 0) -> dict[str, Any] | None:
    """One rate in one place, for all tax groups (0) or one; None when the shop has no such thing. `all_groups` names the ids."""
    row = find(session, store)
    found = _line(row.content, place, label) if row is not None else None
    mine = next((item for item in found["groups"] if item["id"] == group), None) if found else None
    if row is None or found is None or (group and mine is None):
        return None
    where = next(item for item in row.content["places"] if item["code"] == place)
    return {**_shown(row.content, where, found, mine, chosen(session, store)), "all_groups": found["groups"]}


def facts(session: Session, store: Store) -> dict[str, Any]:
    """Everything of the tax page as plain facts: for each place and rate the groups, the taxes in use, what is missing."""
    row, choices = find(session, store), chosen(session, store)
    waiting = missing(session, store)
    names = {place["code"]: place["name"] for place in row.content["places"]} if row else {}
    return {
        "read_at": row.at.isoformat(timespec="seconds") if row else None,
        "missing": [{"place": item.place, "place_name": names.get(item.place, item.place), "rate": item.label,
                     "cause": item.cause, "orders": item.number,
                     "waiting": [{"order": job.record, "job": job.id, "state": job.state} for job in item.jobs],
                     "can_be_chosen": bool(row and _ways(row.content, item.place, item.label))} for item in waiting],
        "lines": [_shown(row.content, place, line, group, choices) for place in row.content["places"] for line in place["rates"]
                  for group in (None, *(line["groups"] if _apart(place["code"], line, choices) else ()))] if row else [],
    }


def _shown(content: dict[str, Any], place: dict[str, Any], line: dict[str, Any], group: dict[str, Any] | None,
           choices: TaxMap) -> dict[str, Any]:
    """One rate in one place, for all tax groups or for one that has a choice of its own."""
    code, label = place["code"], line["label"]
    number = group["id"] if group else 0
    own = choices.get((code, label, number))
    choice = own if own is not None else choices.get((code, label, 0))
    usable = {kind: [way for way in line[kind] if choice is None or set(way) <= set(choice)] for kind in ("included", "excluded")}
    if label == "0%" and choice is None:
        usable = {"included": [], "excluded": []}
    first = {kind: found[0] if found else [] for kind, found in usable.items()}
    lost = bool(choice) and not any(first.values())
    cost = tax_table.costs(label, first["included"], first["excluded"])
    return {
        "place": code, "place_name": place["name"], "rate": label, "group": number, "group_name": group["name"] if group else "",
        "groups": [item["name"] for item in line["groups"]], "chosen": own is not None, "chosen_is_gone": lost,
        "missing": cost.missing, "costs": cost.words,
        **{kind: [{"id": tax, "name": content["taxes"][str(tax)]} for tax in first[kind]] for kind in first},
        "ways": {kind: [[{"id": tax, "name": content["taxes"][str(tax)]} for tax in way] for way in line[kind]] for kind in usable}}


def _apart(code: str, line: dict[str, Any], choices: TaxMap) -> bool:
    return any((code, line["label"], item["id"]) in choices for item in line["groups"])


def _line(content: dict[str, Any], place: str, label: str) -> dict[str, Any] | None:
    return next((line for found in content["places"] if found["code"] == place for line in found["rates"]
                 if line["label"] == label), None)


def _ways(content: dict[str, Any], place: str, label: str) -> Sequence[Sequence[int]]:
    line = _line(content, place, label)
    return [*line["included"], *line["excluded"]] if line else []


def _is_there(content: dict[str, Any], item: Missing, choices: TaxMap) -> bool:
    """Whether Odoo has a tax for what is missing, and every choice that was made for it still makes the rate."""
    found = _ways(content, item.place, item.label)
    mine = [set(taxes) for (place, rate, _), taxes in choices.items()
            if (place.partition("-")[0], rate) == (item.place.partition("-")[0], item.label)]
    return bool(found) and all(any(set(way) <= picked for way in found) for picked in mine)


def _mine(store: Store) -> tuple[ColumnElement[bool], ...]:
    return TaxChoice.store_id == store.id, TaxChoice.target == store.target
