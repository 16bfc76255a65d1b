"""Presets with blanks: what an operation restricts to is the same condition each time, but for the texts in it.

``/classes/a/students`` and ``/classes/b/students`` are found by one statement, into which the texts are bound.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from bridge.roster.query import Among, And, Comparison, Condition


class Blank(str):
    """Stands in a condition for one of its texts. None that is asked for is one, whatever it says."""

    __slots__ = ()


def blanked(preset: Condition | None) -> Condition | None:
    """The preset with a blank for each text that is taken as it stands; the same for all that differ in these alone."""
    return None if preset is None else _blanked(preset, map(Blank, map(str, count())))


def texts_of(preset: Condition | None) -> Iterator[str]:
    """The texts that the blanks stand for, in their order."""
    match preset:
        case Comparison(value=text, verbatim=True):
            yield text
        case And(terms):
            for term in terms:
                yield from texts_of(term)
        case Among(where=where):
            yield from texts_of(where)


def _blanked(condition: Condition, blanks: Iterator[Blank]) -> Condition:
    match condition:
        case Comparison(verbatim=True):
            return replace(condition, value=next(blanks))
        case And(terms):
            return And(tuple(_blanked(term, blanks) for term in terms))
        case Among(where=where):
            return replace(condition, where=_blanked(where, blanks))
    return condition
