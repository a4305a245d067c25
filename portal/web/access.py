"""Who may see what. Closed by default: a route is for logged-in users unless it stands in `PUBLIC`.

Pages of one store live under the blueprint of `store_pages`; it looks the store up before any of them runs, so that a member of
another store gets 404 from every route by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, abort, flash, g, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user, user_logged_in
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from portal.db import now
from portal.extensions import reading
from portal.models import Store, User

PUBLIC = frozenset({"static", "security.login", "first_admin.first_admin", "first_admin.welcome", "language.change",
                    "inbound.cron", "inbound.webhook", "inbound.shop_hook", "inbound.healthz", "inbound.metrics"})
WITHOUT_SESSION = "inbound"
MACHINE_PATHS = ("/cron", "/webhook", "/hooks/", "/healthz", "/metrics")
IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)
POLL_HEADER = "HX-Poll"
"""Sent by the refresh of a page, which is no sign of a person being there."""

F = TypeVar("F", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    """Put the gate in front of every route."""
    app.config["PERMANENT_SESSION_LIFETIME"] = ABSOLUTE
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    app.before_request(_gate)
    user_logged_in.connect(_start_session, app)


def current_store() -> Store:
    """The store of the page."""
    return g.store  # type: ignore[no-any-return]


def actor() -> str:
    """Who did it, for the log."""
    return str(current_user.email)


def visible_stores() -> list[Store]:
    """The stores this user may see, by name."""
    query = select(Store).order_by(Store.name)
    if not current_user.is_admin:
        query = query.where(Store.members.any(User.id == current_user.id))
    return list(reading().scalars(query))


def admin_only(view: F) -> F:
    """The view is for administrators."""
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_admin:
            abort(403, _("Only administrators may do this."))
        return view(*args, **kwargs)
    return guarded  # type: ignore[return-value]


def store_pages(*children: Blueprint) -> Blueprint:
    """The blueprint of everything that belongs to one store."""
    pages = Blueprint("store", __name__, url_prefix="/stores/<int:store_id>")
    pages.url_value_preprocessor(_take_store_id)
    pages.url_defaults(_give_store_id)
    pages.before_request(_find_store)
    for child in children:
        pages.register_blueprint(child)
    return pages


def _take_store_id(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.store_id = values.pop("store_id") if values else None


def _give_store_id(_endpoint: str, values: dict[str, Any]) -> None:
    if "store_id" in g:
        values.setdefault("store_id", g.store_id)


def _find_store() -> None:
    query = select(Store).where(Store.id == g.store_id)
    if not current_user.is_admin:
        query = query.where(Store.members.any(User.id == current_user.id))
    store = reading().scalars(query).first()
    if store is None:
        abort(404)
    g.store = store


def for_machines() -> bool:
    """Whether the caller is a program from outside, which has no session and gets JSON."""
    return request.blueprint == WITHOUT_SESSION or request.path.startswith(MACHINE_PATHS)


def _gate() -> AnyResponse | None:
    if for_machines():
        return None
    if request.method not in {"GET", "HEAD", "OPTIONS"} \
            and request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403, _("The form was sent from another site."))
    _end_old_session()
    if request.endpoint is None or request.endpoint in PUBLIC:
        return None
    if current_user.is_authenticated and "started" in session:
        return None
    login = url_for("security.login", next=request.full_path.rstrip("?") if request.method == "GET" else None)
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("security.login")})
    return redirect(login)


def _start_session(_app: Flask, **_: Any) -> None:
    session["started"] = session["seen"] = int(now().timestamp())
    session.permanent = True


def _end_old_session() -> None:
    """Log out who was away for an hour or logged in half a day ago."""
    if "started" not in session:
        return
    at = now()
    started, seen = (datetime.fromtimestamp(session[key], at.tzinfo) for key in ("started", "seen"))
    if at - seen > IDLE or at - started > ABSOLUTE:
        session.clear()
        g.pop("_login_user", None)
        flash(_("You were logged out because nothing happened for a while. Log in again to go on."), "info")
    elif at - seen > timedelta(minutes=1) and not request.headers.get(POLL_HEADER):
        session["seen"] = int(at.timestamp())
