"""The password again before what a borrowed session must not do: seeing or replacing secrets, and changing where keys are sent.

A log-in counts as well; then there is a quarter of an hour.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.db import now
from portal.extensions import writing
from portal.sync import log
from portal.web import throttle
from portal.web.access import actor, visible_stores

FRESH = timedelta(minutes=15)
TYPED_AT = "fs_paa"
"""Where Flask-Security notes when the password was last typed: at the log-in and on its page that asks again."""

F = TypeVar("F", bound=Callable[..., Any])
_SECRETS = re.compile(r"/stores/(\d{1,9})/settings/(endpoints|odooconnector\.zip)")


def is_confirmed() -> bool:
    """Whether the password was typed within the last quarter of an hour."""
    return timedelta() <= now() - _typed_at() < FRESH


def ask(back: str) -> Response:
    """To the page that asks for the password, and from there to `back`."""
    return redirect(url_for("security.verify", next=back), 303)


def password_again(back: Callable[[], str]) -> Callable[[F], F]:
    """The view is for those who typed their password just now; others are asked, and then come to `back`."""
    def wrap(view: F) -> F:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs) if is_confirmed() else ask(back())
        return guarded  # type: ignore[return-value]
    return wrap


def here() -> str:
    """The address of this view, for those that are asked by GET."""
    return request.full_path.rstrip("?")


def confirm(password: str) -> bool:
    """Whether this is the user's password; then it counts as typed now. Guesses are slowed down like those of a log-in."""
    with writing() as unit:
        if throttle.take(unit, throttle.LOGIN_ACCOUNT, str(current_user.email).lower()):
            return False
    if not password or not current_user.verify_and_update_password(password):
        return False
    with writing() as unit:
        throttle.give_back(unit, throttle.LOGIN_ACCOUNT, str(current_user.email).lower())
    session[TYPED_AT] = now().timestamp()
    return True


def note(unit: Session, follows: str) -> None:
    """Write into the log of a store that the password was typed in order to see its secrets, if that is what follows."""
    found = _SECRETS.fullmatch(follows)
    store = next((one for one in visible_stores() if found and one.id == int(found[1])), None)
    if store is not None and found:
        text = "The addresses with their tokens were shown." if found[2] == "endpoints" else \
            "The shop's module with its signing secret was downloaded."
        log.write(unit, store.id, text, actor=actor())


def _typed_at() -> datetime:
    return datetime.fromtimestamp(float(session.get(TYPED_AT, 0)), UTC)
