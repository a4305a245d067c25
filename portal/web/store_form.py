"""The form of a store: its fields, what was typed, what is wrong with it, and *Test connection*."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from portal import settings as store_settings
from portal.config import Config
from portal.entities.order_states import ROLES
from portal.models import Store
from portal.settings import STORE_SETTINGS, SettingError, StoreSetting
from portal.sync import setting_words, stores
from portal.sync.stores import Check
from portal.web.told import told


@dataclass(frozen=True)
class Connection:
    """One field of a connection block."""

    key: str
    label: str
    help: str
    kind: str = "text"
    longest: int = 255


NAME = Connection("name", lazy_gettext("Name"), lazy_gettext("How this pair of shop and Odoo is called here."), longest=64)
BLOCKS: Mapping[str, tuple[Connection, ...]] = {
    "shop": (
        Connection("ps_url", lazy_gettext("PrestaShop address"),
                   lazy_gettext("The shop's address, such as https://shop.example.com."), "url"),
        Connection("ps_key", lazy_gettext("PrestaShop webservice key"),
                   lazy_gettext("From Advanced Parameters > Webservice in the shop."), "password"),
    ),
    "odoo": (
        Connection("odoo_url", lazy_gettext("Odoo address"), lazy_gettext("Such as https://company.odoo.com."), "url"),
        Connection("odoo_db", lazy_gettext("Odoo database"), lazy_gettext("The name of the database.")),
        Connection("odoo_login", lazy_gettext("Odoo user"), lazy_gettext("Log-in of the user the connector works as.")),
        Connection("odoo_key", lazy_gettext("Odoo API key"),
                   lazy_gettext("In Odoo: your picture > My profile > Account security > New API key."), "password"),
    ),
}
SIDES = {"shop": "PrestaShop", "odoo": "Odoo"}
SECRETS = {"ps_key": "ps_url", "odoo_key": "odoo_url"}
"""Each key and the address it is sent to."""
GROUPS: Mapping[str, str] = {
    "sync": lazy_gettext("Synchronization"), "entities": lazy_gettext("What travels, and which way"),
    "orders": lazy_gettext("Orders"), "stock": lazy_gettext("Stock"), "queue": lazy_gettext("Queue"),
    "reports": lazy_gettext("Reports and alerts"), "owners": lazy_gettext("Products both ways: who wins"),
    "links": lazy_gettext("Links"),
}
_MOVED = lazy_gettext("The address has changed: enter the key again, so that it is sent only where you mean it.")
_DEMO = lazy_gettext("The demo store stays on the bundled sandbox. Add a store of your own for your shop.")


@dataclass
class Entered:
    """What stands in the form, and what is wrong with it by field."""

    values: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    named: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """For numbers that a person knows by name: the choices (number, name)."""


def fields() -> list[Connection]:
    """Every field that is not a setting."""
    return [NAME, *(f for block in BLOCKS.values() for f in block)]


def grouped() -> list[tuple[str, str, list[StoreSetting]]]:
    """(name, title, settings) of each group; a group this page does not know comes last under its own name."""
    names = list(dict.fromkeys([*GROUPS, *(s.group for s in STORE_SETTINGS)]))
    return [(name, GROUPS.get(name, name.capitalize()), [s for s in STORE_SETTINGS if s.group == name]) for name in names]


def labels() -> dict[str, str]:
    """Field → how the form calls it."""
    return {f.key: str(f.label) for f in fields()} | {s.key: told(s.label) for s in STORE_SETTINGS}


def stored(store: Store | None) -> Entered:
    """The form as it is before anything was typed. Keys are never shown."""
    if store is None:
        return Entered({f.key: "" for f in fields()} | {s.key: s.default for s in STORE_SETTINGS})
    values = {f.key: "" if f.key in SECRETS else getattr(store, f.key) for f in fields()}
    return Entered(values | store.settings, named=named_of(store))


def read(form: Mapping[str, str], store: Store | None) -> Entered:
    """What was typed, checked field by field; a switch that was not sent is off."""
    entered = Entered({}, named=named_of(store) if store else {})
    for item in fields():
        entered.values[item.key] = form.get(item.key, "").strip()
        if problem := _connection_problem(item, entered.values, store):
            entered.errors[item.key] = problem
    for setting in STORE_SETTINGS:
        if setting.key not in form and setting.kind != "switch":  # a page from before an upgrade does not know it
            entered.values[setting.key] = store.settings[setting.key] if store else setting.default
            continue
        text = form.get(setting.key, "")
        try:
            entered.values[setting.key] = setting.parse(text)
        except SettingError as error:
            entered.values[setting.key] = text
            entered.errors[setting.key] = words(error)[1]
    return entered


def problem_of(key: str, form: Mapping[str, str], store: Store | None) -> str:
    """What is wrong with one field, as it was left; "" if nothing."""
    return read(form, store).errors.get(key, "")


def split(values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The connection fields and the settings of a form."""
    return ({k: v for k, v in values.items() if k not in store_settings.BY_KEY},
            {k: v for k, v in values.items() if k in store_settings.BY_KEY})


