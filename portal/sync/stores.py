"""Adding, changing and removing stores, and the tokens by which callers from outside show themselves."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal import settings as store_settings
from portal.clients import odoo as odoo_client
from portal.clients import prestashop as shop_client
from portal.clients.errors import RemoteError
from portal.clients.prestashop_profile import lacking
from portal.config import Config
from portal.crypto import digest, new_token
from portal.db import now
from portal.logs import without_secrets
from portal.models import Circuit, Mapping, Store, SyncJob, Token
from portal.settings import SettingError, allowed
from portal.sync import circuit, log, setting_words

TOKEN_KINDS = ("cron", "webhook", "hooks")
OVERLAP = timedelta(hours=24)
"""How long a replaced token stays valid."""
SECRET_FIELDS = ("ps_key", "odoo_key")
CONNECTION_FIELDS = ("ps_url", "ps_key", "odoo_url", "odoo_db", "odoo_login", "odoo_key")

LABELS = {"name": "Name", "ps_url": "PrestaShop address", "ps_key": "PrestaShop webservice key", "odoo_url": "Odoo address",
          "odoo_db": "Odoo database", "odoo_login": "Odoo user", "odoo_key": "Odoo API key"}


@dataclass(frozen=True)
class Check:
    """Result of *Test connection*: one sentence, the steps as (passed, text, remedy), and what was learned."""

    ok: bool
    title: str
    steps: list[tuple[bool, str, str]] = field(default_factory=list)
    profile: dict[str, Any] | None = None


def add_store(session: Session, name: str, *, is_demo: bool = False, **fields: str) -> Store:
    """A new store with its tokens; disabled until the merchant enables it. Raises `SettingError` naming the field."""
    clean = clean_fields({"name": name, **fields})
    missing = [key for key in ("name", *CONNECTION_FIELDS) if not clean.get(key)]
    if missing:
        raise SettingError(f"{missing[0]}: the {LABELS[missing[0]]} is missing.")
    if session.scalar(select(Store.id).where(Store.name == clean["name"])):
        raise SettingError(f"name: a store called {clean['name']!r} exists already. Choose another name.")
    store = Store(**clean, key=secrets.token_hex(6), is_demo=is_demo, choices={}, notes={})
    session.add(store)
    session.flush()
    for kind in TOKEN_KINDS:
        _new_token(session, store, kind)
    log.write(session, store.id, f"Store {store.name} was added.")
    return store


def change_store(session: Session, store: Store, changes: MappingType[str, Any], actor: str) -> list[str]:
    """Set settings and connection fields; an empty key keeps the stored one. The names of what really changed.

    Raises `SettingError` for the first wrong value; then nothing was changed.
    """
    connection = clean_fields({k: str(v) for k, v in changes.items() if k in ("name", *CONNECTION_FIELDS)})
    for key in SECRET_FIELDS:
        if not connection.get(key):
            connection.pop(key, None)
    empty = [key for key, value in connection.items() if not value]
    if empty:
        raise SettingError(f"{empty[0]}: the {LABELS[empty[0]]} is missing.")
    choices = store_settings.parse({k: v for k, v in changes.items() if k not in ("name", *CONNECTION_FIELDS)})
    changed = [key for key, value in connection.items() if getattr(store, key) != value]
    before = store.settings
    changed_choices = {k: v for k, v in choices.items() if before[k] != v}
    words = [setting_words.changed(LABELS[key], getattr(store, key), connection[key]) if key not in SECRET_FIELDS else
             f"Setting changed: {LABELS[key]}." for key in changed]
    words += [setting_words.changed(store_settings.BY_KEY[key].label, setting_words.value(store, key, before[key]),
                                    setting_words.value(store, key, new)) for key, new in changed_choices.items()]
    for key in changed:
        setattr(store, key, connection[key])
    store.choices = {**store.choices, **changed_choices}
    if set(changed) & {"odoo_url", "odoo_db", "odoo_login", "odoo_key"}:
        store.odoo_profile = None
        _close(session, store, "odoo")
    if set(changed) & {"ps_url", "ps_key"}:
        store.shop_profile = None
        _close(session, store, "shop")
    for what in words:
        log.write(session, store.id, what, actor=actor)
    return [*changed, *changed_choices]


def clean_fields(fields: MappingType[str, str]) -> dict[str, str]:
    """Trimmed connection fields; raises `SettingError` for an address or name that cannot be one."""
    clean = {key: value.strip() for key, value in fields.items()}
    for key in ("ps_url", "odoo_url"):
        if clean.get(key):
            clean[key] = _clean_url(key, clean[key])
    name = clean.get("name")
    if name and not re.fullmatch(r"[^\W_][\w .&'’()+!-]{0,63}", name):
        raise SettingError("name: use letters, digits, spaces and . - _ & ' ( ) + !, at most 64; begin with a letter or digit.")
    return clean


def removal_numbers(session: Session, store: Store) -> dict[str, int]:
    """What removing the store would delete here beside its log. Odoo and the shop stay as they are."""
    def count(model: Any) -> int:
        return session.scalar(select(func.count()).select_from(model).where(model.store_id == store.id)) or 0

    return {"mappings": count(Mapping), "jobs": count(SyncJob)}


def remove_store(session: Session, store: Store) -> dict[str, int]:
    """Delete the store with its mappings, queue and log; Odoo and the shop are not touched. What was deleted."""
    numbers = removal_numbers(session, store)
    session.execute(delete(Store).where(Store.id == store.id))
    return numbers


def token_value(session: Session, store: Store, kind: str) -> str:
    """The current token of a kind, in clear; for showing it to whoever may configure the store."""
    return session.scalars(select(Token).where(Token.store_id == store.id, Token.kind == kind, Token.expires_at.is_(None))
                           .order_by(Token.id.desc())).first().value  # type: ignore[union-attr]


def rotate_token(session: Session, store: Store, kind: str, actor: str = "") -> str:
    """Replace a token; the old one stays valid for 24 hours. The new value."""
    for token in session.scalars(select(Token).where(Token.store_id == store.id, Token.kind == kind,
                                                     Token.expires_at.is_(None))):
        token.expires_at = now() + OVERLAP
    log.write(session, store.id, f"The {kind} token was replaced; the old one works for 24 more hours.", actor=actor)
    return _new_token(session, store, kind).value


def find_store_by_token(session: Session, kind: str, token: object) -> Store | None:
    """The store a caller's token belongs to. Looked up by digest, so that time tells nothing about the token."""
    if not isinstance(token, str) or not 20 <= len(token) <= 200:
        return None
    wanted = digest(token)
    row = session.scalars(select(Token).where(Token.digest == wanted, Token.kind == kind)).first()
    if row is None or not hmac.compare_digest(row.digest, wanted):
        return None
    if row.expires_at is not None and row.expires_at < now():
        return None
    return session.get(Store, row.store_id)


