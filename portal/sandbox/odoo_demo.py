"""A freshly installed Odoo and its demo data: company, users, taxes, places, products, customers."""

from __future__ import annotations

from typing import Any

from .odoo_models import Env
from .odoo_stock import change_quantity
from .odoo_users import SYSTEM, USER, service_groups

DEMO_DATABASE = "demo"
DEMO_LOGIN, DEMO_KEY = "demo", "demo-key"  # the service user with the smallest rights
ADMIN_LOGIN, ADMIN_KEY = "admin", "admin-key"  # may make webhooks
NOBODY_LOGIN, NOBODY_KEY = "nobody", "nobody-key"  # an internal user without any right

COUNTRIES = """
AT Austria 43|BE Belgium 32|BG Bulgaria 359|CH Switzerland 41|CZ Czech Republic 420|DE Germany 49|DK Denmark 45
EE Estonia 372|ES Spain 34|FI Finland 358|FR France 33|GB United Kingdom 44|GR Greece 30|HR Croatia 385|HU Hungary 36
IE Ireland 353|IT Italy 39|LT Lithuania 370|LU Luxembourg 352|LV Latvia 371|MT Malta 356|NL Netherlands 31|NO Norway 47
PL Poland 48|PT Portugal 351|RO Romania 40|SE Sweden 46|SI Slovenia 386|SK Slovakia 421|CY Cyprus 357|CA Canada 1
US United States 1|AU Australia 61|JP Japan 81|CN China 86|BR Brazil 55|MX Mexico 52|IN India 91|TR Turkey 90
"""
STATES = """
ES M Madrid|ES B Barcelona|ES SE Sevilla|ES V Valencia|IT MI Milano|IT RM Roma|IT TO Torino|IT NA Napoli|US CA California
US NY New York|US FL Florida|US TX Texas|US AL Alabama|CA ON Ontario|CA QC Quebec|DE BE Berlin|DE BY Bavaria
"""
CURRENCIES = "EUR € Euro|USD $ US Dollar|GBP £ Pound sterling|CHF CHF Swiss franc|PLN zł Polish zloty|SEK kr Swedish krona"
TAXES = "20 10 5.5 2.1 19 7 21 22 4 25 24 23 17 16 12 9 8 6 13 14 3 0"  # the rates of EU shops, in percent
MODULES = "base contacts product sale sale_management stock sale_stock account delivery base_vat base_automation mail uom"
PRECISIONS = ("Product Price", "Discount", "Stock Weight", "Volume")
CUSTOMERS = "Azure Interior,azure@example.com,FR|Deco Addict,deco@example.com,BE|Lumber Inc,lumber@example.com,DE"
# reference, name, price, cost, weight, barcode, on hand
PRODUCTS = """
FURN-01|Large cabinet|320.00|180.00|42.0|5901234123457|12
FURN-02|Conference chair|33.00|19.50|6.5|5901234123464|80
FURN-03|Desk combination|450.00|300.00|58.0|5901234123471|5
OFF-01|Acoustic screen|287.00|150.00|11.2|5901234123488|9
OFF-02|Desk pad|9.80|3.20|0.4|5901234123495|140
"""
PLACES = [  # id, name, usage, above, company
    (1, "Physical Locations", "view", False, False), (2, "Partners", "view", False, False),
    (3, "Virtual Locations", "view", False, False), (4, "Vendors", "supplier", 2, False),
    (5, "Customers", "customer", 2, False), (7, "WH", "view", 1, 1), (8, "Stock", "internal", 7, 1),
    (14, "Inventory adjustment", "inventory", 3, 1), (15, "Production", "production", 3, 1),
    (17, "Shelf 2", "internal", 8, 1), (18, "Shelf 1", "internal", 8, 1), (27, "BR", "view", 1, 2),
    (28, "Stock", "internal", 27, 2),
]  # fmt: skip


def install(env: Env) -> None:
    """What every database has: settings, company, users, taxes, places. No customers, no products."""
    _world(env)
    _company(env)
    _users(env)
    _taxes(env)
    _places(env)
    _catalogue(env)


