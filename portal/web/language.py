"""The language of the pages: what the user chose, else what the browser asks for.

Texts are English in templates and code; `translations/<language>/LC_MESSAGES/messages.po` holds the others, and a language is
offered where there is one. The binary form that gettext reads is made from them when the application starts.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Blueprint, Flask, abort, current_app, has_request_context, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import Babel, get_locale
from flask_login import current_user, user_logged_in

from portal import ROOT
from portal.extensions import writing
from portal.models import User
from portal.web.access import for_machines

logger = logging.getLogger(__name__)

pages = Blueprint("language", __name__)
LANGUAGES = {"en": "English", "fr": "Français", "es": "Español", "it": "Italiano"}
"""Code → its own name of each language that may have a catalogue."""
DEFAULT = "en"
FOLDER = ROOT / "translations"


def init_app(app: Flask) -> None:
    """Install Flask-Babel with the project's own catalogues."""
    compile_catalogues(FOLDER)
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(FOLDER)
    app.config["LANGUAGES"] = {code: name for code, name in LANGUAGES.items()
                               if code == DEFAULT or (FOLDER / code / "LC_MESSAGES" / "messages.po").exists()}
    Babel(app, locale_selector=choose)
    user_logged_in.connect(_remember, app)
    app.jinja_env.globals.update(LANGUAGES=app.config["LANGUAGES"], language=language)


def choose() -> str:
    """The language for this request, without asking the database, which the page that says so may lack.

    Programs and the command line are always answered in English.
    """
    if not has_request_context() or for_machines():
        return DEFAULT
    offered = current_app.config["LANGUAGES"]
    if session.get("language") in offered:
        return str(session["language"])
    return request.accept_languages.best_match(list(offered), DEFAULT) or DEFAULT


def language() -> str:
    """The code of the language of this page."""
    return str(get_locale() or DEFAULT)


@pages.post("/language")
def change() -> ResponseReturnValue:
    """Choose the language: kept with the account of who is logged in, with the session of who is not yet."""
    wanted = request.form.get("language", "")
    offered = current_app.config["LANGUAGES"]
    if wanted not in offered:
        abort(422, f"language: choose one of {', '.join(offered)}.")
    session["language"] = wanted
    if current_user.is_authenticated:
        with writing() as unit:
            unit.get_one(User, current_user.id).language = wanted
    back = request.form.get("back", "/")
    return redirect(back if re.match(r"/(?![/\\])", back) else "/", 303)


def _remember(_app: Flask, user: Any, **_: Any) -> None:
    if user.language:
        session["language"] = user.language


def compile_catalogues(folder: Path) -> None:
    """Write each catalogue's binary form where it is missing or older. Where that is not allowed the pages stay English."""
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        try:
            with source.open("rb") as text:
                catalogue = read_po(text, locale=source.parts[-3])
            handle, name = tempfile.mkstemp(dir=source.parent, suffix=".tmp")
            with os.fdopen(handle, "wb") as binary:
                write_mo(binary, catalogue)
            Path(name).chmod(0o644)
            Path(name).replace(target)  # in one step, since several processes start at once
        except OSError as error:
            logger.warning("the translations in %s cannot be prepared: %s", source.parent.name, error.strerror)