def words(error: SettingError) -> tuple[str, str]:
    """The field and the sentence of a `SettingError`."""
    key, separator, text = str(error).partition(": ")
    if not separator:
        return "", str(error)
    return key, text[:1].upper() + text[1:]


def test(side: str, values: Mapping[str, str], store: Store | None, config: Config) -> Check:
    """*Test connection* with what stands in the form. An empty key means the stored one, if the address is still the same."""
    block = BLOCKS[side]
    typed = {f.key: values.get(f.key, "").strip() for f in block}
    secret = block[-1].key
    missing = [f for f in block if not typed[f.key] and not (f.key == secret and store is not None)]
    if missing:
        return _refused(_("%(field)s: nothing is entered.", field=missing[0].label), str(missing[0].help))
    private = False
    if store is not None:
        same = _same_place(secret, typed, store)
        private = store.is_demo and same
        if not typed[secret]:
            if not same:
                return _refused(str(_MOVED), "")
            typed[secret] = getattr(store, secret)
    if side == "shop":
        return stores.check_shop(typed["ps_url"], typed["ps_key"], config, settings=_chosen(values, store), allow_private=private)
    return stores.check_odoo(typed["odoo_url"], typed["odoo_db"], typed["odoo_login"], typed["odoo_key"], config,
                             allow_private=private)


def _chosen(values: Mapping[str, str], store: Store | None) -> dict[str, Any]:
    """The settings as they stand in the form, where they can be read; else those stored or the usual ones."""
    chosen = dict(store.settings) if store is not None else {key: s.default for key, s in store_settings.BY_KEY.items()}
    for key in ("products", "stock"):
        with suppress(SettingError):
            chosen |= store_settings.parse({key: values[key]}) if key in values else {}
    return chosen


def is_what_is_stored(side: str, values: Mapping[str, str], store: Store) -> bool:
    """Whether the tested connection is the saved one, so that what was learned may be kept."""
    for item in BLOCKS[side]:
        typed = values.get(item.key, "").strip()
        if item.kind == "url":
            typed = _clean(item.key, typed)
        if typed != getattr(store, item.key) and not (item.key in SECRETS and not typed):
            return False
    return True


def moves_keys(values: Mapping[str, Any], store: Store) -> bool:
    """Whether saving these values changes a key, or where and as whom keys are sent."""
    return any(_clean(item.key, values[item.key]) != getattr(store, item.key) and not (item.key in SECRETS and not values[item.key])
               for block in BLOCKS.values() for item in block)


def named_of(store: Store) -> dict[str, list[tuple[int, str]]]:
    """The named choices as far as both sides were asked."""
    return named("shop", store.shop_profile) | named("odoo", store.odoo_profile)


def named(side: str, profile: Mapping[str, Any] | None) -> dict[str, list[tuple[int, str]]]:
    """By setting, what a probe of a side found: the shop's order states or Odoo's stock locations. 0, the default, comes first."""
    if side == "odoo":
        found = setting_words.locations(profile)
        default = found.get(int((profile or {}).get("default_location") or 0), "")
        return {"odoo_location": [(0, _default(_("The first internal location"), default)), *found.items()]} if found else {}
    names = setting_words.states(profile)
    roles = (profile or {}).get("order_states") or {}
    return {f"state_{signal}": [(0, _default(_("The shop's own"), names.get(int(roles.get(role) or 0), ""))), *names.items()]
            for signal, role in ROLES.items()} if names else {}


def _default(words: str, name: str) -> str:
    return f"{words}: {name}" if name else words


def _connection_problem(item: Connection, values: Mapping[str, str], store: Store | None) -> str:
    value = values[item.key]
    if len(value) > (2000 if item.key in SECRETS else item.longest):
        return str(_("At most %(number)s characters.", number=item.longest))
    if not value:
        if item.key in SECRETS and store is not None:
            return "" if _same_place(item.key, values, store) else str(_MOVED)
        return str(_("Enter the %(field)s.", field=_within_a_sentence(str(item.label))))
    try:
        clean = stores.clean_fields({item.key: value}).get(item.key, value)
    except SettingError as error:
        return words(error)[1]
    if store is not None and store.is_demo and item.key != "name" and clean != getattr(store, item.key):
        return str(_DEMO)
    return ""


def _within_a_sentence(label: str) -> str:
    return label if label.startswith(("Odoo", "PrestaShop")) else label[:1].lower() + label[1:]


def _same_place(secret: str, typed: Mapping[str, str], store: Store) -> bool:
    address = SECRETS[secret]
    return _clean(address, typed[address]) == str(getattr(store, address))


def _clean(key: str, value: str) -> str:
    try:
        return stores.clean_fields({key: value})[key]
    except SettingError:
        return value


def _refused(message: str, remedy: str) -> Check:
    return Check(False, message, [(False, message, remedy)])
