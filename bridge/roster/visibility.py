"""What a caller may see of the mirror.

Every query carries a :class:`Visibility` and cannot be built without one. It says three things: which sources (the
platform or SIS that said a thing), which of their records where that is not all, and which fields of these.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.roster.identity import ContextKey, SourcedId, class_sourced_id
from bridge.roster.model import Collection
from bridge.roster.privacy import PersonDetail, shown

EVERY = "all"
"""In words: no limit."""


def names_in_words(names: Iterable[str] | None) -> str:
    """Whom a limit names, in order; :data:`EVERY` if there is none."""
    return EVERY if names is None else ", ".join(sorted(names))


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a caller may see.

    :param sources: the names of the sources; ``None`` means every source, also those that are added later.
    :param orgs: sourcedIds of orgs: what belongs to them and to the orgs below them, and nothing else.
    :param classes: sourcedIds of classes: these and what belongs to them, beside what ``orgs`` allows. Without orgs and
        classes, everything that the sources say.
    :param privacy: which fields of a person are told.
    """

    sources: frozenset[str] | None
    orgs: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    privacy: PersonDetail = PersonDetail.PUBLIC

    @classmethod
    def of_all(cls) -> "Visibility":
        """See everything: for the operator, and for clients registered without a limit."""
        return cls(None)

    @classmethod
    def of(cls, *sources: str) -> "Visibility":
        """See what these sources say, and nothing else."""
        return cls(frozenset(sources))

    @property
    def is_limited(self) -> bool:
        """Whether it leaves out some of what its sources say."""
        return bool(self.orgs or self.classes)

    def shown(self, collection: Collection) -> Collection:
        """The class with the fields that may be seen: what requests are read against."""
        return shown(collection, self.privacy)

    @property
    def in_words(self) -> str:
        """What may be seen, for the operator; see :func:`names_in_words`."""
        parts = [names_in_words(self.sources)]
        for name, ids in (("org", self.orgs), ("class", self.classes)):
            parts += [f"{name} {sourced_id}" for sourced_id in sorted(ids)]
        if self.privacy is not PersonDetail.PUBLIC:
            parts.append(self.privacy)
        return "; ".join(parts)

    @property
    def key(self) -> tuple[object, ...]:
        """The same as a value that is written the same in every process."""
        sources = None if self.sources is None else sorted(self.sources)
        return (sources, sorted(self.orgs), sorted(self.classes), self.privacy.value)


@dataclass(frozen=True, slots=True)
class ClassVisibility:
    """Whose memberships a caller may read: of some classes everything, of others nothing.

    Memberships are read by this alone. A :class:`Visibility` says other things too, which would be passed over there,
    so the two are no kin. What is told of a member is :class:`bridge.roster.sharing.PrivacyLevel`'s.

    :param sources: the names of the sources; ``None`` means every source, also those that are added later.
    :param classes: sourcedIds of classes among these; ``None`` means all, also later ones.
    """

    sources: frozenset[str] | None
    classes: frozenset[SourcedId] | None = None

    def sees(self, source: str, class_: SourcedId) -> bool:
        """Whether it may read the memberships of a class."""
        return (self.sources is None or source in self.sources) and (self.classes is None or class_ in self.classes)

    def sees_context(self, source: str, context: ContextKey) -> bool:
        """The same of the class that a context is."""
        return self.sees(source, class_sourced_id(source, context))
