"""How many requests were answered, how, and how fast: counted by every worker, told by any of them.

Each process counts in a file of its own in one folder, as Prometheus' client library has it for several processes; who
is asked adds the files up. Nothing in them names a person: a request is known by its route, never by its path.
"""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector

from bridge import storage

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
UNROUTED = "(none)"
"""The route of requests for paths that nothing is served at."""


def forget(folder: Path) -> None:
    """Drop what processes have counted that run no more: their files would stay for ever."""
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)


class RequestMetrics:
    """What this process counts, and the sum of what all have counted.

    :param folder: where the counts are; made if need be. It may be emptied while nothing runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        storage.make_folder(folder)
        # The library decides where to count when it is imported, for the whole process; these two are what it looks at.
        os.environ[_FOLDER] = str(folder)
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call] # the library has few types
        self._seconds = Histogram(
            "bridge_request_seconds",
            "How long answering a request took, by route or operation, method and status.",
            ("route", "method", "status"),
            registry=None,
            buckets=_BUCKETS,
        )
        self._counted: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count one answer.

        :param route: the operation of a service, or else the rule that the path matched; ``None`` if it matched none.
        """
        key = (route or UNROUTED, method, status)
        counted = self._counted.get(key)
        if counted is None:
            counted = self._counted[key] = self._seconds.labels(*map(str, key))
        counted.observe(seconds)

    def collect_into(self, registry: CollectorRegistry) -> None:
        """Have a registry tell what all processes have counted."""
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call] # likewise
