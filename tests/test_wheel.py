"""An installed wheel works from any folder: what the code reads at run time is in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, as pip lays them out."""
    built = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built), cwd=ROOT)
    (wheel,) = built.glob("*.whl")
    target = tmp_path_factory.mktemp("site")
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"),
        *("--target", str(target), str(wheel)),
        cwd=built,
    )
    return target


def run(*command: str, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installed_wheel_makes_both_files_and_an_application_from_another_folder(
    installed: Path, tmp_path: Path
) -> None:
    code = (
        "import bridge, sys; from bridge.app import from_environment;"
        "app = from_environment(); client = app.test_client();"
        "print(bridge.__file__); print(client.get('/readyz').status_code); print(client.get('/lti/login').status_code)"
    )

    printed = run(sys.executable, "-P", "-c", code, cwd=tmp_path, PYTHONPATH=str(installed)).split()

    assert Path(printed[0]).is_relative_to(installed)
    assert printed[1:] == ["200", "400"]
    assert {path.name for path in (tmp_path / "var").glob("*.sqlite")} == {"mirror.sqlite", "registry.sqlite"}


def test_installed_wheel_holds_the_command(installed: Path, tmp_path: Path) -> None:
    printed = run(sys.executable, "-P", "-m", "bridge", "--version", cwd=tmp_path, PYTHONPATH=str(installed))

    assert printed.startswith("bridge, version ")


def test_wheel_holds_nothing_but_the_package(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} <= {"bridge", "bin"}
