"""A OneRoster name for everybody, out of what LMSs tell about names: sometimes nothing.

OneRoster requires ``givenName`` and ``familyName``; NRPS promises neither, and platforms send blanks. What was not
said is supplied, and named as supplied, so that nobody takes it for the LMS's word.

Several contexts may tell different things about one person. Which one counts does not depend on the order in which
they were read: the fullest name, among those the one told most often, among those the first by code point.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bridge.roster.identity import SourcedId
from bridge.roster.memberships import Membership

MISSING_PART = "-"
"""Stands for a given or family name where the LMS told only the other."""


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as OneRoster wants it.

    :param supplied: the fields that the LMS did not say.
    :param middle: empty if there is none.
    :param split_from: the LMS's one-piece name, where given and family name were cut out of it.
    """

    given: str
    family: str
    middle: str = ""
    supplied: tuple[str, ...] = ()
    split_from: str | None = None


def name_of(memberships: Iterable[Membership], sourced_id: SourcedId) -> Name:
    """The name of a person, from everything told about her in any order."""
    given, family, middle, whole = _fullest(memberships)
    if given and family:
        return Name(given, family, middle)
    if given or family:
        missing = "familyName" if given else "givenName"
        return Name(given or MISSING_PART, family or MISSING_PART, middle, supplied=(missing,))
    supplied = ("givenName", "familyName")
    if whole:
        first, *last = whole.rsplit(maxsplit=1)
        return Name(first, last[0] if last else MISSING_PART, middle, supplied, split_from=whole)
    # A short hash tells nameless people apart without saying anything about them.
    return Name("Person", sourced_id[:8], middle, supplied)


def most_told(values: Iterable[str | None]) -> str | None:
    """The value told most often, among those the first by code point; ``None`` if nobody told any."""
    told = [value for value in values if value]
    if len(told) < 2:  # most people have one membership
        return told[0] if told else None
    counts = Counter(told)
    return min(counts, key=lambda value: (-counts[value], value), default=None)


class _Parts(NamedTuple):
    """What was told of a name, without blanks around it; empty is not told."""

    given: str
    family: str
    middle: str
    whole: str

    @property
    def fullness(self) -> tuple[bool, bool, bool, bool]:
        """The greater, the more of a name is there."""
        return bool(self.given and self.family), bool(self.given or self.family), bool(self.whole), bool(self.middle)


def _fullest(memberships: Iterable[Membership]) -> _Parts:
    counts = Counter(map(_parts, memberships))
    fullest = max((parts.fullness for parts in counts), default=None)
    return min(
        (parts for parts in counts if parts.fullness == fullest),
        key=lambda parts: (-counts[parts], parts),
        default=_Parts("", "", "", ""),
    )


def _parts(member: Membership) -> _Parts:
    given, family, middle, whole = (
        (text or "").strip() for text in (member.given_name, member.family_name, member.middle_name, member.name)
    )
    # A name in one piece tells nothing more where it came in parts.
    return _Parts(given, family, middle, "" if given or family else whole)
