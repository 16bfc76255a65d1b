"""What a caller may see of the mirror.

Every query carries a :class:`Visibility` and cannot be built without one. Its unit is the source: the platform
or SIS that said a thing.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visibility:
    """A set of sources.

    :param sources: the names of the sources; ``None`` means every source, also those that are added later.
    """

    sources: frozenset[str] | None

    @classmethod
    def of_all(cls) -> "Visibility":
        """See everything: for the operator, and for clients registered without a limit."""
        return cls(None)

    @classmethod
    def of(cls, *sources: str) -> "Visibility":
        """See what these sources say, and nothing else."""
        return cls(frozenset(sources))
