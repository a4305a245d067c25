"""Initial sync: one card per entity in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from portal.entities import registry
from portal.extensions import reading, release, services, writing
from portal.models import Store
from portal.settings import SettingError
from portal.sync import circuit, duplicates, initial, initial_runs, ledgers
from portal.sync.initial_runs import Progress
from portal.web.access import actor, current_store
from portal.web.answers import done, fingerprint_of, live
from portal.web.shown import number
from portal.web.wake import wake

pages = Blueprint("initial", __name__)
REFERS_TO = {"product": ("customer",), "stock": ("product",), "order": ("customer", "product")}
"""What comes first: an order needs its customer and its products. Products follow customers only to keep one order of work."""


@pages.get("/initial")
def page() -> ResponseReturnValue:
    """The cards."""
    found, stopped = _cards(), _is_stopped()
    return render_template("initial.html", fingerprint=fingerprint_of("_initial.html", cards=found, stopped=stopped), cards=found,
                           stopped=stopped)


@pages.get("/initial/live")
def refresh() -> ResponseReturnValue:
    """The cards alone."""
    return live("_initial.html", cards=_cards(), stopped=_is_stopped())


def _is_stopped() -> bool:
    """Whether a side may not be called now, so that nothing moves."""
    return bool(circuit.trouble(reading(), current_store().id))


@pages.post("/initial/<entity>/start")
def start(entity: str) -> ResponseReturnValue:
    """Start, or go on with, one entity."""
    card = next((card for card in _cards() if card["entity"] == entity), None)
    if card is None:
        abort(404)
    if card["reason"]:
        return done(url_for("store.initial.page"), card["reason"], "error")
    try:
        with writing() as session:
            initial.start(session, session.get_one(Store, current_store().id), entity, actor())
    except SettingError as error:
        return done(url_for("store.initial.page"), str(error), "error")
    wake()
    return _back(_("Initial sync of %(what)s was started.", what=_label(entity).lower()))


@pages.post("/initial/<entity>/<action>")
def hold(entity: str, action: str) -> ResponseReturnValue:
    """Hold an initial sync, or let it go on where it was."""
    label = _label(entity)
    if action not in ("pause", "resume"):
        abort(404)
    act = initial_runs.pause if action == "pause" else initial_runs.resume
    with writing() as session:
        changed = act(session, session.get_one(Store, current_store().id), entity, actor())
    if action == "resume":
        wake()
        return _back(_("%(what)s go on where they were.", what=label) if changed else _("Nothing was paused."))
    return _back(_("%(what)s are paused. Changes that happen in the shop meanwhile still travel.", what=label) if changed
                 else _("Nothing is under way."))


@pages.post("/initial/<entity>/cancel")
def cancel(entity: str) -> ResponseReturnValue:
    """Stop one entity for good; what was not sent yet is discarded, so it asks first."""
    _label(entity)
    store, config, who = current_store(), services(), actor()
    unsent = initial_runs.unsent(reading(), store, entity)
    if unsent and request.form.get("confirmed") != "1":
        return render_template("confirm.html", action="discard", number=unsent, state="pending", fields={}, ticked=[],
                               target=url_for("store.initial.cancel", entity=entity), back=url_for("store.initial.page"))
    reading().expunge(store)
    release()
    discarded = initial_runs.cancel(config, store, entity, who)
    config.kick()
    return _back(ngettext("Stopped. %(number)s change that had not been sent was discarded.",
                          "Stopped. %(number)s changes that had not been sent were discarded.", discarded,
                          number=number(discarded)))


def cards(progress: Sequence[Progress], *, enabled: bool) -> list[dict[str, Any]]:
    """The cards in order, each with the reason why its button is disabled, or "".

    An entity waits for those its records refer to; entities that are switched off are passed over.
    """
    found: list[dict[str, Any]] = []
    unfinished = {row.entity: _(row.label).lower() for row in progress if row.allowed and row.state != "finished"}
    for row in progress:
        missing = [unfinished[name] for name in REFERS_TO.get(row.entity, ()) if name in unfinished]
        reason = ""
        if not row.allowed:
            reason = _("Switched off in the settings. Change that there first.")
        elif not enabled:
            reason = _("Enable synchronization first.")
        elif missing:
            reason = _("First finish %(what)s.", what=_(" and ").join(missing))
        ended = row.done + row.failed
        found.append({**vars(row), "reason": reason, "running": row.state in ("reading", "queued"), "ended": ended,
                      "total": max(row.noticed, ended), "left": _left(row.seconds_left)})
    return found


def _left(seconds: int | None) -> str:
    """About how long it takes, in words that do not jump about."""
    if seconds is None:
        return ""
    if seconds < 60:
        return str(_("less than a minute left"))
    if seconds < 90 * 60:
        return str(ngettext("about %(num)s minute left", "about %(num)s minutes left", round(seconds / 60)))
    return str(ngettext("about %(num)s hour left", "about %(num)s hours left", round(seconds / 3600)))


def _cards() -> list[dict[str, Any]]:
    session, store = reading(), current_store()
    found = cards(initial.progress(session, store), enabled=store.settings["enabled"])
    held = sum(ledgers.held_counts(session, store).values())
    twins = duplicates.count(session, store.id)
    for card in found:
        card["held"] = held if card["entity"] == "order" else 0
        card["twins"] = twins if card["entity"] in ("customer", "product") else 0
    return found


def _label(entity: str) -> str:
    label = next((e.label for e in registry.ENTITIES if e.name == entity), None)
    return abort(404) if label is None else str(_(label))


def _back(words: str) -> Response:
    return done(url_for("store.initial.page"), words)
