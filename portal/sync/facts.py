"""What mapping needs to know of both servers beside the records: read once and kept for a while."""

from __future__ import annotations

from portal.entities.base import OdooFacts, ShopFacts
from portal.entities.language import main_language, shared_languages
from portal.models import Store
from portal.sync.services import Services

KEEP_SECONDS = 600.0


def shop(services: Services, store: Store) -> ShopFacts:
    """Languages (and those that Odoo has, too), countries and states of the shop."""
    def read() -> ShopFacts:
        client = services.shop(store)
        countries = {int(row["id"]): str(row["iso_code"]) for row in client.find("countries", {}, ["id", "iso_code"])}
        states = {int(row["id"]): (str(row["iso_code"]), str(row["name"]))
                  for row in client.find("states", {}, ["id", "iso_code", "name"])}
        profile = client.profile or client.probe()
        own, installed = services.odoo(store).profile.lang or "en_US", odoo(services, store).languages
        return ShopFacts(profile.languages, main_language(profile.languages, profile.default_language, own, installed),
                         countries, states, home_category=profile.home_category,
                         shared=shared_languages(profile.languages, own, installed))

    return services.remember("shop facts", store, KEEP_SECONDS, read)


def odoo(services: Services, store: Store) -> OdooFacts:
    """Product types, countries, states and installed languages of the Odoo database."""
    def read() -> OdooFacts:
        client = services.odoo(store)
        countries = client.search_read("res.country", [], ["code"])
        codes = {row["id"]: str(row["code"] or "") for row in countries}
        states: dict[tuple[str, str], int] = {}
        for row in client.search_read("res.country.state", [], ["code", "name", "country_id"], order="id"):
            country = codes.get(row["country_id"][0], "") if row["country_id"] else ""
            states.setdefault((country, str(row["name"]).lower()), row["id"])
            states[(country, str(row["code"]).lower())] = row["id"]
        languages = [row["code"] for row in client.search_read("res.lang", [("active", "=", True)], ["code"])]
        profile = client.profile
        return OdooFacts(storable=profile.storable_values, service={next(iter(profile.storable_values)): "service"},
                         has_mobile=profile.has_mobile,
                         countries={code: number for number, code in codes.items() if code}, states=states,
                         languages=languages or ["en_US"], price_digits=profile.price_digits,
                         weight_digits=profile.weight_digits)

    return services.remember("odoo facts", store, KEEP_SECONDS, read)
