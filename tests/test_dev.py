"""``dev.py``: what a checkout's one entry point runs, and when it makes the environment.

The environment here, and the module that makes it, are scripts that say how they were called: nothing is installed.
"""

import ast
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("requirements.txt", "requirements-dev.txt", "pyproject.toml")


class Checkout:
    """A copy of ``dev.py`` beside an environment that is up to date."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / ".venv" / "bin"
        self.bin.mkdir(parents=True)
        shutil.copy(ROOT / "dev.py", folder)
        for name in NAMES:
            (folder / name).write_text(f"# {name}\n")
        for tool in ("bridge", "python", "ruff", "mypy"):
            self.script(tool)
        for name in NAMES[:2]:
            wanted = hashlib.sha256(sys.version.encode())
            wanted.update((folder / name).read_bytes())
            wanted.update((folder / "pyproject.toml").read_bytes())
            (folder / ".venv" / f"made-from-{name}").write_text(wanted.hexdigest())
        (folder / ".venv" / "pyvenv.cfg").write_text(f"version = {platform.python_version()}\n")
        (folder.parent / "venv.py").write_text("import sys; print('venv', *sys.argv[1:], flush=True)\n")

    def script(self, tool: str, code: int = 0) -> None:
        path = self.bin / tool
        path.write_text(f'#!/bin/sh\necho "{tool} $*" in "$(basename "$PWD")"\nexit {code}\n')
        path.chmod(0o755)

    def run(self, *arguments: str, python: tuple[str, ...] = (sys.executable, "dev.py")) -> tuple[int, list[str], str]:
        """Exit code, lines of standard output, standard error."""
        cwd = self.folder if python[-1] == "dev.py" else "/"
        done = subprocess.run(
            [*python, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": str(self.folder.parent)},
        )
        return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "checkout").mkdir()
    return Checkout(tmp_path / "checkout")


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("--help",)], ids=["nothing", "nonsense", "a plea for help"])
def test_without_a_command_it_says_which_there_are(checkout, arguments):
    code, out, err = checkout.run(*arguments)

    assert (code, out) == (1, [])
    for command in ("dev.py demo", "dev.py test", "dev.py install"):
        assert command in err


def test_demo_is_the_bridge_s_with_the_arguments_as_they_are(checkout):
    assert checkout.run("demo", "--json", "--port", "9000") == (0, ["bridge demo --json --port 9000 in checkout"], "")


def test_demo_may_be_started_from_any_folder(checkout):
    python = (sys.executable, str(checkout.folder / "dev.py"))

    assert checkout.run("demo", python=python)[1] == ["bridge demo in checkout"]


def test_test_runs_lint_types_and_tests_in_this_order(checkout):
    assert checkout.run("test")[:2] == (
        0,
        [
            "ruff format --check . in checkout",
            "ruff check . in checkout",
            "mypy  in checkout",
            "python -m pytest in checkout",
        ],
    )


def test_test_with_arguments_runs_these_tests_alone(checkout):
    assert checkout.run("test", "-k", "paging")[1] == ["python -m pytest -k paging in checkout"]


def test_first_failure_ends_it_with_its_exit_code(checkout):
    checkout.script("ruff", code=7)

    assert checkout.run("test")[:2] == (7, ["ruff format --check . in checkout"])


def test_install_says_where_the_environment_is(checkout):
    assert checkout.run("install")[:2] == (0, [f"source {checkout.bin / 'activate'}"])


PIP = "python -m pip --disable-pip-version-check install --quiet"


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        (("demo",), "requirements.txt"),
        (("demo",), "pyproject.toml"),
        (("test", "-x"), "requirements-dev.txt"),
    ],
    ids=["requirements", "project", "requirements of the tests"],
)
def test_environment_is_made_anew_once_when_what_it_is_made_from_has_changed(checkout, command, changed):
    (checkout.folder / changed).write_text("# something else\n")
    requirements = "requirements.txt" if command == ("demo",) else "requirements-dev.txt"

    code, out, err = checkout.run(*command)

    assert code == 0
    assert out[:3] == [
        f"venv {checkout.folder / '.venv'}",
        f"{PIP} --require-hashes -r {requirements} in checkout",
        f"{PIP} --no-deps -e . in checkout",
    ]
    assert "Making the environment" in err
    assert checkout.run(*command) == (0, out[3:], "")


def test_environment_of_another_python_is_thrown_away(checkout):
    (checkout.folder / "pyproject.toml").write_text("# something else\n")
    (checkout.folder / ".venv" / "pyvenv.cfg").write_text("version = 3.0.0\n")

    assert checkout.run("demo")[1][0] == f"venv --clear {checkout.folder / '.venv'}"


def test_environment_that_was_not_finished_is_made_anew(checkout):
    (checkout.folder / "pyproject.toml").write_text("# something else\n")
    checkout.script("python", code=1)

    assert checkout.run("demo")[0] == 1
    assert checkout.run("demo")[1][0].startswith("venv ")


def test_python_that_is_too_old_is_told_so(checkout):
    pretend = "import runpy, sys; sys.version_info = (3, 9, 0); sys.argv = ['dev.py', 'demo']; "
    code, _, err = checkout.run(python=(sys.executable, "-c", pretend + f"runpy.run_path({str(ROOT / 'dev.py')!r}, "
                                        "run_name='__main__')"))  # fmt: skip

    assert code == 1
    assert "Python 3.11 or newer is needed" in err


def test_python_that_is_too_old_can_read_it_as_far_as_that():
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 7))

    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert [alias.name for node in futures for alias in node.names] == ["annotations"]


def test_it_needs_nothing_but_the_standard_library():
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"))

    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
