"""The demo shop: people, products and orders to look at, and a way to fill a shop with thousands of records."""

from __future__ import annotations

from decimal import Decimal

from .prestashop_actions import add_address, add_combination, add_customer, add_product, amount, edit_product
from .prestashop_install import both
from .prestashop_orders import cancel_order, place_order, refund, set_state
from .prestashop_store import Shop

# first name, last name, country, street, postcode, city, company, VAT number (both empty for private people)
PEOPLE = """
Camille|Durand|FR|12 rue des Lilas|69003|Lyon||
Hugo|Lefèvre|FR|4 place du Marché|31000|Toulouse||
Zoé|Moreau|FR|87 avenue Jean Jaurès|75019|Paris|Moreau & Filles SARL|FR40303265045
Nathalie|Girard|FR|3 impasse du Four|13006|Marseille||
Lucas|Bernard|FR|21 quai de la Fosse|44000|Nantes|Bistrot du Quai|FR83404833048
Anna|Schneider|DE|Kastanienallee 45|10435|Berlin||
Jürgen|Weiß|DE|Schillerstraße 8|80336|München|Weiß Gastronomie GmbH|DE136695976
Lena|Hoffmann|DE|Am Dom 3|50667|Köln||
Felix|Krüger|DE|Lange Reihe 27|20099|Hamburg||
Sofía|García|ES|Calle Mayor 14|28013|Madrid||
Álvaro|Muñoz|ES|Avinguda Diagonal 302|08013|Barcelona|Muñoz Hostelería SL|ESB58378431
Giulia|Rossi|IT|Via Garibaldi 9|20121|Milano||
Marco|Bianchi|IT|Corso Umberto I 55|80138|Napoli|Bianchi SRL|IT00743110157
Chiara|Ferrari|IT|Piazza Castello 2|10121|Torino||
Emma|Peeters|BE|Steenstraat 31|8000|Brugge||
Louis|Janssens|BE|Rue Neuve 77|1000|Bruxelles|Janssens & Co|BE0428759497
Sanne|de Vries|NL|Prinsengracht 263|1016 GV|Amsterdam||
Daan|Bakker|NL|Oude Delft 110|2611 CE|Delft|Bakker Keukens BV|NL004495445B01
Katharina|Gruber|AT|Mariahilfer Straße 18|1070|Wien||
Lukas|Huber|AT|Getreidegasse 5|5020|Salzburg||
Inês|Ferreira|PT|Rua Augusta 120|1100-053|Lisboa||
Tiago|Costa|PT|Rua das Flores 41|4050-262|Porto|Costa Lda|PT501964843
Claire|Weber|LU|12 Grand-Rue|1661|Luxembourg||
Reto|Meier|CH|Bahnhofstrasse 60|8001|Zürich||
Olivia|Carter|US|500 Ocean Drive|33139|Miami||
"""
STATES_OF_US = {"Miami": 1}

