"""Whatever arrives at the addresses that are open to everybody: a clear answer, soon, and no trace of what was refused.

The examples are the same in every run; `HYPOTHESIS_EXAMPLES=10000` plays more of them.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import now
from portal.models import Store, SyncJob
from portal.sync.hook_message import STORE_HEADER, sign
from tests.web.conftest import World
from tests.web.test_access import EXPECTED_PUBLIC

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "60"))
FUZZ = settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large])
SLOWEST = 1.0
"""Seconds of processor time, which a busy machine does not lengthen."""

ODD = st.sampled_from(["\x00", "é", "🛒", "\ud800", "%00", "' OR 1=1 --", "../../etc/passwd", "=1+1", "\r\nX-Evil: 1", "9" * 400,
                       "1e308", "-1", "NaN", "true", "null", "{", "[" * 2000, "a" * 70_000])
TEXT = st.text(max_size=20) | ODD
VALUE = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
                     lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
                     max_leaves=6)
FIELDS = ("token", "entity", "odoo_id", "qty", "state", "_model", "_id", "id", "events", "changes", "record", "version", "sent_at",
          "backlog", "shop", "entities", "at", "kind", "action")
BODY = (st.binary(max_size=200) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), VALUE, max_size=6)
        .map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")) | st.sampled_from(
            [b"", b"{}", b"[]", b"null", b'{"a":' * 900, b'{"token":1,"token":2}', b"\xff\xfe{\x00}\x00", b'{"qty": 1e999}']))
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
HEADERS = st.dictionaries(st.sampled_from(["Authorization", "X-Cron-Token", "Content-Type", "Cookie", "Accept-Language",
                                           "Content-Encoding", "X-Forwarded-For", "HX-Request", "Sec-Fetch-Site"]),
                          HEADER, max_size=4)
QUERY = st.dictionaries(st.sampled_from(["token", "next", "language", "filename", "v"]) | st.text(max_size=4), TEXT, max_size=3)
METHOD = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
PATH = st.sampled_from(sorted(path.replace("<path:filename>", "../wsgi.py") for path in EXPECTED_PUBLIC))


def ask(world: World, method: str, path: str, **request: Any) -> TestResponse:
    """Send it; it is answered in time and without a failure of ours."""
    began = time.process_time()
    answer = world.app.test_client().open(path, method=method, **request)
    assert time.process_time() - began < SLOWEST, f"{method} {path} took too long"
    assert answer.status_code < 500, f"{method} {path}: {answer.status_code}\n{answer.text}"
    return answer


def queue(world: World) -> list[tuple[Any, ...]]:
    with world.db.read() as session:
        return [tuple(row) for row in session.execute(select(SyncJob.id, SyncJob.record, SyncJob.version))]


def encodable(query: dict[str, str]) -> dict[str, str]:
    return {name.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode() for name, value in query.items()}


@FUZZ
@given(METHOD, PATH, QUERY, HEADERS, BODY)
def test_who_has_no_token_gets_a_refusal_and_leaves_no_trace(world: World, method: str, path: str, query: dict[str, str],
                                                             headers: dict[str, str], body: bytes) -> None:
    before = queue(world)
    answer = ask(world, method, path, query_string=encodable(query), headers=headers, data=body)
    if path in ("/cron", "/webhook", "/hooks/prestashop"):
        assert answer.status_code == 403
    assert queue(world) == before


@FUZZ
@given(METHOD, st.sampled_from(["header", "address", "body"]), BODY)
def test_who_has_the_token_of_the_webhook_gets_its_fault_named(world: World, method: str, where: str, body: bytes) -> None:
    token = world.tokens(world.mine)["webhook"]
    request: dict[str, Any] = {"data": body}
    if where == "header":
        request["headers"] = {"Authorization": f"Bearer {token}"}
    elif where == "address":
        request["query_string"] = {"token": token}
    else:
        request["data"] = b'{"token": "' + token.encode() + b'", ' + body.lstrip()[1:]
    before = queue(world)
    answer = ask(world, method, "/webhook", **request)
    assert answer.status_code in (202, 400, 405, 413, 415, 422)
    if answer.status_code != 202:
        assert queue(world) == before
        if method == "POST":
            assert set(answer.get_json()) >= {"error"}


@FUZZ
@given(METHOD, HEADERS, BODY)
def test_the_cron_takes_no_notice_of_what_is_sent_along(world: World, method: str, headers: dict[str, str], body: bytes) -> None:
    token = world.tokens(world.mine)["cron"]
    answer = ask(world, method, "/cron", headers={**headers, "Authorization": f"Bearer {token}"}, data=body)
    assert answer.status_code == (202 if method in ("GET", "HEAD", "POST") else 405)


@FUZZ
@given(BODY, st.integers(-10**6, 10**6), st.booleans())
def test_a_signed_message_is_taken_whole_or_refused_without_a_trace(world: World, body: bytes, off: int, soon: bool) -> None:
    with world.db.read() as session:
        key = session.get_one(Store, world.mine).key
    at = int(now().timestamp()) + (off % 100 if soon else off)
    secret = world.tokens(world.mine)["hooks"]
    before = queue(world)
    answer = ask(world, "POST", "/hooks/prestashop", data=body, headers={
        **sign([secret], at, body), STORE_HEADER: key})
    if answer.status_code != 202:
        assert queue(world) == before
