"""Setting up Odoo's own webhooks (17 and later): automation rules that call the portal when something changes.

Only an administrator of Odoo may make such rules; for everybody else there are instructions, click by click. 14 to 16 cannot call
anybody: there the poll does the job. The rules carry the token in the address, the only place Odoo has for a secret (measured).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from portal.clients.errors import AccessRefused
from portal.clients.odoo import Odoo
from portal.config import Config
from portal.db import now
from portal.models import Heartbeat, Store
from portal.sync import log, stores
from portal.sync.services import Services
from portal.sync.webhook import hit_name
from portal.sync.webhook_rules import FIRST_VERSION, Rule, instructions, name_of, wanted

ACTION = "Send webhook"
HIDDEN = "TOKEN"
"""What stands for the token where it is not to be shown."""
NOTE = "webhooks"
"""Key in `Store.notes`: what Odoo said of the rules when it was asked last."""


@dataclass(frozen=True)
class Setup:
    """`installed`: the models watched now. `instructions`: what a person has to do, one step a line; empty when nothing is.
    `last_hit`: when Odoo (or anybody with the token) last called."""

    version: str
    installed: tuple[str, ...]
    url: str
    message: str
    instructions: tuple[str, ...] = ()
    last_hit: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """How far the set-up has come, without asking Odoo. `installed`: the models watched when Odoo was asked last.

    `missing`: what keeps calls from coming, a sentence each. `waiting`: all is made and no call has come since.
    """

    version: str
    major: int
    url: str
    installed: tuple[str, ...]
    asked_at: datetime | None
    by_hand: bool
    """Whether Odoo does not let the connector's user make the rules."""
    last_hit: datetime | None
    missing: tuple[str, ...]
    waiting: bool
    instructions: tuple[str, ...]

    @property
    def polled(self) -> bool:
        """Whether this Odoo cannot call anybody, so that asking does the job."""
        return 0 < self.major < FIRST_VERSION


def install(services: Services, store: Store, actor: str = "") -> Setup:
    """Make the rules that the directions ask for, in place of those made before (also after a new token). Raises `RemoteError`."""
    odoo = services.odoo(store)
    if not odoo.profile.has_webhook_action:
        return show(services, store)
    url, rules = address(services, store), wanted(store)
    try:
        old = _ours(odoo, store)
        ids = _create(odoo, store, rules, url) if rules else []
        _remove(odoo, [number for number in old if number not in ids])
    except AccessRefused:
        return _by_hand(services, store, odoo, url)
    _keep(services, store, [rule.model for rule in rules], made=True)
    _log(services, store, f"Odoo calls the portal now when these change: {_names(rules)}.", actor)
    return show(services, store)


def remove(services: Services, store: Store, actor: str = "") -> int:
    """Remove the rules made by `install`; how many. Raises `RemoteError`, `AccessRefused` where the key may not."""
    odoo = services.odoo(store)
    if not odoo.profile.has_webhook_action:
        return 0
    old = _ours(odoo, store)
    _remove(odoo, list(old))
    _keep(services, store, [])
    _log(services, store, f"{len(old)} automation rules were removed from Odoo.", actor)
    return len(old)


def show(services: Services, store: Store) -> Setup:
    """What is set up, and what a person has to do where the key may not. Raises `RemoteError`."""
    odoo, url = services.odoo(store), address(services, store)
    if not odoo.profile.has_webhook_action:
        minutes = store.settings["poll_minutes"]
        how = f"the portal asks Odoo every {minutes} minutes" if minutes else "set poll_minutes, so that the portal asks Odoo"
        return Setup(odoo.profile.version, (), url, f"Odoo {odoo.profile.version} cannot call the portal; {how}.",
                     last_hit=last_hit(services, store))
    try:
        models = sorted(_ours(odoo, store).values())
    except AccessRefused:
        return _by_hand(services, store, odoo, url)
    _keep(services, store, models)
    words = f"Odoo calls the portal when these change: {', '.join(models)}." if models else "Odoo has no automation rules yet."
    return Setup(odoo.profile.version, tuple(models), url, words, last_hit=last_hit(services, store))


