"""A person in the registry: what is kept of her launches, and taking it out.

The registry names people as their LMSs do. So somebody is looked for by all names that would give her sourcedId.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from sqlite_utils import Database

from bridge.registry.mentored import Mentored, sourced_ids
from bridge.roster.identity import PersonKey, SourcedId, user_sourced_id

# What names a row, whose people it speaks of, and how it names one of these: by the LMS's id, or by her key.
_WHERE = {
    "launch_roles": "SELECT json_array(tenant, context, user_id), tenant, context, user_id, NULL FROM launch_roles",
    "inbox": "SELECT id, payload ->> '$.tenant', payload ->> '$.context', payload ->> '$.user', payload ->> '$.person'"
    " FROM inbox",
    "launches": "SELECT hex(ltik_hash), tenant, context, claims ->> '$.sub', person FROM launches",
}
_EXPORTS = {
    "launch_roles": "SELECT context, user_id, roles, launched FROM launch_roles"
    " WHERE json_array(tenant, context, user_id) IN (SELECT value FROM json_each(?))",
    "inbox": "SELECT kind, payload, created FROM inbox WHERE id IN (SELECT value FROM json_each(?))",
    "launches": "SELECT tool, context, person, claims, expires FROM launches"
    " WHERE hex(ltik_hash) IN (SELECT value FROM json_each(?))",
}
_ERASURES = {
    "launch_roles": "DELETE FROM launch_roles"
    " WHERE json_array(tenant, context, user_id) IN (SELECT value FROM json_each(?))",
    "inbox": "DELETE FROM inbox WHERE id IN (SELECT value FROM json_each(?))",
    "launches": "DELETE FROM launches WHERE hex(ltik_hash) IN (SELECT value FROM json_each(?))",
}
_NAMES = {"launch_roles": "launchRoles", "inbox": "inbox", "launches": "launches"}


class _Row(NamedTuple):
    row: str | int
    tenant: str
    user_id: str | None
    ids: frozenset[SourcedId]


class PeopleOfLaunches:
    """The people of whom launches have told."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._mentored = Mentored(db)

    def ids(self) -> Iterator[SourcedId]:
        """The sourcedIds of everybody on whom something may be held, and some that are nobody's."""
        for table in _WHERE:
            for row in self._rows(table):
                yield from row.ids
        yield from (mentored for _, mentored in self._mentored.ids())

    def tenant_of(self, sourced_id: SourcedId) -> str | None:
        """Whose person this is; ``None`` if nothing is held on her."""
        found = (row.tenant for table in _WHERE for row in self._rows(table) if sourced_id in row.ids)
        mentored = (tenant for tenant, each in self._mentored.ids() if each == sourced_id)
        return next(chain(found, mentored), None)

    def export(self, sourced_id: SourcedId, tenant: str, user_ids: Iterable[str] = ()) -> dict[str, Any]:
        """Everything that is held on her.

        :param user_ids: what her LMS is known to call her.
        """
        return {
            _NAMES[table]: list(self._db.query(sql, (self._hers(table, sourced_id, tenant, user_ids),)))
            for table, sql in _EXPORTS.items()
        } | {"mentoredIn": self._mentored.export(lambda each: each == sourced_id)}

    def erase(self, sourced_id: SourcedId, tenant: str, user_ids: Iterable[str] = ()) -> None:
        """Take it out. To be called inside a write transaction."""
        for table, sql in _ERASURES.items():
            self._db.execute(sql, (self._hers(table, sourced_id, tenant, user_ids),))
        self._mentored.erase(lambda each: each == sourced_id)

    def _hers(self, table: str, sourced_id: SourcedId, tenant: str, user_ids: Iterable[str]) -> str:
        called = frozenset(user_ids)
        return json.dumps(
            [
                row.row
                for row in self._rows(table)
                if sourced_id in row.ids or (row.tenant == tenant and row.user_id in called)
            ]
        )

    def _rows(self, table: str) -> Iterator[_Row]:
        for row, tenant, context, user_id, person in self._db.execute(_WHERE[table]).fetchall():
            if tenant is not None and (user_id is not None or person is not None):
                yield _Row(row, tenant, user_id, frozenset(_ids(tenant, context, user_id, person)))


def _ids(tenant: str, context: str | None, user_id: str | None, person: str | None) -> Iterator[SourcedId]:
    if person is not None:
        yield user_sourced_id(tenant, PersonKey(person))
        return
    assert user_id is not None, "or nobody is named"
    yield from sourced_ids(tenant, context, user_id)
