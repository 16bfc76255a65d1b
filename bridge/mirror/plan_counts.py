"""How many of what a plan adds, changes and removes: in all, and of each collection."""

from collections import Counter
from collections.abc import Mapping

from bridge.roster.model import COLLECTIONS
from bridge.roster.plan import ChangeKind, Part
from bridge.roster.ports import FactKind, Stated


class PlanCounts:
    """What is planned so far.

    :ivar counts: members, or records, by kind of change.
    :ivar details: of the changed ones, by collection, those that stand as before.
    :ivar else_changed: whether anything changes beside those.
    """

    def __init__(self) -> None:
        self.counts: Counter[ChangeKind] = Counter()
        self.details: Counter[str] = Counter()
        self.else_changed = False
        self._by_collection: Counter[tuple[str, ChangeKind]] = Counter()

    def note(self, item: Stated, change: ChangeKind, *, detail: bool = False) -> None:
        """Count one planned fact.

        :param detail: of a changed one, whether it stands as before.
        """
        if not item.kind.counted:
            self.else_changed |= change is not ChangeKind.KEPT
            return
        collection = item.subject.partition("/")[0] if item.kind is FactKind.RECORD else ""
        self.counts[change] += 1
        self._by_collection[collection, change] += 1
        self.details[collection] += detail

    def parts(self, held: Mapping[str, int]) -> dict[str, Part]:
        """What is done to the records of each collection, given how many of each are held."""
        return {name: self._part(name, held.get(name, 0)) for name in COLLECTIONS if name in {*held, *self._names()}}

    def _names(self) -> set[str]:
        return {collection for collection, _ in self._by_collection}

    def _part(self, name: str, held: int) -> Part:
        removals = self._by_collection[name, ChangeKind.REMOVED]
        upheavals = removals + self._by_collection[name, ChangeKind.CHANGED] - self.details[name]
        return Part(held, self._by_collection[name, ChangeKind.ADDED], removals, upheavals)
