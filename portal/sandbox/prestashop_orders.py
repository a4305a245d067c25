"""Orders as PrestaShop makes them: taxes, the three ways of rounding, vouchers, stock, states and what they cause.

The arithmetic is the measured one: with round type 1 each unit is rounded, with 2 each line, with 3 only totals;
the grand total of type 2 nevertheless sums unrounded lines, so it may differ by cents from the sum of its lines
(which is what `total_products` says).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from .prestashop_actions import amount, stock_line, sum_stock
from .prestashop_answer import Refused
from .prestashop_store import Row, Shop

NOTHING = Decimal(0)
CANCELED_OR_ERROR = ("PS_OS_CANCELED", "PS_OS_ERROR")
SHIPPING_PRICES = {2: Decimal("5.90"), 3: Decimal("12.50")}  # without tax; the real ones stand in price ranges


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half up, the shop's default round mode."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


@dataclass(frozen=True)
class Totals:
    """The amounts of an order on one side (with or without tax)."""

    lines: list[Decimal]
    products: Decimal
    discounts: Decimal
    total: Decimal


def totals(
    units: Sequence[tuple[Decimal, int]],
    discounts: Iterable[Decimal],
    extras: Decimal,
    round_type: int,
    digits: int,
) -> Totals:
    """The line amounts and totals of (unit price, quantity) pairs, as measured on PrestaShop 8.1 and 9.1.

    `extras` is shipping plus wrapping, already rounded; `discounts` are the unrounded values of the vouchers.
    """
    if round_type == 1:
        units = [(rounded(unit, digits), quantity) for unit, quantity in units]
    exact = [unit * quantity for unit, quantity in units]
    lines = [rounded(line, digits) for line in exact] if round_type == 2 else exact
    discount = rounded(sum(discounts, NOTHING), digits)
    whole = sum(exact, NOTHING)
    products = rounded(sum(lines, NOTHING), digits)
    return Totals(lines, products, discount, rounded(whole - discount + extras, digits))


@dataclass(frozen=True)
class Rate:
    """The taxes of one tax rules group in one country: their ids, the factor on a net price, how they combine."""

    taxes: list[int]
    factor: Decimal
    method: int

    @property
    def percent(self) -> Decimal:
        return (self.factor - 1) * 100


def tax_rate(shop: Shop, group: int, country: int, state: int = 0) -> Rate:
    """The rate of a tax rules group for an address; factor 1 when no rule fits."""
    rules = shop.tables["tax_rules"]
    fitting = [
        rule
        for rule in rules.by("id_tax_rules_group", group)
        if rules.value(rule, "id_country") == country and rules.value(rule, "id_state") in (0, state)
    ]
    fitting.sort(key=lambda rule: -int(rules.value(rule, "id_state")))
    if not fitting:
        return Rate([], Decimal(1), 0)
    method = int(rules.value(fitting[0], "behavior"))
    chosen = fitting if method else fitting[:1]
    factor = Decimal(1)
    for rule in chosen:
        percent = Decimal(shop.get("taxes", rule["id_tax"], "rate")) / 100
        factor = factor * (1 + percent) if method == 2 else factor + percent
    return Rate([rule["id_tax"] for rule in chosen], factor, method)


def place_order(
    shop: Shop,
    customer: int,
    lines: Sequence[Row],
    *,
    address: int | None = None,
    invoice_address: int | None = None,
    carrier: int = 2,
    currency: int = 1,
    vouchers: Sequence[Row] = (),
    wrapping: bool = False,
    round_type: int | None = None,
    state: int | None = None,
    shipping: Decimal | str | None = None,
    payment: str = "Bank wire",
    module: str = "ps_wirepayment",
) -> int:
    """A customer checks out; returns the order's id.

    A line is {"product", "quantity"} with optional "combination", "price" (unit, without tax, in the order's
    currency) and "reduction" (percent). A voucher is {"name"} with "percent", "amount" (with tax) or
    "free_shipping". `shipping` is the price without tax; `state` the first state (default: payment accepted).
    """
    with shop.transaction():
        addresses = shop.tables["addresses"]
        if address is None:
            mine = [row for row in addresses.by("id_customer", customer) if row.get("deleted", "0") == "0"]
            address = int(mine[0]["id"])
        country, region = (int(addresses.value(addresses.rows[address], n)) for n in ("id_country", "id_state"))
        money = shop.tables["currencies"].rows[currency]
        digits = int(money.get("precision", 2))
        conversion = Decimal(money["conversion_rate"])
        kind = round_type or int(shop.setting("PS_ROUND_TYPE") or 2)
        details = [_detail(shop, line, country, region, conversion) for line in lines]
        sides: dict[str, Totals] = {}
        ship, wrap, ship_rate = _extras(shop, carrier, shipping, wrapping, (country, region), conversion, digits)
        values = _voucher_values(vouchers, details, ship, conversion)
        for side in ("incl", "excl"):
            units = [(Decimal(d[f"unit_price_tax_{side}"]), int(d["product_quantity"])) for d in details]
            sides[side] = totals(units, [v[side] for v in values], ship[side] + wrap[side], kind, digits)
            for detail, line in zip(details, sides[side].lines, strict=True):
                detail[f"total_price_tax_{side}"] = amount(line)
        order = shop.tables["orders"].next_id
        sums = {
            f"total_{name}_tax_{side}": amount(value)
            for side, found in sides.items()
            for name, value in (
                ("discounts", found.discounts), ("paid", found.total), ("shipping", ship[side]), ("wrapping", wrap[side])
            )
        }  # fmt: skip
        sums |= {f"total_{name}": sums[f"total_{name}_tax_incl"] for name in ("discounts", "paid", "shipping", "wrapping")}
        shop.add(
            "orders", id=order, id_address_delivery=address, id_address_invoice=invoice_address or address,
            id_cart=order, id_currency=currency, id_lang=shop.get("customers", customer, "id_lang"),
            id_customer=customer, id_carrier=carrier, module=module, payment=payment, id_shop_group=1, id_shop=1,
            secure_key=shop.get("customers", customer, "secure_key"), carrier_tax_rate=f"{ship_rate:.3f}",
            gift="1" if wrapping else "0", round_mode=2, round_type=kind,
            conversion_rate=amount(conversion), reference=shop.reference(order),
            total_products=amount(sides["excl"].products), total_products_wt=amount(sides["incl"].products), **sums,
        )  # fmt: skip
        for detail in details:
            shop.add("order_details", id_order=order, **detail)
            _move(shop, detail, -int(detail["product_quantity"]))
        for voucher, value in zip(vouchers, values, strict=True):
            shop.add(
                "order_cart_rules", id_order=order, id_cart_rule=voucher.get("id", 1), name=voucher["name"],
                value=amount(value["incl"]), value_tax_excl=amount(value["excl"]),
                free_shipping="1" if voucher.get("free_shipping") else "0",
            )  # fmt: skip
        if carrier:
            shop.add(
                "order_carriers", id_order=order, id_carrier=carrier,
                shipping_cost_tax_excl=amount(ship["excl"]), shipping_cost_tax_incl=amount(ship["incl"]),
            )  # fmt: skip
        set_state(shop, order, state or int(shop.setting("PS_OS_PAYMENT")), mail=True)
        return order


def _detail(shop: Shop, line: Row, country: int, region: int, conversion: Decimal) -> Row:
    """One order row with its unit prices, six decimals each."""
    product, combination = int(line["product"]), int(line.get("combination", 0))
    products, combinations = shop.tables["products"], shop.tables["combinations"]
    row = products.rows[product]
    variant = combinations.rows[combination] if combination else {}
    base = Decimal(products.value(row, "price")) + Decimal(variant.get("price", 0))
    price = Decimal(line["price"]) if "price" in line else base * conversion
    reduction = Decimal(line.get("reduction", 0))
    net = rounded(price * (1 - reduction / 100), 6)
    group = int(products.value(row, "id_tax_rules_group"))
    rate = tax_rate(shop, group, country, region)
    name = shop.text("products", product, "name", 1)
    if combination:
        options = [v["id"] for v in variant["associations"]["product_option_values"]]
        names = [shop.text("product_option_values", option, "name", 1) for option in options]
        name += f" ({' - '.join(names)})"
    quantity = int(line["quantity"])
    return {
        "product_id": product, "product_attribute_id": combination, "id_shop": 1, "product_name": name,
        "product_quantity": quantity, "product_quantity_in_stock": quantity, "product_price": amount(net),
        "reduction_percent": f"{reduction:.2f}", "original_product_price": amount(price),
        "product_reference": variant.get("reference") or row.get("reference", ""),
        "product_ean13": variant.get("ean13") or row.get("ean13", ""),
        "product_weight": products.value(row, "weight"), "id_tax_rules_group": group,
        "tax_computation_method": rate.method, "unit_price_tax_excl": amount(net),
        "unit_price_tax_incl": amount(rounded(net * rate.factor, 6)),
        "original_wholesale_price": products.value(row, "wholesale_price"),
        "purchase_supplier_price": products.value(row, "wholesale_price"),
        "associations": {"taxes": [{"id": tax} for tax in rate.taxes]},
    }  # fmt: skip


def _extras(
    shop: Shop,
    carrier: int,
    shipping: Decimal | str | None,
    wrapping: bool,
    place: tuple[int, int],
    conversion: Decimal,
    digits: int,
) -> tuple[dict[str, Decimal], dict[str, Decimal], Decimal]:
    """Shipping and wrapping, with and without tax, each rounded by itself; and shipping's rate in percent."""
    free = not carrier or shop.get("carriers", carrier, "is_free") == "1"
    price = SHIPPING_PRICES.get(carrier, NOTHING) * conversion if shipping is None else Decimal(shipping)
    rate = tax_rate(shop, int(shop.get("carriers", carrier, "id_tax_rules_group")) if carrier else 0, *place)
    gift = Decimal(shop.setting("PS_GIFT_WRAPPING_PRICE") or 0) * conversion if wrapping else NOTHING
    gift_rate = tax_rate(shop, int(shop.setting("PS_GIFT_WRAPPING_TAX_RULES_GROUP") or 0), *place)

    def sides(net: Decimal, factor: Decimal) -> dict[str, Decimal]:
        return {"excl": rounded(net, digits), "incl": rounded(net * factor, digits)}

    ship = sides(NOTHING if free else price, rate.factor)
    return ship, sides(gift, gift_rate.factor), NOTHING if free else rate.percent


