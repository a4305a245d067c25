"""Writes a migration from what `portal/models.py` has and the migrations do not:

    .venv/bin/python migrations/write.py "what it is for"     # a further one
    .venv/bin/python migrations/write.py --first              # the first one anew; only before a release
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from portal.config import Config
from portal.db import make_engine
from portal.migrate import SCRIPTS, alembic_config, changing, upgrade

VERSIONS = SCRIPTS / "versions"


def main(words: list[str]) -> None:
    if words == ["--first"]:
        for file in VERSIONS.glob("*.py"):
            file.unlink()
        words = ["The first schema"]
    if len(words) != 1 or words[0].startswith("-"):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        config = Config.from_env({"PORTAL_DATA_DIR": folder})
        if any(VERSIONS.glob("*.py")):
            upgrade(config)
        engine = make_engine(config.database_url)
        number = f"{len(list(VERSIONS.glob('*.py'))) + 1:04}"
        with changing(engine) as connection:
            script = command.revision(alembic_config(connection), words[0], autogenerate=True, rev_id=number)
        engine.dispose()
    path = Path(script.path)  # type: ignore[union-attr]
    path.write_text(path.read_text().rstrip() + "\n")
    print(f"Written: {path.relative_to(SCRIPTS.parent)}. Read it before you commit it.")


if __name__ == "__main__":
    main(sys.argv[1:])
