"""The users of the portal. For administrators: add one, hand out the link for a password, switch one off."""

from __future__ import annotations

import secrets

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from portal.extensions import reading, services, writing
from portal.models import User
from portal.web import confirmed
from portal.web.access import admin_only
from portal.web.accounts import AccountError, admin_role, create_user
from portal.web.answers import done
from portal.web.first_admin import welcome_link

pages = Blueprint("people", __name__, url_prefix="/people")


@pages.get("")
@admin_only
def page() -> ResponseReturnValue:
    """Everybody who may log in."""
    return _show()


@pages.post("")
@admin_only
def add() -> ResponseReturnValue:
    """Add a user; they choose their password by the link that is shown once."""
    try:
        with writing() as session:
            user = create_user(session, request.form.get("email", ""), None, admin=request.form.get("admin") == "1")
            link = welcome_link(session, services().config, user)
            email = user.email
    except AccountError as error:
        return _show(error=str(error), typed=request.form.get("email", "")), 422
    return _show(link=link, link_for=email)


@pages.post("/<int:user_id>/link")
@admin_only
@confirmed.password_again(lambda: url_for("people.page"))
def new_link(user_id: int) -> ResponseReturnValue:
    """A new link for choosing a password, for who lost theirs."""
    with writing() as session:
        user = _user(user_id)
        link = welcome_link(session, services().config, user)
        email = user.email
    return _show(link=link, link_for=email)


@pages.post("/<int:user_id>")
@admin_only
def change(user_id: int) -> ResponseReturnValue:
    """Switch a user on or off, or make them an administrator or not; ends their sessions."""
    if user_id == current_user.id:
        abort(403, _("You cannot change your own account here, so that there is always an administrator."))
    with writing() as session:
        user = _user(user_id)
        if "active" in request.form:
            user.active = request.form["active"] == "1"
        if "admin" in request.form:
            user.roles = [admin_role(session)] if request.form["admin"] == "1" else []
        user.fs_uniquifier = secrets.token_hex(32)
        email = user.email
    return done(url_for("people.page"), _("%(email)s was changed.", email=email))


def _user(user_id: int) -> User:
    user = reading().get(User, user_id)
    if user is None:
        abort(404)
    return user


def _show(**values: str) -> str:
    users = list(reading().scalars(select(User).order_by(User.email)))
    return render_template("people.html", users=users, **values)
