"""What an answer of the webservice means: recorded codes and hosting troubles → the error class that decides. Pure.

Codes, not texts, decide (handbook: 401 17-21 key, 401 26 resource, 405 25 method, 503 22 switched off, 404 92/87 missing).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.clients.errors import AccessRefused, Ambiguous, Missing, Outage, Rejected, RemoteError
from portal.clients.prestashop_json import HARMLESS, Fault

KEY_PAGE = "Advanced Parameters > Webservice"

REFUSED_IN_A_500 = frozenset({46, 140, 127})
"""Codes that prove that a write with status 5xx was not saved: save refused, e-mail taken, body not read."""

_RIGHTS = {"GET": "View (GET)", "POST": "Add (POST)", "PUT": "Modify (PUT)", "PATCH": "Patch (PATCH)"}


@dataclass(frozen=True)
class Call:
    """What was asked, for the sentence: HTTP method and resource, "" for the root."""

    method: str
    resource: str

    @property
    def write(self) -> bool:
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.resource or 'the list of resources'}"


def right(resource: str, method: str) -> str:
    """How the back office names a right of a key."""
    return f"{_RIGHTS[method]} of the resource {resource}"


def is_page(headers: Mapping[str, str], body: bytes) -> bool:
    """True for a page made for people. The webservice itself marks its JSON, XML and most empty answers."""
    start = body.lstrip(b"\xef\xbb\xbf \r\n\t")[:200].lower()
    return start.startswith((b"<!doctype", b"<html")) or (b"<html" in start and "psws-version" not in headers)


def refusal(call: Call, status: int, headers: Mapping[str, str], body: bytes, faults: Sequence[Fault]) -> RemoteError | None:
    """The error an answer stands for, or None where nothing in it tells (an empty 500, a cut body): the caller finds out.

    Only call it for answers that are no success. Redirects, 429 and a gateway's pages were taken out by `http` before.
    """
    codes = {fault.code for fault in faults}
    if codes & {17, 18, 19, 20, 21, 22, 25, 26} or status in (401, 405):
        return _no_access(call, status, codes, faults)
    if status in (403, 406, 418, 451):
        return _firewall(call, headers, body)
    if status == 404:
        return _not_found(call, headers, faults)
    if status in (413, 414):
        return Rejected("shop", "The shop's web server says that the request is too large.", cause=f"shop:{status}",
                        remedy="Ask the hosting provider to allow larger requests.")
    if status < 500 or (codes & REFUSED_IN_A_500 if call.write else codes - HARMLESS):
        return _refused(call, status, faults)
    if call.write:
        return _unknown_fate(call, status, faults)
    if faults:
        return _php(call, faults)
    return None


def page(call: Call, body: bytes) -> RemoteError:
    """A page for people came instead of data: maintenance, a login wall, a proxy's error."""
    title = _title(body)
    text = f"The shop answered with a web page{f' titled “{title}”' if title else ''} instead of data."
    remedy = "The shop is perhaps under maintenance or its server overloaded; it is tried again by itself."
    if call.write:
        return Ambiguous("shop", text, remedy=remedy, cause="shop:page")
    return Outage("shop", text, remedy=remedy, cause="shop:page")


def unreadable(call: Call, reason: str, *, alive: bool) -> RemoteError:
    """An answer that could not be read whole. A write may have happened; a read is repeated, and counts only when the
    shop answers other questions well (`alive`), because then this record is the cause."""
    module = "Look at the PHP error log of the shop; often a module or too little memory is the cause."
    if call.write:
        return Ambiguous("shop", f"The shop's answer to {call} could not be read. {reason}", remedy=module,
                         cause="shop:unreadable")
    if alive:
        return Rejected("shop", f"The shop cannot give out these {call.resource}. {reason}", remedy=module,
                        cause=f"shop:unreadable:{call.resource}")
    return Outage("shop", f"The shop does not work properly. {reason}", remedy=module, cause="shop:unreadable")


def _no_access(call: Call, status: int, codes: set[int], faults: Sequence[Fault]) -> RemoteError:
    resource, save = call.resource, "and save."
    if 22 in codes:
        return AccessRefused("shop", "The webservice of the shop is switched off.", cause="shop:off",
                             remedy=f"In the shop: {KEY_PAGE} > Enable PrestaShop's webservice: Yes, {save}")
    if codes & {25, 26}:
        method = call.method if call.method in _RIGHTS else "GET"
        kind = Rejected if call.write else AccessRefused  # what may not be written must not stop everything else that travels
        return kind("shop", f"The shop's key lacks the right {right(resource, method)}.",
                    cause=f"shop:right:{resource}:{method.lower()}",
                    remedy=f"In the shop: {KEY_PAGE} > your key > Permissions > row {resource}: tick {_RIGHTS[method]} {save}")
    if codes & {17, 18, 19, 20, 21}:
        return AccessRefused("shop", "The shop does not accept the webservice key.", cause="shop:key",
                             remedy=f"In the shop: {KEY_PAGE}: copy the key again and see that its status is on.")
    if 101 in codes:
        return Rejected("shop", f"PrestaShop never allows {call.method} of {resource}.", cause=f"shop:101:{resource}")
    if status == 405:
        return AccessRefused("shop", f"The web server of the shop does not let {call.method} requests through.",
                             cause=f"shop:method:{call.method.lower()}",
                             remedy="Ask the hosting provider to allow the methods POST and PATCH under /api/ "
                                    "(mod_security, WebDAV and LimitExcept are the usual causes).")
    detail = "; ".join(fault.message for fault in faults)
    return AccessRefused("shop", "The shop's web server did not hand on the webservice key.", cause="shop:authorization",
                         detail=detail,
                         remedy="PHP runs as CGI or FastCGI there, or the shop has a password of its own. Add the line "
                                "“CGIPassAuth On” to the shop's .htaccess (or “SetEnvIf Authorization .+ "
                                "HTTP_AUTHORIZATION=$0”), or ask the hosting provider to pass the Authorization header.")


