"""A OneRoster name for everybody, out of what LMSs tell about names: sometimes nothing.

OneRoster requires ``givenName`` and ``familyName``; NRPS promises neither, and platforms send blanks. What was not
said is supplied, and named as supplied, so that nobody takes it for the LMS's word.

Several contexts may tell different things about one person. Which one counts does not depend on the order in which
they were read: the fullest name, among those the one told most often, among those the first by code point.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.roster.identity import SourcedId
from bridge.roster.memberships import Membership

MISSING_PART = "-"
"""Stands for a given or family name where the LMS told only the other."""


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as OneRoster wants it.

    :param supplied: the fields that the LMS did not say.
    :param split_from: the LMS's one-piece name, where given and family name were cut out of it.
    """

    given: str
    family: str
    middle: str | None = None
    supplied: tuple[str, ...] = field(default=())
    split_from: str | None = None


def name_of(memberships: Iterable[Membership], sourced_id: SourcedId) -> Name:
    """The name of a person, from everything told about her in any order."""
    given, family, middle, whole = _fullest(memberships)
    if given and family:
        return Name(given, family, middle)
    if given or family:
        missing = "familyName" if given else "givenName"
        return Name(given or MISSING_PART, family or MISSING_PART, middle, supplied=(missing,))
    if whole:
        first, _, last = whole.rpartition(" ")
        if first.strip():
            return Name(first.strip(), last, middle, split_from=whole)
        return Name(whole, MISSING_PART, middle, supplied=("familyName",), split_from=whole)
    # A short hash tells nameless people apart without saying anything about them.
    return Name("Person", sourced_id[:8], middle, supplied=("givenName", "familyName"))


def most_told(values: Iterable[str | None]) -> str | None:
    """The value told most often, among those the first by code point; ``None`` if nobody told any."""
    counts = Counter(value for value in values if value)
    return min(counts, key=lambda value: (-counts[value], value), default=None)


_Parts = tuple[str | None, str | None, str | None, str | None]


def _fullest(memberships: Iterable[Membership]) -> _Parts:
    counts: Counter[_Parts] = Counter((m.given_name, m.family_name, m.middle_name, m.name) for m in memberships)
    return min(
        counts,
        key=lambda parts: (-_fullness(parts), -counts[parts], tuple(part or "" for part in parts)),
        default=(None, None, None, None),
    )


def _fullness(parts: _Parts) -> int:
    given, family, _, whole = parts
    if given and family:
        return 3
    if given or family:
        return 2
    return 1 if whole else 0
