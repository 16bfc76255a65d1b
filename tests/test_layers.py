"""Imports point one way: docs/architecture.md, "Rooms". Read from the source, so that nothing has to be imported."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "bridge").rglob("*.py"))

# From the top to the bottom: a module imports from its own layer and from those below it. The first prefix that
# matches counts, so an exception stands above its room.
LAYERS: tuple[tuple[str, ...], ...] = (
    (
        "bridge.__main__",
        "bridge.app",
        "bridge.cli",
        "bridge.cors",
        "bridge.error_shapes",
        "bridge.incoming",
        "bridge.platform_routes",
        "bridge.request_bodies",
        "bridge.services",
        "bridge.tool_routes",
        "wsgi",
    ),
    ("bridge.admin",),
    (
        "bridge.backups",
        "bridge.csv_export",
        "bridge.csv_import",
        "bridge.deciding",
        "bridge.downgrading",
        "bridge.feeding",
        "bridge.paces",
        "bridge.people",
        "bridge.retiring",
        "bridge.rounds",
        "bridge.scheduling",
        "bridge.upkeep",
    ),
    ("bridge.wiring", "bridge.at_rest", "bridge.derivations", "bridge.snapshots"),
    (
        "bridge.api",
        "bridge.health",
        "bridge.metrics",
        "bridge.nrps.provider",
        "bridge.oneroster.discovery",
        "bridge.oneroster.provider",
        "bridge.site",
        "bridge.sync",
    ),
    (
        "bridge.auth",
        "bridge.lti",
        "bridge.mirror",
        "bridge.nrps.client",
        "bridge.nrps.source",
        "bridge.oneroster.client",
        "bridge.oneroster.reading",
        "bridge.oneroster.slots",
        "bridge.oneroster.source",
        "bridge.oneroster.walks",
        "bridge.registry",
        "bridge.transport",
    ),
    ("bridge.settings_documents",),
    ("bridge.settings",),
    ("bridge.options",),
    ("bridge.oneroster", "bridge.nrps"),
    ("bridge.roster",),
    ("bridge.migrations", "bridge.releases"),
    ("bridge.storage", "bridge.recall", "bridge.seals", "bridge.log", "bridge.practice", "bridge.around"),
    ("bridge.compression",),
    ("bridge.clock", "bridge.errors", "bridge.origins", "bridge.wording"),
)


IMPURE = {
    "bridge.nrps.provider",
    "bridge.oneroster.discovery",
    "bridge.oneroster.provider",
    "bridge.oneroster.slots",
    "bridge.oneroster.walks",
}
"""What in the protocols' rooms serves or stores."""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module that a module imports, inside functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            for alias in node.names:
                # "from bridge.cli import demo" imports a module, "from bridge.errors import Busy" a name.
                whole = f"{node.module}.{alias.name}"
                yield whole if (ROOT / Path(*whole.split("."))).with_suffix(".py").is_file() else node.module


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in {"bridge", "wsgi"} and name != "bridge"}


def is_in(name: str, *rooms: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def layer_of(name: str) -> int:
    found = [(len(prefix), number) for number, layer in enumerate(LAYERS) for prefix in layer if is_in(name, prefix)]
    assert found, f"{name} is in no layer: say in this test and in docs/architecture.md where it belongs"
    return max(found)[1]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_nothing_from_a_layer_above(path):
    if name_of(path) == "bridge":
        return
    own = layer_of(name_of(path))

    assert {name for name in ours(path) if layer_of(name) < own} == set()


def in_room(*rooms: str) -> list[Path]:
    return [path for path in MODULES if is_in(name_of(path), *rooms)]


@pytest.mark.parametrize("path", in_room("bridge.roster", "bridge.errors", "bridge.clock"), ids=name_of)
def test_domain_imports_the_standard_library_and_itself_only(path):
    allowed = {"bridge.roster", "bridge.clock", "bridge.errors"}
    if not is_in(name_of(path), "bridge.roster"):
        allowed = set()

    assert {name for name in ours(path) if not is_in(name, *allowed)} == set()
    assert {name.split(".")[0] for name in imports(path)} - {"bridge"} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("bridge.oneroster", ("bridge.nrps", "bridge.lti")),
        ("bridge.nrps", ("bridge.oneroster",)),
        ("bridge.mirror", ("bridge.oneroster", "bridge.nrps", "bridge.lti")),
        ("bridge.sync", ("bridge.oneroster", "bridge.nrps", "bridge.lti")),
        ("bridge.transport", ("bridge.oneroster", "bridge.nrps")),
        ("bridge.practice", tuple(f"bridge.{name}" for name in (
            "app", "auth", "cli", "lti", "mirror", "nrps", "oneroster", "registry", "roster", "settings", "storage",
            "sync", "transport", "wiring",
        ))),
    ],
)  # fmt: skip
def test_room_knows_nothing_of(room, forbidden):
    found = {(name_of(path), name) for path in in_room(room) for name in ours(path) if is_in(name, *forbidden)}

    assert found == set()


@pytest.mark.parametrize("path", in_room("bridge.roster", "bridge.nrps", "bridge.oneroster"), ids=name_of)
def test_pure_parts_know_no_framework_and_no_storage(path):
    if name_of(path) in IMPURE:
        return

    assert {name.split(".")[0] for name in imports(path)} & {"flask", "werkzeug", "sqlite3", "sqlite_utils"} == set()


def test_only_the_transport_room_and_the_other_side_make_http_sessions():
    users = {name_of(path) for path in MODULES if any(name.split(".")[0] == "requests" for name in imports(path))}

    assert {name for name in users if not is_in(name, "bridge.transport", "bridge.practice")} <= {"bridge.cli.demo"}


def test_wsgi_entry_point_imports_the_application_and_nothing_else():
    assert set(imports(ROOT / "wsgi.py")) == {"bridge.app"}
