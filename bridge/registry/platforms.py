"""LMSs at which the bridge is registered as an LTI 1.3 tool."""

import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import InvalidRequest, UnknownObject
from bridge.lti.platform import Platform
from bridge.lti.vendors import profile_of
from bridge.registry.tenants import check_tenant, free_tenant
from bridge.storage import write

_STORED = (
    "tenant",
    "issuer",
    "client_id",
    "auth_login_url",
    "token_url",
    "token_audience",
    "jwks_url",
    "vendor",
    "options",
)
_COLUMNS = ", ".join(_STORED)
_PLACES = ", ".join("?" * len(_STORED))
_SELECT = f"SELECT id, {_COLUMNS} FROM platforms "  # noqa: S608 (names of ours)
_INSERT = f"INSERT INTO platforms ({_COLUMNS}, created) VALUES ({_PLACES}, ?)"  # noqa: S608
_UPDATE = f"UPDATE platforms SET ({_COLUMNS}) = ({_PLACES}) WHERE id = ?"  # noqa: S608


class Platforms:
    """The registered platforms."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(
        self,
        *,
        issuer: str,
        client_id: str,
        auth_login_url: str,
        token_url: str,
        jwks_url: str,
        token_audience: str | None = None,
        vendor: str = "generic",
        options: Mapping[str, Any] | None = None,
        tenant: str | None = None,
    ) -> Platform:
        """Register a platform.

        :param tenant: the tenant it belongs to, new or known; by default a new one, named after the issuer's host.
        :raises InvalidRequest: if a value is impossible, or the issuer has this client id already.
        """
        now = to_stamp(self._clock())
        with write(self._db):
            platform = Platform(
                id=0,
                tenant=free_tenant(self._db, issuer) if tenant is None else tenant,
                issuer=issuer,
                client_id=client_id,
                auth_login_url=auth_login_url,
                token_url=token_url,
                token_audience=token_audience,
                jwks_url=jwks_url,
                vendor=vendor,
                options=dict(options or {}),
            )
            _check(platform)
            if self._db.execute(
                "SELECT 1 FROM sources WHERE name = :name UNION ALL SELECT 1 FROM csv_sources WHERE name = :name",
                {"name": platform.tenant},
            ).fetchone():
                raise InvalidRequest("tenant", f"{platform.tenant} is a source (a SIS): choose another name")
            self._db.execute("INSERT OR IGNORE INTO tenants (name, created) VALUES (?, ?)", (platform.tenant, now))
            stored = self._store(_INSERT, platform, now)
        assert stored.lastrowid is not None
        return dataclasses.replace(platform, id=stored.lastrowid)

    def update(self, platform: Platform) -> Platform:
        """Store what has changed about a registered platform; its tenant stays.

        With another issuer or client id it is a new registration at the LMS, so the deployments of the old one are
        forgotten.

        :raises UnknownObject: if no platform has this id.
        :raises InvalidRequest: if a value is impossible, or the issuer has this client id already.
        """
        with write(self._db):
            former = self.by_id(platform.id)
            platform = dataclasses.replace(platform, tenant=former.tenant)
            _check(platform)
            self._store(_UPDATE, platform, platform.id)
            if (platform.issuer, platform.client_id) != (former.issuer, former.client_id):
                self._db.execute("DELETE FROM deployments WHERE platform = ?", (platform.id,))
                self._db.execute("UPDATE contexts SET deployment_id = NULL WHERE platform = ?", (platform.id,))
        return platform

    def replace(self, tenant: str, *, client_id: str, former_client_id: str | None = None) -> Platform:
        """Put a new client id under an old tenant: the bridge was registered anew at the same LMS.

        No sourcedId changes, and the contexts stay.

        :param former_client_id: the registration to replace, where the tenant has several.
        :raises UnknownObject: if the tenant has no such registration.
        :raises InvalidRequest: if it has several and none is named.
        """
        found = [each for each in self.of_tenant(tenant) if former_client_id in {None, each.client_id}]
        if not found:
            raise UnknownObject(f"tenant {tenant} has no such registration: see 'bridge platforms list'")
        if len(found) > 1:
            known = ", ".join(each.client_id for each in found)
            raise InvalidRequest("former_client_id", f"tenant {tenant} has several registrations, name one of {known}")
        return self.update(dataclasses.replace(found[0], client_id=client_id))

    def remove(self, platform_id: int) -> None:
        """Forget a platform, its deployments, and where its contexts' memberships are read.

        The tenant's name stays taken, and what the mirror holds stays there.

        :raises UnknownObject: if no platform has this id.
        """
        if not self._db.execute("DELETE FROM platforms WHERE id = ?", (platform_id,)).rowcount:
            raise _unknown(platform_id)

    def by_id(self, platform_id: int) -> Platform:
        """The platform with this id.

        :raises UnknownObject: if there is none.
        """
        if found := self._select("WHERE id = ?", platform_id):
            return found[0]
        raise _unknown(platform_id)

    def of_issuer(self, issuer: str) -> list[Platform]:
        """Every registration at an issuer, oldest first."""
        return self._select("WHERE issuer = ? ORDER BY id", issuer)

    def of_tenant(self, tenant: str) -> list[Platform]:
        """Every registration of a tenant, oldest first."""
        return self._select("WHERE tenant = ? ORDER BY id", tenant)

    def all(self) -> list[Platform]:
        """Every registration, oldest first."""
        return self._select("ORDER BY id")

    def _select(self, rest: str, *parameters: object) -> list[Platform]:
        rows = self._db.query(_SELECT + rest, parameters)
        return [Platform(**{**row, "options": json.loads(row["options"])}) for row in list(rows)]

    def _store(self, statement: str, platform: Platform, last: object) -> sqlite3.Cursor:
        values = [getattr(platform, name) for name in _STORED[:-1]]
        options = json.dumps(dict(platform.options), ensure_ascii=False, sort_keys=True)
        try:
            return self._db.execute(statement, (*values, options, last))
        except sqlite3.IntegrityError as error:
            raise InvalidRequest(
                "client_id", f"the bridge is registered at {platform.issuer} as {platform.client_id} already"
            ) from error


def _check(platform: Platform) -> None:
    check_tenant(platform.tenant)
    profile_of(platform)
    for name in ("issuer", "client_id"):
        if not getattr(platform, name).strip():
            raise InvalidRequest(name, "must not be empty")
    for name in ("auth_login_url", "token_url", "jwks_url"):
        if not is_web_address(getattr(platform, name)):
            raise InvalidRequest(name, "must be an absolute http or https URL")


def is_web_address(url: str) -> bool:
    """Whether something is an absolute http or https URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _unknown(platform_id: int) -> UnknownObject:
    return UnknownObject(f"no platform has the id {platform_id}: see 'bridge platforms list'")
