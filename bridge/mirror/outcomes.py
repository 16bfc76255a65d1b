"""How a run can end, in the words that operators read and scripts compare."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    HELD = "held"
    """The plan, or the removals in it, wait for a person."""
    UNAVAILABLE = "unavailable"
    """The source did not answer usefully; nothing was changed. Try later."""
    REFUSED = "refused"
    """The source said no, or its answer cannot be trusted; nothing was changed. Somebody has to mend something."""
    GONE = "gone"
    """The source knows no such context; nothing was changed. A person decides whether it is to be retired."""
    BROKEN = "broken"
    """The bridge itself failed, or was stopped; nothing was changed."""


GOOD = frozenset({Outcome.APPLIED, Outcome.UNCHANGED})
"""The mirror agrees with the source."""

ANSWERED = GOOD | {Outcome.HELD}
"""The source has said what it had to say."""