def check_shop(url: str, key: str, config: Config, *, settings: MappingType[str, Any], allow_private: bool = False) -> Check:
    """Try a shop's address and key, and whether the key may do what these directions need; never raises."""
    try:
        url = _clean_url("ps_url", url.strip())
        client = shop_client.connect(url, key.strip(), call_seconds=min(config.call_seconds, 20),
                                     allow_private=allow_private or config.allow_private_networks)
        try:
            began = time.monotonic()
            profile = client.probe()
            took = time.monotonic() - began
        finally:
            client.close()
    except SettingError as error:
        return _not_an_address(error)
    except RemoteError as error:
        message = without_secrets(error.message)
        return Check(False, message, [(False, message, error.remedy)])
    missing = (*profile.missing_rights, *lacking(profile.optional_rights, _reasons(settings)))
    steps = [(True, f"PrestaShop {profile.version} answers, in {took:.1f} s.", "")]
    steps += [(False, text, "In the shop: Advanced Parameters > Webservice > your key, tick the box, save.")
              for text in missing]
    title = f"PrestaShop {profile.version}" + (f": {len(missing)} rights are missing" if missing else "")
    return Check(not missing, title, steps, profile.to_json())


def _not_an_address(error: SettingError) -> Check:
    """The sentence without the name that the command line has for the field."""
    text = str(error).partition(": ")[2]
    text = text[:1].upper() + text[1:]
    return Check(False, text, [(False, text, "")])


