"""Finds the sentences that the connector says without knowing its reader: causes, remedies, lines of the log.

They stand as text and f-strings in the layers below the web. Each becomes an entry of the catalogues under the context "said", its
values as numbered gaps; `portal.web.told` recognises it again when a page shows it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from portal.entities import registry
from portal.entities.ledger import KINDS
from portal.settings import STORE_SETTINGS
from portal.sync.ledgers import HELD
from portal.sync.stores import LABELS

CONTEXT = "said"
LAYERS = ("portal/sync/**/*.py", "portal/clients/**/*.py", "portal/entities/**/*.py", "portal/settings.py")
FOR_PROGRAMS = ("hook_message.py", "prestashop_query.py", "webhook.py")
"""What answers programs, in English."""
FOR_PROGRAMMERS = ("ValueError", "TypeError", "RuntimeError", "AssertionError", "KeyError", "LookupError")
GAPS = (
    "the shop", "The shop", "on", "off", "nothing", "customer", "product", "combination", "stock", "order", "Customer", "Product",
    "Combination", "Order", "name", "price", "reference", "barcode", "description", "active", "weight", "cost", "impact", "yes",
    "no", "more", "less", "Connector", "created", "nothing to change.", "no tax", "the address",
    "both ways", "a person decides", "empty", "the shop's own", "the first internal location",
    "VAT number", "e-mail address", "credit note", "invoice",
    "{1} cannot be used now; nothing is lost:", "{1} is paused until this is solved:", "{1} in Odoo changed.",
    "{1} in the shop changed.", "{1} in the shop and {2} in Odoo changed.", "Confirmed.", "{1} synced", "difference", "differences",
    "deleted (was id {1})", "no such order", "cancelled or refunded", "order of {1}", "state {1}", "not active",
    "{1}, should be {2}", "as it should be", "{1} refuses the connection", "{1} cannot be reached", "Nobody looks for due work",
    "No worker takes the changes", "This is a test", "{1} between shop and Odoo", "{1} change needs you", "{1} changes need you",
    "the order is locked in Odoo", "goods have left already", "it is a quotation in Odoo", "the shop knows it already",
    "the shop's order is in that state already", "the shop's order is cancelled or refunded", "the shop's order is further already",
    "the shop's order has ended already", "no state of the shop is chosen for {1}", "Total without tax", "Removed: {1}",
    "Both sides changed the {1};", "Order {1} ({2})",
    "quantity", "thawed by {1}", "{1} record is frozen", "{1} records are frozen",
    "Added: {1}", "Delivery address", "Invoice address",
    "Odoo does not track the inventory of this product", "price extras changed", "is unchanged",
    "Odoo tracks it by lot or serial number, which the shop does not know",
    "it is a pack in the shop, whose parts are counted apart",
    "retried by {1}", "discarded by {1}", "was discarded", "merged into the newer change {1}", "looks again by itself",
    "a later change of this record was synchronised", "the record failed again with a later change", "is in quarantine",
    "was put into quarantine", "failed and will be tried again", "the worker that held this change is gone", "{1} is there",
    "created in Odoo (id {1}) with {2}", "linked to Odoo id {1} with {2}", "in Odoo (id {1})", "it was deleted in the shop",
    "the shop is a multistore", "products go from Odoo to the shop", "products with combinations go from Odoo to the shop",
    "stock goes from Odoo to the shop", "order states go back to the shop", "tracking numbers go back to the shop",
    "the shop's own total is not the sum of its lines, because it adds them up before rounding",
    "Odoo's arithmetic cannot express every line", "PrestaShop {1}: {2} rights are missing", "the taxes were read again",
    "a tax was chosen by {1}", "what is found by itself", "{1} variants created", "{1} variants changed", "{1} variants archived",
    "is in Odoo already", "is a quotation whose lines would be renewed",
    "was changed in the shop after it was confirmed, and would be left as it is",
)
"""Words that stand in the gaps of sentences."""


def collect(root: Path) -> Iterator[tuple[str, str]]:
    """(file, sentence) of everything that may be said."""
    for pattern in LAYERS:
        for path in sorted(root.glob(pattern)):
            if path.name not in FOR_PROGRAMS:
                for text in sentences(path.read_text()):
                    yield str(path.relative_to(root)), text
    for path in sorted(root.glob("portal/web/*.py")):
        for line in _lines_of_the_log(path.read_text()):
            for text in sentences(line):
                yield str(path.relative_to(root)), text
    for text in GAPS:
        yield "translations/said.py", text
    for setting in STORE_SETTINGS:
        yield "portal/settings.py", setting.label
    for label in LABELS.values():
        yield "portal/sync/stores.py", label
    for entity in registry.ENTITIES:
        yield "portal/entities/registry.py", entity.label
        yield "portal/entities/registry.py", entity.label.lower()
    for label in KINDS.values():
        yield "portal/entities/ledger.py", label
    for title, _remedy in HELD.values():
        yield "portal/sync/ledgers.py", title


def sentences(source: str) -> Iterator[str]:
    """The sentences of a module, with their gaps."""
    tree = ast.parse(source)
    passed_over: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in passed_over:
            continue
        if _is_for_programmers(node):
            passed_over.update(map(id, ast.walk(node)))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed_over.add(id(node.value))  # a docstring
        elif isinstance(node, ast.JoinedStr):
            passed_over.update(map(id, node.values))
            text = _shown(_with_gaps(node))
            if _is_said(text):
                yield text
                yield from _words_in_gaps(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_said(_shown(node.value)):
            yield _shown(node.value)


def _lines_of_the_log(source: str) -> Iterator[str]:
    """What the pages themselves write into the log."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "log.write":
            yield ast.unparse(node)


def _with_gaps(node: ast.JoinedStr) -> str:
    text, gaps = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            gaps += 1
            text += f"{{{gaps}}}"
    return text


def _words_in_gaps(node: ast.JoinedStr) -> Iterator[str]:
    """What a gap holds where the code chooses between words."""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            for inner in ast.walk(part.value):
                if isinstance(inner, ast.IfExp):
                    for branch in (inner.body, inner.orelse):
                        if isinstance(branch, ast.Constant) and re.search("[a-z]{2}", str(branch.value)):
                            yield str(branch.value)


def _shown(text: str) -> str:
    """As a page shows it: without the key of the setting before it."""
    text = re.sub(r"(\{\d\}) \{\d\}$", r"\1", text.lstrip(" .;,"))  # joined at the end: one gap
    key = re.match(r"(?:\{1\}|[a-z_]+): (?=\S)", text)
    if key is None or not text.endswith("."):
        return text
    rest = text[key.end():]
    if key[0].startswith("{1}"):
        rest = re.sub(r"\{(\d)\}", lambda gap: "{" + str(int(gap[1]) - 1) + "}", rest)
    return rest[:1].upper() + rest[1:]


def _is_said(text: str) -> bool:
    """A sentence has words and an end, after which a gap may go on; what a rehearsal foresees has no end."""
    if " " not in text or re.search(r"\\\\|\(\?|\^|<\?|\[\^|SELECT ", text) or not re.search(r"[A-Za-z]{2,}[ ,:;]", text):
        return False
    fixed = re.sub(r"(?:\s*\{\d\})+$", "", text)
    ends = re.search(r"[A-Za-z0-9)}”/][.!?]$", fixed) or (fixed != text and " " in fixed and fixed.endswith(":"))
    return bool(ends) or text.startswith("would ")


def _is_for_programmers(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return isinstance(node.exc.func, ast.Name) and node.exc.func.id in FOR_PROGRAMMERS
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) \
        and node.func.value.id == "logger"
