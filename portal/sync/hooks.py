"""Taking what the shop's module reports: all of a message in the caller's transaction, or nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session, load_only
from sqlalchemy.sql.dml import ReturningInsert

from portal import settings as store_settings
from portal.db import dialect, insert_on, now, table_of
from portal.entities import registry
from portal.models import Store, Token
from portal.module_tables import HookSeen, ShopModule
from portal.sync import initial, jobs, log
from portal.sync.hook_message import (
    ENTITIES,
    SIGNATURE_HEADER,
    STORE_HEADER,
    TIME_HEADER,
    WINDOW_SECONDS,
    Message,
    Refused,
    check_signature,
    parse,
)

_MODULE, _SEEN = table_of(ShopModule), table_of(HookSeen)
_SECRETS = (select(Token.value, Token.expires_at).join(Store, Store.id == Token.store_id)
            .where(Store.key == bindparam("key"), Token.kind == "hooks").order_by(Token.id.desc()))
_STORE = (select(Store, _MODULE.c.heard_at, _MODULE.c.version, _MODULE.c.shop_version, _MODULE.c.backlog, _MODULE.c.rescan)
          .outerjoin(_MODULE, _MODULE.c.store_id == Store.id)
          .where(Store.key == bindparam("key")).options(load_only(Store.key, Store.choices)))
HEARD_AGAIN = timedelta(seconds=1)
"""Within this, a message that says nothing new of the module is not noted again."""
SILENT_AFTER = timedelta(hours=24)
"""A module that says nothing for so long deserves a look; without changes and cron it has nothing to say for a while."""


@dataclass(frozen=True)
class Signed:
    """A message that the module of this store has signed."""

    store_key: str
    digest: str
    message: Message


def check(session: Session, headers: Mapping[str, str], body: bytes) -> Signed:
    """Who sent it and what it says; only reads. Raises `Refused` with the status to answer.

    Who cannot sign gets 403 whatever else is wrong.
    """
    key = headers.get(STORE_HEADER, "")
    secrets = signing_secrets(session, key) if re.fullmatch("[0-9a-f]{1,32}", key) else []
    check_signature(secrets, headers.get(TIME_HEADER, ""), headers.get(SIGNATURE_HEADER, ""), body, at=now().timestamp())
    return Signed(key, hashlib.sha256(body).hexdigest(), parse(body))


def take(session: Session, signed: Signed) -> dict[str, Any]:
    """Store a message; the facts of the answer 202. One that was taken before is refused as a replay; the module signs anew when it
    tries again."""
    found = session.execute(_STORE, {"key": signed.store_key}).one_or_none()
    if found is None:
        raise Refused(403, "signature", "The store was removed.")
    store, *said, rescan = found
    former_rescan = rescan if _just_heard(signed.message, *said) else _heard(session, store, signed.message)
    _refuse_replay(session, store, signed.digest)
    return _accept(session, store, signed.message, former_rescan)


def accept(session: Session, store: Store, message: Message) -> dict[str, Any]:
    """Store what a message reports as jobs: batch, jobs, how many were taken or are of no interest here, and the rescan."""
    return _accept(session, store, message, _heard(session, store, message))


def _accept(session: Session, store: Store, message: Message, former_rescan: str) -> dict[str, Any]:
    in_order = sorted(message.changes, key=lambda change: (ENTITIES.index(change.entity), change.record))
    wanted = [change for change in in_order if store_settings.allowed(store.settings, change.entity, "ps_to_odoo")]
    jobs.lock_waiting(session, store, [(change.entity, change.direction, change.record) for change in wanted])
    ids = [jobs.notice(session, store, change.entity, change.direction, change.record, source="hook") for change in wanted]
    if message.rescan and message.rescan != former_rescan:
        _rescan(session, store)
        session.execute(update(_MODULE).where(_MODULE.c.store_id == store.id).values(rescan=message.rescan))
    return {"batch": message.batch, "taken": len(wanted), "ignored": len(message.changes) - len(wanted) + message.unknown,
            "jobs": ids, "rescan": message.rescan, "backlog": _backlog(message)}


def signing_secrets(session: Session, store_key: str) -> list[str]:
    """The secrets that are valid now, the current one first; two while one is being replaced."""
    rows = session.execute(_SECRETS, {"key": store_key})
    return [value for value, expires_at in rows if expires_at is None or expires_at >= now()]


def module_facts(session: Session, store_id: int) -> dict[str, Any] | None:
    """What the dashboard shows of the module; None if it was never heard."""
    row = session.get(ShopModule, store_id)
    if row is None:
        return None
    return {"heard_at": row.heard_at, "version": row.version, "shop_version": row.shop_version, "backlog": row.backlog,
            "silent": now() - row.heard_at > SILENT_AFTER}


def forget_seen(session: Session) -> None:
    """Messages whose time would not be accepted any more need not be remembered."""
    session.execute(delete(HookSeen).where(HookSeen.at < now() - timedelta(seconds=2 * WINDOW_SECONDS + 60))
                    .execution_options(synchronize_session=False))


def _just_heard(message: Message, heard_at: datetime | None, *said: object) -> bool:
    """Whether there is nothing to note of the module, and no reason to wait for the store's other messages: with one change, this
    one locks no more than the row of that."""
    return (heard_at is not None and abs(now() - heard_at) < HEARD_AGAIN and len(message.changes) < 2 and not message.rescan
            and said == (message.module, message.prestashop, _backlog(message)))


def _heard(session: Session, store: Store, message: Message) -> str:
    """Note what the module says of itself; the occasion of the last rescan. From here on the store's row is locked: messages of
    several changes are stored one after the other, so that they never lock each other out."""
    row = {"store_id": store.id, "heard_at": now(), "version": message.module, "shop_version": message.prestashop,
           "backlog": _backlog(message), "rescan": ""}
    return str(session.execute(_hear(dialect(session)), row).scalar_one())


def _backlog(message: Message) -> int:
    """Changes that still wait in the shop when these are taken."""
    return max(0, message.backlog - len(message.rows))


def _refuse_replay(session: Session, store: Store, digest: str) -> None:
    """Every message has a random batch name, so its body never comes twice but as a replay."""
    seen = session.execute(_remember(dialect(session)), {"store_id": store.id, "digest": digest, "at": now()})
    if seen.first() is None:
        raise Refused(403, "signature", "This message was taken before.")


@cache
def _hear(on: str) -> ReturningInsert[tuple[str]]:
    row = insert_on(on, _MODULE)
    said = {name: row.excluded[name] for name in ("heard_at", "version", "shop_version", "backlog")}
    return row.on_conflict_do_update(index_elements=["store_id"], set_=said).returning(_MODULE.c.rescan)


@cache
def _remember(on: str) -> ReturningInsert[tuple[int]]:
    return insert_on(on, _SEEN).on_conflict_do_nothing().returning(_SEEN.c.store_id)


def _rescan(session: Session, store: Store) -> None:
    """The module had to drop changes: walk through everything that travels from the shop."""
    entities = [e for e in registry.ENTITIES if store_settings.allowed(store.settings, e.name, "ps_to_odoo")]
    for entity in entities:
        initial.start(session, store, entity.name, actor="module")
    log.write(session, store.id, "The shop's module had to drop changes while it could not reach the portal; "
              f"everything is looked at again: {', '.join(e.label.lower() for e in entities) or 'nothing is switched on'}.",
              level="warning")
