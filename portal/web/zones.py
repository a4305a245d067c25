"""The time zone of the pages: the user's browser's, the shop's, or one that the user named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_datetime
from flask import Flask, g, has_request_context, request
from flask_babel import get_locale, lazy_gettext
from flask_login import current_user

COOKIE = "zone"
"""In it the browser tells its own zone."""
SHOP = "shop"
UTC = "UTC"
PARTS = {"Africa": lazy_gettext("Africa"), "America": lazy_gettext("America"), "Antarctica": lazy_gettext("Antarctica"),
         "Asia": lazy_gettext("Asia"), "Atlantic": lazy_gettext("Atlantic Ocean"), "Australia": lazy_gettext("Australia"),
         "Europe": lazy_gettext("Europe"), "Indian": lazy_gettext("Indian Ocean"), "Pacific": lazy_gettext("Pacific Ocean")}
"""Where the zones lie whose names begin so."""


def init_app(app: Flask) -> None:
    """Every template knows the zone of its page."""
    app.jinja_env.globals.update(zone_of_page=lambda: of_page().key, zone_is_the_browsers=is_the_browsers)


def of_page() -> ZoneInfo:
    """The zone in which this page shows its times; where the chosen one is not known: the browser's, the shop's, UTC."""
    if not has_request_context():
        return ZoneInfo(UTC)
    if "zone" not in g:
        chosen, browser, shop = choice(), browsers(), shops()
        g.zone = ZoneInfo(_first(shop, browser) if chosen == SHOP else _first(chosen, browser, shop))
    return g.zone  # type: ignore[no-any-return]


def choice() -> str:
    """What the user chose: "" the browser's, `SHOP`, or the name of a zone."""
    return str(current_user.zone) if current_user and current_user.is_authenticated else ""


def browsers() -> str:
    """What the browser says of its zone; "" while it has not."""
    return request.cookies.get(COOKIE, "")


def shops() -> str:
    """The zone of the shop to which the page belongs; "" where there is none."""
    store = g.get("store")
    return str((store.shop_profile or {}).get("timezone") or "") if store is not None else ""


def is_the_browsers() -> bool:
    """Whether the browser may show the times as it is set itself."""
    return choice() == "" or (choice() == SHOP and not known(shops()))


def known(name: str) -> bool:
    """Whether there is such a zone."""
    return name in _all()


def by_part() -> Sequence[tuple[str, list[str]]]:
    """The zones that a person may name."""
    names = sorted(_all())
    return [*((str(label), [name for name in names if name.startswith(f"{part}/")]) for part, label in PARTS.items()), (UTC, [UTC])]


def exact(at: datetime) -> str:
    """A moment to the second and with its zone, as the reader's language writes it."""
    return str(format_datetime(at, "d MMM y, HH:mm:ss ZZZZ", tzinfo=of_page(), locale=get_locale() or "en"))


@lru_cache(maxsize=1)
def _all() -> frozenset[str]:
    return frozenset(available_timezones())


def _first(*names: str) -> str:
    return next((name for name in names if known(name)), UTC)
