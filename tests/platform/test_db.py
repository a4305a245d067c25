from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as TurnTimeout

from portal.db import Database, make_engine


def test_threads_take_turns_to_write_to_sqlite_and_none_of_them_is_turned_away(tmp_path: Path) -> None:
    db = Database(make_engine(f"sqlite:///{tmp_path / 'one.sqlite3'}"))
    with db.begin() as session:
        session.execute(text("CREATE TABLE counted (n INTEGER)"))
        session.execute(text("INSERT INTO counted VALUES (0)"))

    def count() -> None:
        for _ in range(10):
            with db.begin() as session:
                number = session.scalar(text("SELECT n FROM counted"))
                session.execute(text(f"UPDATE counted SET n = {number + 1}"))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as session:
        assert session.scalar(text("SELECT n FROM counted")) == 80
    db.engine.dispose()


def test_who_waits_too_long_for_a_turn_is_told_so_and_the_next_one_gets_it(tmp_path: Path) -> None:
    db = Database(make_engine(f"sqlite:///{tmp_path / 'one.sqlite3'}"))
    with db.turn(1), pytest.raises(TurnTimeout), db.turn(0.01):
        pass
    with db.turn(0.01):
        pass
    with pytest.raises(ZeroDivisionError), db.turn(1):
        raise ZeroDivisionError
    with db.turn(0.01):
        pass
    db.engine.dispose()


@pytest.mark.postgres
def test_postgresql_needs_no_turns(postgres: Database) -> None:
    with postgres.turn(0), postgres.turn(0):
        pass
