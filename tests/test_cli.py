"""The command line: a store is added, tested, set, synchronised, inspected and removed without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.config import Config
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_LOGIN, OdooServer, make_odoo_server
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sandbox.prestashop import ShopServer, make_shop_server
from tests import command
from tests.world import READING, environment

pytestmark = pytest.mark.processes


class Cli:
    """Runs `portal …` as a process of its own."""

    def __init__(self, config: Config, shop: ShopServer, odoo: OdooServer) -> None:
        self.config, self.shop, self.odoo = config, shop, odoo

    def run(self, *words: str, code: int = 0, given: str = "") -> str:
        ended, out, err = command.run(words, environment(self.config), given, self.config.data_dir)
        assert ended == code, f"portal {' '.join(words)}: {ended}\n{out}\n{err}"
        assert "Traceback" not in err
        return out if code == 0 else out + err

    def facts(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code))

    def add(self, name: str = "shop") -> Any:
        return self.facts("store", "add", name, "--prestashop-url", self.shop.url, "--prestashop-key", SHOP_KEY, "--odoo-url",
                          self.odoo.url, "--odoo-db", DEMO_DATABASE, "--odoo-user", DEMO_LOGIN, "--odoo-key", ODOO_KEY)

    def written(self) -> int:
        return sum(n for call, n in self.odoo.calls.items() if call.rpartition(".")[2] not in READING)


@pytest.fixture
def cli(config: Config) -> Iterator[Cli]:
    with make_shop_server(0) as shop, make_odoo_server(0, version="17") as odoo:
        yield Cli(config, shop, odoo)


def test_from_nothing_to_everything_synced_twice_without_a_change(cli: Cli) -> None:
    cli.add()
    checks = cli.facts("store", "check", "shop")
    assert (checks["prestashop"]["ok"], checks["odoo"]["ok"]) == (True, True)
    assert "17.0" in checks["odoo"]["title"]
    assert "uid" in checks["odoo"]["title"]
    cli.run("store", "set", "shop", "enabled=1", "stock=ps_to_odoo", "order_confirm=1")
    for entity in ("customers", "products", "stock", "orders"):
        row = cli.facts("sync", "shop", entity, "--wait")
        assert row["failed"] == row["waiting"] == 0
    cli.run("drain", "shop")
    [status] = cli.facts("status", "shop")["stores"]
    assert status["queue"]["pending"] == status["queue"]["error"] == status["queue"]["dead"] == 0
    assert status["mappings"]["customer"] == 25
    assert status["mappings"]["order"] == 21
    before, writes = status["mappings"], cli.written()
    for entity in ("customers", "products", "stock", "orders"):
        cli.run("sync", "shop", entity, "--wait")
    cli.run("drain", "shop")
    assert cli.facts("status", "shop")["stores"][0]["mappings"] == before
    assert cli.written() == writes


def test_a_store_shows_its_endpoints_and_its_tokens_only_when_asked(cli: Cli) -> None:
    cli.add()
    plain = cli.facts("store", "show", "shop")
    assert "tokens" not in plain
    secret = cli.facts("store", "show", "shop", "--secrets")
    assert set(secret["endpoints"]) == set(secret["tokens"]) == {"cron", "webhook", "hooks"}
    assert secret["tokens"]["cron"] in secret["endpoints"]["cron"]
    for text in (json.dumps(plain), json.dumps(secret)):
        assert SHOP_KEY not in text


def test_errors_are_sentences_and_exit_codes(cli: Cli) -> None:
    cli.add()
    assert "exists already" in cli.run("store", "add", "shop", "--prestashop-url", "https://a.example", "--prestashop-key", "k",
                                       "--odoo-url", "https://b.example", "--odoo-db", "d", "--odoo-user", "u", "--odoo-key", "k",
                                       code=1)
    assert "no store called" in cli.run("status", "nowhere", code=1)
    assert "max_attempts" in cli.run("store", "set", "shop", "max_attempts=none", code=1)
    assert "colour" in cli.run("store", "set", "shop", "colour=red", code=1)
    assert "switched off" in cli.run("sync", "shop", "customers", "--wait", code=1)
    assert "switched off" in cli.run("drain", "shop", code=1)
    cli.run("store", "set", "shop", "odoo_key=wrong")
    assert cli.facts("store", "check", "shop", code=1)["odoo"]["ok"] is False


def test_keys_are_read_from_files_and_the_environment(cli: Cli, tmp_path: Path) -> None:
    for name, value in (("ps", SHOP_KEY), ("odoo", ODOO_KEY)):
        (tmp_path / name).write_text(value + "\n")
    cli.run("store", "add", "files", "--prestashop-url", cli.shop.url, "--prestashop-key-file", str(tmp_path / "ps"),
            "--odoo-url", cli.odoo.url, "--odoo-db", DEMO_DATABASE, "--odoo-user", DEMO_LOGIN, "--odoo-key-file",
            str(tmp_path / "odoo"))
    cli.run("store", "check", "files")


def test_dead_letters_are_listed_retried_and_discarded(cli: Cli) -> None:
    cli.add()
    cli.run("store", "set", "shop", "enabled=1", "max_attempts=1")
    cli.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error="ValidationError", times=0,
                        message="The VAT number is not valid.")
    cli.run("sync", "shop", "customers", "--wait", code=1)
    dead = cli.facts("dead", "list", "shop")
    assert len(dead) == 25
    assert "VAT" in dead[0]["message"]
    assert cli.facts("dead", "discard", "shop", str(dead[0]["id"]))["discarded"] == 1
    assert cli.facts("dead", "retry", "shop", str(dead[1]["id"]))["retried"] == 1
    cli.odoo.faults.clear()
    assert cli.facts("dead", "retry", "shop", "--all")["retried"] == 23
    cli.run("drain", "shop")
    assert cli.facts("dead", "list", "shop") == []
    assert cli.facts("status")["stores"][0]["mappings"]["customer"] == 24
    assert "quarantine" in cli.run("log", "shop", "-n", "200")


def test_a_removed_store_is_gone_and_odoo_keeps_its_records(cli: Cli) -> None:
    cli.add()
    cli.run("store", "set", "shop", "enabled=1")
    cli.run("sync", "shop", "customers", "--wait")
    assert "25 mappings" in cli.run("store", "remove", "shop", code=1, given="n\n")
    writes = cli.written()
    assert cli.facts("store", "remove", "shop", "--yes")["mappings"] == 25
    assert cli.facts("store", "list") == []
    assert cli.written() == writes
    cli.add()
    cli.run("store", "set", "shop", "enabled=1")
    row = cli.facts("sync", "shop", "customers", "--wait")
    assert row["done"] == 25
    assert cli.odoo.calls["res.partner.load"] == 1, "known customers are linked again, not made again"


def test_a_user_is_added_with_a_password_from_standard_input(cli: Cli) -> None:
    cli.run("user", "add", "anna@example.com", "--admin", "--password-stdin", given="correct horse battery staple\n")
    assert "password" in cli.run("user", "add", "ben@example.com", "--password-stdin", given="short\n", code=1).lower()


def test_ledgers_held_orders_and_taxes_are_told_and_settled_without_a_browser(cli: Cli) -> None:
    orders = cli.shop.shop.tables["orders"]
    order = min(orders.ids())
    right = orders.rows[order]["total_paid_tax_incl"]
    orders.rows[order]["total_paid_tax_incl"] = str(float(right) + 3)
    cli.add()
    cli.run("store", "set", "shop", "enabled=1", "order_confirm=1", "max_attempts=1")
    for entity in ("customers", "products"):
        cli.run("sync", "shop", entity, "--wait")
    cli.run("sync", "shop", "orders", "--wait", code=1)
    assert "was not compared" in cli.run("ledger", "shop", "4711", code=1)
    facts = cli.facts("ledger", "shop", str(order))
    assert (facts["verdict"], facts["cause"], facts["total"]["off"]) == ("held", "order:shop_total", "-3.00")
    assert "Total" in cli.run("ledger", "shop", str(order))
    [held] = cli.facts("held", "list", "shop")
    assert held["order"] == str(order)
    orders.rows[order]["total_paid_tax_incl"] = right
    assert cli.facts("held", "retry", "shop", "--cause", "order:shop_total") == {"looked_at": 1}
    cli.run("drain", "shop")
    assert cli.facts("ledger", "shop", str(order))["verdict"] == "equal"
    assert cli.run("held", "list", "shop").strip() == "No order is held."
    cli.run("held", "retry", "shop", code=1)

    table = cli.facts("taxes", "list", "shop")
    [france] = [line for line in table["lines"] if (line["place"], line["rate"]) == ("FR", "20%")]
    number = france["excluded"][0]["id"]
    assert cli.facts("taxes", "choose", "shop", "FR", "20%", "--tax", str(number))["tried_again"] == 0
    assert "FR 20%: included none, excluded 20%" in cli.run("taxes", "list", "shop")
    assert "does not make 5.5%" in cli.run("taxes", "choose", "shop", "FR", "5.5%", "--tax", str(number), code=1)
    cli.run("taxes", "choose", "shop", "FR", "20%", code=1)
    cli.run("taxes", "choose", "shop", "FR", "20%", "--automatic")
    assert "FR 20%: included 20% incl." in cli.run("taxes", "list", "shop", "--read")