def _firewall(call: Call, headers: Mapping[str, str], body: bytes) -> RemoteError:
    cloudflare = "cf-ray" in headers or "cloudflare" in headers.get("server", "").lower()
    who = "Cloudflare, in front of the shop," if cloudflare else "A firewall in front of the shop (such as mod_security)"
    remedy = "Allow the connector's server address and the path /api/ there: " + (
        "Security > WAF > a rule with the action Skip, and Bot Fight Mode off for it." if cloudflare
        else "ask the hosting provider to make an exception.")
    if call.write and "cf-mitigated" not in headers:
        # Reading works, so this record's content may be what the firewall dislikes: it must not hold up the others.
        return Rejected("shop", f"{who} refused to let {call} through.", remedy=remedy, cause="shop:firewall",
                        detail=_title(body))
    return AccessRefused("shop", f"{who} refused the connection.", remedy=remedy, cause="shop:firewall", detail=_title(body))


def _not_found(call: Call, headers: Mapping[str, str], faults: Sequence[Fault]) -> RemoteError:
    if faults or "psws-version" in headers:
        return Missing("shop", f"A record of {call.resource} does not exist in the shop (any more).",
                       cause=f"shop:missing:{call.resource}", detail=_texts(faults))
    return AccessRefused("shop", "There is no PrestaShop webservice at this address.", cause="shop:address",
                         remedy="Check the shop's address. If it is right: in the shop, Shop Parameters > Traffic & SEO > "
                                f"Friendly URL: Yes, and {KEY_PAGE} > Enable PrestaShop's webservice: Yes.")


def _refused(call: Call, status: int, faults: Sequence[Fault]) -> RemoteError:
    telling = [fault for fault in faults if fault.code not in HARMLESS] or list(faults)
    if not telling:
        return Rejected("shop", f"The shop refused {call} (status {status}).", cause=f"shop:{status}:{call.resource}")
    first = telling[0]
    text = re.sub(r'^Validation error: "(.*)"$', r"\1", first.message)
    name = re.search(r"->(\w+)|parameter \"(\w+)\"|field \"(\w+)\"|filter \"(\w+)\"", first.message)
    about = next(filter(None, name.groups())) if name else call.resource
    return Rejected("shop", f"The shop refused {call}: {_short(text)}", cause=f"shop:{first.code}:{about}",
                    remedy=f"Correct {about} in the record." if name and call.write else "", detail=_texts(telling))


def _unknown_fate(call: Call, status: int, faults: Sequence[Fault]) -> RemoteError:
    return Ambiguous("shop", f"The shop answered {call} with an error (status {status}) and may have saved it all the same.",
                     cause=f"shop:{status}:{call.resource}", detail=_texts(faults),
                     remedy="The record is looked up before it is sent again." + _module(faults))


def _php(call: Call, faults: Sequence[Fault]) -> RemoteError:
    return Rejected("shop", f"The shop's PHP reports an error when giving out {call.resource}: {_short(faults[0].message)}",
                    cause=f"shop:php:{call.resource}", detail=_texts(faults),
                    remedy="Correct the error in the shop, or lower error_reporting in its php.ini." + _module(faults))


def _module(faults: Sequence[Fault]) -> str:
    found = next(filter(None, (re.search(r"/modules/([\w-]+)/", fault.message) for fault in faults)), None)
    return f" The module {found[1]} is involved." if found else ""


def _texts(faults: Sequence[Fault]) -> str:
    return "; ".join(f"{fault.code}: {_short(fault.message)}" for fault in faults[:5])


def _short(text: str) -> str:
    """The first sentence or 300 characters: the shop lists every field it knows behind it."""
    return re.split(r"(?:\. However|\? The full list|\. The full list)", " ".join(text.split()))[0][:300]


def _title(body: bytes) -> str:
    found = re.search(rb"(?is)<title[^>]*>(.*?)</title>", body[:20000])
    return " ".join(found[1].decode(errors="replace").split())[:100] if found else ""
