"""Contexts whose memberships the bridge reads: courses of an LMS, and where their roster is found.

A context is known by (tenant, key). Everything else about it, the platform and the address included, may change
with the next launch, and changes no sourcedId.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.lti.platform import Platform
from bridge.roster.identity import ContextKey, SourcedId, class_sourced_id
from bridge.roster.memberships import Context

_SELECT = (
    "SELECT tenant, key, context_id, platform AS platform_id, deployment_id, memberships_url, label, title,"
    " added_by, created, last_launch FROM contexts "
)


class AddedBy(StrEnum):
    """How a context came to be known."""

    LAUNCH = "launch"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredContext:
    """A context and where its memberships are read.

    :param key: what names it within the tenant: see :func:`bridge.roster.identity.context_key`.
    :param platform_id: the registration through which it was last launched or added.
    :param memberships_url: ``context_memberships_url`` as the platform gave it, query string included.
    :param last_launch: the stamp of the last verified launch.
    """

    tenant: str
    key: ContextKey
    context_id: str
    platform_id: int
    deployment_id: str | None
    memberships_url: str
    label: str | None
    title: str | None
    added_by: AddedBy
    created: str
    last_launch: str | None

    @property
    def class_sourced_id(self) -> SourcedId:
        """The sourcedId of the class that this context is."""
        return class_sourced_id(self.tenant, self.key)

    @property
    def name(self) -> str:
        """What it is called where contexts and sources stand beside each other: as the class."""
        return self.class_sourced_id

    @property
    def lane(self) -> int:
        """With what it takes turns: with the other contexts of its platform."""
        return self.platform_id

    @property
    def lease(self) -> str:
        """The name of the lease that whoever reconciles this context holds."""
        return lease_of(self.class_sourced_id)


def lease_of(class_id: SourcedId) -> str:
    """The name of the lease that whoever reconciles this class's context holds."""
    return f"context {class_id}"


class Contexts:
    """The registered contexts."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def upsert_from_launch(
        self, platform: Platform, key: ContextKey, context: Context, *, deployment_id: str | None, memberships_url: str
    ) -> RegisteredContext:
        """Register the context of a verified launch, or bring what is known about it up to date.

        A label or title that the launch does not state stays as it was.
        """
        return self._upsert(
            platform, key, context, deployment_id, memberships_url, AddedBy.LAUNCH, to_stamp(self._clock())
        )

    def add(
        self,
        platform: Platform,
        key: ContextKey,
        context: Context,
        *,
        memberships_url: str,
        deployment_id: str | None = None,
    ) -> RegisteredContext:
        """Register a context by the operator's word, or point a known one elsewhere."""
        return self._upsert(platform, key, context, deployment_id, memberships_url, AddedBy.OPERATOR, None)

    def get(self, tenant: str, key: ContextKey) -> RegisteredContext:
        """The context with this key.

        :raises UnknownObject: if there is none.
        """
        if found := self._select("WHERE tenant = ? AND key = ?", tenant, key):
            return found[0]
        raise UnknownObject(f"tenant {tenant} has no such context: see 'bridge contexts list'")

    def is_known(self, tenant: str, key: ContextKey) -> bool:
        """Whether the context's roster is read at all."""
        return bool(self._select("WHERE tenant = ? AND key = ?", tenant, key))

    def find(self, selector: str, tenant: str | None = None) -> RegisteredContext:
        """The one context that a person names: by class sourcedId, key, context id or label, each exactly.

        :raises UnknownObject: if nothing has that name.
        :raises InvalidRequest: if several have.
        """
        found = [
            context
            for context in self.all(tenant)
            if selector in {context.class_sourced_id, context.key, context.context_id, context.label}
        ]
        if not found:
            raise UnknownObject(f"no context is called {selector}: see 'bridge contexts list'")
        if len(found) > 1:
            names = ", ".join(context.class_sourced_id for context in found)
            raise InvalidRequest("context", f"{len(found)} contexts are called {selector}, name one of {names}")
        return found[0]

    def all(self, tenant: str | None = None) -> list[RegisteredContext]:
        """Every context, of one tenant or of all, in a stable order."""
        if tenant is None:
            return self._select("ORDER BY tenant, key")
        return self._select("WHERE tenant = ? ORDER BY key", tenant)

    def page(self, platform_id: int, limit: int, *, after: str = "", search: str = "") -> list[RegisteredContext]:
        """The contexts that are read through a registration, in the order of their keys.

        :param after: begin behind this key.
        :param search: only those with this in title or label, in any case, or with just this context id.
        """
        return self._select(
            "WHERE platform = ? AND key > ? AND (? = '' OR instr(lower(coalesce(title, '')), lower(?))"
            " OR instr(lower(coalesce(label, '')), lower(?)) OR context_id = ?) ORDER BY tenant, key LIMIT ?",
            platform_id,
            after,
            *[search] * 4,
            limit,
        )

    def counts(self) -> Mapping[int, int]:
        """How many contexts are read through each registration."""
        return dict(self._db.execute("SELECT platform, count(*) FROM contexts GROUP BY platform").fetchall())

    def remove(self, tenant: str, key: ContextKey) -> None:
        """Read a context no more, until it is launched or added again; the mirror keeps what it holds.

        :raises UnknownObject: if there is no such context.
        """
        if not self._db.execute("DELETE FROM contexts WHERE tenant = ? AND key = ?", (tenant, key)).rowcount:
            raise UnknownObject(f"tenant {tenant} has no such context: see 'bridge contexts list'")

    def _upsert(
        self,
        platform: Platform,
        key: ContextKey,
        context: Context,
        deployment_id: str | None,
        memberships_url: str,
        added_by: AddedBy,
        launched: str | None,
    ) -> RegisteredContext:
        self._db.execute(
            "INSERT INTO contexts (tenant, key, context_id, platform, deployment_id, memberships_url, label, title,"
            " added_by, created, last_launch) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (tenant, key) DO UPDATE SET"
            " platform = excluded.platform,"
            " deployment_id = coalesce(excluded.deployment_id, deployment_id),"
            " memberships_url = excluded.memberships_url,"
            " label = coalesce(excluded.label, label),"
            " title = coalesce(excluded.title, title),"
            " last_launch = coalesce(excluded.last_launch, last_launch)",
            (
                platform.tenant,
                key,
                context.context_id,
                platform.id,
                deployment_id,
                memberships_url,
                context.label,
                context.title,
                added_by,
                to_stamp(self._clock()),
                launched,
            ),
        )
        return self.get(platform.tenant, key)

    def _select(self, rest: str, *parameters: str | int) -> list[RegisteredContext]:
        rows = self._db.query(_SELECT + rest, parameters)
        return [
            RegisteredContext(**{**row, "key": ContextKey(row["key"]), "added_by": AddedBy(row["added_by"])})
            for row in list(rows)
        ]
