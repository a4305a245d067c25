"""The arrows of the house plan, stricter than import-linter can say it: what is pure stays pure whatever modules come later."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.platform.standin import ROOT

PORTAL = ROOT / "portal"


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """(file, absolute module) for each import below a folder of the package."""
    for path in sorted((PORTAL / folder).rglob("*.py")):
        package = path.relative_to(ROOT).parent.parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[:len(package) - node.level + 1] if node.level else ()
                module = ".".join([*above, *filter(None, [node.module])])
                yield from ((path.name, f"{module}.{alias.name}") for alias in node.names)


def is_in(module: str, *packages: str) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(("folder", "from_outside"), [
    ("entities", set()), ("sandbox", {"defusedxml"}), ("clients", {"httpx", "httpcore", "defusedxml", "certifi"}),
])
def test_what_stands_alone_imports_nothing_else_of_ours(folder: str, from_outside: set[str]) -> None:
    found = list(imports(folder))
    assert found
    for file, module in found:
        if not is_in(module, f"portal.{folder}"):
            assert module.partition(".")[0] in sys.stdlib_module_names | from_outside, f"{file} imports {module}"


def test_sync_knows_nothing_of_the_web() -> None:
    for file, module in imports("sync"):
        above = is_in(module, "flask", "flask_sqlalchemy", "werkzeug", "portal.web", "portal.cli", "portal.sandbox")
        assert not above, f"{file} imports {module}"


def test_the_entry_points_are_as_small_as_promised() -> None:
    assert len((ROOT / "wsgi.py").read_text().splitlines()) <= 6
    assert len((ROOT / "worker.py").read_text().splitlines()) <= 45
