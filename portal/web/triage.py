"""Failed changes grouped by cause, with the remedy, the page that fixes it, and retry or discard of one, some, a group or all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.db import now
from portal.entities import registry
from portal.extensions import reading, release, services, writing
from portal.models import Store
from portal.sync import circuit, jobs, stores, triage
from portal.sync.triage import Wanted
from portal.web import fixes, throttle
from portal.web.access import actor, current_store
from portal.web.answers import done
from portal.web.shown import number

pages = Blueprint("triage", __name__)
GROUPS = 10
SHOWN = 5
"""Of each group, on the page of all groups."""
PAGE = 50
LONGEST_SELECTION = 500
ACTIONS = ("retry", "discard")
STATES: tuple[triage.State, ...] = ("dead", "error")


@pages.get("/dead")
def page() -> ResponseReturnValue:
    """The causes, the largest group first; with `cause` in the address, that group whole, a page at a time."""
    session, store, wanted = reading(), current_store(), _wanted(request.args)
    total = triage.count(session, store.id, wanted)
    before = request.args.get("before", 0, type=int)
    after = (request.args.get("after", 0, type=int), request.args.get("after_cause", ""))
    if wanted.cause is not None:
        rows = triage.listed(session, store.id, wanted, before=before, limit=PAGE + 1)
        found = [triage.Group(wanted.cause, total, rows[0], rows[:PAGE])] if rows else []
        more: dict[str, Any] = {"before": rows[PAGE - 1].id} if len(rows) > PAGE else {}
    else:
        groups = triage.groups(session, store.id, wanted, after=after if after[0] else None, limit=GROUPS + 1, shown=SHOWN)
        found = groups[:GROUPS]
        more = {"after": found[-1].number, "after_cause": found[-1].cause} if len(groups) > GROUPS else {}
    counts = jobs.counts(session, store.id)
    paused = [(row, "odoo_key" if row.side == "odoo" else "ps_key") for row in circuit.trouble(session, store.id)
              if row.state == "paused"]
    return render_template("dead.html", wanted=wanted, groups=found, more=more, total=total, counts=counts,
                           waiting=counts["pending"] + counts["error"], paused=paused, entities=registry.ENTITIES,
                           narrowed=bool(wanted.entity or wanted.direction or wanted.record), fix_of=fixes.of_cause,
                           fix_one=fixes.of_job, fields=_fields(wanted), seen=now().isoformat())


@pages.post("/dead/<action>")
def act(action: str) -> ResponseReturnValue:
    """Retry or discard one, the selection, or all that match the filter of the form; asks first unless it is one retry."""
    if action not in ACTIONS:
        abort(404)
    store, wanted = current_store(), _wanted(request.form)
    chosen: Wanted | Sequence[int] = wanted if request.form.get("all") == "1" else _ticked()
    if not chosen:
        return _back(wanted, _("Nothing was selected. Tick the changes first."), "error")
    many = triage.count(reading(), store.id, wanted) if isinstance(chosen, Wanted) else len(chosen)
    if request.form.get("confirmed") != "1" and not (action == "retry" and many == 1):
        fields = {**_fields(wanted), "seen": request.form.get("seen", now().isoformat())}
        fields |= {"all": "1"} if isinstance(chosen, Wanted) else {}
        return render_template("confirm.html", action=action, number=many, fields=fields, state=wanted.state,
                               ticked=[] if isinstance(chosen, Wanted) else chosen, back=_address(wanted),
                               target=url_for("store.triage.act", action=action))
    who = actor()
    reading().expunge(store)
    release()
    if action == "discard":
        found = triage.discard(services(), store, chosen, who, wanted.state)
        words = ngettext("%(number)s change was discarded.", "%(number)s changes were discarded.", found, number=number(found))
        return _back(wanted, words, "success" if found else "info")
    result = triage.retry(services(), store, chosen, who, wanted.state)
    return _back(wanted, _told(result), "success" if result.retried or result.merged else "info")


@pages.post("/dead/check/<side>")
def check(side: str) -> ResponseReturnValue:
    """Try the stored key of a side that refused; where it is accepted, what waited goes on."""
    if side not in circuit.SIDES:
        abort(404)
    store, config, back = current_store(), services(), url_for("store.triage.page")
    with writing() as session:
        wait = throttle.take(session, throttle.TEST_CONNECTION, str(current_user.id))
    if wait:
        abort(429, _("Too many tests in a row. Try again in %(seconds)s seconds.", seconds=int(wait) + 1))
    reading().refresh(store)
    reading().expunge(store)
    release()
    found = stores.check_stored(store, side, config.config)
    with writing() as session:
        stores.save_checks(session, session.get_one(Store, store.id), **{side: found})
    config.kick()
    if found.ok:
        return done(back, _("%(what)s: the connection works. What waited goes on.", what=found.title))
    return done(back, " ".join(part for step in found.steps if not step[0] for part in step[1:] if part) or found.title, "error")


def _wanted(values: Mapping[str, str]) -> Wanted:
    state: triage.State = "error" if values.get("state") == "error" else "dead"
    return Wanted(state, values.get("entity", "")[:32], values.get("direction", "")[:12], values.get("q", "").strip()[:64],
                  values["cause"][:128] if "cause" in values else None, _moment(values.get("seen", "")))


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _fields(wanted: Wanted) -> dict[str, str]:
    """The filter as fields of an address or a form."""
    fields = {"state": wanted.state if wanted.state != "dead" else "", "entity": wanted.entity, "direction": wanted.direction,
              "q": wanted.record}
    return {name: value for name, value in fields.items() if value} | \
        ({"cause": wanted.cause} if wanted.cause is not None else {})


def _ticked() -> Sequence[int]:
    return sorted({int(text) for text in request.form.getlist("job") if text.isdecimal() and len(text) < 19})[:LONGEST_SELECTION]


def _told(result: jobs.RetryResult) -> str:
    words = [ngettext("%(number)s change will be tried again.", "%(number)s changes will be tried again.", result.retried,
                      number=number(result.retried))]
    if result.merged:
        words.append(ngettext("%(number)s joined a newer change that is waiting already.",
                              "%(number)s joined newer changes that are waiting already.", result.merged,
                              number=number(result.merged)))
    if result.missing:
        words.append(_("%(number)s were left: they have moved on, or their last write may still be on its way.",
                       number=number(result.missing)))
    return " ".join(words)


def _back(wanted: Wanted, message: str, kind: str) -> Response:
    """To the same list, or to that of all causes where nothing of this one is left."""
    services().kick()
    if wanted.cause is not None and not triage.count(reading(), current_store().id, replace(wanted, until=None)):
        wanted = replace(wanted, cause=None)
    return done(_address(wanted), message, kind)


def _address(wanted: Wanted) -> str:
    fields: dict[str, Any] = _fields(wanted)
    return url_for("store.triage.page", **fields)