def fill(env: Env) -> None:
    """Demo products with stock, and demo customers."""
    for line in PRODUCTS.strip().splitlines():
        code, name, price, cost, weight, barcode, stock = line.split("|")
        kind = {"is_storable": True} if env.major >= 18 else {"type": "product"}
        template = env["product.template"].create_one({
            "name": name, "default_code": code, "list_price": float(price), "standard_price": float(cost),
            "weight": float(weight), "barcode": barcode, **kind,
        })  # fmt: skip
        variant = env.db.tables["product.product"].by("product_tmpl_id", template)[0]
        change_quantity(env, variant, 8, float(stock))
        change_quantity(env, variant, 14, -float(stock))
    for line in CUSTOMERS.split("|"):
        name, email, country = line.split(",")
        number = env.db.tables["res.country"].by("code", country)[0]
        env["res.partner"].create_one({"name": name, "email": email, "country_id": number, "is_company": True})


def _put(env: Env, table: str, number: int, external: str = "", /, **values: Any) -> None:
    """A record with a fixed id and, where it has one, an external id."""
    now = env.db.now()
    stamps = {"create_date": now, "write_date": now, "create_uid": 1, "write_uid": 1}
    env.db.put(table, number, {**values, **stamps})
    if external:
        module, _, local = external.partition(".")
        env.db.name_record(module, local, table, number)


def _split(text: str) -> list[str]:
    return [part for line in text.strip().splitlines() for part in line.split("|")]


def _world(env: Env) -> None:
    for number, (code, *words, phone) in enumerate((part.split() for part in _split(COUNTRIES)), start=1):
        _put(env, "res.country", number, f"base.{code.lower()}", code=code, name=" ".join(words), phone_code=int(phone))
    for number, (country, code, *words) in enumerate((part.split() for part in _split(STATES)), start=1):
        where = env.db.tables["res.country"].by("code", country)[0]
        name = f"base.state_{country.lower()}_{code.lower()}"
        _put(env, "res.country.state", number, name, code=code, name=" ".join(words), country_id=where)
    for number, part in enumerate(CURRENCIES.split("|"), start=1):
        code, symbol, full = part.split(" ", 2)
        more: dict[str, Any] = {"symbol": symbol, "full_name": full, "rounding": 0.01, "decimal_places": 2}
        _put(env, "res.currency", number, f"base.{code}", name=code, active=True, **more)
    langs = ("en_US English", "fr_FR French", "es_ES Spanish", "de_DE German", "it_IT Italian")
    for number, (code, name) in enumerate((part.split() for part in langs), start=1):
        active = code in ("en_US", "fr_FR", "es_ES")
        _put(env, "res.lang", number, code=code, name=name, iso_code=code[:2], active=active, direction="ltr")
    for number, module in enumerate(MODULES.split(), start=1):
        _put(env, "ir.module.module", number, name=module, state="installed", shortdesc=module)
    for number, usage in enumerate((*PRECISIONS, env.db.profile.unit_precision), start=1):
        _put(env, "decimal.precision", number, name=usage, digits=2)
    for number, (name, schema) in enumerate(sorted(env.db.schemas.items()), start=1):
        _put(env, "ir.model", number, f"base.model_{name.replace('.', '_')}", model=name, name=schema.label)
        for field in schema.fields.values():
            new = env.db.next_id("ir.model.fields")
            kind = {"name": field.name, "field_description": field.string, "ttype": field.type}
            _put(env, "ir.model.fields", new, model=name, model_id=number, **kind)


def _company(env: Env) -> None:
    euro = env.db.tables["res.currency"].by("name", "EUR")[0]
    for number, partner, name in ((1, 1, "My Company"), (2, 11, "Branch")):
        place: dict[str, Any] = {"type": "contact", "is_company": True, "active": True, "lang": "en_US"}
        place["country_id"] = env.db.tables["res.country"].by("code", "FR")[0]
        _put(env, "res.partner", partner, name=name, email="info@example.com", **place)
        rounding = {"tax_calculation_rounding_method": "round_per_line"}
        _put(env, "res.company", number, name=name, currency_id=euro, partner_id=partner, **rounding)
    env.db.name_record("base", "main_company", "res.company", 1)
    env.db.name_record("base", "main_partner", "res.partner", 1)
    for number, code in enumerate(("EUR", "USD", "GBP"), start=1):
        currency = env.db.tables["res.currency"].by("name", code)[0]
        name = "Public Pricelist" if code == "EUR" else f"Public Pricelist {code}"
        _put(env, "product.pricelist", number, name=name, active=True, currency_id=currency, company_id=False)
    _put(env, "crm.team", 1, name="Sales")
    for number, (code, name, kind) in enumerate(
        (("INV", "Customer Invoices", "sale"), ("BILL", "Vendor Bills", "purchase"), ("BNK1", "Bank", "bank"),
         ("CSH1", "Cash", "cash"), ("MISC", "Miscellaneous Operations", "general")), start=1,
    ):  # fmt: skip
        _put(env, "account.journal", number, code=code, name=name, type=kind, active=True, company_id=1)


