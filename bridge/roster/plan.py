"""What a new snapshot means for what is held: the rule, record by record.

Pure: no storage, no protocol. The mirror merges what was stated with what is held, in key order, and asks this module
about each pair that differs.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.roster.identity import ContextKey


class ChangeKind(StrEnum):
    """What a snapshot means for one fact."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    KEPT = "kept"
    """As it was: planned only when documents are derived anew."""


def change_of(held: bytes | None, stated: bytes | None, *, complete: bool) -> ChangeKind | None:
    """What becomes of one fact.

    :param held: the hash of the live fact; ``None`` if there is none, or if it was found gone earlier.
    :param stated: the hash of what the snapshot says; ``None`` if it says nothing of it.
    :param complete: whether the snapshot's silence means anything: it always does of somebody said to be gone.
    """
    if stated is None:
        return ChangeKind.REMOVED if complete and held is not None else None
    if held is None:
        return ChangeKind.ADDED
    return ChangeKind.KEPT if held == stated else ChangeKind.CHANGED


def says_the_same(held: str, stated: str) -> bool:
    """Whether two JSON texts differ in white space, in escapes or in the order of keys at most: some sources write anew
    what has not changed.

    >>> says_the_same('{"user_id": "7", "roles": []}', '{"roles":[],"user_id":"\\u0037"}')
    True
    >>> says_the_same('{"user_id": 1}', '{"user_id": true}')
    False
    """
    try:
        return _in_one_form(held) == _in_one_form(stated)
    except (ValueError, RecursionError):
        return False


def _in_one_form(text: str) -> str:
    # Values themselves will not do: to Python, 1 and true are equal.
    return json.dumps(json.loads(text), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One member who could not be used, and why: whatever was held of her stays as it was."""

    position: int
    subject: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a plan does to one kind of what is held: to the members of a context, or to the records of one collection.

    :param upheavals: how many of those held before would leave, or have another role or status.
    """

    held_before: int
    added: int
    removals: int
    upheavals: int

    @property
    def held_after(self) -> int:
        return self.held_before + self.added - self.removals


@dataclass(frozen=True, slots=True)
class Emptied:
    """Classes that stay and that a plan would leave without anybody, where one context holds many rosters.

    :param enrollments: how many they have together.
    """

    classes: int = 0
    enrollments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What applying a staged snapshot would do to one context.

    :param based_on: the run that the context stood at when this was planned; ``None`` if there was none. Applying
        refuses if it has moved.
    :param complete: whether silence counted as leaving.
    :param rederive: whether every document of the context is derived anew, since the mapping has changed.
    :param context_changed: whether what is said of the context itself, or by launches of it, differs.
    :param held_before: how many members, or records, the mirror held.
    :param bookmark: what to ask the source with next time: see :attr:`bridge.roster.ports.Snapshot.bookmark`.
    :param counts: members, or records, by kind of change.
    :param details: of the changed ones, those whose role and status stay: only names or the like differ.
    :param by_collection: of a context that holds records, what is done to those of each collection.
    """

    source: str
    context: ContextKey
    based_on: int | None
    complete: bool
    rederive: bool
    context_changed: bool
    held_before: int
    bookmark: str | None = None
    counts: Mapping[ChangeKind, int] = field(default_factory=Counter)
    details: int = 0
    by_collection: Mapping[str, Part] = field(default_factory=dict)
    emptied: Emptied = Emptied()
    quarantined: tuple[Quarantined, ...] = ()

    @property
    def removals(self) -> int:
        return self.counts.get(ChangeKind.REMOVED, 0)

    @property
    def held_after(self) -> int:
        return self.held_before + self.counts.get(ChangeKind.ADDED, 0) - self.removals

    @property
    def noun(self) -> str:
        """What those are called that are counted."""
        return "records" if self.by_collection else "members"

    @property
    def parts(self) -> Mapping[str, Part]:
        """What the guards judge, each by itself, under the name that people know it by."""
        upheavals = self.removals + self.counts.get(ChangeKind.CHANGED, 0) - self.details
        whole = Part(self.held_before, self.counts.get(ChangeKind.ADDED, 0), self.removals, upheavals)
        return self.by_collection or {self.noun: whole}

    @property
    def is_empty(self) -> bool:
        """Whether the facts stay exactly as they are."""
        changes = sum(count for kind, count in self.counts.items() if kind is not ChangeKind.KEPT)
        return not changes and not self.context_changed
