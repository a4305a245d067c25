"""Installing and starting, as far as it needs no network."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bootstrap
from tests.platform.standin import ROOT

LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock"]
NAME = re.compile(r"^[A-Za-z0-9_.-]+")


def pins(lock: Path) -> set[str]:
    return {line.removesuffix("\\").strip() for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))}


def pinned_extras(lock: Path) -> dict[str, set[str]]:
    """{package: the extras it is pinned with}."""
    found = (re.match(r"([a-z0-9.-]+)(?:\[([a-z,]+)\])?==", pin) for pin in pins(lock))
    return {match[1]: set((match[2] or "").split(",")) for match in found if match}


def names(wanted: list[str]) -> set[str]:
    return {NAME.match(entry).group().lower() for entry in wanted}  # type: ignore[union-attr]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_a_hash_for_each_package_and_names_no_host(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|index-url|find-links|trusted-host", text)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 40
    for entry in entries:
        assert re.match(r"^[a-z0-9.-]+(?:\[[a-z,]+\])?==[^ ]+ (?:; .+ )?\\\n", entry), entry.splitlines()[0]
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line) for line in entry.splitlines()[1:]), entry


def test_the_locks_hold_what_the_project_asks_for_and_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    runtime, everything = map(pins, LOCKS)
    assert runtime <= everything
    assert names([*project["dependencies"], *extras["postgres"]]) <= names(sorted(runtime))
    assert names(extras["dev"]) <= names(sorted(everything))
    assert names(extras["dev"]).isdisjoint(names(sorted(runtime)))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_what_a_package_wants_with_an_extra_is_pinned_with_it(lock: Path) -> None:
    """Otherwise pip looks for the newest release of it, and refuses that one because it has no hash."""
    extras = pinned_extras(lock)
    for package, own in extras.items():
        try:
            wanted = [Requirement(text) for text in importlib.metadata.requires(package) or []]
        except importlib.metadata.PackageNotFoundError:  # pinned for another system
            continue
        for requirement in wanted:
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in own):
                assert requirement.extras <= extras[canonicalize_name(requirement.name)], f"{package} wants {requirement}"


def test_help_needs_nothing_but_python_and_an_unknown_command_is_an_error() -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "bootstrap.py")]
    shown = subprocess.run([*command, "help"], capture_output=True, text=True, check=True).stdout
    assert all(name in shown for name in bootstrap.HELP)
    wrong = subprocess.run([*command, "nonsense"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (1, "There is no command 'nonsense'.\n")


def installed(folder: Path, program: str) -> Path:
    """A copy of the project in which everything counts as installed and Python is the given shell script."""
    shutil.copy(ROOT / "bootstrap.py", folder)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(0o755)
    for name in ("requirements", "requirements-dev"):
        (folder / f"{name}.lock").write_text("nothing\n")
        digest = hashlib.sha256(b"nothing\n").hexdigest()
        (folder / ".venv" / f"installed-{name}").write_text(f"{digest} {os.path.realpath(python)}")
    return folder / "bootstrap.py"


@pytest.mark.processes
def test_the_portal_takes_the_place_of_bootstrap_so_that_signals_reach_it(tmp_path: Path) -> None:
    script = installed(tmp_path, 'echo "$$ $*"; exec sleep 60')
    process = subprocess.Popen([sys.executable, str(script), "run"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == f"{process.pid} -m portal up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.stdout.close()


@pytest.mark.processes
def test_lint_stops_at_the_first_complaint(tmp_path: Path) -> None:
    script = installed(tmp_path, 'echo "$*"; exit 7')
    ended = subprocess.run([sys.executable, str(script), "lint"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (7, "-m ruff check .\n")


def test_a_changed_lock_or_another_python_is_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "true")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    lock = tmp_path / "requirements.lock"
    assert bootstrap.is_installed(lock)
    lock.write_text("something\n")
    assert not bootstrap.is_installed(lock)
    lock.write_text("nothing\n")
    bootstrap.PYTHON.rename(tmp_path / "python3.99")
    assert not bootstrap.is_installed(lock)
    bootstrap.PYTHON.symlink_to(tmp_path / "python3.99")
    assert not bootstrap.is_installed(lock)
