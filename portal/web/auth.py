"""Log-in by Flask-Security with our own pages: hashed passwords, one message for every wrong log-in, throttled."""

from __future__ import annotations

import secrets
from typing import Any

import email_validator
from flask import Flask, Response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user, user_logged_out
from flask_security.datastore import SQLAlchemyUserDatastore
from flask_security.forms import ChangePasswordForm, LoginForm

from portal.config import Config
from portal.extensions import db, security, services, writing
from portal.models import Role, User
from portal.web import confirmed, throttle

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128
_WRONG = lazy_gettext("E-mail or password is wrong.")
_EVERYWHERE = ("_on_before_request", "_update_remember_cookie")


class PlainLoginForm(LoginForm):
    """Without *remember me*: a session ends after an hour without use."""

    remember = None


def init_app(app: Flask, config: Config) -> None:
    """Install Flask-Security; only log-in, log-out and *change password* are switched on."""
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()  # people in a local network have addresses such as me@shop.local
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106
        SECURITY_PASSWORD_SCHEMES=["argon2", "plaintext"],
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__memory_cost": 19 * 1024, "argon2__time_cost": 2, "argon2__parallelism": 1},
        SECURITY_PASSWORD_LENGTH_MIN=SHORTEST_PASSWORD,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_MSG_GENERIC_AUTHN_FAILED=(_WRONG, "error"),
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False, "globally_deliverable": False},
        SECURITY_CHANGEABLE=True,
        SECURITY_CHANGE_URL="/account/password",
        SECURITY_POST_CHANGE_VIEW="/",
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_SEND_REGISTER_EMAIL=False,
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_LOGOUT_CSRF=True,
        SECURITY_POST_LOGOUT_VIEW="/login",
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_STATIC_FOLDER=None,
        SECURITY_MSG_REAUTHENTICATION_SUCCESSFUL=(lazy_gettext("Thank you. Go on where you were."), "success"),
        SECURITY_LOGIN_USER_TEMPLATE="login.html",
        SECURITY_VERIFY_TEMPLATE="verify.html",
        SECURITY_CHANGE_PASSWORD_TEMPLATE="password.html",  # noqa: S106
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    security.init_app(app, SQLAlchemyUserDatastore(db, User, Role), login_form=PlainLoginForm,
                      change_password_form=ChangePasswordForm)
    _only_on_pages(app)
    app.before_request(_throttle_login)
    app.after_request(_settle_login)
    user_logged_out.connect(_end_sessions, app)


def _only_on_pages(app: Flask) -> None:
    """Take out two hooks that read cookie and body of every request, endpoints included: who is there is asked by
    `portal.web.access` where it matters, and there is no *remember me* cookie to keep up.
    """
    tables: tuple[Any, ...] = (app.before_request_funcs, app.after_request_funcs)
    for table in tables:
        table[None] = [hook for hook in table[None] if getattr(hook, "__name__", "") not in _EVERYWHERE]


def _throttle_login() -> tuple[str, int, dict[str, str]] | None:
    if not _tries_a_password():
        return None
    with writing() as session:
        wait = max(throttle.take(session, limit, who) for limit, who in _callers())
    if not wait:
        return None
    page = render_template("error.html", title=_("Too many attempts"), status=429,
                           words=_("Somebody tried to log in too often. Try again in %(seconds)s seconds.", seconds=int(wait) + 1))
    return page, 429, {"Retry-After": str(int(wait) + 1)}


def _settle_login(response: Response) -> Response:
    """A log-in that succeeded does not count against the limits; one that failed says so in its status."""
    if not _tries_a_password():
        return response
    if response.status_code == 302 and current_user.is_authenticated:
        with services().db.begin() as session:
            for limit, who in _callers():
                throttle.give_back(session, limit, who)
            if request.endpoint == "security.verify":
                confirmed.note(session, request.args.get("next", ""))
    elif response.status_code == 200:
        response.status_code = 422
    return response


def _tries_a_password() -> bool:
    """To log in, or to confirm who one is."""
    return request.method == "POST" and (
        request.endpoint == "security.login" or (request.endpoint == "security.verify" and current_user.is_authenticated))


def _callers() -> list[tuple[throttle.Limit, str]]:
    account = request.form.get("email", "").strip() if request.endpoint == "security.login" else str(current_user.email)
    return [(throttle.LOGIN_ADDRESS, request.remote_addr or ""), (throttle.LOGIN_ACCOUNT, account.lower())]


def _end_sessions(_app: Flask, user: Any, **_: Any) -> None:
    """A log-out ends every session of the user: a copied cookie is worth nothing afterwards."""
    with services().db.begin() as session:
        row = session.get(User, user.id)
        if row is not None:
            row.fs_uniquifier = secrets.token_hex(32)