def _users(env: Env) -> None:
    people = [
        (2, "Administrator", ADMIN_LOGIN, ADMIN_KEY, [USER, SYSTEM]),
        (8, "Shop connector", DEMO_LOGIN, DEMO_KEY, service_groups(env.major)),
        (9, "Nobody", NOBODY_LOGIN, NOBODY_KEY, [USER]),
    ]
    for number, name, login, key, groups in people:
        partner = number + 1
        _put(env, "res.partner", partner, name=name, type="contact", active=True, lang="en_US", email=f"{login}@example.com")
        row = {"login": login, "partner_id": partner, "company_id": 1, "company_ids": [1], "active": True, "lang": "en_US"}
        env.db.name_record("base", f"partner_{login}", "res.partner", partner)
        _put(env, "res.users", number, **row, _key=key, _groups=groups)
        expiry = {"expiration_date": "2099-12-31 00:00:00"} if env.major >= 18 else {}
        _put(env, "res.users.apikeys", number, name="connector", scope="rpc", user_id=number, **expiry)


def _taxes(env: Env) -> None:
    _put(env, "account.tax.group", 1, name="VAT")
    france = env.db.tables["res.country"].by("code", "FR")[0]
    number = 0
    for included in (False, True):
        for rate in TAXES.split():
            number += 1
            name = f"{rate}%{' incl.' if included else ''}"
            mode = {"price_include_override": "tax_included" if included else "tax_excluded"} if env.major >= 18 else {}
            _put(
                env, "account.tax", number, name=name, amount=float(rate), amount_type="percent", type_tax_use="sale",
                price_include=included, active=True, company_id=1, sequence=1, tax_group_id=1, country_id=france, **mode,
            )  # fmt: skip
    _put(env, "account.tax", number + 1, name="20% purchase", amount=20.0, amount_type="percent", active=True,
         type_tax_use="purchase", price_include=False, company_id=1, sequence=1, tax_group_id=1)  # fmt: skip
    env["res.company"].put(1, account_sale_tax_id=1)


def _places(env: Env) -> None:
    for number, name, usage, above, company in PLACES:
        row: dict[str, Any] = {"name": name, "usage": usage, "location_id": above, "company_id": company, "active": True}
        _put(env, "stock.location", number, **row)
    env.db.name_record("stock", "stock_location_stock", "stock.location", 8)
    env.db.name_record("stock", "stock_location_customers", "stock.location", 5)
    for number, name, code, stock, view in ((1, "My Company", "WH", 8, 7), (2, "Branch", "BR", 28, 27)):
        house: dict[str, Any] = {"code": code, "lot_stock_id": stock, "view_location_id": view, "company_id": number}
        _put(env, "stock.warehouse", number, name=name, active=True, **house)
        _put(env, "stock.picking.type", number, name="Delivery Orders", code="outgoing", warehouse_id=number)


def _catalogue(env: Env) -> None:
    _put(env, "product.category", 1, "product.product_category_all", name="All", parent_id=False)
    _put(env, "uom.category", 1, name="Unit")
    _put(env, "uom.uom", 1, "uom.product_uom_unit", name="Units", active=True, category_id=1, factor=1.0)
    for number, (code, name) in enumerate((("DEL", "Standard delivery"), ("EXP", "Express delivery")), start=1):
        service = {"name": name, "default_code": code, "list_price": 0.0, "type": "service", "purchase_ok": False}
        template = env["product.template"].create_one(service)
        product = env.db.tables["product.product"].by("product_tmpl_id", template)[0]
        more: dict[str, Any] = {"delivery_type": "fixed", "fixed_price": 0.0, "active": True, "company_id": False}
        _put(env, "delivery.carrier", number, name=name, product_id=product, **more)