# reference, name, French name, price without tax, cost, weight, stock, category, tax group, barcode
PRODUCTS = """
KIT-001|Enamel mug|Mug émaillé|9.08|3.20|0.25|120|3|1|4006381333931
KIT-002|Cast iron casserole 24 cm|Cocotte en fonte 24 cm|74.92|38.00|4.60|14|3|1|4006381333948
KIT-003|Chef's knife 20 cm|Couteau de chef 20 cm|49.92|21.50|0.32|35|3|1|4006381333955
KIT-004|Olive wood board|Planche en olivier|32.42|14.10|1.10|28|3|1|4006381333962
KIT-005|Teapot 1.2 l|Théière 1,2 l|27.42|11.00|0.85|22|3|1|4006381333979
KIT-006|Linen tea towel|Torchon en lin|8.25|2.90|0.09|210|3|1|4006381333986
KIT-007|French press|Cafetière à piston|23.29|9.70|0.70|40|3|1|4006381333993
KIT-008|Salad bowl|Saladier|19.92|7.80|0.95|31|3|1|4006381334006
KIT-009|Digital scale|Balance numérique|24.96|12.20|0.48|18|3|1|4006381334013
KIT-010|Mortar and pestle|Mortier et pilon|22.46|9.00|1.90|9|3|1|4006381334020
PAN-001|Olive oil 50 cl|Huile d'olive 50 cl|11.28|6.10|0.95|160|4|3|4006381334037
PAN-002|Sea salt 250 g|Fleur de sel 250 g|5.59|2.10|0.27|300|4|3|4006381334044
PAN-003|Wildflower honey 500 g|Miel de fleurs 500 g|9.38|4.80|0.70|84|4|3|4006381334051
PAN-004|Coffee beans 1 kg|Café en grains 1 kg|18.86|10.40|1.02|75|4|3|4006381334068
PAN-005|Dark chocolate 70 %|Chocolat noir 70 %|3.70|1.65|0.10|420|4|1|4006381334075
PAN-006|Earl Grey 100 g|Earl Grey 100 g|7.87|3.30|0.12|96|4|3|4006381334082
PAN-007|Fig jam|Confiture de figues|5.12|2.20|0.37|66|4|3|4006381334099
PAN-008|Spelt pasta 500 g|Pâtes d'épeautre 500 g|2.84|1.20|0.51|180|4|3|4006381334105
PAN-009|Balsamic vinegar|Vinaigre balsamique|12.32|6.60|0.60|52|4|3|4006381334112
PAN-010|Gift basket|Panier garni|41.58|22.00|3.20|12|4|2|4006381334129
BOO-001|The bread book|Le livre du pain|23.70|13.00|1.20|26|5|3|9780306406157
BOO-002|Vegetables all year|Légumes toute l'année|28.44|15.50|1.45|19|5|3|9783161484100
BOO-003|Notebook A5|Carnet A5|7.42|2.40|0.22|140|5|1|4006381334136
BOO-004|Recipe cards (download)|Fiches recettes (à télécharger)|4.92|0.00|0.00|0|5|1|
BOO-005|Wall calendar|Calendrier mural|12.42|5.10|0.40|0|5|1|4006381334143
"""
# reference, name, French name, price, cost, weight, sizes, colours, stock of each
CLOTHES = """
CLO-001|Cotton T-shirt|T-shirt en coton|16.58|6.00|0.18|S M L XL|White Blue|25
CLO-002|Wool jumper|Pull en laine|57.42|27.00|0.55|S M L|Grey Blue|8
CLO-003|Kitchen apron|Tablier de cuisine|24.08|9.50|0.30||White Grey Red|15
CLO-004|Linen shirt|Chemise en lin|44.92|19.00|0.28|M L|White Blue|10
CLO-005|Woollen socks|Chaussettes en laine|9.92|3.80|0.10|S M L||40
"""
SIZES, COLOURS = ["S", "M", "L", "XL"], ["White", "Blue", "Grey", "Red"]
DEAREST = {"XL": "1.50"}  # the price impact of a size

# customer, "reference x quantity …", then the options of place_order
ORDERS: list[tuple[int, str, dict[str, object]]] = [
    (1, "KIT-001 6 PAN-005 10", {}),
    (2, "CLO-001/M/Blue 2 KIT-006 3", {"carrier": 3}),
    (3, "KIT-002 1 KIT-003 1 PAN-001 2", {"vouchers": [{"name": "Welcome 10 %", "percent": 10}]}),
    (4, "BOO-001 1 PAN-006 2 PAN-007 3", {"wrapping": True}),
    (5, "PAN-004 12 PAN-008 24 PAN-002 6", {"state": 10}),
    (6, "KIT-007 1 PAN-004 2", {"round_type": 1}),
    (7, "KIT-009 3 KIT-010 2 CLO-003/White 5", {"vouchers": [{"name": "15 EUR off", "amount": "15"}]}),
    (8, "CLO-002/S/Grey 1", {"vouchers": [{"name": "Free shipping", "free_shipping": True}]}),
    (9, "PAN-003 3 PAN-007 3 PAN-009 1", {"round_type": 3}),
    (10, "CLO-001/S/White 1 CLO-004/M/White 1", {}),
    (11, "KIT-008 4 KIT-005 2", {"carrier": 3}),
    (12, "PAN-001 6 PAN-009 2 KIT-004 1", {}),
    (13, "PAN-010 3", {"wrapping": True, "vouchers": [{"name": "Loyal 5 %", "percent": 5}]}),
    (14, "CLO-005/M 7 CLO-001/XL/Blue 3", {}),
    (15, "BOO-002 1 BOO-003 5", {"carrier": 1}),
    (16, "KIT-003 2 KIT-006 12", {"state": 1}),
    (17, "PAN-005 37 PAN-008 9", {}),
    (19, "KIT-001 4 PAN-006 1", {"vouchers": [{"name": "Welcome 10 %", "percent": 10},
                                              {"name": "Free shipping", "free_shipping": True}]}),
    (21, "KIT-002 1 CLO-003/Red 2", {}),
    (24, "KIT-005 1 BOO-001 1", {}),
    (25, "CLO-004/L/Blue 1 PAN-005 8", {"currency": 2, "carrier": 3}),
]  # fmt: skip


def fill(shop: Shop) -> None:
    """Puts the demo data into a freshly installed shop."""
    with shop.transaction():
        _people(shop)
        items = _products(shop)
        placed = []
        for customer, text, options in ORDERS:
            words = text.split()
            lines = [
                {"product": items[word][0], "combination": items[word][1], "quantity": int(quantity)}
                for word, quantity in zip(words[::2], words[1::2], strict=True)
            ]
            placed.append(place_order(shop, customer, lines, **options))  # type: ignore[arg-type]
        for order, states in ((placed[0], (3, 4, 5)), (placed[1], (3, 4)), (placed[2], (3,)), (placed[10], (3,))):
            for state in states:
                set_state(shop, order, state)
        cancel_order(shop, placed[15])
        refunded = shop.tables["order_details"].by("id_order", placed[5])[1]
        refund(shop, placed[5], {refunded["id"]: 1})
        shop.mails.clear()


