"""The settings form: every setting can be made in it, and what has a name is chosen by its name."""

from __future__ import annotations

import re

import pytest

from portal.models import Store
from portal.settings import STORE_SETTINGS, StoreSetting
from portal.sync import stores
from portal.sync.stores import Check
from portal.web import store_form
from tests.web.conftest import Browser, World, words
from tests.web.test_pages import MARKUP, NEW, form_of, store_of

SHOP = {"version": "9.1.4", "order_states": {"preparation": 3, "delivered": 5, "canceled": 6},
        "states": {3: "Processing in progress", 5: "Delivered", 6: "Canceled", 17: "Picked up"}}
OTHER_TEXTS = {"payment_journals": "ps_wirepayment=BNK1", "shop_admin": "admin123"}


def other(setting: StoreSetting) -> object:
    """A value that is not the default."""
    if setting.kind == "switch":
        return not setting.default
    if setting.kind == "choice":
        return next(choice for choice in setting.choices if choice != setting.default)
    return OTHER_TEXTS[setting.key] if setting.kind == "text" else setting.default + 1


def know(world: World, shop: dict[str, object] | None = None, odoo: dict[str, object] | None = None) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.shop_profile, store.odoo_profile = shop, odoo


@pytest.mark.parametrize("known", [False, True])
def test_every_setting_has_its_field_and_is_saved_from_there(world: World, admin: Browser, known: bool) -> None:
    if known:
        know(world, SHOP, {"locations": [[1, "WH/Stock"]]})
    page = admin.get(f"/stores/{world.mine}/settings").text
    for setting in STORE_SETTINGS:
        assert re.search(rf'<(input|select) id="{setting.key}" name="{setting.key}"', page), setting.key
        assert f'id="{setting.key}-help"' in page
    wanted = {setting.key: other(setting) for setting in STORE_SETTINGS}
    form = form_of(store_of(world, world.mine), **{key: "1" if value is True else value or None for key, value in wanted.items()})
    assert admin.post(f"/stores/{world.mine}/settings", form).status_code == 303
    assert store_of(world, world.mine).settings == wanted


def test_order_states_are_chosen_by_the_names_the_shop_has_for_them(world: World, admin: Browser) -> None:
    know(world, SHOP)
    page = admin.get(f"/stores/{world.mine}/settings").text
    choices = re.search(r'<select id="state_done".*?</select>', page, re.S).group()  # type: ignore[union-attr]
    assert re.findall(r'value="(\d+)"[^>]*>([^<]+)', choices) == [
        ("0", "The shop&#39;s own: Delivered"), ("3", "Processing in progress"), ("5", "Delivered"), ("6", "Canceled"),
        ("17", "Picked up")]
    assert "The shop&#39;s own: Canceled" in page
    admin.post(f"/stores/{world.mine}/settings", form_of(store_of(world, world.mine), state_done="17", state_sale="99"))
    page = admin.get(f"/stores/{world.mine}/settings").text
    assert '<option value="17" selected>Picked up' in page
    assert '<option value="99" selected>Number 99' in page, "a state that is gone is not changed in silence"


def test_testing_the_shop_brings_the_names_into_the_form(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "check_shop", lambda *a, **k: Check(True, "PrestaShop 9.1.4", [], {**SHOP, "states": {17: MARKUP}}))
    assert "Test the PrestaShop connection to choose it by name." in words(admin.get("/stores/new"))
    part = admin.post("/stores/test/shop", NEW | {"state_done": "17"}, headers={"HX-Request": "true"})
    assert part.text.count('hx-swap-oob="true"') == 3
    assert '<option value="17" selected>&lt;img' in part.text
    page = admin.post("/stores/test/shop", NEW | {"state_done": "17"})
    assert '<option value="17" selected>&lt;img' in page.text


def test_the_default_location_is_named() -> None:
    found = store_form.named("odoo", {"locations": [[8, "WH/Stock"], [9, "WH/Shelf"]], "default_location": 8})
    assert found["odoo_location"][0] == (0, "The first internal location: WH/Stock")
    assert store_form.named("odoo", {}) == store_form.named("shop", None) == {}
