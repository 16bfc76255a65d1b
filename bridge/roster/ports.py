"""What the reconciler needs from the outside, in the domain's words.

A source is whatever states rosters: one context of an LTI platform, or a whole OneRoster provider. The
reconciler and the mirror know it by these protocols only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bridge.roster.identity import ContextKey, SourcedId


class FactKind(StrEnum):
    """What a fact is about."""

    CONTEXT = "context"
    MEMBER = "member"
    LAUNCH = "launch"
    """What a member's latest launch says of her. It makes nobody a member, and is stated anew as long as it counts."""
    RECORD = "record"
    """One record of a SIS that lives; its subject is ``collection/sourcedId``."""
    TOMBSTONE = "tombstone"
    """What a SIS says of a record that has ended; the record, if it is stated or held too, goes before it."""
    FED = "fed"
    """What LTI tools have handed in of a person: see :mod:`bridge.roster.fed`. No snapshot states it or removes it. It
    counts only while no roster of the context is known."""

    @property
    def counted(self) -> bool:
        """Whether facts of this kind are what runs count and guards watch over."""
        return self in (FactKind.MEMBER, FactKind.RECORD)


@dataclass(frozen=True, slots=True)
class Stated:
    """One thing that a source says.

    :param subject: what it is about, unique per kind within the context; empty for the context itself.
    :param raw: the JSON text as it came, byte for byte.
    """

    kind: FactKind
    subject: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """One thing that a source says and that cannot be used: it is quarantined, the rest of the roster goes on.

    :param position: its place in the answer, from 0.
    :param subject: whom it is about, if that much can be read. If it cannot, the snapshot removes nobody, because the
        unreadable one may be anybody.
    :param reason: what is wrong, without personal data.
    """

    position: int
    subject: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A member of whom a source says that she is one no more: she has left, even if the snapshot is not complete.

    Somebody who is stated as well, elsewhere in the same snapshot, has not left.
    """

    subject: str


@dataclass(frozen=True, slots=True)
class PageRead:
    """A source has sent another page, which may say nothing: whoever must not wait too long learns that time passes."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Several things of one kind that a source says together, and of which most have been said before.

    What is held already, byte for byte, is as good as stated: it need not be looked into.

    :param subjects: what each is about; ``None`` where that much cannot be told.
    :param raws: the JSON text of each, as it would be stated.
    :param read: what the source says with one of them, given its index; the same for the same subject and text.
    """

    kind: FactKind
    subjects: Sequence[str | None]
    raws: Sequence[bytes]
    read: Callable[[int], Stated | Rejected | Gone]

    def __iter__(self) -> Iterator[Stated | Rejected | Gone]:
        """All of them, looked into."""
        return map(self.read, range(len(self.raws)))


Said = Stated | Rejected | Gone | Listed | PageRead
"""What a snapshot is a stream of."""


class Snapshot(Protocol):
    """What one source says about one context, read once, as a stream.

    Iterating does all the network there is, and holds one page in memory.

    :raises bridge.errors.SourceUnavailable: while iterating: try later.
    :raises bridge.errors.SourceRefused: while iterating: the platform said no, or the answer cannot be trusted
        (a page that repeats, a limit that was hit). Nothing of the snapshot may be used then.
    """

    @property
    def source(self) -> str:
        """The name of the source: the tenant."""

    @property
    def context(self) -> ContextKey:
        """The context that it describes."""

    @property
    def complete(self) -> bool:
        """Whether somebody not in it has left: false for filtered reads, and for platforms that show only some."""

    @property
    def bookmark(self) -> str | None:
        """What to ask the source with, next time, to be told only what has changed since; ``None`` if it cannot tell.

        Known when the snapshot has been read. It is kept with what was read, and means something to its source alone.
        """

    def __iter__(self) -> Iterator[Said]: ...

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """One text out of two about the same subject in one snapshot.

        :raises ValueError: if either cannot be read: the later one is quarantined then.
        """


@dataclass(frozen=True, slots=True)
class Fact:
    """A stated thing as the mirror keeps it."""

    kind: FactKind
    context: ContextKey
    subject: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Derived:
    """What one record should be.

    :param body: the OneRoster document without ``dateLastModified``, ``sourcedId`` first; ``None`` if the facts give
        none: if the mirror holds it, it becomes ``tobedeleted``.
    :param parting: metadata that it gets then, where what it said last is true no more.
    """

    collection: str
    sourced_id: SourcedId
    body: Mapping[str, Any] | None
    parting: Mapping[str, str] = field(default_factory=dict)


class Derivation(Protocol):
    """Facts to documents for one source: a pure function of the facts, the role table and the settings."""

    @property
    def fingerprint(self) -> str:
        """Names everything but the facts that the documents depend on: when it changes, all are derived anew."""

    def reject(self, stated: Stated) -> str | None:
        """Why a stated thing cannot be used, in words without personal data; ``None`` if it can."""

    def claims_lead(self, fact: Stated | Fact) -> bool:
        """Whether a member claims to be the one primary teacher: her neighbours' documents depend on how many do."""

    def same_standing(self, held: Fact, stated: Stated) -> bool:
        """Whether a member's role and status are the same in both, so that at most names and the like differ."""

    def mentions(self, stated: Stated) -> Sequence[tuple[str, SourcedId]]:
        """The record that a stated thing is about, then those that it refers to, as collection and sourcedId, as far as
        the source has chosen the ids itself: none of them may be another source's."""

    def roster_of(self, fact: Stated | Fact) -> SourcedId | None:
        """The class whose roster a record is a part of, where one context holds many rosters."""

    def of_source(self) -> Sequence[Derived]:
        """The records supplied for the source as a whole: school, calendar."""

    def of_context(self, fact: Fact | None, context: ContextKey) -> Sequence[Derived]:
        """The class and its course."""

    def of_member(
        self, subject: str, context: ContextKey, facts: Sequence[Fact], *, sole_lead: bool
    ) -> Sequence[Derived]:
        """The person and her enrollment in one context.

        :param facts: every live fact about her that counts, as member, from launches and fed, of every context of the
            source, in any order.
        :param sole_lead: whether exactly one member of this context claims the lead.
        """
