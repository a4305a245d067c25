from __future__ import annotations

import os

import pytest

from portal import crypto
from portal.db import Base, Database, make_engine


@pytest.fixture(params=["sqlite","pg"])
def db(tmp_path, request):
    crypto.use_keys(["x"*32])
    url=f"sqlite:///{tmp_path/'p.sqlite3'}"
    if request.param=="pg":
        if "TMPPG" not in os.environ: pytest.skip("no pg")
        url=os.environ["TMPPG"]
    d=Database(make_engine(url)); Base.metadata.drop_all(d.engine); Base.metadata.create_all(d.engine)
    yield d
    d.engine.dispose()
