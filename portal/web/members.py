"""Who may see a store. For administrators."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal.extensions import reading, writing
from portal.models import Store, User
from portal.sync import log
from portal.web.access import actor, admin_only, current_store
from portal.web.answers import done

pages = Blueprint("members", __name__)


@pages.get("/members")
@admin_only
def page() -> ResponseReturnValue:
    """The members, and who could become one."""
    store = current_store()
    inside = {user.id for user in store.members}
    others = [user for user in reading().scalars(select(User).where(User.active).order_by(User.email))
              if user.id not in inside and not user.is_admin]
    return render_template("members.html", members=sorted(store.members, key=lambda user: user.email), others=others)


@pages.post("/members")
@admin_only
def change() -> ResponseReturnValue:
    """Add or remove one member."""
    user_id = request.form.get("user_id", type=int)
    add = request.form.get("add") == "1"
    with writing() as session:
        store = session.get_one(Store, current_store().id)
        user = session.get(User, user_id) if user_id is not None else None
        if user is None:
            abort(404)
        if add and user not in store.members:
            store.members.append(user)
        elif not add and user in store.members:
            store.members.remove(user)
        email = user.email
        log.write(session, store.id, f"{email} {'may see' if add else 'may no longer see'} this store.", actor=actor())
    return done(url_for("store.members.page"),
                _("%(email)s was added.", email=email) if add else _("%(email)s was removed.", email=email))
