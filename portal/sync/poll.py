"""Looking for changes that nobody reported: Odoo 14 to 16 cannot call us, webhooks get lost, and a shop may have no module.

Each side of a store is asked in turn, one poll at a time (a claim in `Store.notes` under the row's lock), at most seven calls
to Odoo and three to the shop whatever the size, and one or two to the shop's module for changes that it could not send. What is
found becomes jobs in the same transaction that moves the marks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.clients.errors import RemoteError
from portal.db import now
from portal.models import Circuit, Store
from portal.settings import SettingError, allowed
from portal.sync import circuit, in_flight, jobs, known, log, module_pull, odoo_changes, scan, shop_changes
from portal.sync.services import Services

CLAIM_SECONDS = 330
"""After which a poll that never came back no longer keeps the next one away. A task is ended long before."""
SCAN_EVERY = 12
"""Polls between two full comparisons, and between two tries to find the shop's module: hourly with the default period."""
LIVE = 100
"""Up to so many changes go in front, as those reported by hooks; more are bulk work."""

State = dict[str, Any]
Found = list[tuple[str, str, list[str]]]
"""(entity, direction, records) to be noticed."""


def due(session: Session) -> list[int]:
    """The stores whose shop or Odoo is to be asked now."""
    troubled = set(session.scalars(select(Circuit.store_id).where(Circuit.state != "closed")))
    return [store.id for store in session.scalars(select(Store).order_by(Store.id))
            if store.id not in troubled and store.settings["enabled"] and store.settings["poll_minutes"]
            and any(_is_due(store, side) for side in _SIDES)]


def poll(services: Services, store_id: int, *, force: bool = False) -> dict[str, int]:
    """Ask the sides of a store that are due (`force`: all, except a scan), and notice what changed; how many records by side."""
    done: dict[str, int] = {}
    for side, look in _SIDES.items():
        store = _claim(services, store_id, side, force=force and side != "scan")
        if store is None:
            continue
        try:
            found, state = look(services, store, dict(store.notes.get("poll", {}).get(side, {})))
        except RemoteError as error:
            with services.db.begin() as session:
                row = session.get(Store, store_id)
                if row is not None:
                    circuit.record_failure(session, row, error)
            _end(services, store, side, [], {})
            continue
        done[side] = _end(services, store, side, found, state)
    services.kick()
    return done


def begin(services: Services, store: Store) -> None:
    """Begin to watch what is not watched yet, so that the next poll finds what changes from now on. Raises `RemoteError`."""
    if not store.settings["poll_minutes"]:
        return
    kept = store.notes.get("poll", {})
    at, of = now(), {"odoo": store.target, "shop": store.ps_url}
    old = {side: kept.get(side, {}).get("marks", {}) if kept.get(side, {}).get("of") == of[side] else {} for side in of}
    fresh: dict[str, State] = {"odoo": {}, "shop": {}}
    for feed in odoo_changes.FEEDS:
        if allowed(store.settings, feed.entity, "odoo_to_ps") and feed.model not in old["odoo"]:
            fresh["odoo"][feed.model] = odoo_changes.read(services.odoo(store), feed, None, at.timestamp())[1]
    for entity, resource in _WATCHED:
        if allowed(store.settings, entity, "ps_to_odoo") and resource not in old["shop"]:
            fresh["shop"][resource] = shop_changes.read(services.shop(store), resource, None, at)[1]
    with services.db.begin() as session:
        row = session.get(Store, store.id, with_for_update=True)
        if row is None:
            return
        for side, marks in fresh.items():
            now_kept = row.notes.get("poll", {}).get(side, {})
            there = now_kept.get("marks", {}) if now_kept.get("of") == of[side] else {}
            _keep(row, side, {"marks": {**marks, **there}, "of": of[side]})


def pull_stock(services: Services, store: Store, actor: str = "") -> int:
    """*Pull stock from Odoo*: read and compare the quantity of every linked product; how many. Raises `SettingError` where the
    direction excludes it. Asks neither server: the queue does."""
    if not allowed(store.settings, "stock", "odoo_to_ps"):
        raise SettingError("stock: does not travel from Odoo to the shop. Change its direction in the settings first.")
    with services.db.begin() as session:
        records = [str(variant) for variant in known.all_variants(session, store)]
        jobs.notice_many(session, store, "stock", "odoo_to_ps", records, source="pull")
        log.write(session, store.id, f"Pull stock from Odoo: {len(records)} quantities are read and compared.", actor=actor,
                  entity="stock")
    services.kick()
    return len(records)


# --- the sides --------------------------------------------------------------------------------------------------------


def _odoo(services: Services, store: Store, state: State) -> tuple[Found, State]:
    marks = dict(state.get("marks", {})) if state.get("of") == store.target else {}
    ids: dict[str, set[int]] = {}
    for feed in odoo_changes.FEEDS:
        if allowed(store.settings, feed.entity, "odoo_to_ps"):
            rows, marks[feed.model] = odoo_changes.read(services.odoo(store), feed, marks.get(feed.model),
                                                          now().timestamp())
            ids.setdefault(feed.entity, set()).update(_record(feed, row) for row in rows)
            if feed.entity == "product":
                ids.setdefault("for sale", set()).update(_record(feed, row) for row in rows if row.get("sale_ok"))
    with services.db.read() as session:
        there = {"product": set(known.templates(session, store, ids.get("product", set()))) | ids.get("for sale", set()),
                 "stock": known.variants(session, store, ids.get("stock", set())),
                 "order": known.orders(session, store, ids.get("order", set()))}
    found: Found = [(entity, "odoo_to_ps", [str(i) for i in sorted(ids.get(entity, set()) & linked)])
                    for entity, linked in there.items()]
    return found, {"marks": marks, "of": store.target}


