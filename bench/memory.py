"""Whether the workers' memory stays what it is, under everything that consumers do."""

import random
from collections.abc import Iterator
from pathlib import Path

from bench.fill import SOURCES, Size, clients_of
from bench.load import Asked, load
from bench.pages import FILTER, offsets, writes
from bench.rows import Row
from bench.serving import Served, rostering, serving_as

_PATIENCE = 30
"""Seconds that a query may take: memory is measured here, and the machine may be slow."""


def measured_memory_of_workers(folder: Path, size: Size, *, minutes: float) -> Iterator[Row]:
    """The resident memory after so many minutes of mixed load, with a write every second, against that after the first
    third of them: until then, caches that are bounded are filled."""
    environment = {"BRIDGE_CONFIG": str(folder / "bridge.toml"), "BRIDGE_ONEROSTER_QUERY_SECONDS": str(_PATIENCE)}
    with serving_as(environment, clients_of(folder), workers=2, bodies={}) as served, writes(folder):
        asked = _mixed(served, folder, size)
        levels: list[int] = []
        parts = max(6, round(minutes))
        for _ in range(parts):
            load(served.port, asked, seconds=max(1, round(minutes * 60 / parts)))
            levels.append(served.memory())
    ratio = levels[-1] / levels[len(levels) // 3]
    note = " ".join(f"{level // 1024}" for level in levels[:: max(1, len(levels) // 10)])
    yield Row(
        f"memory of the workers over {minutes:g} minutes of mixed load", ratio, 1.05, at_most=True, note=f"{note} MiB"
    )


def _mixed(served: Served, folder: Path, size: Size) -> list[Asked]:
    """What consumers ask: pages anywhere, sorted, filtered, selected, single records, tokens."""
    drawn = random.Random(11)
    classes = served.get(rostering("classes?limit=1000&fields=sourcedId"), SOURCES[0]).json()["classes"]
    first = "enrollments?limit=100"
    paths = [
        *offsets(size.enrollments, first),
        *offsets(size.enrollments * 9 // 10, f"{first}&{FILTER}"),
        *(
            f"{path}&sort={field}"
            for field in ("sourcedId", "dateLastModified", "role", "endDate", "user.sourcedId")
            for path in offsets(size.enrollments, first)[:400]
        ),
        *(
            f"{path}&sort={field}"
            for field in ("familyName", "email")
            for path in offsets(size.people, "users?limit=100")
        ),
        *(f"classes/{class_['sourcedId']}/students" for class_ in classes),
        *(f"classes/{class_['sourcedId']}" for class_ in classes),
        *(f"users?limit=10&filter=username%3D%27user{number}%27" for number in range(3_000)),
        *(f"{first}&fields=sourcedId,role&offset={drawn.randrange(size.enrollments)}" for _ in range(500)),
        *["enrollments?limit=1000"] * 50,
    ]
    drawn.shuffle(paths)
    asked = [Asked(rostering(path), served.tokens[source]) for path in paths for source in (None, SOURCES[0])]
    tokens = [
        Asked("/oauth2/token", credentials=(client.client_id, client.client_secret)) for client in clients_of(folder)
    ]
    return [*asked, *tokens * (len(asked) // 100)]