def _voucher_values(
    vouchers: Sequence[Row], details: Sequence[Row], ship: dict[str, Decimal], conversion: Decimal
) -> list[dict[str, Decimal]]:
    """Unrounded values: percentages and amounts carry the cart's average tax rate, free shipping that of shipping."""
    goods = {
        side: sum((Decimal(d[f"unit_price_tax_{side}"]) * d["product_quantity"] for d in details), NOTHING)
        for side in ("incl", "excl")
    }
    values = []
    for voucher in vouchers:
        if voucher.get("free_shipping"):
            values.append(dict(ship))
            continue
        if "percent" in voucher:
            share = Decimal(voucher["percent"]) / 100
        else:
            share = min(Decimal(1), Decimal(voucher["amount"]) * conversion / goods["incl"])
        values.append({side: rounded(whole * share, 6) for side, whole in goods.items()})
    return values


def _move(shop: Shop, detail: Row, quantity: int) -> None:
    """Moves stock of an ordered product; a product deleted since then has no line any more."""
    try:
        line = stock_line(shop, detail["product_id"], detail.get("product_attribute_id", 0))
    except KeyError:
        return
    shop.update("stock_availables", line["id"], quantity=line.get("quantity", 0) + quantity)
    if detail.get("product_attribute_id"):
        sum_stock(shop, detail["product_id"])


