"""One-time links: the first administrator is created by one that `portal up` prints; other users choose a password by theirs."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from flask_security.utils import login_user
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.config import Config
from portal.crypto import digest, new_token
from portal.db import Database, now
from portal.extensions import reading, writing
from portal.models import OneTimeLink, Role, User
from portal.web.accounts import AccountError, create_user, set_password

FIRST_ADMIN_LIFE = timedelta(hours=24)
WELCOME_LIFE = timedelta(days=7)
_SPENT_FIRST = lazy_gettext("This link was used already or has expired. "
                            "If no administrator exists yet, start the portal again: it prints a new one.")
_SPENT_WELCOME = lazy_gettext("This link was used already or has expired. Ask an administrator for a new one.")

pages = Blueprint("first_admin", __name__)


def first_admin_link(config: Config, db: Database) -> str | None:
    """A new link for creating the first administrator; None where there is one. It replaces the link given out before."""
    with db.begin() as session:
        if _has_admin(session):
            return None
        session.execute(delete(OneTimeLink).where(OneTimeLink.user_id.is_(None)))
        return f"{config.public_url}/first-admin?token={_new_link(session, None, FIRST_ADMIN_LIFE)}"


def welcome_link(session: Session, config: Config, user: User) -> str:
    """A new link by which this user chooses a password; it replaces the user's former link."""
    session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user.id))
    return f"{config.public_url}/welcome?token={_new_link(session, user.id, WELCOME_LIFE)}"


@pages.route("/first-admin", methods=["GET", "POST"])
def first_admin() -> Response | str | tuple[str, int]:
    """Create the first administrator."""
    token = request.values.get("token", "")
    link = _link(reading(), token)
    if link is None or link.user_id is not None or _has_admin(reading()):
        abort(403, str(_SPENT_FIRST))
    if request.method == "GET":
        return render_template("first_admin.html", token=token, errors={}, email="")
    try:
        _same_twice()
        with writing() as session:
            link = _link(session, token)
            if link is None or _has_admin(session):
                abort(403, str(_SPENT_FIRST))
            user = create_user(session, request.form.get("email", ""), request.form.get("password", ""), admin=True)
            session.execute(delete(OneTimeLink).where(OneTimeLink.user_id.is_(None)))
    except AccountError as error:
        return render_template("first_admin.html", token=token, errors={error.field: str(error)},
                               email=request.form.get("email", "")), 422
    login_user(user, authn_via=["password"])
    flash(_("Welcome. You are the administrator of this portal."), "success")
    return redirect(url_for("stores.listing"))


@pages.route("/welcome", methods=["GET", "POST"])
def welcome() -> Response | str | tuple[str, int]:
    """Let a user choose a password."""
    token = request.values.get("token", "")
    link = _link(reading(), token)
    user = reading().get(User, link.user_id) if link is not None and link.user_id is not None else None
    if user is None or not user.active:
        abort(403, str(_SPENT_WELCOME))
    if request.method == "GET":
        return render_template("welcome.html", token=token, errors={}, email=user.email)
    try:
        _same_twice()
        with writing() as session:
            link = _link(session, token)
            if link is None:
                abort(403, str(_SPENT_WELCOME))
            set_password(user, request.form.get("password", ""))
            session.delete(link)
    except AccountError as error:
        return render_template("welcome.html", token=token, errors={error.field: str(error)}, email=user.email), 422
    if not current_user.is_authenticated:
        login_user(user, authn_via=["password"])
    flash(_("Your password was saved."), "success")
    return redirect(url_for("stores.listing"))


def _same_twice() -> None:
    if request.form.get("password") != request.form.get("password_again"):
        raise AccountError("password_again", _("The two passwords differ. Type the same one twice."))


def _has_admin(session: Session) -> bool:
    return session.scalar(select(User.id).where(User.active, User.roles.any(Role.name == "admin")).limit(1)) is not None


def _new_link(session: Session, user_id: int | None, life: timedelta) -> str:
    token = new_token()
    session.add(OneTimeLink(digest=digest(token), user_id=user_id, expires_at=now() + life))
    return token


def _link(session: Session, token: str) -> OneTimeLink | None:
    row = session.get(OneTimeLink, digest(token))
    return row if row is not None and row.expires_at > now() else None
