"""What a shopper or a merchant does in the shop, without the webservice: the same rules, one call each.

Prices are without tax, as text or Decimal. Functions return the id of what they made, if they made something.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from decimal import Decimal
from typing import Any

from .prestashop_install import both
from .prestashop_store import Shop

MICRO = Decimal("0.000001")


def amount(value: Decimal | str | int) -> str:
    """An amount as the shop stores it: six decimals."""
    return str(Decimal(value).quantize(MICRO))


def slug(text: str) -> str:
    """A text as it stands in an address: small plain letters and dashes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def add_customer(shop: Shop, firstname: str, lastname: str, email: str, **fields: Any) -> int:
    """A customer registers; the connector must never ask for the password hash that is made here."""
    digest = hashlib.sha256(email.encode()).hexdigest()
    with shop.transaction():
        return shop.add(
            "customers",
            **{
                "id_default_group": 3, "id_lang": 1, "secure_key": digest[:32], "passwd": "$2y$10$" + digest[:53],
                "lastname": lastname, "firstname": firstname, "email": email, "active": "1", "id_shop": 1,
                "id_shop_group": 1, "associations": {"groups": [{"id": 3}]}, **fields,
            },
        )  # fmt: skip


def edit_customer(shop: Shop, customer: int, **fields: Any) -> None:
    """A customer changes the account."""
    with shop.transaction():
        shop.update("customers", customer, **fields)


def add_address(shop: Shop, customer: int, country: str | int, **fields: Any) -> int:
    """A customer adds an address; `country` is an id or an ISO code, names default to the customer's."""
    with shop.transaction():
        if isinstance(country, str):
            country = int(shop.tables["countries"].by("iso_code", country)[0]["id"])
        names = {name: shop.get("customers", customer, name) for name in ("firstname", "lastname")}
        defaults = {"alias": "My address", "address1": "1 Main Street", "city": "Town", **names}
        return shop.add("addresses", id_customer=customer, id_country=country, **{**defaults, **fields})


def edit_address(shop: Shop, address: int, **fields: Any) -> int:
    """A customer edits an address. One that an order uses is kept, marked deleted, and a new one takes its place."""
    with shop.transaction():
        if not used_by_order(shop, address):
            shop.update("addresses", address, **fields)
            return address
        row = {k: v for k, v in shop.tables["addresses"].rows[address].items() if not k.startswith("date_")}
        number = shop.add("addresses", **{**row, "id": shop.tables["addresses"].next_id, **fields})
        shop.update("addresses", address, deleted="1")
        return number


def used_by_order(shop: Shop, address: int) -> bool:
    orders = shop.tables["orders"]
    return bool(orders.by("id_address_delivery", address) or orders.by("id_address_invoice", address))


def add_product(
    shop: Shop, name: str, price: Decimal | str | int, reference: str = "", *, quantity: int = 0, **fields: Any
) -> int:
    """The merchant adds a product, visible and for sale, with its stock line; `french` gives the second name."""
    names = both(name, fields.pop("french", None))
    values = {
        "id_category_default": 2, "id_tax_rules_group": 1, "type": "simple", "id_shop_default": 1,
        "reference": reference, "state": 1, "product_type": "standard", "minimal_quantity": 1,
        "price": amount(price), "active": "1", "redirect_type": "default", "available_for_order": "1",
        "condition": "new", "show_price": "1", "visibility": "both", "name": names,
        "link_rewrite": both(slug(name)), **fields,
    }  # fmt: skip
    values.setdefault("associations", {"categories": [{"id": values["id_category_default"]}]})
    with shop.transaction():
        number = shop.add("products", **values)
        shop.add("stock_availables", id_product=number, id_shop=1, quantity=quantity, out_of_stock=2)
        return number


def add_combination(
    shop: Shop, product: int, options: list[int], reference: str = "", *, quantity: int = 0, **fields: Any
) -> int:
    """The merchant adds a combination of option values (ids), with its stock line; `price` is the impact."""
    linked = {"product_option_values": [{"id": option} for option in options]}
    if "price" in fields:
        fields["price"] = amount(fields["price"])
    with shop.transaction():
        first = not shop.tables["combinations"].by("id_product", product)
        number = shop.add(
            "combinations", id_product=product, reference=reference, minimal_quantity=1,
            default_on="1" if first else "", associations=linked, **fields,
        )  # fmt: skip
        shop.add("stock_availables", id_product=product, id_product_attribute=number, id_shop=1, out_of_stock=2)
        if first:
            row = shop.tables["products"].rows[product]
            row.update(product_type="combinations", cache_default_attribute=number, id_default_combination=number)
        set_stock(shop, product, quantity, number)
        return number


def edit_product(shop: Shop, product: int, **fields: Any) -> None:
    """The merchant edits a product; a price may be a Decimal."""
    for name in {"price", "wholesale_price", "weight"} & set(fields):
        fields[name] = amount(fields[name])
    with shop.transaction():
        shop.update("products", product, **fields)


def delete_product(shop: Shop, product: int) -> None:
    """The merchant deletes a product; its combinations and stock lines go with it and leave no trace."""
    with shop.transaction():
        for name in ("combinations", "stock_availables"):
            for row in shop.tables[name].by("id_product", product):
                shop.tables[name].remove(row["id"])
        shop.tables["products"].remove(product)
        shop.changed("products", product)


def stock_line(shop: Shop, product: int, combination: int = 0) -> dict[str, Any]:
    """The stock line of a product or of one of its combinations; KeyError when there is none."""
    table = shop.tables["stock_availables"]
    for row in table.by("id_product", product):
        if table.value(row, "id_product_attribute") == combination:
            return row
    raise KeyError((product, combination))


def stock(shop: Shop, product: int, combination: int = 0) -> int:
    """The available quantity."""
    with shop.transaction():
        return int(stock_line(shop, product, combination).get("quantity", 0))


def set_stock(shop: Shop, product: int, quantity: int, combination: int = 0) -> None:
    """The merchant sets a quantity. The product's date_upd stays as it is, as in PrestaShop."""
    with shop.transaction():
        line = stock_line(shop, product, combination)
        shop.update("stock_availables", line["id"], quantity=int(quantity))
        if combination:
            sum_stock(shop, product)


def sum_stock(shop: Shop, product: int) -> None:
    """Recomputes the sum line (combination 0) from the lines of the combinations."""
    table = shop.tables["stock_availables"]
    lines = [r for r in table.by("id_product", product) if table.value(r, "id_product_attribute")]
    whole = stock_line(shop, product)
    shop.update("stock_availables", whole["id"], quantity=sum(line.get("quantity", 0) for line in lines))
