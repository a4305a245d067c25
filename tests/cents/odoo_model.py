"""An Odoo that computes what it is sent: reads the `create` values, keeps prices as Odoo stores them, answers the totals."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from portal.entities.base import Ref
from portal.entities.money import rounded
from portal.entities.odoo_arithmetic import OdooSales, flattened, line_sums, order_sums
from portal.entities.order import OrderPlan, OrderSource, needs
from portal.entities.order_write import SERVICES, OdooIds, to_odoo


def ids(source: OrderSource) -> OdooIds:
    """Odoo ids for everything the order refers to."""
    refs: Iterable[Ref] = sorted(needs(source))
    return OdooIds(1, 10, 11, 12, {ref: 100 + number for number, ref in enumerate(refs)},
                   {service: 900 + number for number, service in enumerate(SERVICES)})


def created(plan: OrderPlan, odoo: OdooSales) -> dict[str, Decimal]:
    """The totals Odoo shows after the planned order was created in it."""
    return totals(to_odoo(plan, odoo, ids(plan.source)), odoo, plan.digits)


def totals(values: dict[str, Any], odoo: OdooSales, digits: int) -> dict[str, Decimal]:
    """The totals of a `sale.order` created with these values."""
    taxes = {tax.id: tax for tax in odoo.taxes}
    rules = odoo.rules(digits)
    lines = []
    for _, _, line in values["order_line"]:
        assert line["discount"] == 0
        price = rounded(Decimal(repr(line["price_unit"])), odoo.price_digits)
        mine = flattened(taxes[number] for number in line[odoo.tax_field][0][2])
        lines.append(line_sums(price, Decimal(line["product_uom_qty"]), mine, rules))
    sums = order_sums(lines, rules)
    return {"amount_untaxed": sums.untaxed, "amount_tax": sums.tax, "amount_total": sums.total}
