"""One shop over PrestaShop's webservice (8 and 9): JSON is read, XML is written by PATCH and POST.

How records look is told in `prestashop_json`; what may be asked in `prestashop_query`; what an error means in
`prestashop_errors`. Bodies are never logged: they hold customers.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from portal.clients import prestashop_profile as profiles
from portal.clients import prestashop_query as query
from portal.clients import prestashop_xml as xml
from portal.clients.errors import Missing, Outage, Rejected, RemoteError
from portal.clients.http import Http, Response
from portal.clients.prestashop_errors import Call, is_page, page, refusal, unreadable
from portal.clients.prestashop_json import Document, Fault, Record, Unreadable, decode
from portal.clients.prestashop_profile import ShopProfile
from portal.clients.prestashop_query import any_of, between

__all__ = ["Record", "Shop", "ShopProfile", "any_of", "between", "connect"]

log = logging.getLogger(__name__)

PAGE = 250
"""Records per page where everything is asked for: 0.4 s of the shop for products, and far from its memory limit."""

PATCH_ROWS = {"stock_availables": 700}
"""Records per PATCH request. Measured: 100 stock lines take 30 ms; a product 25-50 ms, hence `PATCH_OTHERS`."""

PATCH_OTHERS = 50

LANGUAGES_SECONDS = 300.0
"""How long the list of languages is trusted; a write must name them all, or the shop blanks the others."""

NO_SUCH_ID = 2147483647

_CHEAP = query.path("languages", ["id"], {}, limit=1)


def connect(url: str, key: str, *, profile: ShopProfile | None = None, call_seconds: float = 45.0,
            allow_private: bool = False) -> Shop:
    """A shop by its address (with or without `/api`) and webservice key. Opens nothing yet.

    `call_seconds` bounds one whole call; `allow_private` permits private and loopback addresses.
    """
    base = re.sub(r"/api/?$", "", url.strip().rstrip("/"))
    http = Http(f"{base}/api/", side="shop", call_seconds=call_seconds, allow_private=allow_private, auth=(key.strip(), ""))
    return Shop(http, profile)


class Shop:
    """One connection. Raises the classes of `errors` and, for questions that must not be asked, ValueError."""

    def __init__(self, http: Http, profile: ShopProfile | None = None) -> None:
        self._http = http
        self.profile = profile
        self.on_write: Callable[[str, str, Sequence[Mapping[str, Any]]], None] | None = None
        """Told of every write before it is sent: resource, method, records."""
        self.notes: set[str] = set()
        """What was odd about the shop's answers though they could be read, as sentences."""
        self._languages: tuple[float, frozenset[int]] = (0.0, frozenset())

    def version(self) -> str:
        """The shop's version by its cheapest call; the probe of an open circuit."""
        _, answer = self._ask("languages", _CHEAP, ["id"])
        return answer.headers.get("psws-version", "")

    def probe(self) -> ShopProfile:
        """Ask who the shop is and what the key may do; missing rights are reported, not raised."""
        answer = self._http.send("GET", "", write=False)
        try:
            if answer.status != 200:
                raise Unreadable(f"It has status {answer.status}.")
            name, granted = xml.rights(answer.body)
        except Unreadable as error:
            raise self._error(Call("GET", ""), answer, _document(answer, (), ())[0], str(error)) from error
        missing, optional = profiles.missing_rights(granted)

        def ask(resource: str, fields: Sequence[str], filters: Mapping[str, str] | None = None, *,
                language: int | None = None) -> list[Record]:
            may = "get" in granted.get(resource, ())
            return self.find(resource, filters or {}, fields, language=language) if may else []

        values = profiles.settings(ask("configurations", ["name", "value", "id_shop", "id_shop_group"],
                                       {"name": any_of(profiles.ASKED_SETTINGS)}))
        currency_id = profiles.number(values, "PS_CURRENCY_DEFAULT")
        currencies = ask("currencies", ["iso_code"], {"id": any_of([currency_id])}) if currency_id else []
        groups = ask("shop_groups", ["share_stock"])
        default_language = profiles.number(values, "PS_LANG_DEFAULT")
        states = ask("order_states", ["name", "deleted"], language=default_language) if default_language else []
        profile = ShopProfile(
            version=answer.headers.get("psws-version", "") or values.get("PS_VERSION_DB", ""), name=name,
            languages={row["id"]: row["iso_code"] for row in ask("languages", ["iso_code"])},
            default_language=default_language, timezone=values.get("PS_TIMEZONE", ""),
            currency=currencies[0]["iso_code"] if currencies else "", currency_id=currency_id,
            order_states=profiles.order_states(values),
            states={row["id"]: str(row["name"]) for row in states if row["deleted"] != "1"},
            round_type=profiles.number(values, "PS_ROUND_TYPE", 2),
            round_mode=profiles.number(values, "PS_PRICE_ROUND_MODE", 2),
            taxes_by_invoice=values.get("PS_TAX_ADDRESS_TYPE") == "id_address_invoice",
            home_category=profiles.number(values, "PS_HOME_CATEGORY", 2),
            stock_managed=values.get("PS_STOCK_MANAGEMENT", "1") != "0",
            sells_without_stock=values.get("PS_ORDER_OUT_OF_STOCK") == "1",
            shops={row["id"]: row["name"] for row in ask("shops", ["name"])},
            clock_ahead=_clock_ahead(answer), missing_rights=missing, optional_rights=optional)
        shares = any(row["share_stock"] == "1" for row in groups) and profile.multistore
        notes = (*profiles.warnings(profile, shares_stock=shares), *sorted(self.notes))
        self.profile = replace(profile, warnings=notes)
        return self.profile

    def check_writes(self) -> None:
        """Raise when the hosting does not let a PATCH through. It names a record that cannot exist, so nothing changes."""
        try:
            self.patch("stock_availables", [{"id": NO_SUCH_ID, "quantity": 0}])
        except Missing:
            return

    def ids(self, resource: str, *, after: int = 0, limit: int = 1000) -> list[int]:
        """The ids greater than `after`, ascending, at most `limit`; an empty list means the end."""
        question = query.path(resource, ["id"], {"id": f">[{int(after)}]"}, limit=limit)
        return [row["id"] for row in self._ask(resource, question, ["id"])[0]]

    def read(self, resource: str, ids: Iterable[int | str], fields: Sequence[str], *,
             language: int | None = None) -> list[Record]:
        """These records by ascending id; ids that do not exist are absent.

        `fields` may name associations with their parts: `order_rows[id,product_id]`. `language` makes texts plain strings.
        """
        wanted = sorted({int(number) for number in ids})
        found = self.find_any(resource, "id", wanted, fields, language=language)
        if wanted and not found:
            self._confirm_missing(resource, wanted[0])
        return found

    def find_any(self, resource: str, field: str, values: Iterable[int | str], fields: Sequence[str], *,
                 language: int | None = None, also: Mapping[str, str] | None = None, slim: bool = False) -> list[Record]:
        """Every record whose `field` equals one of `values` (case ignored), by ascending id; long lists are split.

        For what hangs on other records: order_details by id_order, combinations by id_product, products by reference. `also`:
        filters that they pass, too. `slim`: they are small, so that more of them fit in one answer.
        """
        wanted = query.display(fields)
        used = len(query.path(resource, wanted, {field: "[]", **(also or {})}, language=language))
        found: dict[int, Record] = {}
        for chunk in query.chunks(dict.fromkeys(values), used, query.SLIM_IDS if slim else query.IDS_PER_REQUEST):
            question = query.path(resource, wanted, {field: any_of(chunk), **(also or {})}, language=language)
            found.update((row["id"], row) for row in self._ask(resource, question, wanted)[0])
        return [found[number] for number in sorted(found)]

    def find(self, resource: str, filters: Mapping[str, str], fields: Sequence[str], *, sort: str = "[id_ASC]",
             limit: int | None = None, dated: bool = False, language: int | None = None) -> list[Record]:
        """The records that pass all `filters` (see `any_of`, `between`, or raw such as `>[5]`).

        Without `limit` everything is read, in pages by id where the order is by id. `dated` allows dates, in shop time.
        An empty list from PrestaShop 9 may also hide an SQL error: never take it as proof that a record is gone.
        """
        wanted = query.display(fields)
        if limit is not None or sort != "[id_ASC]" or "id" in filters:
            question = query.path(resource, wanted, filters, sort=sort, limit=limit, dated=dated, language=language)
            return self._ask(resource, question, wanted)[0]
        found: list[Record] = []
        last: dict[str, str] = {}
        while True:
            question = query.path(resource, wanted, {**filters, **last}, limit=PAGE, dated=dated, language=language)
            rows = self._ask(resource, question, wanted)[0]
            found += rows
            if len(rows) < PAGE:
                return found
            last = {"id": f">[{rows[-1]['id']}]"}

    def patch(self, resource: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Write only the given fields; each record has its `id`. Texts in several languages: all of them, {id: text}.

        Several records share a request and there is no transaction: after an error the records before it stay written,
        so repeat or split the list. Ambiguous means: read again before writing again.
        """
        rows = [dict(record) for record in records]
        if not all(int(row.get("id") or 0) > 0 for row in rows):
            raise ValueError("every record to be written needs its id")
        self._check_languages(rows)
        size = PATCH_ROWS.get(resource, PATCH_OTHERS)
        for start in range(0, len(rows), size):
            part = rows[start:start + size]
            last = int(part[-1]["id"])
            path = resource if len(part) > 1 else f"{resource}/{last}"
            written = self._write(Call("PATCH", resource), f"{path}?output_format=JSON", part)
            if written["id"] != last:
                raise unreadable(Call("PATCH", resource), "It names another record.", alive=True)

    def create(self, resource: str, record: Mapping[str, Any], *, params: Mapping[str, str] | None = None) -> Record:
        """Create one record and return it with its id. Fields that are 0 or empty are absent from what comes back.

        `params` go into the address, such as {"sendemail": "1"} for order_histories.
        """
        if "id" in record:
            raise ValueError("a new record has no id yet")
        self._check_languages([record])
        options = urlencode({**(params or {}), "output_format": "JSON"})
        written = self._write(Call("POST", resource), f"{resource}?{options}", [record])
        return {name: value for name, value in written.items() if not query.SECRET.search(name)}

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ask(self, resource: str, question: str, fields: Sequence[str]) -> tuple[list[Record], Response]:
        answer = self._http.send("GET", question, write=False)
        document, reason = _document(answer, (resource, f"{resource}s", xml.singular(resource)), fields)
        if document is not None and document.harmless and _succeeded(answer, document):
            self._note(document)
            return document.records or [], answer
        raise self._error(Call("GET", resource), answer, document, reason)

    def _write(self, call: Call, path: str, rows: Sequence[Mapping[str, Any]]) -> Record:
        if self.on_write is not None:
            self.on_write(call.resource, call.method, rows)
        body = xml.write(call.resource, rows)
        answer = self._http.send(call.method, path, write=True, body=body, headers={"Content-Type": "text/xml; charset=utf-8"})
        document, reason = _document(answer, (xml.singular(call.resource),), ())
        if document is not None and document.harmless and document.records and document.records[0].get("id") \
                and _succeeded(answer, document):
            self._note(document)
            return document.records[0]
        raise self._error(call, answer, document, reason)

    def _error(self, call: Call, answer: Response, document: Document | None, reason: str) -> RemoteError:
        """What an answer that is no success means; where it does not say, a second, cheap question tells."""
        faults = document.faults if document else _xml_faults(answer.body)
        if answer.status >= 300 or faults:
            error = refusal(call, answer.status, answer.headers, answer.body, faults)
            if error is not None:
                return error
        elif is_page(answer.headers, answer.body):
            return page(call, answer.body)
        return unreadable(call, reason or "It holds no record.", alive=not call.write and self._alive())

    def _alive(self) -> bool:
        """Whether the shop answers another question well."""
        try:
            answer = self._http.send("GET", _CHEAP, write=False)
            decode(answer.body, ("languages",))
        except (RemoteError, Unreadable):
            return False
        return answer.status < 500

    def _confirm_missing(self, resource: str, number: int) -> None:
        """An empty list can hide an SQL error (9): look at one of the records before calling them all gone."""
        try:
            found, _ = self._ask(resource, f"{resource}/{number}?display=[id]&output_format=JSON", ["id"])
        except Missing:
            return
        if found:
            raise Outage("shop", f"The shop gave out no {resource} although they exist.", cause="shop:empty",
                         remedy="Its database seems to have trouble; it is tried again by itself.")

    def _check_languages(self, records: Iterable[Mapping[str, Any]]) -> None:
        """A text that leaves out a language would blank it in the shop."""
        for record in records:
            for name, value in record.items():
                lacking = self._known_languages() - set(value) if name != "associations" and isinstance(value, Mapping) else ()
                if lacking:
                    raise Rejected("shop", f"The text of {name} is missing for a language of the shop (id {min(lacking)}).",
                                   remedy="It is sent again with all languages after the product was read again.",
                                   cause=f"shop:language:{name}")

    def _known_languages(self) -> frozenset[int]:
        until, known = self._languages
        if time.monotonic() >= until:
            known = frozenset(row["id"] for row in self.find("languages", {}, ["id"]))
            self._languages = (time.monotonic() + LANGUAGES_SECONDS, known)
        return known

    def _note(self, document: Document) -> None:
        if document.noise or document.faults:
            module = re.search(r"/modules/([\w-]+)/", document.noise + " ".join(fault.message for fault in document.faults))
            note = "The shop's PHP adds messages to its answers" + (f" (module {module[1]})" if module else "") + \
                "; switch display_errors off and correct the cause."
            if note not in self.notes:
                self.notes.add(note)
                log.warning("%s", note)


def _document(answer: Response, names: Iterable[str], fields: Sequence[str]) -> tuple[Document | None, str]:
    try:
        return decode(answer.body, names, fields), ""
    except Unreadable as error:
        return None, str(error)


def _succeeded(answer: Response, document: Document) -> bool:
    """PHP notices make a 500 of a success; the records that come with them, printed last, are the proof that it is one."""
    return answer.status in (200, 201) or (answer.status >= 500 and bool(document.records and document.faults))


def _xml_faults(body: bytes) -> list[Fault]:
    try:
        return xml.faults(body)
    except Unreadable:
        return []


def _clock_ahead(answer: Response) -> int:
    text = answer.headers.get("access-time", "")
    return int(text) - int(time.time()) if text.isdigit() else 0
