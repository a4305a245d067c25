"""Errors as pages in words: what happened, what to do; never a traceback. Endpoints get the same as JSON."""

from __future__ import annotations

import logging
import secrets

from flask import Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import HTTPException

from portal.crypto import UndecryptableError
from portal.web.access import for_machines

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5

_WORDS = {
    400: (lazy_gettext("This request cannot be understood"), lazy_gettext("Go back, load the page again and try once more.")),
    401: (lazy_gettext("Please log in"), lazy_gettext("Your session has ended. Log in and try again.")),
    403: (lazy_gettext("You may not do this"), lazy_gettext("Ask an administrator of this portal.")),
    404: (lazy_gettext("There is nothing here"),
          lazy_gettext("The page does not exist, or it belongs to a store you are not a member of.")),
    405: (lazy_gettext("This does not work that way"), lazy_gettext("Open the page through the menu instead.")),
    413: (lazy_gettext("That was too much at once"), lazy_gettext("Send less, for instance a smaller selection.")),
    429: (lazy_gettext("Too many attempts"), lazy_gettext("Wait a moment and try again.")),
    503: (lazy_gettext("The database is busy"), lazy_gettext("Nothing was changed. Try again in a few seconds.")),
}


def init_app(app: Flask) -> None:
    """Install the error pages."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    for kind in (DBAPIError, PoolTimeout):
        app.register_error_handler(kind, _busy)
    for gone in (ObjectDeletedError, StaleDataError):
        app.register_error_handler(gone, _gone)
    app.register_error_handler(UndecryptableError, _undecryptable)
    app.register_error_handler(Exception, _unexpected)


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    title, words = _WORDS.get(error.code, (error.name, ""))
    given = error.description if isinstance(error.description, str) and error.description != type(error).description else ""
    headers = {key: value for key, value in error.get_headers() if key == "Allow"}
    return _answer(error.code, title, given or words, headers)


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    return _answer(400, _("The form has expired"), _("Load the page again and send the form once more; nothing was changed."))


def _busy(error: Exception) -> ResponseReturnValue:
    logger.warning("the database did not answer: %s", type(error).__name__)
    return _answer(503, *_WORDS[503], {"Retry-After": str(RETRY_SECONDS)})


def _gone(_error: Exception) -> ResponseReturnValue:
    return _answer(404, *_WORDS[404])


def _undecryptable(error: Exception) -> ResponseReturnValue:
    return _answer(503, _("A stored key cannot be read"), str(error), {"Retry-After": "60"})


def _unexpected(_error: Exception) -> ResponseReturnValue:
    number = secrets.token_hex(4)
    logger.exception("error %s on %s %s", number, request.method, request.path)
    if for_machines():
        return _answer(503, "The portal could not take this now", f"Send it again later. Error {number}.",
                       {"Retry-After": str(RETRY_SECONDS)})
    return _answer(500, _("Something went wrong on our side"),
                   _("Nothing more is needed from you. If it happens again, report error %(number)s; the process log explains it.",
                     number=number))


def _answer(status: int, title: object, words: object, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    if for_machines():
        return jsonify(error=str(title), detail=str(words)), status, headers or {}
    if status >= 500:  # the page that looks nothing up, since looking up may be what fails
        page = current_app.jinja_env.get_template("down.html").render(status=status, title=title, words=words)
    else:
        page = render_template("error.html", status=status, title=title, words=words)
    return page, status, headers or {}
