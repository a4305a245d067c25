"""The documentation is tested against the code."""

from __future__ import annotations

import re
from pathlib import Path

import click

import bootstrap
from portal.cli import main
from portal.config import SETTINGS
from portal.settings import STORE_SETTINGS

ROOT = Path(__file__).parent.parent
DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def test_every_setting_is_documented_with_its_text() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    for setting in SETTINGS:
        assert f"| `{setting.env}` |" in page
        assert setting.help in page, setting.env
    for choice in STORE_SETTINGS:
        assert f"| `{choice.key}` |" in page
        assert choice.help in page, choice.key


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {s.env for s in SETTINGS} | {"PORTAL_TEST_POSTGRES_URL", "PORTAL_TEST_NOTHING_LEFT_OUT"}
    for page in DOCS:
        assert set(re.findall(r"\b(?:PORTAL_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", page.read_text())) <= known, page.name


def test_every_command_named_in_the_documentation_exists() -> None:
    for page in DOCS:
        for words in re.findall(r"^portal ([a-z]+)(?: ([a-z]+))?", page.read_text(), re.M):
            assert exists([word for word in words if word]), f"{page.name}: portal {' '.join(words)}"
        for words in re.findall(r"`portal ([a-z]+)(?: ([a-z]+))?", page.read_text()):
            assert exists([word for word in words if word]), f"{page.name}: portal {' '.join(words)}"


def exists(words: list[str]) -> bool:
    command: click.Command = main
    for word in words:
        if not isinstance(command, click.Group):
            return True
        found = command.commands.get(word)
        if found is None:
            return False
        command = found
    return True


def test_every_make_target_is_a_command_of_bootstrap() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.M).group(1).split())  # type: ignore[union-attr]
    assert targets == set(bootstrap.HELP)
    for page in DOCS:
        assert set(re.findall(r"`make ([a-z]+)", page.read_text())) <= targets, page.name


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    for page in DOCS:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_test_named_in_the_documentation_exists() -> None:
    named = 0
    for page in DOCS:
        for file, test in re.findall(r"`(\w+/\w+\.py)::(\w+)`", page.read_text()):
            assert re.search(rf"^def {test}\(", (ROOT / "tests" / file).read_text(), re.M), f"{page.name}: {file}::{test}"
            named += 1
    assert named > 50