def _reasons(settings: MappingType[str, Any]) -> list[str]:
    """Of the reasons of `prestashop_profile.OPTIONAL` those that hold with these settings."""
    products, states = allowed(settings, "product", "odoo_to_ps"), allowed(settings, "order", "odoo_to_ps")
    holds = {"products go from Odoo to the shop": products, "products with combinations go from Odoo to the shop": products,
             "stock goes from Odoo to the shop": allowed(settings, "stock", "odoo_to_ps"),
             "order states go back to the shop": states, "tracking numbers go back to the shop": states}
    return [why for why, true in holds.items() if true]


def check_odoo(url: str, db: str, login: str, key: str, config: Config, *, allow_private: bool = False) -> Check:
    """Try an Odoo's address, database, user and key; never raises."""
    try:
        url = _clean_url("odoo_url", url.strip())
        client = odoo_client.connect(url, db.strip(), login.strip(), key.strip(), call_seconds=min(config.call_seconds, 30),
                                     allow_private=allow_private or config.allow_private_networks)
        try:
            began = time.monotonic()
            profile = client.probe()
            took = time.monotonic() - began
        finally:
            client.close()
    except SettingError as error:
        return _not_an_address(error)
    except RemoteError as error:
        message = without_secrets(error.message)
        return Check(False, message, [(False, message, error.remedy)])
    steps = [(True, f"Odoo {profile.version} answers, in {took:.1f} s; user id (uid) {profile.uid}.", "")]
    steps += [(False, text, "Ask the Odoo administrator to give this user the group or install the app.")
              for text in (*profile.modules_missing, *profile.rights_missing)]
    steps += [(True, text, "") for text in profile.warnings]
    ok = not (profile.modules_missing or profile.rights_missing)
    return Check(ok, f"Odoo {profile.version}, uid {profile.uid}", steps, profile.to_json())


def check_stored(store: Store, side: str, config: Config) -> Check:
    """Try what is stored for one side, `shop` or `odoo`; never raises. The demo store may reach its sandbox."""
    if side == "shop":
        return check_shop(store.ps_url, store.ps_key, config, settings=store.settings, allow_private=store.is_demo)
    return check_odoo(store.odoo_url, store.odoo_db, store.odoo_login, store.odoo_key, config, allow_private=store.is_demo)


def save_checks(session: Session, store: Store, shop: Check | None = None, odoo: Check | None = None) -> None:
    """Keep what *Test connection* learned; a side that answers is called again."""
    if shop is not None and shop.profile is not None:
        store.shop_profile = shop.profile
    if odoo is not None and odoo.profile is not None:
        store.odoo_profile = odoo.profile
    for side, check in (("shop", shop), ("odoo", odoo)):
        if check is not None and check.ok:
            circuit.record_success(session, store.id, side)


def _clean_url(key: str, url: str) -> str:
    parts = urlsplit(url if "//" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"{key}: {url!r} is not an address. Enter it as https://shop.example.com.")
    if parts.username or parts.password:
        raise SettingError(f"{key}: leave user and password out of the address; the key has a field of its own.")
    if parts.query or parts.fragment:
        raise SettingError(f"{key}: leave out what follows ? or # in the address.")
    path = parts.path.rstrip("/")
    if key == "ps_url":
        path = path.removesuffix("/api")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _new_token(session: Session, store: Store, kind: str) -> Token:
    value = new_token()
    token = Token(store_id=store.id, kind=kind, value=value, digest=digest(value))
    session.add(token)
    session.flush()
    return token


def _close(session: Session, store: Store, side: str) -> None:
    """New credentials deserve a new try."""
    session.execute(delete(Circuit).where(Circuit.store_id == store.id, Circuit.side == side))
