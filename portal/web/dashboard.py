"""The first page of a store: how it is doing, the counters, what happened last, and the two buttons."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from portal.db import now
from portal.extensions import reading, services, writing
from portal.models import LogEntry, Store
from portal.settings import SettingError, allowed
from portal.sync import activity, circuit, first_run, hooks, initial, jobs, ledgers, log, module_pull, poll, stores
from portal.web import chart, confirmed, entity_status, health, shown
from portal.web.access import actor, current_store
from portal.web.answers import done, fingerprint_of, live
from portal.web.wake import wake

pages = Blueprint("dashboard", __name__)
LOG_LINES = 12


@pages.get("/")
def page() -> ResponseReturnValue:
    """The dashboard."""
    facts = _facts()
    return render_template("dashboard.html", fingerprint=fingerprint_of("_dashboard.html", **facts), **facts)


@pages.get("/live")
def refresh() -> ResponseReturnValue:
    """The part of it that refreshes itself."""
    return live("_dashboard.html", **_facts())


@pages.post("/process")
def process() -> ResponseReturnValue:
    """*Process the queue now*: failed changes are due at once, and the workers are told."""
    store = current_store()
    with writing() as session:
        hurried = jobs.hurry(session, store.id)
        refused = circuit.hasten(session, store.id)
        log.write(session, store.id, "Process the queue now.", actor=actor())
    services().kick()
    if refused:
        wake()
        return done(url_for("store.dashboard.page"),
                    _("The connection is tried again now. What waits is sent as soon as it works."))
    waiting = jobs.counts(reading(), store.id)
    number = waiting["pending"] + waiting["error"]
    words = ngettext("%(number)s waiting change is being processed now.", "%(number)s waiting changes are being processed now.",
                     number, number=shown.number(number)) if number else _("Nothing is waiting.")
    if hurried:
        words += " " + ngettext("%(number)s was brought forward.", "%(number)s were brought forward.", hurried,
                                number=shown.number(hurried))
    return done(url_for("store.dashboard.page"), words)


@pages.post("/pull-stock")
def pull_stock() -> ResponseReturnValue:
    """*Pull stock*: every quantity is read and compared again, in the direction the settings allow."""
    store = current_store()
    if allowed(store.settings, "stock", "odoo_to_ps"):
        number = poll.pull_stock(services(), store, actor())
        return done(url_for("store.dashboard.page"), ngettext(
            "%(number)s quantity is being read from Odoo and compared.",
            "%(number)s quantities are being read from Odoo and compared.", number, number=shown.number(number)))
    try:
        with writing() as session:
            initial.start(session, session.get_one(Store, store.id), "stock", actor())
    except SettingError:
        return done(url_for("store.dashboard.page"), _("Stock does not travel. Choose its direction in the settings first."),
                    "error")
    wake()
    return done(url_for("store.dashboard.page"), _("All quantities are being read and compared."))


def _facts() -> dict[str, Any]:
    store, session, config = current_store(), reading(), services().config
    pulse = health.pulse(session, store, config)
    lines = session.scalars(select(LogEntry).where(LogEntry.store_id == store.id).order_by(LogEntry.id.desc()).limit(LOG_LINES))
    at = now()
    beating = health.heart_is_beating(pulse, at)
    steps = first_run.steps(session, store)
    return {
        "health": health.judge(pulse, at), "pulse": pulse, "counts": pulse.counts, "beating": beating, "lines": list(lines),
        "entities": entity_status.of_store(session, store, pulse), "chart": chart.draw(activity.by_hour(session, store.id)),
        "steps": steps if first_run.next_step(steps) else [],
        "ticking": pulse.tick_at is not None and at - pulse.tick_at < pulse.tick_limit,
        "facts": {"shop": _version("PrestaShop", store.shop_profile), "odoo": _version("Odoo", store.odoo_profile)},
        "silent": health.workers_silent(pulse, at), "held": sum(ledgers.held_counts(session, store).values()),
        "frozen": pulse.frozen,
        "module": hooks.module_facts(session, store.id), "module_trouble": module_pull.trouble(store),
        "cron_line": cron_line(stores.token_value(session, store, "cron")) if not beating and confirmed.is_confirmed() else "",
    }


def _version(name: str, profile: dict[str, Any] | None) -> str:
    version = (profile or {}).get("version")
    return f"{name} {version}" if version else ""


def cron_line(token: str) -> str:
    """The line to paste into a crontab. The token travels in a header, so that it stands in no access log."""
    return f'* * * * * curl -fsS -H "Authorization: Bearer {token}" {services().config.public_url}/cron >/dev/null'
