"""A store's address must not become a way into the network the portal stands in: refused before a socket opens."""

from __future__ import annotations

import httpcore
import pytest

from portal.clients.errors import AccessRefused
from portal.clients.http import Http
from portal.clients.network import GuardedBackend

NEVER = [
    "ftp://shop.example.com", "shop.example.com", "//shop.example.com", "https://", "https:///path", "file:///etc/passwd",
    "https://user@shop.example.com", "https://user:pass@shop.example.com", "https://shop.example.com@127.0.0.1",
    "https://shop.example.com#@127.0.0.1", "https://shop.example.com?@127.0.0.1", "https://shop.example.com\\@127.0.0.1",
    "https://shop.example.com/ 127.0.0.1", "https://shop.exam\nple.com", "https://shop.example.com:99999",
    "https://2130706433", "https://0x7f000001", "https://0x7f.1", "https://017700000001", "https://0177.0.0.1", "https://127.1",
    "https://127.0.1", "https://127.0.0.1.", "https://0", "https://010.8.8.8", "https://%31%32%37.0.0.1",
    "https://127。0。0。1。", "https://１２７.0.0.1", "https://0.0.0.0", "https://[::]", "https://[::ffff:127.0.0.1]",
    "https://[::ffff:8.8.8.8]", "https://[::127.0.0.1]", "https://[64:ff9b::7f00:1]", "https://[64:ff9b:1::1]",
    "https://[2002:7f00:1::1]", "https://[2001:0:53aa:64c::1]", "https://[fe80::1]", "https://[fe80::1%25eth0]",
    "https://[ff02::1]", "https://169.254.169.254", "https://224.0.0.1", "https://255.255.255.255", "https://240.0.0.1",
    "https://192.0.2.1", "https://[2001:db8::1]", "https://[::1", "https://[::1]x",
]
ONLY_WITH_PERMISSION = [
    "http://shop.example.com", "https://shop.example.com:22", "https://localhost", "https://LOCALHOST.", "https://a.localhost",
    "https://127.0.0.1", "https://127.8.8.8", "https://10.0.0.1", "https://172.16.0.1", "https://172.31.255.254",
    "https://192.168.1.1", "https://100.64.0.1", "https://[::1]", "https://[fc00::1]", "https://[fd12:3456::1]",
    "https://127。0。0。1",
]
ALWAYS = ["https://shop.example.com", "https://shop.example.com/folder/", "https://shop.example.com:8443", "https://8.8.8.8",
          "https://[2606:4700:4700::1111]", "https://müller.example.com", "https://172.32.0.1", " https://shop.example.com "]


@pytest.mark.parametrize("url", NEVER)
def test_an_odd_address_is_refused_even_with_permission_for_private_networks(url: str) -> None:
    for allowed in (False, True):
        with pytest.raises(AccessRefused) as caught:
            Http(url, side="odoo", allow_private=allowed)
        assert caught.value.cause == "odoo:address"
        assert caught.value.remedy
        assert "pass@" not in caught.value.message


@pytest.mark.parametrize("url", ONLY_WITH_PERMISSION)
def test_a_private_address_needs_permission(url: str) -> None:
    with pytest.raises(AccessRefused):
        Http(url, side="odoo")
    Http(url, side="odoo", allow_private=True).close()


@pytest.mark.parametrize("url", ALWAYS)
def test_a_public_address_is_fine(url: str) -> None:
    Http(url, side="odoo").close()


class Sockets(httpcore.NetworkBackend):
    """Notes where it is told to connect, and fails; or answers with a stream that notes the name TLS is made for."""

    def __init__(self, *down: str) -> None:
        self.opened: list[str] = []
        self.names: list[str | None] = []
        self._down = down

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: object = None) -> httpcore.NetworkStream:
        self.opened.append(host)
        assert timeout is not None
        assert timeout <= 5
        if host in self._down:
            raise httpcore.ConnectTimeout("down")
        return Stream(self)


class Stream(httpcore.MockStream):
    def __init__(self, sockets: Sockets) -> None:
        super().__init__([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
        self._sockets = sockets

    def start_tls(self, ssl_context: object, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        self._sockets.names.append(server_hostname)
        return self


def guarded(sockets: Sockets, *answers: list[str], allow_private: bool = False) -> Http:
    looked_up = iter(answers)
    backend = GuardedBackend(allow_private=allow_private, resolver=lambda host, port: next(looked_up), sockets=sockets)
    return Http("https://shop.example.com", side="shop", allow_private=allow_private, backend=backend)


@pytest.mark.parametrize("numbers", [
    ["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"], ["2002:a00:1::1"],
    ["100.64.3.3"], ["0.0.0.0"], ["fe80::1%2"], ["8.8.8.8", "192.168.0.1"], ["2606:4700::1111", "fd00::1"]])
def test_a_name_that_leads_inside_is_refused_before_a_socket_opens(numbers: list[str]) -> None:
    sockets = Sockets()
    with pytest.raises(AccessRefused) as caught:
        guarded(sockets, numbers).send("POST", "a", write=True, body=b"x")
    assert "an address inside a private network" in caught.value.message
    assert sockets.opened == []


@pytest.mark.parametrize("number", ["169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "ff02::1", "fe80::1"])
def test_permission_for_private_networks_does_not_open_the_machine_s_own_services(number: str) -> None:
    sockets = Sockets()
    with pytest.raises(AccessRefused):
        guarded(sockets, [number], allow_private=True).send("GET", "a", write=False)
    assert sockets.opened == []


def test_the_connection_goes_to_the_checked_number_and_tls_to_the_name() -> None:
    sockets = Sockets()
    http = guarded(sockets, ["8.8.4.4", "8.8.8.8"])
    assert http.send("GET", "a", write=False).body == b"ok"
    assert (sockets.opened, sockets.names) == (["8.8.4.4"], ["shop.example.com"])


def test_a_second_number_is_tried_when_the_first_does_not_answer() -> None:
    sockets = Sockets("2606:4700::1111")
    http = guarded(sockets, ["2606:4700::1111", "8.8.8.8"])
    assert http.send("GET", "a", write=False).status == 200
    assert sockets.opened == ["2606:4700::1111", "8.8.8.8"]


def test_a_name_that_changes_its_answer_gains_nothing() -> None:
    """Resolved once per connection: what was checked is what is connected to; the next connection is checked anew."""
    sockets = Sockets("8.8.8.8")
    http = guarded(sockets, ["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(Exception, match="cannot be reached"):
        http.send("GET", "a", write=False)
    with pytest.raises(AccessRefused):
        http.send("GET", "a", write=False)
    assert sockets.opened == ["8.8.8.8"]
