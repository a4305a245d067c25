"""Products with combinations on every Odoo: one variant per combination, whatever was there before and whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.models import Mapping, SyncJob
from portal.sandbox.prestashop_actions import add_combination, add_product, edit_product, set_stock, stock_line
from portal.sandbox.prestashop_install import both
from portal.sync import runner, tick
from portal.sync.services import Services
from tests.world import World, make_world

VERSIONS = ["14", "16", "17", "18", "19"]
FIELDS = ["default_code", "barcode", "weight", "standard_price", "active", "lst_price", "product_template_attribute_value_ids",
          "product_tmpl_id"]


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param) as world:
        yield world


@pytest.fixture
def one(db: Database, config: Config) -> Iterator[World]:
    """Odoo 17, for what does not depend on the version."""
    with make_world(db, Services(config, db)) as world:
        yield world


def attribute(world: World, name: str, *values: str) -> list[int]:
    """The merchant adds an attribute with values; the ids of the values."""
    shop = world.shop.shop
    with shop.transaction():
        number = shop.add("product_options", group_type="select", position=9, name=both(name), public_name=both(name))
        return [shop.add("product_option_values", id_attribute_group=number, position=0, name=both(value)) for value in values]


def shirt(world: World, sizes: list[int], colours: list[int], *, gaps: int = 0, **fields: Any) -> tuple[int, list[str]]:
    """A product with a combination of each size and colour but the last `gaps`; the keys of the combinations."""
    product = add_product(world.shop.shop, "Shirt", "20", "SHIRT", weight="0.2", wholesale_price="8", **fields)
    pairs = [(size, colour) for size in sizes for colour in colours]
    keys = [f"{product}:{add_combination(world.shop.shop, product, [size, colour], f'SHIRT-{size}-{colour}')}"
            for size, colour in pairs[:len(pairs) - gaps]]
    return product, keys


def change(world: World, key: str, **fields: Any) -> None:
    shop = world.shop.shop
    with shop.transaction():
        shop.update("combinations", int(key.split(":")[1]), **fields)


def remove(world: World, key: str) -> None:
    """The merchant deletes a combination."""
    product, number = map(int, key.split(":"))
    shop = world.shop.shop
    with shop.transaction():
        shop.tables["stock_availables"].remove(stock_line(shop, product, number)["id"])
        shop.tables["combinations"].remove(number)
        if not shop.tables["combinations"].by("id_product", product):
            edit_product(shop, product, product_type="standard", cache_default_attribute=0)


def bring(world: World, product: int, state: str = "synced") -> SyncJob:
    job_id = world.notice("product", product)
    world.drain()
    job = world.job(job_id)
    assert job.state == state, job.message
    return job


def links(world: World, entity: str) -> dict[str, Mapping]:
    with world.db.read() as session:
        return {row.shop_id: row for row in session.scalars(select(Mapping).where(Mapping.entity == entity))}


def odoo(world: World) -> Any:
    return world.services.odoo(world.store)


def variants(world: World, template: int) -> dict[int, dict[str, Any]]:
    """All variants of a template, archived ones too."""
    rows = odoo(world).search_read("product.product", [("product_tmpl_id", "=", template)], FIELDS,
                                   context={"active_test": False})
    return {row["id"]: row for row in rows}


def of_product(world: World, product: int) -> dict[int, dict[str, Any]]:
    return variants(world, links(world, "product")[str(product)].odoo_id)


def values_of(world: World, row: dict[str, Any]) -> list[str]:
    offers = odoo(world).read("product.template.attribute.value", row["product_template_attribute_value_ids"],
                              ["product_attribute_value_id"])
    names = odoo(world).read("product.attribute.value", [offer["product_attribute_value_id"][0] for offer in offers], ["name"])
    return sorted(name["name"] for name in names)


def test_each_combination_becomes_one_variant_with_what_is_its_own(world: World) -> None:
    sizes, colours = attribute(world, "Fit", "Slim", "Wide"), attribute(world, "Tone", "Sand", "Sea")
    product, keys = shirt(world, sizes, colours)
    change(world, keys[0], ean13="4006381333931", weight="0.05", wholesale_price="9.5")
    job = bring(world, product)
    assert "with 4 variants" in job.message
    found, mapped = of_product(world, product), links(world, "combination")
    assert {mapped[key].odoo_id for key in keys} == set(found)
    assert all(row["active"] for row in found.values())
    first = found[mapped[keys[0]].odoo_id]
    assert (first["default_code"], first["barcode"]) == (f"SHIRT-{sizes[0]}-{colours[0]}", "4006381333931")
    assert (first["weight"], first["standard_price"]) == (0.25, 9.5)
    last = found[mapped[keys[-1]].odoo_id]
    assert (last["weight"], last["standard_price"], last["barcode"]) == (0.2, 8.0, False)
    assert values_of(world, last) == ["Sea", "Wide"]


def test_gaps_of_the_shop_stay_gaps(world: World) -> None:
    product, keys = shirt(world, attribute(world, "Fit", "Slim", "Wide"), attribute(world, "Tone", "Sand", "Sea"), gaps=2)
    bring(world, product)
    assert len(of_product(world, product)) == len(keys) == 2


def test_attributes_that_people_made_are_used_and_what_they_make_too_much_is_archived(world: World) -> None:
    fit = odoo(world).create("product.attribute", [{"name": "FIT", "create_variant": "always"}])[0]
    tone = odoo(world).create("product.attribute", [{"name": "tone", "create_variant": "always"}])[0]
    odoo(world).create("product.attribute.value", [{"name": "slim", "attribute_id": fit}])
    product, keys = shirt(world, attribute(world, "Fit", "Slim", "Wide"), attribute(world, "Tone", "Sand", "Sea"), gaps=1)
    bring(world, product)
    active = {number for number, row in of_product(world, product).items() if row["active"]}
    assert active == {links(world, "combination")[key].odoo_id for key in keys}
    assert {mapping.odoo_id for mapping in links(world, "attribute").values()} == {fit, tone}
    assert odoo(world).search_count("product.attribute.value", [("attribute_id", "=", fit)]) == 2


def test_the_demo_shop_s_clothes_arrive_and_a_second_run_writes_nothing(world: World) -> None:
    world.sync("product")
    assert not world.jobs("dead", "error", "pending"), [job.message for job in world.jobs("dead", "error", "pending")]
    combinations = world.shop.shop.tables["combinations"].ids()
    mapped = links(world, "combination")
    assert len({mapping.odoo_id for mapping in mapped.values()}) == len(combinations) == len(mapped)
    before = world.written()
    world.sync("product")
    assert world.written() == before


def test_stock_is_counted_on_the_variant(world: World) -> None:
    product, keys = shirt(world, attribute(world, "Fit", "Slim"), attribute(world, "Tone", "Sand", "Sea"))
    bring(world, product)
    set_stock(world.shop.shop, product, 7, int(keys[1].split(":")[1]))
    world.notice("stock", keys[1])
    world.drain()
    variant = links(world, "combination")[keys[1]].odoo_id
    assert odoo(world).read("product.product", [variant], ["qty_available"])[0]["qty_available"] == 7


def test_price_impacts_become_extras_of_values_where_they_add_up(world: World) -> None:
    product, keys = shirt(world, attribute(world, "Fit", "Slim", "Wide"), attribute(world, "Tone", "Sand", "Sea"))
    for key, impact in zip(keys, ("0", "2", "1.5", "3.5"), strict=True):
        change(world, key, price=impact)
    bring(world, product)
    found, mapped = of_product(world, product), links(world, "combination")
    assert [found[mapped[key].odoo_id]["lst_price"] for key in keys] == [20.0, 22.0, 21.5, 23.5]
    change(world, keys[0], price="1")
    job = bring(world, product)
    assert "not sums of extras" in job.message
    assert {row["lst_price"] for row in of_product(world, product).values()} == {20.0}


def test_variants_that_odoo_has_are_found_by_reference_and_kept_as_they_are(world: World) -> None:
    shape = odoo(world).create("product.attribute", [{"name": "Shape", "create_variant": "always"}])[0]
    values = odoo(world).create("product.attribute.value", [{"name": n, "attribute_id": shape} for n in ("A", "B", "C")])
    template = odoo(world).create("product.template", [{"name": "Ours", "attribute_line_ids": [
        [0, 0, {"attribute_id": shape, "value_ids": [[6, 0, values]]}]]}])[0]
    sizes, colours = attribute(world, "Fit", "Slim", "Wide"), attribute(world, "Tone", "Sand")
    product, keys = shirt(world, sizes, colours)
    theirs = sorted(variants(world, template))
    for variant, size in zip(theirs, sizes, strict=False):
        odoo(world).write("product.product", [variant], {"default_code": f"SHIRT-{size}-{colours[0]}", "weight": 3.0})
    job = bring(world, product)
    assert "linked" in job.message
    assert [links(world, "combination")[key].odoo_id for key in keys] == theirs[:2]
    found = variants(world, template)
    assert sorted(found) == theirs
    assert all(row["active"] for row in found.values())
    assert found[theirs[0]]["weight"] == 0.2
    before = world.written()
    bring(world, product)
    assert world.written() == before


def test_a_reference_that_odoo_has_twice_is_named_and_nothing_is_written(world: World) -> None:
    sizes, colours = attribute(world, "Fit", "Slim"), attribute(world, "Tone", "Sand", "Sea")
    product, _ = shirt(world, sizes, colours)
    code = f"SHIRT-{sizes[0]}-{colours[0]}"
    ids = [row["id"] for name in "ab" for row in variants(world, odoo(world).create(
        "product.template", [{"name": name, "default_code": code}])[0]).values()]
    before = world.written()
    job = bring(world, product, "error")
    assert code in job.message
    assert all(str(number) in job.message for number in ids)
    assert world.written() == before


def test_a_simple_product_gains_combinations_loses_one_and_loses_all(world: World) -> None:
    product = add_product(world.shop.shop, "Shirt", "20", "SHIRT", weight="0.2")
    bring(world, product)
    template = links(world, "product")[str(product)].odoo_id
    sizes = attribute(world, "Fit", "Slim", "Wide")
    keys = [f"{product}:{add_combination(world.shop.shop, product, [size], f'S-{size}')}" for size in sizes]
    bring(world, product)
    assert links(world, "product")[str(product)].odoo_id == template
    mapped = {key: links(world, "combination")[key].odoo_id for key in keys}
    assert {n for n, row in of_product(world, product).items() if row["active"]} == set(mapped.values())
    remove(world, keys[0])
    bring(world, product)
    assert {n: row["active"] for n, row in of_product(world, product).items() if n in mapped.values()} == {
        mapped[keys[0]]: False, mapped[keys[1]]: True}
    assert links(world, "combination")[keys[0]].data["gone"] is True
    before = world.written()
    bring(world, product)
    assert world.written() == before
    remove(world, keys[1])
    bring(world, product)
    row, = [row for row in of_product(world, product).values() if row["active"]]
    assert row["default_code"] == "SHIRT"
    assert row["product_template_attribute_value_ids"] == []
    assert links(world, "product")[str(product)].data["variant_id"] == row["id"]
    before = world.written()
    bring(world, product)
    assert world.written() == before


def test_a_combination_made_anew_with_the_same_values_takes_over_its_variant(one: World) -> None:
    sizes, colours = attribute(one, "Fit", "Slim"), attribute(one, "Tone", "Sand", "Sea")
    product, keys = shirt(one, sizes, colours)
    bring(one, product)
    variant = links(one, "combination")[keys[0]].odoo_id
    remove(one, keys[0])
    again = f"{product}:{add_combination(one.shop.shop, product, [sizes[0], colours[0]], 'NEW')}"
    bring(one, product)
    row = of_product(one, product)[links(one, "combination")[again].odoo_id]
    assert (row["id"], row["active"], row["default_code"]) == (variant, True, "NEW")


def test_only_what_changed_in_the_shop_is_written(one: World) -> None:
    product, keys = shirt(one, attribute(one, "Fit", "Slim"), attribute(one, "Tone", "Sand", "Sea"))
    bring(one, product)
    variant = links(one, "combination")[keys[0]].odoo_id
    odoo(one).write("product.product", [variant], {"weight": 9.0})
    change(one, keys[0], reference="RENAMED")
    bring(one, product)
    row = of_product(one, product)[variant]
    assert (row["default_code"], row["weight"]) == ("RENAMED", 9.0)


def test_an_inactive_product_has_only_archived_variants_until_it_is_active_again(world: World) -> None:
    product, keys = shirt(world, attribute(world, "Fit", "Slim"), attribute(world, "Tone", "Sand", "Sea"), active="0")
    bring(world, product)
    assert [row["active"] for row in of_product(world, product).values()] == [False, False]
    edit_product(world.shop.shop, product, active="1")
    bring(world, product)
    assert [row["active"] for row in of_product(world, product).values()] == [True, True]
    assert len(keys) == 2


def test_a_dry_run_writes_nothing(one: World) -> None:
    product, _ = shirt(one, attribute(one, "Fit", "Slim"), attribute(one, "Tone", "Sand", "Sea"))
    one.set(dry_run=True)
    before = one.written()
    bring(one, product, "pending")
    assert one.written() == before
    assert not links(one, "combination")
    assert not links(one, "attribute")
    one.set(dry_run=False)
    one.drain()
    assert len(links(one, "combination")) == 2


def test_one_product_that_is_refused_does_not_hold_up_the_others(one: World) -> None:
    fits, tones = attribute(one, "Fit", "Slim", "Wide"), attribute(one, "Tone", "Sand", "Sea")
    good, _ = shirt(one, fits, tones)
    bad = add_product(one.shop.shop, "Hat", "5", "HAT")
    for number, fit in enumerate(fits):
        add_combination(one.shop.shop, bad, [fit, tones[0]], f"HAT-{number}", ean13="4006381333900")
    jobs = [one.notice("product", product) for product in (good, bad)]
    one.drain()
    assert [one.job(job).state for job in jobs] == ["synced", "error"]
    assert "4006381333900" in one.job(jobs[1]).message


def test_fifty_products_take_as_many_calls_as_one(one: World) -> None:
    fits, tones = attribute(one, "Fit", "Slim", "Wide"), attribute(one, "Tone", "Sand", "Sea")

    def calls(name: str, count: int) -> int:
        made = []
        for number in range(count):
            made.append(add_product(one.shop.shop, f"{name} {number}", "5", ""))
            for fit in fits:
                code = f"{name}-{number}-{fit}"
                add_combination(one.shop.shop, made[-1], [fit, tones[number % 2]], code, price=Decimal(fit))
        before = sum(one.odoo.calls.values())
        runner.run(one.services, [one.notice("product", product) for product in made])
        assert not one.jobs("dead", "error", "pending"), [job.message for job in one.jobs("error")]
        return sum(one.odoo.calls.values()) - before

    calls("A", 2)
    few, many = calls("B", 2), calls("C", 50)
    assert many == few <= 11


STEPS = [("product.attribute", "load"), ("product.attribute.value", "load"), ("product.template", "load"),
         ("product.template.attribute.line", "create"), ("product.product", "write"), ("product.product", "create"),
         ("product.template.attribute.value", "load")]


@pytest.mark.parametrize("how", ["drop", "refuse"])
@pytest.mark.parametrize(("model", "method"), STEPS)
def test_a_run_cut_off_at_any_step_is_finished_without_doubles(one: World, model: str, method: str, how: str) -> None:
    made = [("Fit", "always"), ("Hem", "always")] if method == "write" else [("Fit", "dynamic")]
    odoo(one).create("product.attribute", [{"name": name, "create_variant": mode} for name, mode in made])
    fits, hems = attribute(one, "Fit", "Slim", "Wide"), attribute(one, "Hem", "Round", "Flat")
    product = add_product(one.shop.shop, "Shirt", "20", "")
    for fit, hem in zip(fits, hems, strict=True):
        add_combination(one.shop.shop, product, [fit, hem], "", price=Decimal(fit))
    fault = one.odoo.faults.arm(how, side="odoo", model=model, method=method)
    job_id = one.notice("product", product)
    one.drain()
    assert fault.struck == 1
    assert one.job(job_id).state != "synced"
    one.pass_time()
    tick.tick(one.services, None)
    one.pass_time()
    one.drain()
    assert one.job(job_id).state == "synced", one.job(job_id).message
    assert len([row for row in of_product(one, product).values() if row["active"]]) == 2
    assert len(one.odoo_rows("product.template", name="Shirt")) == 1
    names = [row["name"] for row in odoo(one).search_read("product.attribute", [], ["name"])]
    assert len(names) == len(set(names))
