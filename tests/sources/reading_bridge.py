"""A bridge that reads providers, and what its mirror then holds."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.mirror.runs import Run
from bridge.registry.sources import RegisteredSource
from bridge.roster.model import COLLECTIONS
from bridge.settings import Guards, Log, Outgoing, Server, Settings, Storage
from bridge.wiring import Wiring
from tests.sources.scripted_sis import Sis

PUBLIC_URL = "https://bridge.example.org"


class ReadingBridge:
    """:ivar now: what its clock says."""

    def __init__(self, directory: Path, public_url: str = PUBLIC_URL, **guards: Any) -> None:
        self.settings = Settings(
            server=Server(public_url=public_url),
            storage=Storage(directory=directory),
            outgoing=Outgoing(allowed_hosts=("127.0.0.1", "localhost")),
            guards=Guards(**guards),
            log=Log(level="error"),
        )
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
        self.waits: list[float] = []
        self.wiring = Wiring(self.settings, lambda: self.now, sleep=self.waits.append)
        self.wiring.prepare()

    def close(self) -> None:
        self.wiring.close()

    def register(self, sis: Sis, name: str = "north", **fields: Any) -> RegisteredSource:
        source = RegisteredSource(name=name, base_url=sis.base_url, credentials=sis.credentials(), **fields)
        return self.wiring.registry.sources.add(source)

    def sync(self, name: str = "north", *, full: bool = False) -> Run:
        run = self.wiring.sync(self.wiring.registry.sources.get(name), full=full)
        assert run is not None
        return run

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def records(self, collection: str, status: str | None = "active") -> dict[str, Any]:
        """The documents by sourcedId, of one status or of both."""
        rows = self.wiring.mirror.db.execute(f'SELECT sourcedId, document FROM "{collection}"')
        documents = {sourced_id: json.loads(document) for sourced_id, document in rows}
        return {key: each for key, each in documents.items() if status in (None, each["status"])}

    def everything(self) -> dict[str, dict[str, Any]]:
        return {name: self.records(name, None) for name in COLLECTIONS}

    def quarantined(self, run: Run) -> dict[str | None, str]:
        """Why each record could not be used."""
        return {one.subject: one.reason for one in self.wiring.reconciler().runs.quarantined(run.id)}
