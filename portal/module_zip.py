"""The installable zip of the PrestaShop module, ready-configured for a store. Same input, same bytes."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SOURCE = Path(__file__).parent / "prestashop_module"
NAME = "odooconnector"
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class StoreFacts:
    """What the module needs to know: the portal's public address, the store's key and the secret it signs with."""

    url: str
    store: str
    secret: str


def build(facts: StoreFacts | None, out: Path | BinaryIO) -> None:
    """Write the zip for a store, or (None) one that the merchant connects by hand on the module's page.

    Entries are sorted, dated 1980 and stored uncompressed, so that the bytes depend on the content alone.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(p for p in SOURCE.rglob("*") if p.is_file()):
            name = path.relative_to(SOURCE).as_posix()
            content = path.read_bytes()
            if name == "connection.php" and facts is not None:
                content = _filled_in(content.decode(), facts).encode()
            entry = zipfile.ZipInfo(f"{NAME}/{name}", _DATE)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            archive.writestr(entry, content)


def version() -> str:
    """The version of the module in this portal."""
    found = re.search(r"\$this->version = '([0-9.]+)'", (SOURCE / f"{NAME}.php").read_text("utf-8"))
    assert found, "the module's main file names no version"
    return found.group(1)


def _filled_in(source: str, facts: StoreFacts) -> str:
    for key, value in (("url", facts.url.rstrip("/")), ("store", facts.store), ("secret", facts.secret)):
        empty = f"'{key}' => '',"
        assert source.count(empty) == 1, f"connection.php has no place for {key}"
        source = source.replace(empty, f"'{key}' => '{_quoted(value)}',")
    return source


def _quoted(value: str) -> str:
    """The inside of a PHP string in single quotes."""
    return value.replace("\\", "\\\\").replace("'", "\\'")
