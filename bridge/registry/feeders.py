"""Feeders: LTI tools that hand in the launches which platforms have sent them, and for whom they may do so.

The audience of such a launch is the tool's own client id at the platform, not the bridge's. The operator binds it to
the tool, and says whose people and contexts it is about: several registrations and audiences may belong to one tenant.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.lti.platform import Platform
from bridge.lti.vendors import PROFILES
from bridge.registry.platforms import is_web_address
from bridge.registry.tenants import check_tenant
from bridge.storage import write

_COLUMNS = "tool, issuer, client_id, deployment_id, tenant, jwks_url, vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """For whom a platform's launches are that a tool may hand in.

    :param client_id: the tool's own at the platform: ``aud``.
    :param deployment_id: the one deployment that is meant; empty for any. Where one client id serves many institutions,
        only the deployment tells them apart.
    :param jwks_url: the platform's key set.
    :param vendor: the name of the platform's vendor profile.
    """

    tool: str
    issuer: str
    client_id: str
    deployment_id: str = ""
    tenant: str
    jwks_url: str
    vendor: str = "generic"


class Feeders:
    """The audiences of all feeders."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def bind(self, audience: Audience) -> None:
        """Let a tool hand in launches for an audience, or change what was said of it; the tenant may be new.

        :raises InvalidRequest: if a value is impossible.
        """
        check_tenant(audience.tenant)
        if audience.vendor not in PROFILES:
            raise InvalidRequest("vendor", f"must be one of {', '.join(sorted(PROFILES))}")
        for name in ("issuer", "client_id"):
            if not getattr(audience, name).strip():
                raise InvalidRequest(name, "must not be empty")
        if not is_web_address(audience.jwks_url):
            raise InvalidRequest("jwks_url", "must be an absolute http or https URL")
        now = to_stamp(self._clock())
        with write(self._db):
            self._db.execute("INSERT OR IGNORE INTO tenants (name, created) VALUES (?, ?)", (audience.tenant, now))
            self._db.execute(
                f"INSERT OR REPLACE INTO feeder_audiences ({_COLUMNS}, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    audience.tool,
                    audience.issuer,
                    audience.client_id,
                    audience.deployment_id,
                    audience.tenant,
                    audience.jwks_url,
                    audience.vendor,
                    now,
                ),
            )

    def unbind(self, tool: str, issuer: str, client_id: str, deployment_id: str = "") -> None:
        """Take no more launches for an audience from a tool; what it has handed in stays.

        :raises UnknownObject: if it is not bound.
        """
        removed = self._db.execute(
            "DELETE FROM feeder_audiences WHERE tool = ? AND issuer = ? AND client_id = ? AND deployment_id = ?",
            (tool, issuer, client_id, deployment_id),
        ).rowcount
        if not removed:
            raise UnknownObject("the tool is not bound to this audience: see 'bridge feeders list'")

    def bound(self, tool: str, issuer: str, client_id: str) -> list[Audience]:
        """What a tool may hand in for a client id at an issuer, both compared byte for byte; nothing if none."""
        return self._select("WHERE tool = ? AND issuer = ? AND client_id = ?", tool, issuer, client_id)

    def of(self, tool: str) -> list[Audience]:
        """Every audience of a tool."""
        return self._select("WHERE tool = ? ORDER BY issuer, client_id, deployment_id", tool)

    def tools(self) -> list[str]:
        """The tools that are bound to some audience, or have an API key, or an application."""
        rows = self._db.execute(
            "SELECT tool FROM feeder_audiences UNION SELECT tool FROM tool_keys UNION SELECT tool FROM applications"
            " ORDER BY 1"
        )
        return [tool for (tool,) in rows.fetchall()]

    def _select(self, rest: str, *parameters: object) -> list[Audience]:
        rows = self._db.query(f"SELECT {_COLUMNS} FROM feeder_audiences {rest}", parameters)  # noqa: S608
        return [Audience(**row) for row in list(rows)]


def choose(audiences: list[Audience], deployment_id: str) -> Audience | None:
    """Of the audiences with one issuer and client id, the one that a deployment belongs to."""
    by_deployment = {audience.deployment_id: audience for audience in audiences}
    return by_deployment.get(deployment_id) or by_deployment.get("")


def as_platform(audience: Audience, registrations: Sequence[Platform]) -> Platform:
    """The platform as the feeder is registered there, for the checks of its launches and their names in the mirror.

    :param registrations: the bridge's own for the tenant, oldest first.
    """
    platform = platform_of(audience.tenant, audience.issuer, audience.vendor, registrations)
    return dataclasses.replace(platform, client_id=audience.client_id, jwks_url=audience.jwks_url)


def platform_of(tenant: str, issuer: str, vendor: str, registrations: Sequence[Platform]) -> Platform:
    """The platform that a fed context belongs to.

    Where the bridge is registered at the same issuer for the same tenant, it is that registration: one context must not
    get two names. Else it has the manners that the operator has said, and no registration: its id is 0.

    :param registrations: the bridge's own for the tenant, oldest first.
    """
    ours = next((each for each in registrations if each.issuer == issuer), None)
    return ours or Platform(
        id=0,
        tenant=tenant,
        issuer=issuer,
        client_id="",
        auth_login_url="",
        token_url="",
        jwks_url="",
        vendor=vendor,
    )