def _people(shop: Shop) -> None:
    for number, line in enumerate(PEOPLE.strip().splitlines(), start=1):
        first, last, iso, street, postcode, city, company, vat = line.split("|")
        customer = add_customer(
            shop, first, last, f"customer{number}@example.com", company=company,
            id_lang=2 if iso in ("FR", "BE", "LU") else 1, newsletter="1" if number % 3 == 0 else "0",
        )  # fmt: skip
        add_address(
            shop, customer, iso, alias="Home", address1=street, postcode=postcode, city=city, company=company,
            vat_number=vat, phone=f"+33 1 99 00 10 {number:02}", id_state=STATES_OF_US.get(city, 0),
        )  # fmt: skip
    add_address(shop, 3, "BE", alias="Office", address1="Rue de Flandre 5", postcode="1000", city="Bruxelles")


def _products(shop: Shop) -> dict[str, tuple[int, int]]:
    """Adds all products; the answer maps "REF" or "REF/size/colour" to (product, combination)."""
    items: dict[str, tuple[int, int]] = {}
    for line in PRODUCTS.strip().splitlines():
        reference, name, french, price, cost, weight, quantity, category, group, ean = line.split("|")
        number = add_product(
            shop, name, price, reference, quantity=int(quantity), french=french, wholesale_price=amount(cost),
            weight=amount(weight), id_category_default=int(category), id_tax_rules_group=int(group), ean13=ean,
            description_short=both(f"<p>{name}, made to last.</p>", f"<p>{french}, fait pour durer.</p>"),
        )  # fmt: skip
        items[reference] = (number, 0)
    edit_product(shop, items["BOO-004"][0], is_virtual="1", product_type="virtual", type="virtual")
    edit_product(shop, items["BOO-005"][0], active="0")
    options: dict[str, int] = {}
    for position, (title, french, names) in enumerate((("Size", "Taille", SIZES), ("Color", "Couleur", COLOURS))):
        option = shop.add("product_options", group_type="select", position=position,
                         name=both(title, french), public_name=both(title, french))  # fmt: skip
        for place, name in enumerate(names):
            options[name] = shop.add("product_option_values", id_attribute_group=option, position=place, name=both(name))
    for line in CLOTHES.strip().splitlines():
        reference, name, french, price, cost, weight, sizes, colours, quantity = line.split("|")
        number = add_product(
            shop, name, price, reference, french=french, wholesale_price=amount(cost), weight=amount(weight),
            id_category_default=6, description_short=both(f"<p>{name}.</p>", f"<p>{french}.</p>"),
        )  # fmt: skip
        for size in sizes.split() or [""]:
            for colour in colours.split() or [""]:
                chosen = [word for word in (size, colour) if word]
                made = add_combination(
                    shop, number, [options[word] for word in chosen], "-".join([reference, *chosen]).upper(),
                    quantity=int(quantity), price=DEAREST.get(size, "0"),
                )  # fmt: skip
                items["/".join([reference, *chosen])] = (number, made)
    return items


def seed_bulk(shop: Shop, customers: int = 0, products: int = 0, orders: int = 0) -> None:
    """Adds plain records in bulk for benchmarks: customers with an address, products with stock, paid orders."""
    with shop.transaction():
        first_customer = shop.tables["customers"].next_id
        first_product = shop.tables["products"].next_id
        for number in range(first_customer, first_customer + customers):
            add_customer(shop, "Bulk", f"Customer {_letters(number)}", f"bulk{number}@example.com")
            add_address(shop, number, 8, address1=f"{number} rue du Test", postcode="75001", city="Paris",
                        phone="0102030405")  # fmt: skip
        for number in range(first_product, first_product + products):
            price = Decimal(number % 5000 + 199) / 100
            add_product(shop, f"Bulk product {number}", price, f"BULK-{number:05}", quantity=100,
                        wholesale_price=amount(price / 2), weight="0.250000")  # fmt: skip
        buyers = shop.tables["customers"].ids()
        whole = [row["id"] for row in shop.tables["products"].rows.values() if row["product_type"] != "combinations"]
        goods = [number for number in whole if number >= first_product] or whole
        for number in range(orders):
            lines = [{"product": goods[(number * 3 + step) % len(goods)], "quantity": step + 1} for step in range(2)]
            place_order(shop, buyers[number % len(buyers)], lines)
        shop.mails.clear()


def _letters(number: int) -> str:
    """A number as letters, because a customer's name may hold no digits."""
    return "".join(chr(65 + int(digit)) for digit in str(number))
