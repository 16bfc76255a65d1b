"""What a context's platform, or a source, is asked for, by its vendor profile and by where the roster stands.

A platform that offers NRPS differences is asked for these between full pulls, and a source for what it has changed;
recent launches are stated beside a platform's rosters where these tell less of a member's roles.
"""

from datetime import timedelta

from bridge.clock import Clock, from_stamp
from bridge.lti.launch_roles import WithLaunchRoles
from bridge.lti.vendors import profile_of
from bridge.mirror.attempts import Attempts
from bridge.mirror.mirror import Mirror
from bridge.mirror.outcomes import Outcome
from bridge.mirror.standings import Standings
from bridge.nrps.client import NrpsClient
from bridge.nrps.source import NrpsSnapshot, RosterAddress
from bridge.oneroster.client import OneRosterClient
from bridge.oneroster.source import OneRosterSnapshot
from bridge.registry.contexts import RegisteredContext
from bridge.registry.registry import Registry
from bridge.registry.rosters import Roster
from bridge.registry.sources import RegisteredSource
from bridge.roster.identity import deployment_in, person_key
from bridge.roster.ports import Snapshot
from bridge.settings import Settings


class Snapshots:
    """Makes snapshots. Serves all threads."""

    def __init__(self, settings: Settings, client: NrpsClient, oneroster: OneRosterClient, clock: Clock) -> None:
        self._settings = settings
        self._client = client
        self._oneroster = oneroster
        self._clock = clock

    def of(
        self, roster: Roster, registry: Registry, mirror: Mirror, *, full: bool = False
    ) -> tuple[Snapshot, Snapshot | None]:
        """What a context's platform, or a source, says now: nothing is asked before a snapshot is iterated.

        :param full: whether only the whole roster will do.
        :returns: what to read, and what to read instead if that is refused: of what has changed the whole; nothing if
            it is the whole already.
        :raises UnknownObject: if its platform has been removed.
        :raises InvalidRequest: if the platform has an option that cannot be used.
        """
        if isinstance(roster, RegisteredSource):
            return self._of_source(roster, mirror, full=full)
        return self._of_context(roster, registry, mirror, full=full)

    def _of_source(self, source: RegisteredSource, mirror: Mirror, *, full: bool) -> tuple[Snapshot, Snapshot | None]:
        settings = self._settings.sources
        whole = OneRosterSnapshot(
            self._oneroster,
            source.account,
            prefix=source.prefix,
            demographics=source.demographics,
            limit=source.page_limit or settings.page_limit,
            changes=source.changes,
            overlap=timedelta(minutes=settings.overlap_minutes),
        )
        bookmark = None if full else self._bookmark(source, mirror, settings.full_pull_days)
        changes = None if bookmark is None else whole.since(bookmark)
        return (whole, None) if changes is None else (changes, whole)

    def _of_context(
        self, context: RegisteredContext, registry: Registry, mirror: Mirror, *, full: bool
    ) -> tuple[Snapshot, Snapshot | None]:
        """What a context's platform says now.

        :raises UnknownObject: if its platform has been removed.
        :raises InvalidRequest: if the platform has an option that cannot be used.
        """
        platform = registry.platforms.by_id(context.platform_id)
        profile = profile_of(platform)
        limit = self._settings.nrps.page_limit if profile.page_limit is None else profile.page_limit
        scope = deployment_in(context.key) if profile.people_by_deployment else None
        whole = NrpsSnapshot(
            self._client,
            RosterAddress(
                platform=platform,
                url=context.memberships_url,
                source=context.tenant,
                context=context.key,
                context_id=context.context_id,
                deployment_id=context.deployment_id,
                person_scope=scope,
                renew_on_403=profile.renew_on_403,
                max_members=self._settings.nrps.max_members,
            ),
            complete=profile.complete_rosters,
            limit=limit or None,
            differences=profile.differences,
        )
        bookmark = None if full else self._bookmark(context, mirror, self._settings.sync.full_pull_days)
        changes = None if bookmark is None else whole.since(bookmark)
        if not profile.merge_launch_roles:
            return (whole, None) if changes is None else (changes, whole)
        recent = self._clock() - timedelta(days=self._settings.mapping.launch_role_days)
        launches = registry.launch_roles.since(context.tenant, context.key, recent)
        said = [(person_key(user_id, scope), roles) for user_id, roles in launches]
        complemented = WithLaunchRoles(whole, said)
        return (complemented, None) if changes is None else (WithLaunchRoles(changes, said), complemented)

    def _bookmark(self, context: Roster, mirror: Mirror, days: int) -> str | None:
        """Where to ask for changes, unless a full pull is due, or a plan waits: changes would not tell of it again."""
        attempt = Attempts(mirror).of(context.tenant, context.key)
        if attempt is not None and attempt.outcome is Outcome.HELD:
            return None
        standing = Standings(mirror).of(context.tenant, context.key)
        due = self._clock() - timedelta(days=days)
        if standing is None or standing.full_pull is None or from_stamp(standing.full_pull) <= due:
            return None
        return standing.bookmark
