"""Importing sets of OneRoster CSV files: a set is a snapshot of a source, reconciled as every other is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.deciding import approval_of, held_run
from bridge.errors import Busy, InvalidRequest
from bridge.mirror.decisions import DecisionKind, Decisions
from bridge.mirror.held_records import HeldRecords
from bridge.mirror.runs import Outcome, Run, Runs
from bridge.oneroster.csv.archive import Archive
from bridge.oneroster.csv.manifest import Mode
from bridge.oneroster.csv.sets import CsvSet
from bridge.oneroster.csv.snapshot import CsvSnapshot
from bridge.registry.csv_sources import CsvSource
from bridge.roster.plan import Quarantined
from bridge.roster.records import WHOLE_SOURCE, RecordDerivation
from bridge.roster.references import References
from bridge.sync.reconciler import Approval, Preview, Progress
from bridge.wiring import Wiring


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not used.

    :param file: which may be unknown, as may the line: ``None`` and 0.
    :param subject: the record that it is about, as ``collection/sourcedId``, if that much can be read.
    :param reason: what is wrong, without personal data.
    """

    file: str | None
    line: int
    subject: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    :param run: see there whether it was applied, held or refused.
    """

    run: Run
    bad_rows: Sequence[BadRow]


@dataclass(frozen=True, slots=True)
class Planned:
    """What an import would do."""

    preview: Preview
    bad_rows: Sequence[BadRow]


class CsvImport:
    """One set, opened, and the source whose word it is."""

    def __init__(self, wiring: Wiring, archive: Archive, csv_set: CsvSet, source: CsvSource) -> None:
        self._wiring = wiring
        self._archive = archive
        self.set = csv_set
        self.source = source
        self._derivation = RecordDerivation(
            references=References(wiring.settings.server.public_url), prefix=source.prefix
        )

    def plan(self, progress: Progress) -> Planned:
        """Read the set and say what importing it would do; nothing is changed.

        :raises SourceRefused: if a file cannot be read.
        """
        snapshot = self._snapshot()
        preview = self._wiring.reconciler().preview(
            self._wiring.without_erased(snapshot), self._derivation, progress=progress
        )
        return Planned(preview, _bad_rows(preview.plan.quarantined, snapshot))

    def apply(self, progress: Progress, *, approval: Approval | None = None) -> Imported:
        """Read the set and make the mirror agree with it.

        :param approval: a person's word about an import that was held; ``None``: the one that stands about the last.
        :raises Busy: if the source is being reconciled just now.
        """
        wiring, snapshot = self._wiring, self._snapshot()
        wiring.registry.csv_sources.add(self.source)
        with wiring.holding(self.source) as renew:
            if renew is None:
                raise Busy(f"source {self.source.name} is being reconciled just now: try again in a while")
            run = wiring.reconciler(_how_to_approve).reconcile(
                wiring.without_erased(snapshot),
                self._derivation,
                approval=approval or self._standing_approval(),
                progress=_renewing(renew, progress),
            )
        return Imported(run, _bad_rows(Runs(wiring.mirror, wiring.clock).quarantined(run.id), snapshot))

    def _standing_approval(self) -> Approval | None:
        """What a person has said on the pages about the last import, if it was held."""
        wiring = self._wiring
        runs = Runs(wiring.mirror, wiring.clock)
        last = runs.latest_answered(self.source.name, WHOLE_SOURCE)
        if last is None or last.outcome is not Outcome.HELD:
            return None
        word = Decisions(wiring.mirror, wiring.clock).standing(last.id)
        if word is None or word.kind is DecisionKind.REJECTED:
            return None
        except_removals = word.kind is DecisionKind.APPROVED_REST
        return approval_of(runs, last, word.made_by, except_removals=except_removals)

    def approval_of(self, run_id: int, made_by: str) -> Approval:
        """A person's word that lets the plan of a held import through: who may go are those that it would remove.

        :raises UnknownObject: if there is no such run.
        :raises InvalidRequest: if it is no import of this source, is not held, or waits no more.
        """
        runs = Runs(self._wiring.mirror, self._wiring.clock)
        run = held_run(runs, run_id)
        if (run.source, run.context) != (self.source.name, WHOLE_SOURCE):
            raise InvalidRequest("approve", f"run {run_id} is not a held import of source {self.source.name}")
        return approval_of(runs, run, made_by)

    def _snapshot(self) -> CsvSnapshot:
        held = HeldRecords(self._wiring.mirror, self.source.name)
        return CsvSnapshot(self._archive, self.set, self.source.name, held, prefix=self.source.prefix)


@contextmanager
def open_import(
    wiring: Wiring,
    path: Path,
    *,
    source: str,
    prefix: str | None = None,
    told: Mode | None = None,
    encoding: str = "utf-8",
) -> Iterator[CsvImport]:
    """Open a set.

    :param told: whether it says all or only what has changed, where the operator knows better than its manifest.
    :raises SourceRefused: if it is not one that can be read.
    :raises InvalidRequest: as :meth:`bridge.registry.csv_sources.CsvSources.resolve`.
    """
    resolved = wiring.registry.csv_sources.resolve(source, prefix)
    with Archive(path, encoding=encoding) as archive:
        yield CsvImport(wiring, archive, CsvSet(archive, told=told), resolved)


def _how_to_approve(run: int) -> str:
    return f"approve it on the pages and import again, or 'bridge import csv' with '--approve {run}' lets it through"


def _renewing(renew: Callable[[int], None], progress: Progress) -> Progress:
    def told(records: int) -> None:
        renew(records)
        progress(records)

    return told


def _bad_rows(quarantined: Sequence[Quarantined], snapshot: CsvSnapshot) -> list[BadRow]:
    rows = []
    for one in quarantined:
        file, line = snapshot.places.locate(one.position) or (None, 0)
        rows.append(BadRow(file, line, one.subject, one.reason))
    return rows