def set_state(shop: Shop, order: int, state: int, *, mail: bool = False, employee: int = 0) -> int:
    """Gives an order a state, with all it causes, and returns the id of the history row.

    Canceled and Payment error put the stock back, leaving them takes it again; the invoice, the payment and the
    delivery slip appear with the first state that has them; `mail` sends the state's e-mail if it has one.
    """
    with shop.transaction():
        states, orders = shop.tables["order_states"], shop.tables["orders"]
        if order not in orders.rows or state not in states.rows:
            raise Refused(500, bare=True)
        now = shop.now()
        row = orders.rows[order]
        flags = {name: states.value(states.rows[state], name) == "1" for name in states.resource.fields}
        void = {int(shop.setting(name) or 0) for name in CANCELED_OR_ERROR}
        before = int(row.get("current_state", 0))
        if (before in void) != (state in void):
            for detail in shop.tables["order_details"].by("id_order", order):
                quantity = int(detail["product_quantity"]) - int(detail.get("product_quantity_refunded", 0))
                _move(shop, detail, quantity if state in void else -quantity)
        changes: Row = {"current_state": state, "valid": "1" if flags["logable"] else "0"}
        if flags["invoice"] and not row.get("invoice_number"):
            changes |= {"invoice_number": _invoice(shop, row), "invoice_date": now}
        if flags["delivery"] and not row.get("delivery_number"):
            used = max((int(other.get("delivery_number", 0)) for other in orders.rows.values()), default=0)
            changes |= {"delivery_number": used + 1, "delivery_date": now}
        if flags["paid"] and not shop.tables["order_payments"].by("order_reference", row["reference"]):
            shop.add(
                "order_payments", order_reference=row["reference"], id_currency=row["id_currency"],
                amount=row["total_paid"], payment_method=row["payment"], conversion_rate=row["conversion_rate"],
            )  # fmt: skip
            changes["total_paid_real"] = row["total_paid"]
        shop.update("orders", order, **changes)
        if mail and flags["send_email"]:
            to = shop.get("customers", row["id_customer"], "email")
            shop.mails.append({"to": to, "order": order, "state": state, "date": now})
        history = {"id_order_state": state, "id_order": order}
        return shop.add("order_histories", **({"id_employee": employee} if employee else {}), **history)


