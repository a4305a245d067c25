"""Which addresses a store may have. A merchant's URL must not become a way into the network the portal stands in.

Two gates: `check_url` looks at the address as it is written, before anything is resolved; `check_ip` looks at each IP
number that the name resolves to, right before a socket is opened to that very number (see `network.py`), so that a name
which answers differently the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import re

import httpx

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_TUNNELS = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2002::/16")))
"""IPv6 ranges (Teredo and its neighbours, 6to4) whose addresses carry an IPv4 address, which may be a private one."""
_HOME = tuple(map(ipaddress.ip_network, (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")))
"""Loopback, private and carrier-grade ranges: where a self-hosted Odoo or shop can be, and only with permission."""
_WEB_PORTS = (80, 443)
_PERMISSION = "If the server really stands in your own network, start the portal with PORTAL_ALLOW_PRIVATE_NETWORKS=1."


class BadAddress(Exception):
    """An address that is refused. `remedy` says what to enter instead."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def check_url(text: str, *, allow_private: bool) -> httpx.URL:
    """The address as a URL, if it may be called at all. Raises `BadAddress`. Resolves nothing.

    Without `allow_private` it must be https, on port 443, 80 or above 1023, and name no private number.
    """
    text = text.strip()
    if re.search(r"[\s\\\x00-\x1f\x7f@#?]", text):
        raise BadAddress(f"The address {_short(text)} holds a user name, a blank or one of the signs @ # ? \\.",
                         "Enter only https:// and the host name, and the folder if there is one.")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadAddress(f"The address {_short(text)} cannot be read.", "Enter it as https://shop.example.com.") from error
    if url.scheme not in ("https", "http") or not url.host or not 0 < (url.port or 443) < 65536:
        raise BadAddress(f"The address {_short(text)} is not a web address.", "Enter it as https://shop.example.com.")
    if not allow_private:
        if url.scheme != "https":
            raise BadAddress(f"The address {_short(text)} would send the key unprotected.",
                             f"Enter it with https://. {_PERMISSION}")
        if url.port is not None and url.port not in _WEB_PORTS and url.port < 1024:
            raise BadAddress(f"Port {url.port} is not one that shops or Odoo use.",
                             "Leave the port out, or use 443 or one above 1023.")
    _check_host(url.host, allow_private=allow_private)
    return url


def check_ip(ip: IP, host: str, *, allow_private: bool) -> None:
    """Raise `BadAddress` if no connection to this number may be opened."""
    if _is_public(ip) or (allow_private and any(ip in net for net in _HOME if net.version == ip.version)):
        return
    what = f"{host} leads to {ip}, which is" if host != str(ip) else f"{host} is"
    if allow_private:
        raise BadAddress(f"{what} no possible address of a shop or an Odoo.",
                         "Check the name, or ask your provider about its DNS entries.")
    raise BadAddress(f"{what} an address inside a private network.", f"Enter the public address. {_PERMISSION}")


def _is_public(ip: IP) -> bool:
    if isinstance(ip, ipaddress.IPv6Address):
        # Mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96) and IPv4-compatible numbers are outside 2000::/3 and so refused.
        return ip in _GLOBAL_IPV6 and ip.is_global and not any(ip in net for net in _TUNNELS)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _check_host(host: str, *, allow_private: bool) -> None:
    """A host that is a number must be in its one usual form; `0x7f.1`, `2130706433` and `0177.0.0.1` only serve to hide one."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        if ":" in host or re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", host.lower().rstrip(".").rsplit(".", 1)[-1]):
            raise BadAddress(f"{_short(host)} is not an IP address in its usual form.",
                             "Enter the server's name, such as shop.example.com.") from None
        name = host.lower().rstrip(".")
        if not allow_private and (name == "localhost" or name.endswith(".localhost")):
            raise BadAddress(f"{_short(host)} is this machine itself.", f"Enter the public address. {_PERMISSION}") from None
        return
    check_ip(ip, host, allow_private=allow_private)


def _short(text: str) -> str:
    """The address for a message: without a password that may stand in it, and not longer than a line."""
    clean = re.sub(r"//[^/]*@", "//…@", re.sub(r"[?#].*", "", text))
    return repr(clean[:80])
