"""People whom a launch names beside whoever launched: those whom she mentors.

LTI Core 1.3 has a claim for their user ids, ``role_scope_mentor``. It is kept with the launch, as it came, for as long
as its ltik is good; nothing else is made of it. Whoever was erased is taken out of it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlite_utils import Database

from bridge.roster.identity import (
    ContextKey,
    LtiUserId,
    SourcedId,
    deployment_in,
    person_key,
    user_sourced_id,
)

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/role_scope_mentor"
_OF_LAUNCHES = "SELECT hex(ltik_hash), tenant, context, claims, expires FROM launches WHERE instr(claims, ?) > 0"


class _Mention(NamedTuple):
    launch: str
    tenant: str
    context: str | None
    claims: dict[str, Any]
    expires: str


class Mentored:
    """The mentored people of the launches that are kept."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def ids(self) -> Iterator[tuple[str, SourcedId]]:
        """The sourcedIds that each of them may have, with the tenant."""
        for mention in self._mentions():
            for user_id in _user_ids(mention.claims):
                for sourced_id in sourced_ids(mention.tenant, mention.context, user_id):
                    yield mention.tenant, sourced_id

    def export(self, is_hers: Callable[[SourcedId], bool]) -> list[dict[str, Any]]:
        """The launches that name somebody, without a word of who launched."""
        return [
            {"context": mention.context, "expires": mention.expires}
            for mention in self._mentions()
            if without(mention.claims, mention.tenant, mention.context, is_hers) != mention.claims
        ]

    def erase(self, is_hers: Callable[[SourcedId], bool]) -> None:
        """Take somebody out of them. To be called inside a write transaction."""
        for mention in self._mentions():
            kept = without(mention.claims, mention.tenant, mention.context, is_hers)
            if kept != mention.claims:
                self._db.execute(
                    "UPDATE launches SET claims = ? WHERE hex(ltik_hash) = ?", (json.dumps(kept), mention.launch)
                )

    def _mentions(self) -> Iterator[_Mention]:
        for launch, tenant, context, claims, expires in self._db.execute(_OF_LAUNCHES, (CLAIM,)).fetchall():
            yield _Mention(launch, tenant, context, json.loads(claims), expires)


def without(
    claims: Mapping[str, Any], tenant: str, context: str | None, is_hers: Callable[[SourcedId], bool]
) -> dict[str, Any]:
    """The claims of a launch that mention nobody for whom this holds."""
    named = claims.get(CLAIM)
    if not isinstance(named, list):
        return dict(claims)
    kept = [
        each
        for each in named
        if not (isinstance(each, str) and any(is_hers(one) for one in sourced_ids(tenant, context, each)))
    ]
    return {**claims, CLAIM: kept}


def sourced_ids(tenant: str, context: str | None, user_id: str) -> Iterator[SourcedId]:
    """The sourcedIds that a person of an LMS may have: where it tells people by deployment, two."""
    yield user_sourced_id(tenant, LtiUserId(user_id))
    if context is not None and (deployment := deployment_in(ContextKey(context))) is not None:
        yield user_sourced_id(tenant, person_key(LtiUserId(user_id), deployment))


def _user_ids(claims: Mapping[str, Any]) -> Iterator[str]:
    named = claims.get(CLAIM)
    yield from (each for each in named if isinstance(each, str)) if isinstance(named, list) else ()
