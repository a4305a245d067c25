"""What the one HTTP connection does with every way a call can go wrong."""

from __future__ import annotations

import datetime
import gzip
import socket
import ssl
import time
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
import respx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.clients import network
from portal.clients.errors import AccessRefused, Ambiguous, Outage, Rejected, RemoteError, Throttled
from portal.clients.http import Http, retry_seconds
from tests.clients.loopback import dribbles, loopback, receive, says, silent

SHOP = "https://shop.example.com"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def shop(url: str = SHOP, **options: object) -> Http:
    return Http(url, side="shop", **options)  # type: ignore[arg-type]


def local(url: str, **options: object) -> Http:
    return shop(url, allow_private=True, **options)


def failure(http: Http, *, write: bool) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        http.send("POST" if write else "GET", "thing", write=write, body=b"{}" if write else None)
    http.close()
    return caught.value


@respx.mock
def test_an_answer_comes_whole_with_headers_of_any_case() -> None:
    route = respx.get(f"{SHOP}/folder/api/thing?a=%5B1%5D").respond(200, headers={"X-Total": "3"}, content=b"abc")

    answer = shop(f"{SHOP}/folder/", headers={"X-Own": "1"}, auth=("KEY", "")).send("GET", "/api/thing?a=%5B1%5D", write=False)

    assert (answer.status, answer.headers["x-total"], answer.headers["X-TOTAL"], answer.body) == (200, "3", "3", b"abc")
    request = route.calls.last.request
    assert request.headers["x-own"] == "1"
    assert request.headers["authorization"].startswith("Basic ")


@respx.mock
def test_cookies_are_not_kept() -> None:
    route = respx.get(f"{SHOP}/a").respond(200, headers={"Set-Cookie": "session_id=1; Path=/"})
    http = shop()
    http.send("GET", "a", write=False)
    http.send("GET", "a", write=False)
    assert "cookie" not in route.calls.last.request.headers


def test_one_connection_serves_several_calls_and_ignores_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    def twice(connection: socket.socket, over: object) -> None:
        connection.sendall(WHOLE)
        receive(connection)
        connection.sendall(WHOLE)

    with loopback(twice) as server:
        http = local(server.url)
        assert [http.send("GET", "a", write=False).status for _ in range(2)] == [200, 200]
        assert len(server.requests) == 1
        http.close()


@pytest.mark.parametrize("status", [502, 503, 504, 520, 522, 530])
@respx.mock
def test_a_gateway_s_page_is_an_outage_of_a_read_and_leaves_a_write_in_doubt(status: int) -> None:
    respx.route().respond(status, html="<html>Bad gateway</html>")
    assert type(failure(shop(), write=False)) is Outage
    assert type(failure(shop(), write=True)) is Ambiguous


@pytest.mark.parametrize(("status", "kind"), [(200, "text/html"), (400, "text/plain"), (401, "text/xml"), (404, "text/html"),
                                              (500, "text/html"), (500, "application/json"), (503, "application/json"),
                                              (503, "text/xml;charset=utf-8")])
@respx.mock
def test_what_the_protocol_may_understand_is_returned(status: int, kind: str) -> None:
    respx.route().respond(status, headers={"Content-Type": kind}, content=b"x")
    assert shop().send("GET", "thing", write=False).status == status


@pytest.mark.parametrize(("status", "headers", "seconds"), [
    (429, {}, 60), (429, {"Retry-After": "7"}, 7), (429, {"Retry-After": "99999"}, 3600), (503, {"Retry-After": "120"}, 120),
    (429, {"Retry-After": "-5"}, 60), (429, {"Retry-After": "soon"}, 60), (429, {"Retry-After": "0"}, 1)])
@respx.mock
def test_a_server_that_asks_to_wait_is_obeyed(status: int, headers: dict[str, str], seconds: float) -> None:
    respx.route().respond(status, headers=headers)
    for write in (False, True):
        error = failure(shop(), write=write)
        assert isinstance(error, Throttled)
        assert error.retry_after == seconds


def test_a_date_to_wait_for_becomes_seconds() -> None:
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=300)
    assert 290 < retry_seconds(format_datetime(then, usegmt=True)) <= 300
    assert retry_seconds(format_datetime(then - datetime.timedelta(days=1), usegmt=True)) == 1


@pytest.mark.parametrize(("status", "kind"), [(301, AccessRefused), (308, AccessRefused), (302, Outage), (307, Outage)])
@respx.mock
def test_a_redirect_is_named_and_not_followed(status: int, kind: type[RemoteError]) -> None:
    respx.route(host="shop.example.com").respond(status, headers={"Location": "https://u:p@www.example.com/thing?token=secret"})
    elsewhere = respx.route(host="www.example.com").respond(200)
    error = failure(shop(), write=True)
    assert type(error) is kind
    assert error.message == "The address answers with a redirect to https://www.example.com; enter that one."
    assert not elsewhere.called


