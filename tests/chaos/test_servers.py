"""F13 to F19: Odoo and the shop down, slow, answering nonsense. Real workers; no attempt is used, nothing doubled."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from portal.models import JobEvent, SyncJob
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop_actions import add_customer
from portal.sync import tick
from tests.chaos.installation import Installation
from tests.chaos.middleman import Middleman, Spoil
from tests.world import eventually

OUTCOMES = ("synced", "failed", "dead", "postponed", "blocked")


def customer(world: Installation, email: str) -> int:
    return int(add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email=email))


def outcomes(world: Installation, job_id: int) -> int:
    with world.db.read() as session:
        return session.scalar(select(func.count()).where(JobEvent.job_id == job_id, JobEvent.kind.in_(OUTCOMES))) or 0


def tried(world: Installation, job_id: int) -> SyncJob:
    """The change when a worker has tried it."""
    eventually(lambda: outcomes(world, job_id) > 0, "a worker tries")
    return world.job(job_id)


def later(world: Installation) -> None:
    """Waiting times are over, and the heartbeat comes."""
    world.pass_time(leases=False)
    tick.tick(world.services, world.services.queue())


def recovers(world: Installation, job_id: int) -> None:
    """The change is done at the next try, once."""
    for _ in range(3):
        before = outcomes(world, job_id)
        later(world)
        eventually(lambda: outcomes(world, job_id) > before, "a worker tries again")  # noqa: B023
        if world.job(job_id).state == "synced":
            break
    assert world.job(job_id).state == "synced", world.job(job_id).message
    email = world.shop.shop.get("customers", int(world.job(job_id).record), "email")
    assert len(world.odoo_rows("res.partner", email=email)) == 1


@pytest.fixture
def between(world: Installation, request: pytest.FixtureRequest) -> Iterator[Middleman]:
    """A middleman in front of the side that the test names."""
    side = request.param
    parts = urlsplit(getattr(world, side).url)
    middleman = Middleman((str(parts.hostname), int(parts.port or 0)))
    world.set(**{"odoo_url" if side == "odoo" else "ps_url": middleman.url})
    yield middleman
    middleman.close()


@pytest.mark.parametrize("side", ["odoo", "shop"])
def test_a_server_is_down_for_long_and_nothing_dies(world: Installation, side: str) -> None:
    """F13: hooks are taken, the count rises, no attempt is used; all goes out by itself afterwards."""
    server = getattr(world, side)
    world.start_web()
    server.stop()
    world.fork_worker()
    numbers = [customer(world, f"c{n}@example.com") for n in range(6)]
    ids = []
    for count, number in enumerate(numbers, 1):
        status, facts = world.hook([("customer", number)])
        assert status == 202
        ids += facts["jobs"]
        later(world)
        eventually(lambda: world.circuit(side) == "open" and not world.running(), "the side counts as down")
        assert world.cron()[1]["queue"] == {"pending": count, "synced": 0, "error": 0, "dead": 0}
    assert {(job.state, job.attempts) for job in world.jobs("pending", "error", "dead")} == {("pending", 0)}
    server.start()
    later(world)
    world.until("synced", *ids)
    assert world.circuit(side) == "closed"


FROM_ODOO = {
    "502": ("status", {"status": 502}), "503": ("status", {"status": 503}), "504": ("status", {"status": 504}),
    "log-in page": ("html", {}), "429": ("throttle", {"seconds": 1}), "half an answer": ("cut", {}), "no answer": ("drop", {}),
}


def test_what_a_proxy_says_instead_of_odoo_is_never_a_success(world: Installation) -> None:
    """F14 and F15."""
    world.fork_worker()
    for number, (name, (kind, options)) in enumerate(FROM_ODOO.items()):
        world.odoo.faults.arm(kind, side="odoo", model="res.partner", method="load", **options)
        job_id = world.notice("customer", customer(world, f"c{number}@example.com"))
        job = tried(world, job_id)
        assert (job.state, job.attempts) == ("pending", 0), f"{name}: {job.message}"
        assert "<" not in job.message, name
        recovers(world, job_id)


def test_a_commit_that_comes_after_our_time_is_adopted(world: Installation) -> None:
    """F16: not tried again before Odoo has given the request up."""
    world.odoo.faults.arm("late", side="odoo", model="res.partner", method="load", name="late")
    world.fork_worker()
    job_id = world.notice("customer", customer(world, "ada@example.com"))
    job = tried(world, job_id)
    assert (job.state, job.attempts, job.uncertain) == ("pending", 0, True)
    assert (job.due_at - job.updated_at).total_seconds() > 140
    world.odoo.faults.release("late")
    world.odoo.faults.wait_late()
    recovers(world, job_id)


def dribble(body: bytes) -> Iterator[bytes]:
    for sign in itertools.chain(body, itertools.repeat(32)):
        yield bytes([sign])
        time.sleep(0.2)


def without_end(_body: bytes) -> Iterator[bytes]:
    return itertools.repeat(b" " * 65536, 200)


ODOO_SPOILED: dict[str, Spoil] = {
    "empty": lambda _body: [], "a packed answer that ends early": lambda body: [gzip.compress(body)[:20]],
    "one byte at a time": dribble, "without end": without_end, "not JSON": lambda _body: [b"{'result': True}"],
}


@pytest.mark.parametrize("between", ["odoo"], indirect=True)
def test_an_answer_that_dribbles_never_ends_or_is_nothing_is_given_up_in_time(world: Installation, between: Middleman) -> None:
    """F14, F15 and F17: the worker lives, and what it wrote is found."""
    process = world.fork_worker(PORTAL_CALL_SECONDS="1")
    for number, (name, pieces) in enumerate(ODOO_SPOILED.items()):
        between.spoil('"load"', pieces, whole=name in ("empty", "not JSON"))
        job_id = world.notice("customer", customer(world, f"c{number}@example.com"))
        job = tried(world, job_id)
        assert between.spoiled.is_set()
        assert (job.state, job.attempts, job.uncertain) == ("pending", 0, True), f"{name}: {job.message}"
        recovers(world, job_id)
    assert process.exitcode is None


@pytest.mark.parametrize(("error", "state"), [("ValidationError", "error"), ("AccessError", "pending"),
                                              ("SerializationFailure", "pending")])
def test_an_error_within_a_200_is_told_for_what_it_is(world: Installation, error: str, state: str) -> None:
    """F18: what Odoo refuses uses an attempt; a missing right pauses; a collision is tried again by itself."""
    world.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error=error, message="Odoo says no")
    world.fork_worker()
    job_id = world.notice("customer", customer(world, "ada@example.com"))
    job = tried(world, job_id)
    assert (job.state, job.attempts) == (state, int(state == "error")), job.message
    assert "Traceback" not in job.message
    assert (world.circuit("odoo") == "paused") == (error == "AccessError")
    if error == "AccessError":
        world.set(odoo_key="typed again")
        world.set(odoo_key=ODOO_KEY)
    recovers(world, job_id)


NOTICE = b"<br />\n<b>Deprecated</b>:  strlen(): Passing null in <b>/var/www/classes/Tools.php</b> on line <b>12</b><br />\n"
SHOP_SPOILED: dict[str, tuple[Callable[[bytes], list[bytes]], int, str]] = {
    "a notice of PHP before the answer": (lambda body: [NOTICE + body], 200, "synced"),
    "a byte order mark": (lambda body: [b"\xef\xbb\xbf" + body], 200, "synced"),
    "XML instead of JSON": (lambda _body: [b"<?xml version='1.0'?><prestashop><customers/></prestashop>"], 200, ""),
    "half of it": (lambda body: [body[:len(body) // 2]], 200, ""),
    "a page about maintenance": (lambda _body: [b"<html><script>alert(1)</script>Back soon</html>"], 503, ""),
    "an error of PHP": (lambda _body: [b"<b>Fatal error</b>: memory"], 500, ""),
}


@pytest.mark.parametrize("between", ["shop"], indirect=True)
def test_what_php_prints_is_cut_off_or_refused_and_never_half_read(world: Installation, between: Middleman) -> None:
    """F19: nothing that was read halfway reaches Odoo."""
    world.fork_worker()
    for number, (name, (pieces, status, state)) in enumerate(SHOP_SPOILED.items()):
        between.spoil("GET /api/customers", pieces, status=status)
        written = world.writes()
        job_id = world.notice("customer", customer(world, f"c{number}@example.com"))
        job = tried(world, job_id)
        assert between.spoiled.is_set(), name
        assert (job.state == "synced") == (state == "synced"), f"{name}: {job.state} {job.message}"
        if not state:
            assert world.writes() == written, name
            assert "<script" not in job.message, name
            recovers(world, job_id)
    between.spoil("GET /api/customers", lambda _body: [b""], status=401)
    job = tried(world, world.notice("customer", customer(world, "last@example.com")))
    assert (job.state, job.attempts, world.circuit("shop")) == ("pending", 0, "paused")
