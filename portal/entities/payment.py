"""Payments the shop has received: how much of them Odoo's invoices still lack, and which journal they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portal.entities.base import Invalid, Row
from portal.entities.money import ZERO, amount, rounded
from portal.entities.order_source import OrderSource

READ = ("id", "order_reference", "amount", "payment_method", "transaction_id", "date_add")
JOURNALS = r"\s*(?:[\w.-]+\s*=\s*[^,=]+(?:,|$)\s*)*"
"""The setting: payment module of the shop = code of the journal, several separated by commas."""
SETTLED = ("paid", "in_payment", "reversed")
"""Invoices that need no more money. From 18 on a payment may wait for the bank statement (in_payment) with everything still due."""


@dataclass(frozen=True)
class Payment:
    """An amount for one invoice of Odoo."""

    invoice: int
    amount: Decimal
    currency: int


def memo(store: str, found: OrderSource) -> str:
    """What stands on each payment of an order: the marker by which it is found again, and the reference people look for."""
    return f"PS/{store}/{found.record} {found.order['reference']}"


def memo_pattern(found: OrderSource) -> str:
    """The same for a search; a store may have been renamed since."""
    return f"PS/%/{found.record} {found.order['reference']}"


def wanted(found: OrderSource, made: Sequence[Row], invoices: Iterable[Row]) -> list[Payment]:
    """What to record: what the shop received, less what was recorded before, as far as posted invoices are open.

    `made`: the payments that carry the order's memo, with `amount` and `state`. PrestaShop's `total_paid_real` is the sum of the
    order's payments, 0 while unpaid.
    """
    known = sum((amount(row["amount"]) for row in made if row["state"] not in ("cancel", "canceled", "rejected")), ZERO)
    due = rounded(found.money("total_paid_real") - known, found.digits)
    payments = []
    for row in invoices:
        if row["state"] != "posted" or row["payment_state"] in SETTLED:
            continue
        part = min(due, rounded(amount(row["amount_residual"]), found.digits))
        if part > 0:
            payments.append(Payment(int(row["id"]), part, int(row["currency_id"][0])))
            due -= part
    return payments


def paid_on(found: OrderSource, rows: Iterable[Row]) -> str:
    """The day of the order's newest payment by the shop's clock; "" where the shop does not tell."""
    days = [str(row["date_add"])[:10] for row in rows if row["order_reference"] == found.order["reference"]]
    return max((day for day in days if day[:4].isdigit() and day[:4] != "0000"), default="")


def journal(module: str, setting: str, journals: Sequence[Row]) -> int:
    """The id of the journal for a payment module: the merchant's choice by code, else the first bank.

    Raises Invalid when there is none; the message names the remedy.
    """
    codes = chosen(setting)
    code = codes.get(module.strip().lower())
    for row in journals:
        if (str(row["code"]).lower() == code.lower()) if code else row["type"] == "bank":
            return int(row["id"])
    if code:
        raise Invalid(f"Odoo has no bank or cash journal with the code {code}, which the settings name for payments by {module}. "
                      "Correct the setting “Journals of payments”.", cause=f"payment:journal:{code}")
    raise Invalid("Odoo has no bank journal for the payments of the shop. Create one there, or name a journal in the setting "
                  "“Journals of payments”.", cause="payment:journal")


def chosen(setting: str) -> Mapping[str, str]:
    """The setting as a table: module → code."""
    pairs = (part.split("=", 1) for part in setting.split(",") if "=" in part)
    return {module.strip().lower(): code.strip() for module, code in pairs}
