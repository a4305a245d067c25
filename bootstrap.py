#!/usr/bin/env python3
"""Installs the project into .venv and runs its commands. Needs only Python 3.11 and the standard library.

    python3 bootstrap.py run | test | lint | bench | cents | ui | chaos [SEEDS=N] | screenshots | install | help
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
HELP = {
    "run": "install and start everything: web, workers, embedded Redis, demo store",
    "test": "install and run every test that can run on this machine",
    "lint": "ruff, mypy and the layer contracts",
    "bench": "benchmarks; they print ratios",
    "cents": "generate orders and compare both sides to the cent",
    "ui": "browser journeys in headless Chromium",
    "chaos": "random faults; SEEDS=N says how many runs",
    "screenshots": "pictures of every page into docs/screenshots",
    "install": "install only",
    "help": "this list",
}


def main(words: list[str]) -> int:
    name = words[0] if words else "help"
    if name not in HELP:
        print(f"There is no command {name!r}.")
        name = "help"
    if name == "help":
        for command, text in HELP.items():
            print(f"  make {command:12} {text}")
        return 0
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return 1
    install(dev=name not in ("run", "install"))
    options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    env = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}", "PYTHONPATH": str(HERE)}
    for command in commands(name, options):
        code = subprocess.call([str(PYTHON), "-m", *command], cwd=HERE, env=env)
        if code:
            return code
    return 0


def commands(name: str, options: dict[str, str]) -> list[list[str]]:
    """What each command runs, as `python -m` arguments."""
    return {
        "run": [["portal", "up"]],
        "test": [["pytest"]],
        "lint": [["ruff", "check", "."], ["mypy"], ["importlinter.cli"]],
        "bench": [["bench"]],
        "cents": [["tests.cents"]],
        "ui": [["pytest", "tests/ui"]],
        "chaos": [["tests.chaos", f"--seeds={options.get('SEEDS', '20')}"]],
        "screenshots": [["tests.ui.screenshots"]],
        "install": [],
    }[name]


def install(*, dev: bool) -> None:
    """Make .venv equal to the lock file; nothing to do when it is already."""
    lock = HERE / ("requirements-dev.lock" if dev else "requirements.lock")
    stamp = VENV / f"installed-{lock.stem}"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    full = VENV / "installed-requirements-dev"
    if (stamp.exists() and stamp.read_text() == wanted) or (not dev and full.exists() and PYTHON.exists() and _covers(full)):
        return
    print(f"Installing into {VENV.name} …", flush=True)
    uv = shutil.which("uv")
    if not PYTHON.exists():
        make_venv(uv)
    if uv:
        command = [uv, "pip", "install", "--python", str(PYTHON), "--quiet"]
    elif subprocess.call([str(PYTHON), "-m", "pip", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    else:
        command = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.check_call([*command, "--require-hashes", "--only-binary=:all:", "-r", str(lock)])
    link_commands()
    stamp.write_text(wanted)


def _covers(full: Path) -> bool:
    """Whether the development lock, which contains the other one, is installed as it stands now."""
    return full.read_text() == hashlib.sha256((HERE / "requirements-dev.lock").read_bytes()).hexdigest()


def make_venv(uv: str | None) -> None:
    """Create .venv; without the venv module's pip (Debian splits it off) an empty one, filled from outside."""
    if uv:
        subprocess.check_call([uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
    elif subprocess.call([sys.executable, "-m", "venv", str(VENV)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.check_call([sys.executable, "-m", "venv", "--without-pip", str(VENV)])


def link_commands() -> None:
    """Put the project on the environment's path and the `portal` command beside its Python, without building a package."""
    site = next((VENV / "lib").glob("python3*/site-packages"))
    (site / "odoo_connector.pth").write_text(f"{HERE}\n")
    script = VENV / "bin" / "portal"
    script.write_text(f"#!{PYTHON}\nimport sys\nfrom portal.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
