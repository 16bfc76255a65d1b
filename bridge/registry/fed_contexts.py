"""Contexts that LTI tools have handed in launches of, whether or not the bridge can read their rosters."""

from dataclasses import dataclass

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import UnknownObject
from bridge.lti.platform import Platform
from bridge.roster.identity import ContextKey, SourcedId, class_sourced_id
from bridge.roster.memberships import Context

_COLUMNS = (
    "tenant, key, context_id, issuer, client_id, deployment_id, vendor, label, title, feeder, created, last_launch"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FedContext:
    """A context as launches describe it.

    :param client_id: the audience of the launch that it was first known by.
    :param feeder: the tool that handed that in.
    """

    tenant: str
    key: ContextKey
    context_id: str
    issuer: str
    client_id: str
    deployment_id: str | None
    vendor: str
    label: str | None
    title: str | None
    feeder: str
    created: str
    last_launch: str

    @property
    def class_sourced_id(self) -> SourcedId:
        """The sourcedId of the class that this context is."""
        return class_sourced_id(self.tenant, self.key)


class FedContexts:
    """The contexts that were fed."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def note(
        self,
        platform: Platform,
        key: ContextKey,
        context: Context,
        *,
        deployment_id: str | None,
        feeder: str,
        signed: bool,
    ) -> None:
        """Know a context from a launch that was handed in.

        A label or title that a signed launch states takes the earlier one's place; one that is only claimed fills what
        is empty.
        """
        now = to_stamp(self._clock())
        described = (
            "label = coalesce(excluded.label, label), title = coalesce(excluded.title, title)"
            if signed
            else "label = coalesce(label, excluded.label), title = coalesce(title, excluded.title)"
        )
        self._db.execute(
            f"INSERT INTO fed_contexts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
            f" ON CONFLICT (tenant, key) DO UPDATE SET {described}, last_launch = excluded.last_launch",
            (
                platform.tenant,
                key,
                context.context_id,
                platform.issuer,
                platform.client_id,
                deployment_id,
                platform.vendor,
                context.label,
                context.title,
                feeder,
                now,
                now,
            ),
        )

    def get(self, tenant: str, key: ContextKey) -> FedContext:
        """The context with this key.

        :raises UnknownObject: if no launch of it was handed in.
        """
        if found := self._select("WHERE tenant = ? AND key = ?", tenant, key):
            return found[0]
        raise UnknownObject(f"no launch of such a context of tenant {tenant} was handed in")

    def of_tenant(self, tenant: str) -> list[FedContext]:
        """Those of one tenant, oldest first."""
        return self._select("WHERE tenant = ? ORDER BY created, key", tenant)

    def all(self) -> list[FedContext]:
        """Every one, in a stable order."""
        return self._select("ORDER BY tenant, key")

    def _select(self, rest: str, *parameters: object) -> list[FedContext]:
        rows = self._db.query(f"SELECT {_COLUMNS} FROM fed_contexts {rest}", parameters)  # noqa: S608
        return [FedContext(**{**row, "key": ContextKey(row["key"])}) for row in list(rows)]
