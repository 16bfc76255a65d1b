"""What the two files say of rosters and of reconciling, asked for when somebody looks.

Every process tells the same, since nothing is kept here. Labels are sources, collections and outcomes: no people.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.clock import from_stamp
from bridge.mirror.totals import Totals
from bridge.registry.circuits import CircuitState
from bridge.registry.registry import Registry


class StateMetrics(Collector):
    """A collector for one request for the metrics.

    :param files: the files whose sizes are told, by name.
    """

    def __init__(
        self,
        totals: Totals,
        registry: Registry,
        *,
        scheduler_runs: Callable[[], bool],
        files: dict[str, Path],
    ) -> None:
        self._totals = totals
        self._registry = registry
        self._scheduler_runs = scheduler_runs
        self._files = files

    def describe(self) -> Iterable[Metric]:
        return ()  # else they would be collected once more, to learn their names

    def collect(self) -> Iterator[Metric]:
        records = GaugeMetricFamily("bridge_records", "Served records.", labels=("source", "collection", "status"))
        for source, collection, status, count in self._totals.records():
            records.add_metric((source, collection, status), count)
        yield records

        runs = CounterMetricFamily("bridge_runs", "Reconciliations that have ended.", labels=("source", "outcome"))
        for source, outcome, count in self._totals.runs():
            runs.add_metric((source, outcome), count)
        yield runs

        yield from self._contexts()

        held = GaugeMetricFamily("bridge_held_plans", "Plans that wait for a person.", labels=("source",))
        for source, count in Counter(self._totals.held()).items():
            held.add_metric((source,), count)
        yield held

        quarantined = GaugeMetricFamily(
            "bridge_quarantined_members", "Members whom the latest applied runs could not use.", labels=("source",)
        )
        for source, count in self._totals.quarantined():
            quarantined.add_metric((source,), count)
        yield quarantined

        circuits = GaugeMetricFamily(
            "bridge_circuit_closed",
            "Whether a platform is asked without reserve: 1, or 0 while it answers nobody.",
            labels=("source", "platform"),
        )
        for platform in self._registry.platforms.all():
            closed = self._registry.circuits.of(platform.id).state is CircuitState.CLOSED
            circuits.add_metric((platform.tenant, str(platform.id)), closed)
        yield circuits

        yield GaugeMetricFamily(
            "bridge_scheduler_running", "Whether a scheduler holds the lease.", value=self._scheduler_runs()
        )
        sizes = GaugeMetricFamily("bridge_file_bytes", "The size of a database and of its journal.", labels=("file",))
        for name, path in self._files.items():
            for suffix in ("", "-wal"):
                file = path.with_name(path.name + suffix)
                if file.exists():
                    sizes.add_metric((name + suffix,), file.stat().st_size)
        yield sizes

    def _contexts(self) -> Iterator[Metric]:
        contexts = GaugeMetricFamily(
            "bridge_contexts", "Contexts, by the outcome of their latest run.", labels=("source", "outcome")
        )
        oldest = GaugeMetricFamily(
            "bridge_oldest_good_read_timestamp_seconds",
            "When the context was last read whose last good reading is the longest ago: how stale the source is.",
            labels=("source",),
        )
        newest = GaugeMetricFamily(
            "bridge_newest_good_read_timestamp_seconds",
            "When any context of the source was last read to good effect.",
            labels=("source",),
        )
        for source, outcome, count in self._totals.contexts():
            contexts.add_metric((source, outcome), count)
        for source, first, last in self._totals.good_readings():
            oldest.add_metric((source,), from_stamp(first).timestamp())
            newest.add_metric((source,), from_stamp(last).timestamp())
        yield contexts
        yield oldest
        yield newest
