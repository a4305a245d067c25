"""A store's settings: the form, the endpoints with their tokens, and removing the store."""

from __future__ import annotations

from io import BytesIO

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from portal import module_zip
from portal.extensions import reading, services, writing
from portal.models import Store
from portal.settings import SettingError
from portal.sync import stores
from portal.web import confirmed, shown, store_form
from portal.web.access import actor, admin_only, current_store
from portal.web.answers import done
from portal.web.stores import learn, show_form, try_connection

pages = Blueprint("settings", __name__)
SWITCHES = {"enabled": (lazy_gettext("Synchronization is on."),
                        lazy_gettext("Synchronization is off. Changes are noticed and wait.")),
            "dry_run": (lazy_gettext("Dry run is on: nothing is written to Odoo or the shop."),
                        lazy_gettext("Dry run is off: changes are really sent."))}
TOKENS = {"cron": lazy_gettext("The cron token was replaced."), "webhook": lazy_gettext("The webhook token was replaced."),
          "hooks": lazy_gettext("The signing secret was replaced.")}

REMOVED = {"mappings": lazy_gettext("links between shop and Odoo"), "jobs": lazy_gettext("changes with their history")}
"""What removing a store deletes, beside its log."""


@pages.get("/settings")
def page() -> ResponseReturnValue:
    """The form with what is stored, and the endpoints."""
    return show_form(current_store(), store_form.stored(current_store()))


@pages.post("/settings")
def save() -> ResponseReturnValue:
    """Save the form."""
    store = current_store()
    entered = store_form.read(request.form, store)
    if not entered.errors and store_form.moves_keys(entered.values, store) and not confirmed.is_confirmed():
        _confirm(entered)
    if entered.errors:
        return show_form(current_store(), entered), 422
    try:
        with writing() as session:
            row = session.get_one(Store, store.id)
            _name_is_free(session.query(Store).filter(Store.name == entered.values["name"], Store.id != row.id).first())
            changed = stores.change_store(session, row, entered.values, actor())
    except SettingError as error:
        key, text = store_form.words(error)
        entered.errors[key] = text
        return show_form(current_store(), entered), 422
    services().kick()
    unknown = {"shop": store.shop_profile is None, "odoo": store.odoo_profile is None}
    learn(store.id, [side for side, fields in store_form.BLOCKS.items()
                     if unknown[side] or any(item.key in changed for item in fields)])
    return done(url_for("store.settings.page"), _("The settings were saved.") if changed else _("There was nothing to change."))


@pages.post("/settings/check/<key>")
def check_field(key: str) -> ResponseReturnValue:
    """Whether one field may stay as it was left."""
    return render_template("_problem.html", text=store_form.problem_of(key, request.form, current_store()))


@pages.post("/settings/test/<side>")
def test(side: str) -> ResponseReturnValue:
    """Test one connection with what stands in the form."""
    return try_connection(side, current_store())


@pages.post("/settings/switch/<key>")
def switch(key: str) -> ResponseReturnValue:
    """Flip *Enable synchronization* or *Dry run*."""
    if key not in SWITCHES:
        abort(404)
    with writing() as session:
        store = session.get_one(Store, current_store().id)
        value = request.form.get("value") == "1"
        stores.change_store(session, store, {key: value}, actor())
    services().kick()
    back = "store.initial.page" if request.args.get("back") == "initial" else "store.dashboard.page"
    return done(url_for(back), str(SWITCHES[key][0 if value else 1]))


@pages.post("/settings/tokens/<kind>")
@confirmed.password_again(lambda: url_for("store.settings.page", _anchor="endpoints"))
def rotate(kind: str) -> ResponseReturnValue:
    """Replace a token; the old one works for 24 more hours."""
    if kind not in stores.TOKEN_KINDS:
        abort(404)
    with writing() as session:
        stores.rotate_token(session, session.get_one(Store, current_store().id), kind, actor())
    flash(TOKENS[kind] + " " + _("The old one works for 24 more hours; use the new address until then."), "success")
    return redirect(url_for("store.settings.page", _anchor="endpoints"), 303)


@pages.get("/settings/endpoints")
@confirmed.password_again(confirmed.here)
def endpoints() -> ResponseReturnValue:
    """To the addresses with their tokens, by way of the password where that is due."""
    return redirect(url_for("store.settings.page", _anchor="endpoints"))


@pages.get("/settings/odooconnector.zip")
@confirmed.password_again(confirmed.here)
def module_zip_file() -> ResponseReturnValue:
    """The PrestaShop module, configured for this store. It holds the signing secret, so it is never kept by a cache."""
    store = current_store()
    secret = stores.token_value(reading(), store, "hooks")
    file = BytesIO()
    module_zip.build(module_zip.StoreFacts(services().config.public_url, store.key, secret), file)
    return Response(file.getvalue(), content_type="application/zip", headers={
        "Content-Disposition": "attachment; filename=odooconnector.zip", "Cache-Control": "no-store"})


@pages.get("/remove")
@admin_only
def confirm_removal() -> ResponseReturnValue:
    """What removing the store would delete."""
    return render_template("remove.html", numbers=stores.removal_numbers(reading(), current_store()), names=REMOVED, error="")


@pages.post("/remove")
@admin_only
def remove() -> ResponseReturnValue:
    """Remove the store, after its name was typed."""
    store = current_store()
    name = store.name
    if request.form.get("name", "").strip() != name:
        return render_template("remove.html", numbers=stores.removal_numbers(reading(), store), names=REMOVED,
                               error=_("Type %(name)s to confirm.", name=name)), 422
    with writing() as session:
        numbers = stores.remove_store(session, session.get_one(Store, store.id))
    services().kick()
    counted = ", ".join(f"{shown.number(n)} {REMOVED[what]}" for what, n in numbers.items())
    return done(url_for("stores.listing"), _("%(name)s was removed with %(counted)s. Odoo and the shop were not touched.",
                                             name=name, counted=counted))


def _confirm(entered: store_form.Entered) -> None:
    """What says where keys go is changed only by who knows the password; the form asks for it where it is due."""
    if "present_password" not in request.form:
        entered.errors["present_password"] = _("An address, user or key changes: enter your password to confirm it is you.")
    elif not confirmed.confirm(request.form["present_password"]):
        entered.errors["present_password"] = _("This is not your password, or it was tried too often. Try again in a minute.")


def _name_is_free(other: Store | None) -> None:
    if other is not None:
        raise SettingError(f"name: a store called {other.name!r} exists already. Choose another name.")
