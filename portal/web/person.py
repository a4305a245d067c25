"""What is kept here about one person: handed out, or erased. For administrators who typed their password just now.

Whom it is about comes in the body of a form, never in an address: addresses end up in histories and in the logs of proxies.
"""

from __future__ import annotations

import json

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from portal.extensions import reading, writing
from portal.models import Store
from portal.sync import log, privacy
from portal.web import shown
from portal.web.access import actor, admin_only, current_store
from portal.web.answers import done
from portal.web.confirmed import here, password_again

pages = Blueprint("person", __name__)
LONGEST = 254
KINDS = {"sync_job": lazy_gettext("changes"), "job_event": lazy_gettext("steps of their timelines"),
         "mapping": lazy_gettext("links"), "log_entry": lazy_gettext("log entries")}


def back() -> str:
    return url_for("store.person.page")


@pages.get("/person")
@admin_only
@password_again(here)
def page() -> ResponseReturnValue:
    """Whom is it about?"""
    return _page(request.args.get("id", ""))


@pages.post("/person")
@admin_only
@password_again(back)
def find() -> ResponseReturnValue:
    """What is kept, counted, and what can be done with it."""
    who = _who()
    numbers = _numbers(who)
    if not numbers:
        return _page(who, error=_("Nothing is kept here about this person.")), 404
    return _page(who, numbers=numbers)


@pages.post("/person/export")
@admin_only
@password_again(back)
def export() -> ResponseReturnValue:
    """Everything that is kept, as a file."""
    with writing() as session:
        store = session.get_one(Store, current_store().id)
        facts = privacy.export(session, store, _who())
        if facts:
            log.write(session, store.id, "What is kept about a person was exported.", actor=actor())
    if not facts:
        return _page(_who(), error=_("Nothing is kept here about this person.")), 404
    return Response(json.dumps(facts, indent=1, ensure_ascii=False, default=str), content_type="application/json; charset=utf-8",
                    headers={"Content-Disposition": "attachment; filename=person.json"})


@pages.post("/person/erase")
@admin_only
@password_again(back)
def erase() -> ResponseReturnValue:
    """Erase it, after it was typed again whom it is about."""
    who = _who()
    if request.form.get("again", "").strip() != who or not who:
        return _page(who, numbers=_numbers(who), error=_("Type %(name)s to confirm.", name=who)), 422
    try:
        with writing() as session:
            erased = privacy.erase(session, session.get_one(Store, current_store().id), who, actor())
    except privacy.OnItsWay as error:
        return _page(who, numbers=_numbers(who), error=_(
            "%(number)s changes of this person have not ended. Wait for them, or discard them, and try again.",
            number=shown.number(error.number))), 409
    if not erased:
        return _page(who, error=_("Nothing is kept here about this person.")), 404
    return done(back(), _("%(number)s entries were erased. Backups from before still hold them.", number=shown.number(erased)))


def _who() -> str:
    return request.form.get("who", "").strip()[:LONGEST]


def _numbers(who: str) -> dict[str, int]:
    """Entries by kind, in the reader's words."""
    numbers: dict[str, int] = {}
    for table, rows in privacy.export(reading(), current_store(), who).items():
        kind = str(KINDS.get(table, _("other entries")))
        numbers[kind] = numbers.get(kind, 0) + len(rows)
    return numbers


def _page(who: str, *, numbers: dict[str, int] | None = None, error: str = "") -> str:
    return render_template("person.html", who=who, numbers=numbers or {}, error=error)
