"""What a shop has right after its installation: settings, languages, countries, taxes, carriers, order states."""

from __future__ import annotations

from typing import Any

from .prestashop_store import Shop

TIMEZONE = "Europe/Paris"

# id, name, French name, flags, e-mail template; the flags are l(ogable) p(aid) s(hipped) d(elivery) i(nvoice).
STATES = [
    (1, "Awaiting check payment", "En attente du paiement par chèque", "", "cheque"),
    (2, "Payment accepted", "Paiement accepté", "lpi", "payment"),
    (3, "Processing in progress", "En cours de préparation", "lpdi", "preparation"),
    (4, "Shipped", "Expédié", "lpsdi", "shipped"),
    (5, "Delivered", "Livré", "lpsdi", ""),
    (6, "Canceled", "Annulé", "", "order_canceled"),
    (7, "Refunded", "Remboursé", "i", "refund"),
    (8, "Payment error", "Erreur de paiement", "", "payment_error"),
    (9, "On backorder (paid)", "En attente de réapprovisionnement (payé)", "pi", "outofstock"),
    (10, "Awaiting bank wire payment", "En attente de virement bancaire", "", "bankwire"),
    (11, "Remote payment accepted", "Paiement à distance accepté", "lpi", "payment"),
    (12, "On backorder (not paid)", "En attente de réapprovisionnement (non payé)", "", "outofstock"),
    (13, "Awaiting Cash On Delivery validation", "En attente de paiement à la livraison", "", ""),
]
FLAGS = {"l": "logable", "p": "paid", "s": "shipped", "d": "delivery", "i": "invoice"}

SETTINGS = {
    "PS_LANG_DEFAULT": "1", "PS_CURRENCY_DEFAULT": "1", "PS_COUNTRY_DEFAULT": "8", "PS_HOME_CATEGORY": "2",
    "PS_TIMEZONE": TIMEZONE,
    "PS_STOCK_MANAGEMENT": "1", "PS_TAX": "1", "PS_PRICE_ROUND_MODE": "2", "PS_ROUND_TYPE": "2",
    "PS_TAX_ADDRESS_TYPE": "id_address_delivery", "PS_GIFT_WRAPPING": "1", "PS_GIFT_WRAPPING_PRICE": "2.5",
    "PS_GIFT_WRAPPING_TAX_RULES_GROUP": "1", "PS_ATCP_SHIPWRAP": "0", "PS_ORDER_OUT_OF_STOCK": "0",
    "PS_OS_CHEQUE": "1", "PS_OS_PAYMENT": "2", "PS_OS_PREPARATION": "3", "PS_OS_SHIPPING": "4",
    "PS_OS_DELIVERED": "5", "PS_OS_CANCELED": "6", "PS_OS_REFUND": "7", "PS_OS_ERROR": "8",
    "PS_OS_OUTOFSTOCK": "9", "PS_OS_OUTOFSTOCK_PAID": "9", "PS_OS_BANKWIRE": "10", "PS_OS_WS_PAYMENT": "11",
    "PS_OS_OUTOFSTOCK_UNPAID": "12", "PS_OS_COD_VALIDATION": "13",
}  # fmt: skip

# id, zone, ISO code, name, French name, VAT: standard, reduced, super-reduced rate in percent
COUNTRIES = [
    (1, 1, "DE", "Germany", "Allemagne", "19.000 7.000 7.000"),
    (2, 1, "AT", "Austria", "Autriche", "20.000 10.000 10.000"),
    (3, 1, "BE", "Belgium", "Belgique", "21.000 12.000 6.000"),
    (6, 1, "ES", "Spain", "Espagne", "21.000 10.000 4.000"),
    (8, 1, "FR", "France", "France", "20.000 10.000 5.500"),
    (10, 1, "IT", "Italy", "Italie", "22.000 10.000 4.000"),
    (13, 1, "NL", "Netherlands", "Pays-Bas", "21.000 9.000 9.000"),
    (15, 1, "PT", "Portugal", "Portugal", "23.000 13.000 6.000"),
    (12, 1, "LU", "Luxembourg", "Luxembourg", "17.000 8.000 3.000"),
    (19, 7, "CH", "Switzerland", "Suisse", ""),
    (21, 2, "US", "United States", "États-Unis", ""),
]
TAX_GROUPS = ["Standard rate", "Reduced rate", "Super-reduced rate"]
CARRIERS = [(1, "Click and collect", True, 0), (2, "My carrier", False, 1), (3, "Express 24h", False, 1)]
CATEGORIES = [(1, "Root", "Racine", 0), (2, "Home", "Accueil", 1), (3, "Kitchen", "Cuisine", 2),
              (4, "Pantry", "Épicerie", 2), (5, "Books", "Livres", 2), (6, "Clothes", "Vêtements", 2)]  # fmt: skip


