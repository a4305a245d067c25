"""Where the cause of a failed change is put right: the pages of this portal that do it, by the key of the cause."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from portal.models import SyncJob
from portal.sync import hand_links
from portal.web.shown import record_name

_SIDE = {"odoo": "odoo_key", "shop": "ps_key"}
_SETTING = {"customer": "customers", "product": "products", "combination": "products", "stock": "stock", "order": "orders"}
_BY_HAND = re.compile(r"(customer|product|order|combination):(several|taken|duplicate|twin|no-key|search|variants|combination)\b")


@dataclass(frozen=True)
class Fix:
    """A page on which something can be done about it."""

    label: str
    url: str


def of_cause(cause: str) -> list[Fix]:
    """What helps the whole group; empty where the remedy lies outside of this portal."""
    for pattern, fixes in _FIXES:
        if found := re.fullmatch(pattern, cause):
            return fixes(found)
    return []


def of_job(job: SyncJob) -> Fix | None:
    """What helps this one record: linking it by hand to the one it belongs to."""
    if not _BY_HAND.match(job.cause) or job.entity not in hand_links.LINKABLE:
        return None
    shop_id, odoo_id = (job.record, None) if job.direction == "ps_to_odoo" else (None, job.record)
    return Fix(_("Link it by hand"), url_for("store.mappings.link", entity=job.entity, shop_id=shop_id, odoo_id=odoo_id))


def _tax(found: re.Match[str]) -> list[Fix]:
    place, rate = found["place"], found["rate"]
    return [Fix(_("Choose the tax for %(rate)s", rate=rate), url_for("store.taxes.choice", place=place, rate=rate)),
            Fix(_("All taxes"), url_for("store.taxes.page"))]


def _record(found: re.Match[str]) -> list[Fix]:
    entity, record = found["entity"], found["record"]
    return [Fix(_("Open %(record)s", record=record_name(entity, record)),
                url_for("store.records.page", entity=entity, record=record))]


def _connection(found: re.Match[str]) -> list[Fix]:
    return [Fix(_("Test or replace the key"), url_for("store.settings.page", _anchor=_SIDE[found["side"]]))]


def _setting(found: re.Match[str]) -> list[Fix]:
    return [Fix(_("Change it in the settings"), url_for("store.settings.page", _anchor=_SETTING.get(found["entity"], "name")))]


def _location(_found: re.Match[str]) -> list[Fix]:
    return [Fix(_("Choose the stock location"), url_for("store.settings.page", _anchor="odoo_location"))]


_FIXES: tuple[tuple[str, Callable[[re.Match[str]], list[Fix]]], ...] = (
    (r"tax:(?P<rate>[^:]+):(?P<place>.+)", _tax),
    (r"dependency:(?P<entity>customer|product|combination|stock|order):(?P<record>.+)", _record),
    (r"(?P<side>odoo|shop):(?:key|address|database|cooldown|off|authorization|firewall|version|right:?.*|record-rule|access)",
     _connection),
    (r"(?P<entity>[a-z]+):direction", _setting),
    (r"odoo:no-location", _location),
)