def _invoice(shop: Shop, row: Row) -> int:
    invoices = shop.tables["order_invoices"]
    number = len(invoices.rows) + 1
    same = ("total_paid_tax_excl", "total_paid_tax_incl", "total_products", "total_products_wt",
            "total_shipping_tax_excl", "total_shipping_tax_incl", "total_wrapping_tax_excl",
            "total_wrapping_tax_incl")  # fmt: skip
    copied = {name: row[name] for name in same if name in row}
    copied |= {f"total_discount_tax_{s}": row.get(f"total_discounts_tax_{s}", "0.000000") for s in ("excl", "incl")}
    made = shop.add("order_invoices", id_order=row["id"], number=number, shop_address=shop.name, **copied)
    for name in ("order_details", "order_carriers", "order_cart_rules"):
        for part in shop.tables[name].by("id_order", row["id"]):
            part["id_order_invoice"] = made
    return number


def cancel_order(shop: Shop, order: int) -> int:
    """The merchant cancels an order: its goods are back in stock."""
    return set_state(shop, order, int(shop.setting("PS_OS_CANCELED")), mail=True)


def refund(shop: Shop, order: int, quantities: dict[int, int], *, shipping: Decimal | str = "0") -> int:
    """The merchant refunds quantities by order_details id, goods back in stock, and shipping (with tax).

    The order's totals, lines and state stay as they are, as in PrestaShop: only the slip tells. Returns its id.
    """
    with shop.transaction():
        row = shop.tables["orders"].rows[order]
        sums = {"excl": NOTHING, "incl": NOTHING}
        parts: list[Row] = []
        for number, quantity in quantities.items():
            detail = shop.tables["order_details"].rows[int(number)]
            values = {side: Decimal(detail[f"unit_price_tax_{side}"]) * quantity for side in sums}
            sums = {side: sums[side] + values[side] for side in sums}
            parts.append({"id": len(parts) + 1, "id_order_detail": int(number), "product_quantity": quantity}
                         | {f"amount_tax_{side}": amount(rounded(v, 2)) for side, v in values.items()})  # fmt: skip
            shop.update(
                "order_details", int(number),
                product_quantity_refunded=detail.get("product_quantity_refunded", 0) + quantity,
                product_quantity_reinjected=detail.get("product_quantity_reinjected", 0) + quantity,
            )  # fmt: skip
            _move(shop, detail, quantity)
        ship = Decimal(shipping)
        rate = 1 + Decimal(row.get("carrier_tax_rate", "0")) / 100
        return shop.add(
            "order_slip", id_customer=row["id_customer"], id_order=order, conversion_rate=row["conversion_rate"],
            total_products_tax_excl=amount(sums["excl"]), total_products_tax_incl=amount(sums["incl"]),
            total_shipping_tax_excl=amount(rounded(ship / rate, 6)), total_shipping_tax_incl=amount(ship),
            amount=amount(sums["incl"]), shipping_cost="1" if ship else "0", shipping_cost_amount=amount(ship),
            associations={"order_slip_details": parts},
        )  # fmt: skip
