"""`portal ledger`, `portal held` and `portal taxes`: how orders compare with Odoo's, and the taxes they carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from portal.clients.errors import RemoteError
from portal.models import Store
from portal.settings import SettingError
from portal.sync import ledgers, taxes
from portal.sync.services import Services

Open = Callable[[str], tuple[Services, Store]]
Show = Callable[[Any, bool, Callable[[], str]], None]
ACTOR = "command line"


def commands(open_store: Open, show: Show) -> list[click.Command]:
    """The commands; `open_store` gives services and store by name, `show` prints facts as words or JSON."""
    return [_ledger(open_store, show), _held(open_store, show), _taxes(open_store, show)]


def _ledger(open_store: Open, show: Show) -> click.Command:
    @click.command("ledger")
    @click.argument("name")
    @click.argument("order")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def ledger(name: str, order: str, as_json: bool) -> None:
        """How each cent of a shop order landed in Odoo."""
        services, store = open_store(name)
        with services.db.read() as session:
            row = ledgers.find(session, store, order)
        if row is None:
            raise click.ClickException(f"Order {order} was not compared with Odoo yet.")
        facts = ledgers.facts(row)
        show(facts, as_json, lambda: _ledger_words(facts))

    return ledger


def _held(open_store: Open, show: Show) -> click.Group:
    @click.group("held")
    def held() -> None:
        """Orders that stay a quotation because they do not equal the shop's."""

    @held.command("list")
    @click.argument("name")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def listed(name: str, as_json: bool) -> None:
        """Every held order with its reason."""
        services, store = open_store(name)
        with services.db.read() as session:
            facts = [{key: fact for key, fact in ledgers.facts(row).items() if key not in ("rows", "sum", "notes")}
                     for row in ledgers.held(session, store)]
        show(facts, as_json, lambda: "\n".join(
            f"{f['order']}  {f['odoo_name']}  {f['cause']}: {f['reason']} {f['remedy']}".rstrip() for f in facts)
            or "No order is held.")

    @held.command("retry")
    @click.argument("name")
    @click.argument("orders", nargs=-1)
    @click.option("--cause", help="All that are held for this cause.")
    @click.option("--all", "every", is_flag=True, help="All that are held.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def retry(name: str, orders: tuple[str, ...], cause: str | None, every: bool, as_json: bool) -> None:
        """Read held orders again and compare them anew."""
        if bool(orders) + bool(cause) + every != 1:
            raise click.ClickException("Give the ids of orders, or --cause, or --all.")
        services, store = open_store(name)
        with services.db.begin() as session:
            records = orders or [row.record for row in ledgers.held(session, store, cause)]
            number = ledgers.look_again(session, session.get_one(Store, store.id), records, ACTOR)
        services.kick()
        show({"looked_at": number}, as_json, lambda: f"{number} will be compared again.")
        if number < len(set(records)):
            raise click.ClickException("The other orders were not compared with Odoo yet.")

    return held


def _taxes(open_store: Open, show: Show) -> click.Group:
    @click.group("taxes")
    def group() -> None:
        """Which Odoo taxes each rate of the shop becomes."""

    @group.command("list")
    @click.argument("name")
    @click.option("--read", is_flag=True, help="Ask shop and Odoo now; orders whose tax is there now are tried again.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def listed(name: str, read: bool, as_json: bool) -> None:
        """Every rate of every place, and the taxes that orders wait for."""
        services, store = open_store(name)
        with services.db.read() as session:
            read = read or taxes.find(session, store) is None
        if read:
            _read(services, store)
        with services.db.read() as session:
            facts = taxes.facts(session, store)
        show(facts, as_json, lambda: _tax_words(facts))

    @group.command("choose")
    @click.argument("name")
    @click.argument("place")
    @click.argument("rate")
    @click.option("--tax", "numbers", type=int, multiple=True, help="Id of an Odoo tax; once for each that may be used.")
    @click.option("--group", type=int, default=0, help="Only for this tax rules group of the shop.")
    @click.option("--automatic", is_flag=True, help="Back to what is found by itself.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def choose(name: str, place: str, rate: str, numbers: tuple[int, ...], group: int, automatic: bool, as_json: bool) -> None:
        """Use these Odoo taxes for RATE (20%) in PLACE (FR, or CA-QC); orders that wait for it are tried again."""
        if bool(numbers) == automatic:
            raise click.ClickException("Give --tax, once or several times, or --automatic.")
        services, store = open_store(name)
        _read(services, store)
        try:
            with services.db.begin() as session:
                tried = taxes.choose(session, session.get_one(Store, store.id), place, rate, group, numbers, ACTOR)
        except SettingError as error:
            raise click.ClickException(str(error)) from None
        services.kick()
        show({"place": place, "rate": rate, "group": group, "taxes": sorted(set(numbers)), "tried_again": tried}, as_json,
             lambda: f"Saved. {tried} orders that waited will be tried again.")

    return group


def _read(services: Services, store: Store) -> None:
    try:
        taxes.refresh(services, store)
    except RemoteError as error:
        raise click.ClickException(f"{error.message} {error.remedy}".strip()) from None
    services.kick()


def _ledger_words(facts: dict[str, Any]) -> str:
    lines = [f"Order {facts['order']} ({facts['reference']}), in Odoo {facts['odoo_name'] or 'not yet'}, {facts['currency']}, "
             f"computed {facts['computed_at']}: {facts['verdict']}. {facts['reason']} {facts['remedy']}".strip(),
             f"{'':40} {'shop net':>12} {'shop gross':>12} {'Odoo net':>12} {'Odoo gross':>12} {'off':>8}"]
    rows = [*((f"{row['label']}: {row['text']}", row) for row in facts["rows"]), ("Sum of the lines", facts["sum"]),
            ("Total", facts["total"])]
    lines += [f"{text[:40]:40} {row['shop_excl']:>12} {row['shop_incl']:>12} {row['odoo_excl']:>12} {row['odoo_incl']:>12} "
              f"{row['off']:>8}" for text, row in rows]
    return "\n".join([*lines, *facts["notes"]])


def _tax_words(facts: dict[str, Any]) -> str:
    lines = [f"MISSING {item['rate']} in {item['place']}: {item['orders']} orders wait ("
             + ", ".join(wait["order"] for wait in item["waiting"]) + ")" for item in facts["missing"]]
    for line in facts["lines"]:
        kinds = ", ".join(f"{kind} {' + '.join(tax['name'] + ' (' + str(tax['id']) + ')' for tax in line[kind]) or 'none'}"
                          for kind in ("included", "excluded"))
        lines.append(f"{line['place']} {line['rate']}{' group ' + str(line['group']) if line['group'] else ''}: {kinds}"
                     f"{', chosen' if line['chosen'] else ''}. {line['costs']}".rstrip())
    return "\n".join(lines)
