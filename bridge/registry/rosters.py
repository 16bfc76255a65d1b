"""Everything that is reconciled: contexts of LMSs, and sources that state whole records, in one list.

Both are known by source and context key, have a lease and a lane, and can be paused; what else there is to them only
those look at who read them.
"""

from bridge.errors import UnknownObject
from bridge.registry.circuits import Circuits
from bridge.registry.contexts import Contexts, RegisteredContext
from bridge.registry.csv_sources import CsvSource, CsvSources
from bridge.registry.pauses import Pauses
from bridge.registry.sources import RegisteredSource, Sources
from bridge.roster.identity import ContextKey
from bridge.roster.records import WHOLE_SOURCE

Roster = RegisteredContext | RegisteredSource
"""What can be asked."""

Reconciled = Roster | CsvSource
"""What a run can be of."""

_NOT_ASKED = "{} cannot be asked: its files are read by 'bridge import csv'"


class Rosters:
    """The registered contexts and sources."""

    def __init__(
        self, contexts: Contexts, sources: Sources, csv_sources: CsvSources, pauses: Pauses, circuits: Circuits
    ) -> None:
        self._contexts = contexts
        self._sources = sources
        self._csv_sources = csv_sources
        self._pauses = pauses
        self._circuits = circuits

    def all(self) -> list[Roster]:
        """Every one, in a stable order."""
        return [*self._contexts.all(), *self._sources.all()]

    def get(self, source: str, key: ContextKey) -> Roster:
        """The one that a run was of, to be asked again.

        :raises UnknownObject: if it is registered no more, or cannot be asked.
        """
        found = self.of_run(source, key)
        if isinstance(found, CsvSource):
            raise UnknownObject(_NOT_ASKED.format(source))
        return found

    def of_run(self, source: str, key: ContextKey) -> Reconciled:
        """The one that a run was of.

        :raises UnknownObject: if it is registered no more.
        """
        if key != WHOLE_SOURCE:
            return self._contexts.get(source, key)
        try:
            return self._sources.get(source)
        except UnknownObject:
            if (found := self._csv_sources.find(source)) is not None:
                return found
            raise

    def find(self, selector: str) -> Roster:
        """The one that a person names: a source by its name, a context as :meth:`Contexts.find` does.

        :raises UnknownObject: if nothing has that name.
        :raises InvalidRequest: if several contexts have.
        """
        try:
            return self._sources.get(selector)
        except UnknownObject:
            if self._csv_sources.find(selector) is not None:
                raise UnknownObject(_NOT_ASKED.format(selector)) from None
        try:
            return self._contexts.find(selector)
        except UnknownObject as error:
            raise UnknownObject(
                f"no context and no source is called {selector}: see 'bridge contexts list' and 'bridge sources list'"
            ) from error

    def is_paused(self, roster: Roster) -> bool:
        """Whether it is not to be read by itself."""
        if isinstance(roster, RegisteredSource):
            return self._sources.get(roster.name).pause is not None
        return self._pauses.covers(roster.platform_id, roster.tenant, roster.key)

    def pause(self, roster: Reconciled, paused_by: str, reason: str = "") -> bool:
        """Read it by itself no more; whether it was read so far."""
        if isinstance(roster, CsvSource):
            return False
        if isinstance(roster, RegisteredSource):
            return self._sources.pause(roster.name, paused_by, reason)
        return self._pauses.pause_context(roster.tenant, roster.key, paused_by, reason)

    def resume(self, roster: Reconciled) -> bool:
        """Read it again; whether it was paused."""
        if isinstance(roster, CsvSource):
            return False
        if isinstance(roster, RegisteredSource):
            return self._sources.resume(roster.name)
        return self._pauses.resume_context(roster.tenant, roster.key)

    def admit(self, roster: Roster) -> bool:
        """Whether its platform's circuit lets an attempt through now. A source is alone: the pauses after its failures
        do what a circuit would."""
        return isinstance(roster, RegisteredSource) or self._circuits.admit(roster.platform_id)
