"""How reading each context goes: the latest attempt, and how many before it failed.

A run that undoes another is no attempt: it asks nobody, and says nothing about whether the source answers.

One row per context, kept beside the runs in their transactions, so that asking for all that is due costs a row per
context and not one per run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from bridge.clock import from_stamp, to_stamp
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.mirror import Mirror
from bridge.mirror.outcomes import ANSWERED, GOOD, Outcome
from bridge.roster.identity import ContextKey

# Runs that were undone are few, and found by what people decided.
_SELECT = """
WITH undoings AS MATERIALIZED (
    SELECT runs.source, runs.context, runs.id, runs.started FROM decisions JOIN runs ON runs.id = decisions.led_to
    WHERE decisions.kind = :undone AND runs.outcome = :applied
)
SELECT sources.name, context, run, started, outcome, good, failures, gone, gone_since, not_before,
    (SELECT max(u.started) FROM undoings AS u
        WHERE u.source = attempts.source AND u.context = attempts.context
            AND (u.id > attempts.run OR u.started > attempts.good))
FROM attempts JOIN sources ON sources.id = attempts.source
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The latest attempt to reconcile one context.

    :param good: when the latest run began after which the mirror agreed with the source.
    :param failures: how many attempts in a row brought no answer that could be used, up to this one.
    :param gone: how many of those said that there is no such context.
    :param gone_since: when the first of these began.
    :param not_before: until when the source has asked to be left alone.
    :param undone: when what had been read was last undone, if the mirror has not agreed with the source since.
    """

    run: int
    started: datetime
    outcome: Outcome
    good: datetime | None = None
    failures: int = 0
    gone: int = 0
    gone_since: datetime | None = None
    not_before: datetime | None = None
    undone: datetime | None = None

    @property
    def is_undone(self) -> bool:
        """Whether that was after this attempt: the source has yet to be asked again."""
        return self.undone is not None and self.undone >= self.started


class Attempts:
    """The latest attempt of each context in one mirror."""

    def __init__(self, mirror: Mirror) -> None:
        self._db = mirror.db

    def by_context(self) -> Mapping[tuple[str, ContextKey], Attempt]:
        """Of every context, by source and key."""
        return dict(self._select(""))

    def of(self, source: str, context: ContextKey) -> Attempt | None:
        """Of one context; ``None`` if it was never tried."""
        found = self._select("WHERE sources.name = :source AND context = :context", source=source, context=context)
        return next((attempt for _, attempt in found), None)

    def _select(self, rest: str, **parameters: str) -> Iterator[tuple[tuple[str, ContextKey], Attempt]]:
        rows = self._db.execute(
            _SELECT + rest, {"undone": DecisionKind.UNDONE, "applied": Outcome.APPLIED, **parameters}
        )
        for source, context, run, started, outcome, good, failures, gone, gone_since, not_before, undone in rows:
            yield (
                (source, ContextKey(context)),
                Attempt(
                    run=run,
                    started=from_stamp(started),
                    outcome=Outcome(outcome),
                    good=_instant(good),
                    failures=failures,
                    gone=gone,
                    gone_since=_instant(gone_since),
                    not_before=_instant(not_before),
                    undone=_instant(undone),
                ),
            )


def begin_attempt(db: Database, run: int, source: int, context: ContextKey, started: str) -> None:
    """Note that a run begins, inside the transaction that records it. What seemed to go on still has failed."""
    db.execute(
        "INSERT INTO attempts (source, context, run, started, outcome) VALUES (:source, :context, :run, :started, :now)"
        " ON CONFLICT DO UPDATE SET run = :run, started = :started, outcome = :now, not_before = NULL,"
        " failures = failures + (outcome = :now)",
        {"source": source, "context": context, "run": run, "started": started, "now": Outcome.RUNNING},
    )


def end_attempt(db: Database, run: int, outcome: Outcome, not_before: datetime | None) -> None:
    """Note how a run ended, inside the transaction that records it; nothing if a later one has begun."""
    answered = outcome in ANSWERED
    db.execute(
        "UPDATE attempts SET outcome = :outcome,"
        " good = CASE WHEN :good THEN started ELSE good END,"
        " failures = CASE WHEN :answered THEN 0 ELSE failures + 1 END,"
        " gone = CASE WHEN :answered THEN 0 ELSE gone + :gone END,"
        " gone_since = CASE WHEN :answered THEN NULL WHEN :gone THEN coalesce(gone_since, started) ELSE gone_since END,"
        " not_before = :not_before"
        " WHERE (source, context) = (SELECT source, context FROM runs WHERE id = :run) AND run = :run",
        {
            "run": run,
            "outcome": outcome,
            "good": outcome in GOOD,
            "answered": answered,
            "gone": outcome is Outcome.GONE,
            "not_before": to_stamp(not_before) if not_before else None,
        },
    )


def _instant(stamp: str | None) -> datetime | None:
    return from_stamp(stamp) if stamp else None
