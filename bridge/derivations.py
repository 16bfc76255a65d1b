"""What the operator has set, for everybody and for one platform, as the derivation of each context.

A platform's own options go before the configuration. What belongs to a tenant as a whole, its school, is taken from
its oldest registration that sets it: two registrations of one tenant must not rewrite it in turn.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from bridge.clock import Clock
from bridge.errors import UnknownObject
from bridge.lti.platform import Platform
from bridge.lti.vendors import profile_of
from bridge.nrps.schemas import load_context, load_member
from bridge.registry.contexts import RegisteredContext
from bridge.registry.csv_sources import CsvSource
from bridge.registry.fed_contexts import FedContext
from bridge.registry.feeders import platform_of
from bridge.registry.registry import Registry
from bridge.registry.rosters import Reconciled
from bridge.registry.sources import RegisteredSource
from bridge.roster.calendar import school_year_of
from bridge.roster.derive import MembershipDerivation, Origin
from bridge.roster.identity import ContextKey
from bridge.roster.memberships import Context, Membership
from bridge.roster.ports import Derivation
from bridge.roster.reading import Reading
from bridge.roster.records import RecordDerivation
from bridge.roster.references import References
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.supplied import Surroundings
from bridge.settings import Settings

_MEMBERS_REMEMBERED = 10_000
_LONGEST_REMEMBERED = 4096  # bytes of JSON: memory is bounded by both together


class Derivations:
    """Makes derivations. Serves all threads.

    :param role_table: the installation's, over which platforms may have their own.
    """

    def __init__(self, settings: Settings, role_table: RoleTable, clock: Clock) -> None:
        self._settings = settings
        self._role_table = role_table
        self._clock = clock
        # A member is looked at when she is staged, when she is mapped, and whenever another of her contexts is read.
        self._remembered = lru_cache(maxsize=_MEMBERS_REMEMBERED)(load_member)

    def _load_member(self, raw: bytes) -> Membership:
        return self._remembered(raw) if len(raw) <= _LONGEST_REMEMBERED else load_member(raw)

    def of(self, roster: Reconciled, registry: Registry) -> Derivation:
        """How the facts of a context, or of a source, become documents, by the present settings and options.

        :raises: as :meth:`of_context`.
        """
        if isinstance(roster, RegisteredSource | CsvSource):
            return RecordDerivation(references=References(self._settings.server.public_url), prefix=roster.prefix)
        return self.of_context(roster, registry)

    def of_context(self, context: RegisteredContext, registry: Registry) -> MembershipDerivation:
        """How the facts of a context become documents.

        :raises UnknownObject: if its platform has been removed.
        :raises InvalidRequest: if a registration of the tenant has an option that cannot be used.
        :raises ConfigError: if one names a role table that cannot be used.
        """
        platform = registry.platforms.by_id(context.platform_id)
        return self._of(context, platform, registry.platforms.of_tenant(context.tenant), registry)

    def of_fed(self, context: FedContext, registry: Registry) -> MembershipDerivation:
        """How what was handed in about a context becomes documents, where the bridge itself is not asked for it.

        :raises: as :meth:`of`.
        """
        ours = registry.platforms.of_tenant(context.tenant)
        platform = platform_of(context.tenant, context.issuer, context.vendor, ours)
        # A tenant without registrations is described by the context that it was first known by.
        first = registry.fed_contexts.of_tenant(context.tenant)[0]
        registrations = ours or [platform_of(first.tenant, first.issuer, first.vendor, ours)]
        return self._of(context, platform, registrations, registry)

    def _of(
        self,
        context: RegisteredContext | FedContext,
        platform: Platform,
        registrations: Sequence[Platform],
        registry: Registry,
    ) -> MembershipDerivation:
        readings = {each.id: self.reading(each) for each in (*registrations, platform)}
        reading = readings[platform.id]

        @cache
        def reading_elsewhere(key: ContextKey) -> Reading:
            try:
                return readings.get(_registration_of(context.tenant, key, registrations, registry), reading)
            except UnknownObject:
                return reading  # its roster is read no more, and what it said stays

        return MembershipDerivation(
            tenant=context.tenant,
            tenant_issuer=registrations[0].issuer,
            origin=Origin(
                key=context.key,
                issuer=platform.issuer,
                deployment_id=context.deployment_id,
                context=Context(context_id=context.context_id, label=context.label, title=context.title),
            ),
            surroundings=self._surroundings(context.tenant, registrations),
            reading=reading,
            reading_elsewhere=reading_elsewhere,
            load_member=self._load_member,
            load_context=load_context,
        )

    def names_escaped(self, tenant: str, key: ContextKey, registry: Registry) -> bool:
        """Whether what is held of a context has its names HTML-escaped, by the manners of the LMS that it is read from.

        Of a context that is read no more, it is the tenant's oldest registration that counts.
        """
        registrations = {each.id: each for each in registry.platforms.of_tenant(tenant)}
        try:
            platform = registrations.get(registry.contexts.get(tenant, key).platform_id)
        except UnknownObject:
            platform = None
        platform = platform or next(iter(registrations.values()), None)
        return platform is not None and profile_of(platform).escaped_names

    def teaches(self, platform: Platform, roles: Sequence[str]) -> bool:
        """Whether somebody with these LTI roles is a teacher or an administrator of her class, by the role table.

        :raises InvalidRequest: if the platform has an option that cannot be used.
        :raises ConfigError: if it names a role table that cannot be used.
        """
        mapped = self.reading(platform).table.map_roles(roles, mapping=RoleMapping.COMPAT)
        return mapped.enrollment in {"teacher", "administrator"}

    def reading(self, platform: Platform) -> Reading:
        """How a registration's members are read: its options over its vendor profile and the configuration.

        :raises InvalidRequest: if it has an option that cannot be used.
        :raises ConfigError: if it names a role table that cannot be used.
        """
        profile = profile_of(platform)
        options, defaults = platform.options, self._settings.mapping
        table = options.get("role_table")
        return Reading(
            table=RoleTable.load(Path(table), base=self._role_table) if table else self._role_table,
            mapping=RoleMapping(options.get("role_mapping", defaults.role_mapping)),
            trust_admin_roles=options.get("trust_admin_roles", defaults.trust_admin_roles),
            keep_test_users=options.get("keep_test_users", defaults.keep_test_users),
            escaped_names=profile.escaped_names,
        )

    def _surroundings(self, tenant: str, registrations: Sequence[Platform]) -> Surroundings:
        school, calendar = self._settings.school, self._settings.calendar

        def of_tenant(option: str) -> str | None:
            return next((each.options[option] for each in registrations if option in each.options), None)

        today = self._clock().astimezone(ZoneInfo(calendar.time_zone)).date()
        return Surroundings(
            tenant=tenant,
            school_name=of_tenant("school_name") or school.name or tenant,
            school_identifier=of_tenant("school_identifier") or school.identifier or tenant,
            school_year=school_year_of(today, calendar.year_start),
            references=References(self._settings.server.public_url),
        )


def _registration_of(tenant: str, key: ContextKey, registrations: Sequence[Platform], registry: Registry) -> int:
    """The id of the registration by which a context is known.

    :raises UnknownObject: if it is not known any more.
    """
    try:
        return registry.contexts.get(tenant, key).platform_id
    except UnknownObject:
        fed = registry.fed_contexts.get(tenant, key)
        return platform_of(tenant, fed.issuer, fed.vendor, registrations).id