@respx.mock
def test_a_redirect_into_the_own_network_is_not_followed() -> None:
    respx.route(host="shop.example.com").respond(302, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    inside = respx.route(host="169.254.169.254").respond(200)
    assert "169.254.169.254" in failure(shop(), write=False).message
    assert not inside.called


def test_a_refused_connection_is_an_outage_even_of_a_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = failure(local(f"http://127.0.0.1:{port}"), write=True)
    assert type(error) is Outage
    assert (error.cause, error.message) == ("shop:refused", "Nothing answers at this address and port (connection refused).")


def test_an_unknown_name_is_an_outage_with_its_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(shop(), write=True)
    assert type(error) is Outage
    assert (error.cause, error.remedy) == ("shop:dns", "Check the spelling of the address.")


@pytest.mark.parametrize("problem", [httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")])
@respx.mock
def test_a_connection_that_is_never_made_is_an_outage_even_of_a_write(problem: httpx.HTTPError) -> None:
    respx.route().mock(side_effect=problem)
    error = failure(shop(), write=True)
    assert type(error) is Outage
    assert error.remedy


@pytest.mark.parametrize("parts", [
    [b""],
    [b"HTTP/1.1 200 OK\r\nContent-Le"],
    [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"jsonrpc\""],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"jso\r\n"],
    [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bxx"],
    [b"this is not HTTP at all\r\n\r\n"],
], ids=["nothing", "cut header", "cut body", "cut chunk", "broken gzip", "not http"])
def test_a_cut_answer_is_an_outage_of_a_read_and_leaves_a_write_in_doubt(parts: list[bytes]) -> None:
    with loopback(says(*parts)) as server:
        read, written = failure(local(server.url), write=False), failure(local(server.url), write=True)
    assert (type(read), type(written)) == (Outage, Ambiguous)
    assert "broke off the connection" in written.message


def test_a_packed_answer_is_unpacked() -> None:
    packed = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with loopback(says(head, packed)) as server:
        http = local(server.url)
        assert http.send("GET", "a", write=False).body == b'{"a": 1}'
        http.close()


@pytest.mark.parametrize("talk", [
    silent,
    dribbles(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    dribbles(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n"),
    dribbles(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
], ids=["silence", "slow body", "slow headers", "slow chunks"])
def test_a_whole_call_ends_in_time_however_the_other_side_dribbles(talk: object) -> None:
    with loopback(talk) as server:  # type: ignore[arg-type]
        started = time.monotonic()
        error = failure(local(server.url, call_seconds=0.3), write=True)
        took = time.monotonic() - started
    assert type(error) is Ambiguous
    assert error.cause == "shop:timeout"
    assert 0.2 < took < 2


def test_a_body_without_end_is_cut_at_the_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with loopback(dribbles(head, b"x" * 4096)) as server:
        read = failure(local(server.url, max_body=20_000), write=False)
        written = failure(local(server.url, max_body=20_000), write=True)
    assert (type(read), type(written)) == (Rejected, Ambiguous)
    assert read.cause == "shop:too-large"


def test_a_packed_bomb_is_cut_at_the_limit() -> None:
    packed = gzip.compress(b"\0" * 20_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with loopback(says(head, packed)) as server:
        assert failure(local(server.url, max_body=100_000), write=False).cause == "shop:too-large"


def test_a_server_without_tls_is_named() -> None:
    with loopback(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = failure(local(server.url.replace("http:", "https:")), write=True)
    assert type(error) is Outage
    assert error.cause == "shop:tls"


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with loopback(says(WHOLE), own_certificate(tmp_path)) as server:
        error = failure(local(server.url), write=True)
        assert server.requests == []
    assert type(error) is Outage
    assert error.cause == "shop:certificate"
    assert "certificate" in error.message


def test_an_own_authority_can_be_trusted_but_only_for_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = own_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    network.tls_context.cache_clear()
    monkeypatch.setattr(socket, "getaddrinfo", local_names(socket.getaddrinfo))
    try:
        with loopback(says(WHOLE), context) as server:
            right = local(f"https://odoo.test:{server.port}")
            assert right.send("GET", "a", write=False).status == 200
            right.close()
            assert failure(local(f"https://other.test:{server.port}"), write=False).cause == "shop:certificate"
    finally:
        network.tls_context.cache_clear()


def test_a_write_that_was_answered_is_not_in_doubt_when_closing_fails_later() -> None:
    with loopback(says(WHOLE)) as server:
        http = local(server.url)
        assert http.send("POST", "a", write=True, body=b"{}").body == b"{}"
        http.close()


def local_names(real: object) -> object:
    def look_up(host: str, port: int, *args: object, **kwargs: object) -> object:
        return real("127.0.0.1" if host.endswith(".test") else host, port, *args, **kwargs)  # type: ignore[operator]
    return look_up


def own_certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a self-signed certificate for odoo.test, which also lies in own.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odoo.test")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(today - datetime.timedelta(days=1))
                   .not_valid_after(today + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName("odoo.test")]), critical=False)
                   .sign(key, hashes.SHA256()))
    (folder / "own.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "own.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                       serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    return context
