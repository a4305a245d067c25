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

CONTEXT = "said"
LAYERS = ("portal/sync/**/*.py", "portal/clients/**/*.py", "portal/entities/**/*.py", "portal/settings.py")
FOR_PROGRAMS = ("hook_message.py", "prestashop_query.py", "webhook.py")
"""What answers programs, in English."""
FOR_PROGRAMMERS = ("ValueError", "TypeError", "RuntimeError", "AssertionError", "KeyError", "LookupError")
GAPS = (
    "the shop", "The shop", "on", "off", "nothing", "customer", "product", "combination", "stock", "order", "Customer", "Product",
    "Combination", "Order", "name", "price", "reference", "barcode", "description", "active", "weight", "cost", "impact", "yes",
    "no", "more", "less", "mappings", "jobs", "log entries", "Connector", "created", "nothing to change.", "no tax", "the address",
    "is paused until this is solved", "cannot be used now; nothing is lost",
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
    text = text.lstrip(" .;,")
    key = re.match(r"(?:\{1\}|[a-z_]+): (?=\S)", text)
    if key is None or not text.endswith("."):
        return text
    rest = text[key.end():]
    if key[0].startswith("{1}"):
        rest = re.sub(r"\{(\d)\}", lambda gap: "{" + str(int(gap[1]) - 1) + "}", rest)
    return rest[:1].upper() + rest[1:]


def _is_said(text: str) -> bool:
    """A sentence has words and an end; what a rehearsal foresees has no end."""
    if not re.search(r"[A-Za-z]{2,}[ ,:;]", text) or re.search(r"\\\\|\(\?|\^|<\?|\[\^|SELECT ", text):
        return False
    return bool(re.search(r"[a-z0-9)}”][.!?]$", text)) or text.startswith("would ")


def _is_for_programmers(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return isinstance(node.exc.func, ast.Name) and node.exc.func.id in FOR_PROGRAMMERS
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) \
        and node.func.value.id == "logger"