def _record(feed: odoo_changes.Feed, row: dict[str, Any]) -> int:
    name = feed.fields[-1]
    return int(row[name][0]) if name.endswith("_id") else int(row["id"])


_WATCHED = (("product", "products"), ("order", "orders"), ("customer", "customers"), ("customer", "addresses"))
"""What is watched in the shop: (entity, resource)."""


def _shop(services: Services, store: Store, state: State) -> tuple[Found, State]:
    """Products and orders each time; customers, addresses, the order ids beyond the mark and refunds in turn."""
    marks = dict(state.get("marks", {})) if state.get("of") == store.ps_url else {}
    turn = int(state.get("turn", 0)) + 1
    on = [entity for entity in ("customer", "product", "order") if allowed(store.settings, entity, "ps_to_odoo")]
    third = [("customer", "customers"), ("customer", "addresses")] * ("customer" in on) + [("order", "")] * ("order" in on)
    refunds = store.settings["order_refunds"] and store.settings["order_invoice"]
    third += [("order", "order_slip")] * bool("order" in on and refunds)
    asked = [("product", "products")] * ("product" in on) + [("order", "orders")] * ("order" in on)
    asked += [third[turn % len(third)]] if third else []
    found: Found = []
    facts: State = {"turn": turn, "of": store.ps_url}
    for entity, resource in asked:
        if resource:
            rows, marks[resource] = shop_changes.read(services.shop(store), resource, marks.get(resource), now())
            records = sorted({int(row[shop_changes.KEYS[resource]] or 0) for row in rows} - {0})
        else:
            records, facts[in_flight.WATERMARK] = _new_orders(services, store)
        found.append((entity, "ps_to_odoo", [str(record) for record in records]))
    return found, facts | {"marks": marks}


def _new_orders(services: Services, store: Store) -> tuple[list[int], int]:
    """The orders beyond the mark of `in_flight`, and the new mark. The first mark is the newest order."""
    shop, mark = services.shop(store), store.notes.get(in_flight.WATERMARK)
    if mark is None:
        newest = shop.find("orders", {}, ["id"], sort="[id_DESC]", limit=1)
        return [], int(newest[0]["id"]) if newest else 0
    ids = shop.ids("orders", after=int(mark), limit=1000)
    return ids, max([int(mark), *ids])


def _scan(services: Services, store: Store, state: State) -> tuple[Found, State]:
    return [], {"cursor": scan.scan(services, store, state.get("cursor"))}


def _module(services: Services, store: Store, state: State) -> tuple[Found, State]:
    return [], module_pull.look(services, store, state)


_SIDES: dict[str, Callable[[Services, Store, State], tuple[Found, State]]] = {
    "odoo": _odoo, "module": _module, "shop": _shop, "scan": _scan}


# --- one at a time ----------------------------------------------------------------------------------------------------


def _is_due(store: Store, side: str) -> bool:
    state = store.notes.get("poll", {}).get(side, {})
    return max(float(state.get("next", 0)), float(state.get("busy", 0))) <= now().timestamp()


def _claim(services: Services, store_id: int, side: str, *, force: bool) -> Store | None:
    """The store, if this process may ask the side now."""
    with services.db.begin() as session:
        store = session.get(Store, store_id, with_for_update=True)
        if store is None or not store.settings["enabled"] or circuit.trouble(session, store.id):
            return None
        busy = float(store.notes.get("poll", {}).get(side, {}).get("busy", 0)) > now().timestamp()
        if busy or (not force and (not store.settings["poll_minutes"] or not _is_due(store, side))):
            return None
        _keep(store, side, {"busy": now().timestamp() + CLAIM_SECONDS})
        return store


def _end(services: Services, store: Store, side: str, found: Found, state: State) -> int:
    """Notice, move the marks and give up the claim, in one transaction."""
    with services.db.begin() as session:
        row = session.get(Store, store.id, with_for_update=True)
        if row is None:
            return 0
        jobs.lock_waiting(session, row, [(entity, direction, record) for entity, direction, records in found for record in records])
        number = 0
        for entity, direction, records in found:
            if records:
                jobs.notice_many(session, row, entity, direction, records, source="poll", bulk=len(records) > LIVE)
                number += len(records)
        mark = state.pop(in_flight.WATERMARK, None)
        if mark is not None:
            row.notes = in_flight.noted(row.notes, mark)
        ended = side == "scan" and not state.get("cursor", "failed")
        minutes = row.settings["poll_minutes"] * (SCAN_EVERY if ended or state.get("absent") else 1)
        _keep(row, side, {**state, "busy": 0, "next": now().timestamp() + minutes * 60})
        return number


def _keep(store: Store, side: str, facts: State) -> None:
    """Notes are one JSON value, so they are written under the lock of the store's row only."""
    polls = store.notes.get("poll", {})
    store.notes = {**store.notes, "poll": {**polls, side: {**polls.get(side, {}), **facts}}}
