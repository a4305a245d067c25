"""Answers that work with and without htmx."""

from __future__ import annotations

import hashlib

from flask import Response, flash, make_response, redirect, render_template, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse


def is_fragment() -> bool:
    """Whether htmx asks, and only a part of the page is wanted."""
    return bool(request.headers.get("HX-Request"))


def done(url: str, message: str, kind: str = "success") -> AnyResponse:
    """Say what was done on the page that comes next."""
    flash(message, kind)
    if is_fragment():
        return Response(status=204, headers={"HX-Redirect": url})
    return redirect(url, 303)


def live(template: str, **values: object) -> AnyResponse:
    """A part of a page that refreshes itself: 204 when the browser has it already.

    The fragment carries the fingerprint of its content, and the next request brings it back as `seen`.
    """
    fingerprint = fingerprint_of(template, **values)
    if request.args.get("seen") == fingerprint:
        return Response(status=204)
    return make_response(render_template(template, fingerprint=fingerprint, **values))


def whole_page_again() -> AnyResponse:
    """To a refresh of what has just ended: load the page anew, since its result stands in other parts."""
    return Response(status=204, headers={"HX-Refresh": "true"})


def fingerprint_of(template: str, **values: object) -> str:
    """What tells two states of a fragment apart; its CSRF tokens, new in every answer, do not count."""
    html = render_template(template, fingerprint="", **values).replace(generate_csrf(), "")
    return hashlib.sha256(html.encode()).hexdigest()[:16]
