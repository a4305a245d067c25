"""`portal sync|status|drain|dead|log`: what is under way, and what needs a person."""

from __future__ import annotations

import sys

import click
from sqlalchemy import select

from portal.console import fail, find_store, json_option, open_services, open_store, show
from portal.models import Store, SyncJob
from portal.settings import SettingError
from portal.sync import drain, initial, jobs, view

ENTITIES = {"customers": "customer", "products": "product", "stock": "stock", "orders": "order"}


@click.command("sync")
@click.argument("name")
@click.argument("entity", type=click.Choice(list(ENTITIES)))
@click.option("--wait", is_flag=True, help="Work in the foreground and return when it is finished.")
@json_option
def sync_command(name: str, entity: str, wait: bool, as_json: bool) -> None:
    """Initial sync of an entity."""
    services, found = open_store(name)
    if wait and not found.settings["enabled"]:
        fail(f"enabled: synchronization is switched off for {name}, so nothing would be sent. "
              f"First: portal store set {name} enabled=1")
    try:
        with services.db.begin() as session:
            initial.start(session, session.get_one(Store, found.id), ENTITIES[entity], actor="command line")
    except SettingError as error:
        fail(str(error))
    stopped = ""
    if wait:
        stopped = drain.drain(services, found, hurry=False).stopped
    else:
        services.kick()
    with services.db.read() as session:
        row = next(r for r in initial.progress(session, found) if r.entity == ENTITIES[entity])
    show(vars(row), as_json, lambda: f"{row.label}: {row.noticed} noticed, {row.done} synced, {row.waiting} waiting, "
                                     f"{row.failed} in quarantine. {stopped}".strip())
    sys.exit(1 if wait and (stopped or row.failed or (row.waiting and not found.settings["dry_run"])) else 0)


@click.command()
@click.argument("name", required=False)
@json_option
def status(name: str | None, as_json: bool) -> None:
    """Counters of every store, or of one."""
    services = open_services()
    with services.db.read() as session:
        rows = [find_store(services, name)] if name else list(session.scalars(select(Store).order_by(Store.name)))
        facts = {"stores": [view.status(session, row) for row in rows]}
    show(facts, as_json, lambda: "\n".join(
        f"{s['name']}: " + ", ".join(f"{n} {what}" for what, n in s["queue"].items()) + "; linked: "
        + (", ".join(f"{n} {what}" for what, n in s["mappings"].items()) or "nothing yet")
        + "".join(f"\n  {t['side']} {t['state']}: {t['reason']}" for t in s["trouble"]) for s in facts["stores"])
        or "No store yet.")


@click.command("drain")
@click.argument("name")
@json_option
def drain_command(name: str, as_json: bool) -> None:
    """Process the queue now, in the foreground, until nothing is due."""
    services, found = open_store(name)
    result = drain.drain(services, found)
    with services.db.read() as session:
        counts = jobs.counts(session, found.id)
    show({"ran": result.ran, "stopped": result.stopped, "queue": counts}, as_json,
          lambda: f"{result.ran} changes processed; " + ", ".join(f"{n} {what}" for what, n in counts.items())
          + (f". {result.stopped}" if result.stopped else "."))
    sys.exit(1 if result.stopped else 0)


@click.group()
def dead() -> None:
    """Dead letters: changes in quarantine."""


@dead.command("list")
@click.argument("name")
@json_option
def dead_list(name: str, as_json: bool) -> None:
    """Every dead letter with its cause."""
    services, found = open_store(name)
    with services.db.read() as session:
        rows = select(SyncJob).where(SyncJob.store_id == found.id, SyncJob.state == "dead").order_by(SyncJob.id)
        facts = [view.job_facts(row) for row in session.scalars(rows)]
    show(facts, as_json, lambda: "\n".join(
        f"{f['id']}  {f['entity']} {f['record']}: {f['message']} {f['remedy']}".rstrip() for f in facts) or "No dead letters.")


def _chosen(ids: tuple[int, ...], every: bool) -> list[int] | None:
    if bool(ids) == every:
        fail("Give the ids of dead letters, or --all.")
    return None if every else list(ids)


@dead.command("retry")
@click.argument("name")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True)
@json_option
def dead_retry(name: str, ids: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Try dead letters again."""
    services, found = open_store(name)
    with services.db.begin() as session:
        result = jobs.retry(session, found.id, _chosen(ids, every), "command line")
    services.kick()
    show(vars(result), as_json, lambda: f"{result.retried} will be tried again, {result.merged} joined a newer change, "
                                         f"{result.missing} are not in quarantine.")
    sys.exit(1 if result.missing else 0)


@dead.command("discard")
@click.argument("name")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True)
@json_option
def dead_discard(name: str, ids: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Give dead letters up for good."""
    services, found = open_store(name)
    chosen = _chosen(ids, every)
    with services.db.begin() as session:
        done = jobs.discard(session, found.id, chosen, "command line")
    services.kick()
    show({"discarded": done}, as_json, lambda: f"{done} discarded.")
    sys.exit(0 if chosen is None or done == len(set(chosen)) else 1)


@click.command("log")
@click.argument("name")
@click.option("-n", "--lines", default=50, show_default=True)
@json_option
def log_command(name: str, lines: int, as_json: bool) -> None:
    """The newest entries of a store's log, newest last."""
    services, found = open_store(name)
    with services.db.read() as session:
        facts = view.log_facts(session, found.id, lines)
    show(facts, as_json, lambda: "\n".join(f"{f['at']}  {f['level']:7}  {f['message']}" for f in facts) or "Nothing yet.")
