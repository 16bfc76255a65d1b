"""A bridge in a temporary folder, and another, and imports and exports as their operators make them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.csv_export import export_csv
from bridge.csv_import import Imported, Planned, open_import
from bridge.settings import Settings, Storage
from bridge.wiring import Wiring
from tests.exchange.csv_sets import write_set
from tests.wiring.world import TurnedClock


class Bridge:
    """One bridge, and the files that its operator handles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = TurnedClock()
        self.wiring = Wiring(Settings(storage=Storage(directory=folder / "var")), self.clock)
        self.wiring.prepare()

    def write(self, *args: Any, **kwargs: Any) -> Path:
        return write_set(self.folder / "in.zip", *args, **kwargs)

    def plan(self, path: Path, **options: Any) -> Planned:
        with open_import(self.wiring, path, **({"source": "sis"} | options)) as opened:
            return opened.plan(lambda _: None)

    def load(self, path: Path, *, approve: int | None = None, **options: Any) -> Imported:
        with open_import(self.wiring, path, **({"source": "sis"} | options)) as opened:
            approval = None if approve is None else opened.approval_of(approve, "operator")
            return opened.apply(lambda _: None, approval=approval)

    def export(self, name: str = "out.zip", **options: Any) -> Path:
        export_csv(self.wiring, self.folder / name, **options)
        return self.folder / name

    def records(self, collection: str) -> dict[str, dict[str, Any]]:
        """What the mirror serves, by sourcedId."""
        rows = self.wiring.mirror.db.execute(f'SELECT sourcedId, document FROM "{collection}"')
        return {sourced_id: json.loads(document) for sourced_id, document in rows.fetchall()}

    def statuses(self, collection: str) -> dict[str, str]:
        return {sourced_id: record["status"] for sourced_id, record in self.records(collection).items()}


@pytest.fixture
def make_bridge(tmp_path: Path) -> Iterator[Callable[[str], Bridge]]:
    made: list[Bridge] = []

    def make(name: str) -> Bridge:
        made.append(Bridge(tmp_path / name))
        return made[-1]

    yield make
    for bridge in made:
        bridge.wiring.close()


@pytest.fixture
def bridge(make_bridge: Callable[[str], Bridge]) -> Bridge:
    return make_bridge("one")
