"""What a user chooses for their own account: the time zone of the pages; the way to the password."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.extensions import writing
from portal.models import User
from portal.web import zones
from portal.web.access import visible_stores
from portal.web.answers import done

pages = Blueprint("account", __name__, url_prefix="/account")


@pages.get("")
def page() -> ResponseReturnValue:
    """The user's choices."""
    shops = [(store.name, zone) for store in visible_stores() if (zone := (store.shop_profile or {}).get("timezone"))]
    return render_template("account.html", chosen=zones.choice(), browser=zones.browsers() if zones.known(zones.browsers()) else "",
                           shops=shops, parts=zones.by_part())


@pages.post("")
def save() -> ResponseReturnValue:
    """Keep the time zone."""
    wanted = request.form.get("zone", "")
    if wanted not in ("", zones.SHOP) and not zones.known(wanted):
        abort(422, _("Time zone: choose one of the list."))
    with writing() as session:
        session.get_one(User, current_user.id).zone = wanted
    return done(url_for("account.page"), _("Your choice is saved."))
