"""Ending a context: its class, its enrollments, and whoever is then in no other.

It is an ordinary reconciliation with a source that says nobody and nothing, so that facts, documents, change log and
outbox are what they always are; only a person can ask for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bridge.roster.identity import ContextKey, SourcedId
from bridge.roster.ports import Derivation, Derived, Fact, Stated


@dataclass(frozen=True, slots=True)
class Nobody:
    """A :class:`bridge.roster.ports.Snapshot` of a context in which nobody is."""

    source: str
    context: ContextKey
    complete: bool = True
    bookmark: str | None = None

    def __iter__(self) -> Iterator[Stated]:
        return iter(())

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        raise AssertionError("nobody is stated twice")


@dataclass(frozen=True)
class Retired:
    """A :class:`bridge.roster.ports.Derivation` that ends a context, and leaves everything else as another one says.

    :param present: how the context was derived so far.
    :param whole_source: whether the school and the calendar end as well: it was the source's last context.
    """

    present: Derivation
    whole_source: bool = False

    @property
    def fingerprint(self) -> str:
        # Another one, so that all is derived anew if the context ever comes back.
        return f"retired {self.present.fingerprint}"

    def reject(self, stated: Stated) -> str | None:
        return self.present.reject(stated)

    def claims_lead(self, fact: Stated | Fact) -> bool:
        return self.present.claims_lead(fact)

    def same_standing(self, held: Fact, stated: Stated) -> bool:
        return self.present.same_standing(held, stated)

    def mentions(self, stated: Stated) -> Sequence[tuple[str, SourcedId]]:
        return self.present.mentions(stated)

    def roster_of(self, fact: Stated | Fact) -> SourcedId | None:
        return self.present.roster_of(fact)

    def of_source(self) -> Sequence[Derived]:
        records = self.present.of_source()
        return _ended(records) if self.whole_source else records

    def of_context(self, fact: Fact | None, context: ContextKey) -> Sequence[Derived]:
        return _ended(self.present.of_context(fact, context))

    def of_member(
        self, subject: str, context: ContextKey, facts: Sequence[Fact], *, sole_lead: bool
    ) -> Sequence[Derived]:
        return self.present.of_member(subject, context, facts, sole_lead=sole_lead)


def _ended(records: Sequence[Derived]) -> list[Derived]:
    return [replace(record, body=None) for record in records]
