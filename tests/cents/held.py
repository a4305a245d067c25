"""`python -m tests.cents.held > docs/held-orders.md`: the recorded orders that stay quotations, and why."""

from __future__ import annotations

import sys

from tests.cents.run import Count
from tests.cents.truth import VERSIONS, odoo, sources

HEAD = """# Recorded orders that are held

`tests/cents` runs 418 orders that PrestaShop 8.1.2 and 9.1.4 computed themselves, 209 each, against every Odoo profile: versions
14 to 19, taxes rounded per line and globally, prices with 2 and 6 decimals, sales taxes included in the price, on top of it, or
both. On every profile all of them end equal to the cent, except these. They stay quotations in Odoo, with the reason shown here;
nothing is confirmed or invoiced. This page is written by `python -m tests.cents.held`; a test compares it with the code.

| shop | order | held because | how the order was made |
| --- | --- | --- | --- |
"""


def table() -> str:
    """The page, from the recorded orders on one profile; that the others hold the same orders is tested."""
    rows = []
    for version in VERSIONS:
        for what, source in sources(version):
            count = Count()
            count.add(source, odoo(19), "")
            for _, _, reason in count.held:
                rows.append(f"| {version} | {source.record} | {reason} | {_plain(what)} |")
    return HEAD + "\n".join(rows) + "\n"


def _plain(what: str) -> str:
    """How the order was made, without the shop's internal names and with long texts cut."""
    text = what.split(" (PrestaShop")[0].replace("|", "/").replace("; ", ", ")
    return text if len(text) < 220 else f"{text[:217]}…"


if __name__ == "__main__":
    sys.stdout.write(table())
