#!/usr/bin/env python3
"""Everything a checkout needs, from one file and the standard library.

    python3 dev.py demo     make the environment and run the demo
    python3 dev.py test     make the environment and run lint, types and tests
    python3 dev.py install  make the environment for running the bridge, and say where it is

The environment is .venv, made from the pinned and hashed requirements; it is made anew when they change.
"""

# An older Python must get as far as the sentence that says so.
from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
OLDEST = (3, 11)


def run(*command: str | Path) -> None:
    """Run a command in the checkout, and end with its exit code if it fails."""
    code = subprocess.call([str(part) for part in command], cwd=ROOT)
    if code:
        sys.exit(code)


def make_environment(requirements: str) -> None:
    """Make .venv, unless it is there and right."""
    wanted = hashlib.sha256(sys.version.encode())
    for name in (requirements, "pyproject.toml"):
        wanted.update((ROOT / name).read_bytes())
    stamp = VENV / f"made-from-{requirements}"
    if stamp.is_file() and stamp.read_text() == wanted.hexdigest():
        return
    print(f"Making the environment in {VENV.name} from {requirements} (once).", file=sys.stderr)
    try:
        import ensurepip  # noqa: F401 - Debian keeps it in a package of its own
    except ImportError:
        sys.exit("This Python cannot make environments: install its venv module (Debian: apt-get install python3-venv)")
    # An environment of another Python cannot be mended.
    config = VENV / "pyvenv.cfg"
    same = config.is_file() and f"version = {platform.python_version()}\n" in config.read_text()
    run(sys.executable, "-m", "venv", *([] if same else ["--clear"]), VENV)
    pip = (BIN / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", requirements)
    run(*pip, "--no-deps", "-e", ".")
    stamp.write_text(wanted.hexdigest())


def demo(arguments: list[str]) -> None:
    """The demo, in this process's place, so that signals reach it."""
    make_environment("requirements.txt")
    os.chdir(ROOT)
    os.execv(BIN / "bridge", ["bridge", "demo", *arguments])  # noqa: S606


def test(arguments: list[str]) -> None:
    """Lint, types, tests."""
    make_environment("requirements-dev.txt")
    if not arguments:
        run(BIN / "ruff", "format", "--check", ".")
        run(BIN / "ruff", "check", ".")
        run(BIN / "mypy")
    run(BIN / "python", "-m", "pytest", *arguments)


def install(_arguments: list[str]) -> None:
    """The environment for running, and nothing else."""
    make_environment("requirements.txt")
    print(f"source {BIN / 'activate'}")


COMMANDS = {"demo": demo, "test": test, "install": install}

if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(f"Python {'.'.join(map(str, OLDEST))} or newer is needed; this is {sys.version.split()[0]}")
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[sys.argv[1]](sys.argv[2:])
    except KeyboardInterrupt:
        sys.exit(130)
