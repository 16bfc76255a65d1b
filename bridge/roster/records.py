"""What a SIS says, record by record: stated as facts, and facts to documents.

A SIS states whole OneRoster records. Each becomes one fact, named ``collection/sourcedId``, and one document of the
same sourcedId, or of that behind the source's prefix. A record that says of itself that it has ended is stated apart
(:attr:`bridge.roster.ports.FactKind.TOMBSTONE`), so that guards count it as one who leaves, and what it says last is
still served.

Whoever has records from anywhere, of an API or of a file, makes a :class:`RecordSnapshot` of them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from bridge.roster.identity import ContextKey, SourcedId, context_key
from bridge.roster.model import BY_SINGULAR, COLLECTIONS, ENROLLMENTS, USERS, Collection
from bridge.roster.normalising import Normaliser, Unusable, is_ended, sourced_id_of
from bridge.roster.ports import Derived, Fact, FactKind, Gone, PageRead, Rejected, Stated
from bridge.roster.references import References

VERSION = "1"
"""Raised whenever the same facts would give other documents, or the same records other facts."""

WHOLE_SOURCE = context_key("*")
"""The one context of a source that states records: all of it."""

LONGEST_ID = 255
"""OneRoster CSV binding: a sourcedId is shorter than 256 characters."""

_LONGEST_RECORD = 256 * 1024
_REMEMBERED = 256
_SECRETS = frozenset({"password", "credentials"})
_UNSAID = _SECRETS | {"dateLastModified"}

# What decides who somebody is, or where; a change of anything else is one of names and the like.
_STANDING: Mapping[str, tuple[str, ...]] = {
    USERS.name: ("enabledUser", "roles"),
    ENROLLMENTS.name: ("user", "class", "role"),
}


def subject_of(collection: str, sourced_id: str) -> str:
    """What names the fact about a record."""
    return f"{collection}/{sourced_id}"


def split_subject(subject: str) -> tuple[Collection, SourcedId]:
    """The collection and the sourcedId that a fact is about."""
    name, _, sourced_id = subject.partition("/")
    return COLLECTIONS[name], SourcedId(sourced_id)


def state(
    collection: Collection, record: object, position: int, prefix: str = ""
) -> Iterator[Stated | Rejected | Gone]:
    """What a source says with one record.

    ``dateLastModified`` is left out, since many SISs move it when nothing else has changed, and so is every password.

    :param record: the record as it was read from JSON, or made of a row.
    :param position: its place among all records of the snapshot, from 0.
    :param prefix: goes before its sourcedId.
    """
    sourced_id = sourced_id_of(record) if isinstance(record, Mapping) else None
    if sourced_id is None or not isinstance(record, Mapping):
        yield Rejected(position, None, f"a record of {collection.name} has no sourcedId")
        return
    subject = subject_of(collection.name, prefix + sourced_id)
    if len(prefix + sourced_id) > LONGEST_ID:
        yield Rejected(position, subject, f"its sourcedId is longer than {LONGEST_ID} characters")
        return
    said = {name: _without_secrets(value) for name, value in record.items() if name not in _UNSAID}
    raw = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    if len(raw) > _LONGEST_RECORD:
        yield Rejected(position, subject, f"is longer than {_LONGEST_RECORD} bytes")
    elif is_ended(record):
        yield Stated(FactKind.TOMBSTONE, subject, raw)
        yield Gone(subject)
    else:
        yield Stated(FactKind.RECORD, subject, raw)


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_secrets(inner) for key, inner in value.items() if key not in _SECRETS}
        case list():
            return [_without_secrets(each) for each in value]
        case _:
            return value


@dataclass(slots=True)
class RecordSnapshot:
    """Records from anywhere as a :class:`bridge.roster.ports.Snapshot`.

    :param records: each record with its collection, read from JSON or made of a row; iterated once. Now and then
        :class:`bridge.roster.ports.PageRead`, where reading takes long.
    :param complete: whether a record that does not come has ended. It is looked at when all have come.
    :param prefix: goes before every sourcedId.
    """

    source: str
    records: Iterable[tuple[Collection, object] | PageRead]
    complete: bool
    prefix: str = ""
    bookmark: str | None = None
    context: ContextKey = WHOLE_SOURCE

    def __iter__(self) -> Iterator[Stated | Rejected | Gone | PageRead]:
        position = 0
        for item in self.records:
            if isinstance(item, PageRead):
                yield item
            else:
                yield from state(*item, position, self.prefix)
                position += 1

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """A record that comes twice has moved between two pages: what was read last counts."""
        return later


@dataclass(frozen=True, kw_only=True)
class RecordDerivation:
    """:class:`bridge.roster.ports.Derivation` for the records of a SIS.

    :param references: gives references the bridge's own addresses.
    :param prefix: goes before the sourcedId of every reference; those of the records themselves have it already.
    """

    references: References
    prefix: str = ""

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(["records", VERSION, self.prefix]).encode()).hexdigest()

    def reject(self, stated: Stated) -> str | None:
        if stated.kind is FactKind.TOMBSTONE:
            return None  # whatever else it says, that it has ended is plain
        return self._normalised(stated.subject, stated.raw)[1]

    def mentions(self, stated: Stated) -> Sequence[tuple[str, SourcedId]]:
        collection, sourced_id = split_subject(stated.subject)
        body = None if stated.kind is FactKind.TOMBSTONE else self._normalised(stated.subject, stated.raw)[0]
        return [(collection.name, sourced_id), *_references_in(body)]

    def roster_of(self, fact: Stated | Fact) -> SourcedId | None:
        if fact.kind is not FactKind.RECORD or not fact.subject.startswith(f"{ENROLLMENTS.name}/"):
            return None
        body = self._normalised(fact.subject, fact.raw)[0]
        return SourcedId(body["class"]["sourcedId"]) if body else None

    def claims_lead(self, fact: Stated | Fact) -> bool:
        return False

    def same_standing(self, held: Fact, stated: Stated) -> bool:
        collection, _ = split_subject(held.subject)
        before, after = (self._normalised(fact.subject, fact.raw)[0] or {} for fact in (held, stated))
        return all(before.get(name) == after.get(name) for name in _STANDING.get(collection.name, ()))

    def of_source(self) -> Sequence[Derived]:
        return ()

    def of_context(self, fact: Fact | None, context: ContextKey) -> Sequence[Derived]:
        return ()

    def of_member(
        self, subject: str, context: ContextKey, facts: Sequence[Fact], *, sole_lead: bool
    ) -> Sequence[Derived]:
        """The record itself: as it lives, else as it was when it ended."""
        collection, sourced_id = split_subject(subject)
        said = {fact.kind: fact.raw for fact in facts if fact.context == context}
        body = None
        if FactKind.RECORD in said:
            body = self._normalised(subject, said[FactKind.RECORD])[0]
        elif FactKind.TOMBSTONE in said:
            body = self._normalised(subject, said[FactKind.TOMBSTONE])[0]
        return [Derived(collection.name, sourced_id, body)]

    @cached_property
    def _normalised(self) -> Callable[[str, bytes], tuple[dict[str, Any] | None, str | None]]:
        """The document that a record becomes, or why it becomes none."""
        # A record is looked at several times in a row: whether it can be used, what it mentions, how it stands.
        normaliser = Normaliser(self.references, self.prefix)

        @lru_cache(maxsize=_REMEMBERED)
        def normalised(subject: str, raw: bytes) -> tuple[dict[str, Any] | None, str | None]:
            collection, sourced_id = split_subject(subject)
            try:
                said = json.loads(raw)
            except RecursionError:
                return None, "is nested too deeply"
            try:
                return normaliser.record(collection, sourced_id, said), None
            except Unusable as unusable:
                return None, str(unusable)

        return normalised


def _references_in(value: Any) -> Iterator[tuple[str, SourcedId]]:
    match value:
        case {"href": _, "sourcedId": str(sourced_id), "type": str(singular)}:
            if singular in BY_SINGULAR:
                yield BY_SINGULAR[singular].name, SourcedId(sourced_id)
        case dict():
            for name, inner in value.items():
                if name != "metadata":
                    yield from _references_in(inner)
        case list():
            for each in value:
                yield from _references_in(each)
