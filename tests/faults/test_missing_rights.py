"""*Test connection* names every right that the chosen directions need."""

from __future__ import annotations

import pytest

from portal.clients.prestashop_profile import READS
from portal.sandbox.prestashop import DEMO_KEY
from portal.sync import stores
from tests.world import World

BACK = {"products": {"GET", "PATCH", "POST"}, "combinations": {"GET", "PATCH"}, "stock_availables": {"GET", "PATCH"},
        "order_histories": {"GET", "POST"}, "order_carriers": {"GET", "PATCH"}}


@pytest.mark.parametrize(("choices", "named"), [
    ({"products": "ps_to_odoo", "stock": "ps_to_odoo", "order_states": False}, set()),
    ({"products": "both", "stock": "ps_to_odoo", "order_states": False}, {"products", "combinations"}),
    ({"products": "ps_to_odoo", "stock": "odoo_to_ps", "order_states": False}, {"stock_availables"}),
    ({"products": "ps_to_odoo", "stock": "ps_to_odoo", "order_states": True}, {"order_histories", "order_carriers"}),
])
def test_rights_to_write_are_missed_where_something_travels_to_the_shop(
        world: World, choices: dict[str, object], named: set[str]) -> None:
    key = world.shop.shop.keys[DEMO_KEY]
    key.rights = {resource: {"GET", "PUT"} for resource in READS}  # Modify (PUT) is not Patch (PATCH)
    settings = {**world.store.settings, **choices}

    def failed() -> list[str]:
        check = stores.check_shop(world.store.ps_url, world.store.ps_key, world.services.config, settings=settings)
        assert check.ok == (not any(not ok for ok, _, _ in check.steps))
        return [text for ok, text, _ in check.steps if not ok]

    assert {resource for resource in BACK for text in failed() if f" {resource}," in text} == named
    key.rights |= BACK
    assert failed() == []
