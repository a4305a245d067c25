"""Ledgers and taxes as the pages find them in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.entities import tax_table
from portal.entities.ledger import ledger
from portal.entities.order import OrderPlan, plan
from portal.models import OrderLedger, Store, TaxTable
from portal.sync.ledgers import Judged, content
from tests.entities.order_rows import TAXES, detail, odoo, order, voucher

GROUPS = [{"id": 1, "name": "Standard", "active": "1", "deleted": "0"}, {"id": 2, "name": "Books", "active": "1", "deleted": "0"}]


def mixed_order(total: str = "28.64") -> OrderPlan:
    """Two rates, a parted line, a voucher and shipping; with another total it is held."""
    lines = [detail(1, 2, "10.000000", "12.000000", "20.00", "24.00"),
             detail(2, 6, "0.534993", "0.641992", "3.21", "3.85")]
    return plan(order(lines, ("23.87", total), shipping=("4.95", "5.94"), discounts=("4.29", "5.15"), carrier_rate="20",
                      rules=[voucher(1, "Welcome", "4.29", "5.15")]), odoo())


def keep_ledger(session: Session, store: Store, record: str, verdict: str = "equal", *, cause: str = "", reason: str = "",
                made: OrderPlan | None = None, name: str = "S00007") -> None:
    made = made or mixed_order()
    row = {"id": 7, "name": name, "amount_untaxed": made.expected.untaxed, "amount_total": made.expected.total}
    judged = Judged(record, made, None if verdict == "foreseen" else row, verdict, reason, cause)
    found = ledger(made, odoo())
    session.add(OrderLedger(store_id=store.id, target=store.target, record=record, verdict=verdict, cause=cause, reason=reason,
                            content=content(judged, found)))


def keep_taxes(session: Session, store: Store, *, kinds: str = "both", name: str = "France", more: Any = ()) -> None:
    rules = [{"id": number, "id_tax_rules_group": group, "id_country": 8, "id_state": 0, "id_tax": tax, "behavior": 0}
             for number, (group, tax) in enumerate([(1, 1), (2, 2), (2, 1)], 1)]
    countries = [{"id": 8, "iso_code": "FR", "name": {1: name}, "active": "1"},
                 {"id": 9, "iso_code": "CH", "name": {1: "Switzerland"}, "active": "1"}]
    rows = {"taxes": TAXES, "tax_rules": rules, "tax_rule_groups": GROUPS, "countries": countries, "states": []}
    session.add(TaxTable(store_id=store.id, target=store.target,
                         content=tax_table.table(rows, odoo(kinds=kinds, rates=("20", "5.5")), more)))