def standing(services: Services, store: Store, *, secrets: bool = False) -> Standing:
    """How far the set-up has come, from what is known here; the address has its token only with `secrets`."""
    profile, kept = store.odoo_profile or {}, store.notes.get(NOTE, {})
    major, address_now = int(profile.get("major") or 0), address(services, store)
    url = address_now if secrets else f"{services.config.public_url}/webhook?token={HIDDEN}"
    hit = last_hit(services, store)
    installed, by_hand = tuple(kept.get("installed", ())), bool(kept.get("by_hand"))
    asked_at = datetime.fromisoformat(kept["at"]) if kept else None
    missing: list[str] = []
    if not major:
        missing.append("Nobody knows yet which Odoo this is. Press Test connection in the settings.")
    if not wanted(store):
        missing.append("Nothing travels from Odoo to the shop. Choose a direction for products or stock, or switch on order "
                       "states.")
    if major >= FIRST_VERSION:
        if _only_here(services.config.public_url) and not _only_here(store.odoo_url):
            missing.append(f"Odoo cannot reach {services.config.public_url} from another machine. Set PORTAL_PUBLIC_URL to the "
                           "address under which others reach the portal.")
        absent = [rule.model for rule in wanted(store) if rule.model not in installed]
        if not by_hand and absent:
            missing.append(f"No automation rule is known for {', '.join(absent)}.")
        elif installed and kept.get("address") != _digest(address_now):
            missing.append("The address or its token has changed since the rules were made. Press Make the rules again.")
    made = by_hand or bool(installed)
    since = asked_at if installed else None
    waiting = major >= FIRST_VERSION and made and (hit is None or (since is not None and hit < since))
    return Standing(str(profile.get("version") or ""), major, url, installed, asked_at, by_hand, hit, tuple(missing), waiting,
                    instructions(store, major, url) if major >= FIRST_VERSION else ())


def _keep(services: Services, store: Store, installed: Sequence[str], *, by_hand: bool = False, made: bool = False) -> None:
    """Remember what Odoo said, for pages that cannot wait for it. `made`: the rules were made just now."""
    with services.db.begin() as session:
        row = session.get_one(Store, store.id, with_for_update=True)
        before = row.notes.get(NOTE, {})
        at = before.get("at") if installed and not made and before else now().isoformat()
        digest = _digest(address_of(session, services.config, row)) if made else before.get("address", "")
        row.notes = {**row.notes, NOTE: {"installed": list(installed), "by_hand": by_hand, "at": at, "address": digest}}


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def _only_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def last_hit(services: Services, store: Store) -> datetime | None:
    """When the webhook was last called with a valid token and body."""
    with services.db.read() as session:
        row = session.get(Heartbeat, hit_name(store))
        return row.at if row else None


def address(services: Services, store: Store) -> str:
    """What Odoo has to call, with the token."""
    with services.db.read() as session:
        return address_of(session, services.config, store)


def address_of(session: Session, config: Config, store: Store) -> str:
    """The same within a unit of work."""
    return f"{config.public_url}/webhook?token={stores.token_value(session, store, 'webhook')}"


# --- in Odoo ----------------------------------------------------------------------------------------------------------


def _ours(odoo: Odoo, store: Store) -> dict[int, str]:
    """Rule id → model, of the rules of this store."""
    prefix = f"PrestaShop connector {store.key}: "
    rows = odoo.search_read("base.automation", [("name", "=like", f"{prefix}%")], ["name"], order="id",
                            context={"active_test": False})
    return {row["id"]: str(row["name"]).removeprefix(prefix) for row in rows}


def _create(odoo: Odoo, store: Store, rules: list[Rule], url: str) -> list[int]:
    """Rules and their actions in one call."""
    models = {row["model"]: row["id"] for row in odoo.search_read(
        "ir.model", [("model", "in", [rule.model for rule in rules])], ["model"])}
    fields = {(row["model"], row["name"]): row["id"] for row in odoo.search_read(
        "ir.model.fields", [("model", "in", list(models)),
                            ("name", "in", sorted({name for rule in rules for name in (*rule.triggers, *rule.sent)}))],
        ["model", "name"])}

    def ids(rule: Rule, names: tuple[str, ...]) -> list[Any]:
        return [(6, 0, [fields[rule.model, name] for name in names if (rule.model, name) in fields])]

    return odoo.create("base.automation", [{
        "name": name_of(store, rule), "model_id": models[rule.model], "trigger": "on_create_or_write",
        "filter_domain": rule.domain, "trigger_field_ids": ids(rule, rule.triggers),
        "action_server_ids": [(0, 0, {"name": ACTION, "model_id": models[rule.model], "state": "webhook", "webhook_url": url,
                                      "webhook_field_ids": ids(rule, rule.sent)})],
    } for rule in rules])


def _remove(odoo: Odoo, ids: list[int]) -> None:
    if ids:
        odoo.call("base.automation", "unlink", ids)


def _by_hand(services: Services, store: Store, odoo: Odoo, url: str) -> Setup:
    _keep(services, store, [], by_hand=True)
    return Setup(odoo.profile.version, (), url, "The connector's Odoo user may not make automation rules (that is good: it needs "
                 "no administrator's rights). An administrator makes them by hand, once:",
                 instructions(store, odoo.profile.major, url), last_hit(services, store))


def _names(rules: list[Rule]) -> str:
    return ", ".join(rule.model for rule in rules) or "nothing (no direction leads to the shop)"


def _log(services: Services, store: Store, message: str, actor: str) -> None:
    with services.db.begin() as session:
        log.write(session, store.id, message, actor=actor)
