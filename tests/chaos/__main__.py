"""Random runs from seeds. `--seeds=N` plays N of them, `--seed=K` plays one again and tells what it does."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from sqlalchemy import text

from portal.db import make_engine
from tests.chaos.installation import RedisServer, empty_postgres, empty_sqlite, install
from tests.chaos.run import Run
from tests.chaos.town import Town
from tests.conftest import DATABASE, POSTGRES, SERVER

POSTGRES_EVERY = 4
"""One in so many seeds runs on PostgreSQL, where a server is given."""


def main() -> int:
    """Exit code 1 when a seed broke an invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds to play")
    parser.add_argument("--first", type=int, default=None, help="the first seed; random unless given")
    parser.add_argument("--seed", type=int, default=None, help="play only this one")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further seed after so long")
    options = parser.parse_args()
    first = options.first if options.first is not None else random.SystemRandom().randrange(10**6)
    seeds = [options.seed] if options.seed is not None else range(first, first + options.seeds)
    began, played, failed = time.monotonic(), 0, []
    with tempfile.TemporaryDirectory(prefix="chaos-") as name, _postgres():
        folder = Path(name)
        redis = RedisServer(folder / "redis")
        try:
            for seed in seeds:
                if time.monotonic() - began > options.seconds:
                    break
                played += 1
                if not play(seed, folder, redis, tell=options.seed is not None):
                    failed.append(seed)
        finally:
            redis.kill()
    print(f"first={seeds[0]} seconds={time.monotonic() - began:.0f}" + (f" failed={failed}" if failed else ""))
    print(f"seeds={played} violations={len(failed)}")
    return 1 if failed else 0


def play(seed: int, folder: Path, redis: RedisServer, *, tell: bool) -> bool:
    """One seed; whether everything held."""
    rng = random.Random(seed)
    both_ways = rng.random() < 0.4
    version, shop_version = rng.choice(("14", "16", "17", "18", "19")), rng.choice(("8.1.2", "9.1.4"))
    on_postgres = bool(SERVER) and seed % POSTGRES_EVERY == 0
    place = folder / f"seed-{seed}"
    place.mkdir()
    redis.kill(empty=True)
    redis.start()
    template = folder / "template" / "portal.sqlite3"
    url = empty_postgres(POSTGRES) if on_postgres else empty_sqlite(template, place / "portal.sqlite3")
    way = "both" if both_ways else "ps_to_odoo"
    kind = f"{'PostgreSQL' if on_postgres else 'SQLite'}, Odoo {version}, PrestaShop {shop_version}, {way}"
    with install(place, redis, url=url, version=version, shop_version=shop_version, products=way, stock=way, order_confirm=True,
                 poll_minutes=0, max_attempts=3) as world:
        run = Run(world, Town(world, rng, both_ways=both_ways), rng)
        try:
            run.play()
        except Exception:
            print(f"--- seed {seed} ({kind}) broke after: {', '.join(run.moves)}")
            print(traceback.format_exc(limit=-3))
            print(world.log_of_processes(), flush=True)
            return False
    if tell:
        print(f"seed {seed} ({kind}): {', '.join(run.moves)}")
    return True


class _postgres:
    """A PostgreSQL database of this run, where a server is given."""

    def __enter__(self) -> None:
        if SERVER:
            self._server("CREATE DATABASE")
            from alembic import command

            from portal import migrate

            engine = make_engine(POSTGRES)
            with engine.connect() as connection:
                command.upgrade(migrate.alembic_config(connection), "head")
            engine.dispose()

    def __exit__(self, *_: object) -> None:
        if SERVER:
            self._server("DROP DATABASE", " WITH (FORCE)")

    @staticmethod
    def _server(what: str, more: str = "") -> None:
        server = make_engine(SERVER).execution_options(isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"{what} {DATABASE}{more}"))
        server.dispose()


if __name__ == "__main__":
    sys.exit(main())