def both(english: str, french: str | None = None) -> list[dict[str, Any]]:
    """A text in the two languages of the shop, 1 English and 2 French."""
    return [{"id": 1, "value": english}, {"id": 2, "value": english if french is None else french}]


def install(shop: Shop) -> None:
    """Fills an empty shop with everything that is there before the first product and customer."""
    for name, value in SETTINGS.items():
        shop.add("configurations", name=name, value=value)
    shop.add("configurations", name="PS_VERSION_DB", value=shop.version)
    for iso, title in (("en", "English (English)"), ("fr", "Français (French)")):
        locale = {"en": "en-US", "fr": "fr-FR"}[iso]
        shop.add(
            "languages", name=title, iso_code=iso, locale=locale, language_code=locale.lower(), active="1",
            date_format_lite="d/m/Y", date_format_full="d/m/Y H:i:s",
        )  # fmt: skip
    for iso, numeric, symbol, rate in (("EUR", "978", "€", "1.000000"), ("USD", "840", "$", "1.160000")):
        shop.add(
            "currencies", names=both(iso), name=iso, symbol=both(symbol), iso_code=iso, numeric_iso_code=numeric,
            precision=2, conversion_rate=rate, active=1,
        )  # fmt: skip
    shop.add("shop_groups", name="Default", active=1)
    shop.add("shops", id_shop_group=1, id_category=2, active=1, name=shop.name, theme_name="classic")
    for number, zone in ((1, "Europe"), (2, "North America"), (7, "Europe (non-EU)")):
        shop.add("zones", id=number, name=zone, active="1")
    for group in ("Visitor", "Guest", "Customer"):
        shop.add("groups", reduction="0.00", show_prices=1, name=both(group))
    for number, name, french, parent in CATEGORIES:
        shop.add("categories", id=number, id_parent=parent, level_depth=min(number - 1, 2), active="1",
                 is_root_category="1" if number == 2 else "0", name=both(name, french),
                 link_rewrite=both(name.lower()))  # fmt: skip
    for number, name, french, flags, template in STATES:
        marks = {title: "1" for letter, title in FLAGS.items() if letter in flags}
        shop.add("order_states", id=number, unremovable="1", send_email="1" if template else "0",
                 name=both(name, french), template=both(template), **marks)  # fmt: skip
    for number, name, free, rules in CARRIERS:
        shop.add("carriers", id=number, id_reference=number, name=name, active="1", is_free=str(int(free)),
                 id_tax_rules_group=rules, position=number - 1, delay=both("2-4 days", "2 à 4 jours"))  # fmt: skip
    _taxes(shop)


def _taxes(shop: Shop) -> None:
    for title in TAX_GROUPS:
        shop.add("tax_rule_groups", name=title, active="1")
    taxes: dict[tuple[str, str], int] = {}
    for number, zone, iso, name, french, rates in COUNTRIES:
        shop.add("countries", id=number, id_zone=zone, iso_code=iso, active="1", need_zip_code="1",
                 contains_states="1" if iso == "US" else "0", display_tax_label="1",
                 name=both(name, french))  # fmt: skip
        for position, rate in enumerate(rates.split(), start=1):
            if (iso, rate) not in taxes:
                label = f"{iso} VAT {rate.rstrip('0').rstrip('.')}%"
                taxes[iso, rate] = shop.add("taxes", rate=rate, active="1", name=both(label))
            shop.add("tax_rules", id_tax_rules_group=position, id_country=number, zipcode_from="0", zipcode_to="0",
                     id_tax=taxes[iso, rate])  # fmt: skip
    for iso, name in (("FL", "Florida"), ("NY", "New York")):
        shop.add("states", id_zone=2, id_country=21, iso_code=iso, name=name, active="1")
