#!/usr/bin/env python3
"""Installs the project into .venv and runs its commands. Needs only Python 3.11 and the standard library.

    python3 bootstrap.py run | test | lint | bench | cents | ui | chaos [SEEDS=N] [SECONDS=N] | screenshots | install | lock | help

Words after `test` go to pytest. The packages come from a lock with hashes; they are installed again when that changed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
OLDEST = (3, 11)
WHEELS = ["--only-binary", ":all:", "--no-binary", "flask-principal"]
"""Nothing is built here, except for one small package of pure Python that was never published as a wheel."""
HELP = {
    "run": "install and start everything: web, workers, embedded Redis, demo store",
    "test": "install and run every test that can run on this machine",
    "lint": "ruff, mypy and the layer contracts",
    "bench": "benchmarks; they print ratios",
    "cents": "generate orders and compare both sides to the cent",
    "ui": "browser journeys in headless Chromium",
    "chaos": "every fault on purpose, then SEEDS=N runs at random, or as many as begin within SECONDS=N",
    "screenshots": "pictures of every page into docs/screenshots",
    "install": "install only",
    "lock": "write the lock files from pyproject.toml anew; needs uv",
    "help": "this list",
}


def main(words: list[str]) -> int:
    name = words[0] if words else "help"
    if name == "help" or name not in HELP:
        for command, text in HELP.items():
            print(f"  make {command:12} {text}")
        print("\nWithout make: python3 bootstrap.py COMMAND")
        return 0 if name == "help" else complain(f"There is no command {name!r}.")
    if sys.version_info < OLDEST:
        return use_newer_python(words)
    if name == "lock":
        return write_locks()
    try:
        install(dev=name not in ("run", "install"))
    except subprocess.CalledProcessError as error:
        return complain(f"Installing failed (exit code {error.returncode}); see the message above. Is the network reachable?")
    run = commands(name, words[1:])
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}", "PYTHONPATH": str(HERE)}
    os.chdir(HERE)
    for command in run[:-1]:
        code = subprocess.call(command, env=env)
        if code:
            return code
    if run:
        sys.stdout.flush()
        os.execve(run[-1][0], run[-1], env)  # in our place, so that Ctrl-C and signals reach it and nothing else
    return 0


def commands(name: str, words: list[str]) -> list[list[str]]:
    """What each command runs, in order."""
    options = dict(word.split("=", 1) for word in words if "=" in word)
    python = [str(PYTHON), "-m"]
    return {
        "run": [[*python, "portal", "up"]],
        "test": [[*python, "pytest", "-n", "auto", *words]],
        "lint": [[*python, "ruff", "check", "."], [*python, "mypy"], [str(BIN / "lint-imports"), "--no-logo"]],
        "bench": [[*python, "bench"]],
        "cents": [[*python, "tests.cents"]],
        "ui": [[*python, "pytest", "-m", "browser", "-n", "auto"]],
        "chaos": [[*python, "pytest", "-m", "chaos", "-q", "tests/chaos"],
                  [*python, "tests.chaos", f"--seeds={options.get('SEEDS', '20')}",
                   f"--seconds={options.get('SECONDS', 'inf')}"]],
        "screenshots": [[*python, "tests.ui.screenshots"]],
        "install": [],
    }[name]


def install(*, dev: bool) -> None:
    """Make .venv equal to the lock; nothing to do when it is already. The development lock contains the other one."""
    lock, all_of_it = HERE / "requirements.lock", HERE / "requirements-dev.lock"
    if is_installed(all_of_it) or (not dev and is_installed(lock)):
        return
    lock = all_of_it if dev else lock
    print(f"Installing into {VENV.name} …", flush=True)
    uv = shutil.which("uv")
    if not PYTHON.exists() or any(stamp.read_text().split(maxsplit=1)[-1] != interpreter() for stamp in VENV.glob("installed-*")):
        make_venv(uv)
    wanted = ["--require-hashes", *WHEELS, "-r", str(lock)]
    if uv:
        command = [uv, "pip", "install", "--python", str(PYTHON), "--quiet"]
    elif works(str(PYTHON), "-m", "pip", "--version"):
        command = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    else:
        command = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "-qq", "--disable-pip-version-check"]
    subprocess.check_call([*command, *wanted])
    link_commands()
    stamp_of(lock).write_text(stamp_text(lock))


def write_locks() -> int:
    """Both locks for every system and Python, with hashes and without the names of the hosts they came from."""
    uv = shutil.which("uv")
    if not uv:
        return complain("uv is needed to write the locks; it is not found on PATH.")
    common = [uv, "pip", "compile", "pyproject.toml", "--quiet", "--upgrade", "--universal", "--generate-hashes", "--no-header",
              "--no-annotate", "--no-strip-extras", "--no-emit-index-url", "--no-emit-find-links", *WHEELS, "--extra", "postgres"]
    os.chdir(HERE)
    subprocess.check_call([*common, "--extra", "dev", "-o", "requirements-dev.lock"])
    subprocess.check_call([*common, "-c", "requirements-dev.lock", "-o", "requirements.lock"])
    return 0


def is_installed(lock: Path) -> bool:
    """Whether this lock, as it stands now, was installed for the Python that .venv leads to now."""
    stamp = stamp_of(lock)
    return PYTHON.exists() and stamp.exists() and stamp.read_text() == stamp_text(lock)


def stamp_of(lock: Path) -> Path:
    return VENV / f"installed-{lock.stem}"


def stamp_text(lock: Path) -> str:
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {interpreter()}"


def interpreter() -> str:
    """The program behind .venv's python; another one after the system's Python was upgraded."""
    return os.path.realpath(PYTHON)


def make_venv(uv: str | None) -> None:
    """Create .venv; where the system has no pip for it (Debian splits that off) an empty one, filled from outside."""
    shutil.rmtree(VENV, ignore_errors=True)
    if uv:
        subprocess.check_call([uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
    elif not works(sys.executable, "-m", "venv", str(VENV)):
        shutil.rmtree(VENV, ignore_errors=True)
        if not works(sys.executable, "-m", "pip", "--version"):
            print("This Python can neither make a virtual environment with pip nor has pip itself. Install one of them, on "
                  "Debian:\n  sudo apt-get install python3-venv", file=sys.stderr)
            raise SystemExit(1)
        subprocess.check_call([sys.executable, "-m", "venv", "--without-pip", str(VENV)])


def link_commands() -> None:
    """Put the project on the environment's path and the `portal` command beside its Python, without building a package."""
    site = next((VENV / "lib").glob("python3*/site-packages"))
    (site / "odoo_connector.pth").write_text(f"{HERE}\n")
    script = BIN / "portal"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -m portal "$@"\n')
    script.chmod(0o755)


def use_newer_python(words: list[str]) -> int:
    """Go on with a newer Python, if there is one under its full name."""
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, str(HERE / "bootstrap.py"), *words])
    return complain(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")


def works(*command: str) -> bool:
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
