"""What the pages say in plain words: times, outcomes, states. Templates know these as filters."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask, url_for
from markupsafe import Markup

from bridge import __version__
from bridge.clock import from_stamp, to_stamp
from bridge.mirror.decisions import Decision, DecisionKind
from bridge.mirror.outcomes import Outcome
from bridge.registry.orders import OrderKind
from bridge.roster.identity import context_in_words
from bridge.roster.records import WHOLE_SOURCE
from bridge.wiring import Wiring
from bridge.wording import counted

_STEPS = (
    (timedelta(minutes=1), timedelta(seconds=1), "second"),
    (timedelta(hours=1), timedelta(minutes=1), "minute"),
    (timedelta(days=2), timedelta(hours=1), "hour"),
    (timedelta(days=60), timedelta(days=1), "day"),
    (timedelta(days=730), timedelta(days=30), "month"),
)

OUTCOMES = {
    Outcome.RUNNING: ("info", "it is being read"),
    Outcome.APPLIED: ("success", "read, and what had changed was taken over"),
    Outcome.UNCHANGED: ("success", "read, and nothing had changed"),
    Outcome.HELD: ("warning", "held for a person to decide"),
    Outcome.UNAVAILABLE: ("danger", "it did not answer usefully; it is tried again by itself"),
    Outcome.REFUSED: (
        "danger",
        "it said no, or its answer cannot be trusted; somebody has to mend something",
    ),
    Outcome.GONE: ("danger", "the platform says that there is no such course"),
    Outcome.BROKEN: ("danger", "the bridge itself failed, or was stopped; nothing was changed"),
}


ORDERED = {
    OrderKind.APPROVE: "approval is ordered",
    OrderKind.APPROVE_REST: "approval of all but removals is ordered",
    OrderKind.REJECT: "rejection is ordered",
}
"""What is said of a held plan between a person's word and what it does."""


def relative(instant: datetime, now: datetime) -> str:
    """How long ago an instant was, or how far ahead it is.

    >>> relative(datetime(2026, 11, 20, 21, 2, tzinfo=UTC), datetime(2026, 11, 20, 21, 5, 30, tzinfo=UTC))
    '3 minutes ago'
    """
    apart = abs(now - instant)
    if apart < timedelta(seconds=10):
        return "just now" if instant <= now else "any moment"
    step, word = next(((step, word) for below, step, word in _STEPS if apart < below), (timedelta(days=365), "year"))
    count = apart // step
    amount = f"{count} {word}{'s' * (count != 1)}"
    return f"{amount} ago" if instant <= now else f"in {amount}"


def exact(instant: datetime, zone: str) -> str:
    """An instant on the wall clock of the configured time zone.

    >>> exact(datetime(2026, 11, 20, 21, 5, 9, tzinfo=UTC), "Europe/Oslo")
    '2026-11-20 22:05:09 CET'
    """
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z}"


def sentence(text: str) -> str:
    """A message as a sentence of its own.

    >>> sentence("held: it would remove 18 of 26 members")
    'Held: it would remove 18 of 26 members.'
    """
    return f"{text[:1].upper()}{text[1:]}{'' if not text or text.endswith(('.', '!', '?')) else '.'}"


def done_by(decision: Decision | None) -> str | None:
    """What a run did that no reading led to; ``None`` of one that read its roster."""
    if decision is not None and decision.kind is DecisionKind.UNDONE:
        return f"what run {decision.run} had done was undone"
    if decision is not None and decision.kind is DecisionKind.RETIRED:
        return "its records were ended"
    return None


def teach(app: Flask, wiring: Wiring) -> None:
    """Give the templates these words."""
    zone = wiring.settings.calendar.time_zone

    def when(stamp: str | datetime | None, never: str = "never") -> Markup | str:
        if not stamp:
            return never
        instant = from_stamp(stamp) if isinstance(stamp, str) else stamp.astimezone(UTC)
        return Markup('<time datetime="{}" title="{}" tabindex="0">{}</time>').format(
            to_stamp(instant), exact(instant, zone), relative(instant, wiring.clock())
        )

    def outcome(value: str | None, decision: Decision | None = None) -> Markup:
        if value is None:
            return Markup('<span class="badge text-bg-secondary">not read</span>')
        level, words = OUTCOMES[Outcome(value)]
        return Markup('<span class="badge text-bg-{}">{}</span> {}').format(level, value, done_by(decision) or words)

    app.jinja_env.filters.update(
        when=when, outcome=outcome, counted=counted, context=context_in_words, sentence=sentence, ordered=ORDERED.get
    )
    app.jinja_env.globals.update(version=__version__, home=lambda: url_for("dashboard.show"), whole_source=WHOLE_SOURCE)
