"""Presets with blanks: what an operation restricts to is the same condition each time, but for the texts in it.

``/classes/a/students`` and ``/classes/b/students`` are found by one statement, into which the texts are bound.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from bridge.roster.query import Among, And, Comparison, Condition

T = TypeVar("T")


class Blank(str):
    """Stands in a condition for one of its texts. None that is asked for is one, whatever it says."""

    __slots__ = ()


class Slot(NamedTuple):
    """Where, among the parameters of a statement, the text is to go that has this number. It cannot be bound itself."""

    number: int


def blanked(preset: Condition | None) -> Condition | None:
    """The preset with a blank for each text that is taken as it stands; the same for all that differ in these alone.

    What stands under an OR is left as it is.
    """
    return None if preset is None else _blanked(preset, iter(_BLANKS))


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


def slotted(parameters: Iterable[T]) -> tuple[T | Slot, ...]:
    """The parameters of a statement that was made of a condition with blanks: slots for these."""
    return tuple(Slot(int(each)) if isinstance(each, Blank) else each for each in parameters)


_BLANKS = tuple(Blank(number) for number in range(20))


def _blanked(condition: Condition, blanks: Iterator[Blank]) -> Condition:
    # Every request comes here: none of this is dataclasses.replace, which takes several times as long.
    match condition:
        case Comparison(field, predicate, _, True):
            return Comparison(field, predicate, next(blanks), verbatim=True)
        case And(terms):
            return And(tuple(_blanked(term, blanks) for term in terms))
        case Among(collection, path, where):
            return Among(collection, path, _blanked(where, blanks))
    return condition
