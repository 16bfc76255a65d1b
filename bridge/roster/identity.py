"""SourcedIds for what an LMS knows by other names.

An LMS names a person by ``sub`` and a course by a context id; OneRoster wants one stable ``sourcedId`` that
carries no personal data. It is computed, not stored: UUIDv5 over the tenant (a short name fixed when a platform
is first registered) and the LMS's own key. So it outlives the registration, is the same in every bridge that
uses the same tenant name, and can be told before anything was mirrored. E-mail addresses, logins and SIS
numbers never enter it.

The recipe is a promise: changing it would give every person of every installation a new id.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from typing import NewType
from uuid import UUID

SourcedId = NewType("SourcedId", str)
"""A OneRoster identifier."""

LtiUserId = NewType("LtiUserId", str)
"""A platform's identifier of a person: ``sub`` in a launch, ``user_id`` in NRPS."""

PersonKey = NewType("PersonKey", str)
"""What names a person within her tenant: see :func:`person_key`."""

ContextKey = NewType("ContextKey", str)
"""What names a context within its tenant: see :func:`context_key`."""

_NAMESPACE = UUID("6f1ed1a5-3f0e-5c1b-9d53-3b1d3f6c8a52")


def context_key(context_id: str, deployment_id: str | None = None) -> ContextKey:
    """The key of a context within a tenant.

    :param deployment_id: given where the platform's context ids are unique within a deployment only (LTI Core
        1.3 promises no more), by the vendor profile's word.

    >>> context_key("2")
    '["2"]'
    >>> context_key("2", "7")
    '["2","7"]'
    """
    parts = [context_id] if deployment_id is None else [context_id, deployment_id]
    return ContextKey(_canonical(parts))


def deployment_in(context: ContextKey) -> str | None:
    """The deployment that is part of a context's key, if one is.

    >>> deployment_in(context_key("2", "7"))
    '7'
    """
    _, *deployment = json.loads(context)
    return deployment[0] if deployment else None


def context_in_words(context: ContextKey) -> str:
    """A context's key for people to read; a SIS has one context, which is everything that it has.

    >>> context_in_words(context_key("2")), context_in_words(context_key("2", "7")), context_in_words(context_key("*"))
    ('2', '2 (deployment 7)', 'everything')
    """
    context_id, *deployment = json.loads(context)
    if deployment:
        return f"{context_id} (deployment {deployment[0]})"
    return "everything" if context_id == "*" else str(context_id)


def person_key(user_id: LtiUserId, deployment_id: str | None = None) -> PersonKey:
    """The key of a person within a tenant: her ``user_id`` as it is, wherever that is enough.

    :param deployment_id: given, by the vendor profile's word, where one registration serves many customers. LTI Core
        1.3 promises that ``sub`` is unique within an issuer; where all of a vendor's customers share one, that is a
        promise about strangers, and nobody should get a stranger's enrollments if it is not kept.

    >>> person_key(LtiUserId("4"))
    '4'
    >>> person_key(LtiUserId("4"), "7")
    '["4","7"]'
    """
    return PersonKey(user_id if deployment_id is None else _canonical([user_id, deployment_id]))


def user_sourced_id(tenant: str, person: LtiUserId | PersonKey) -> SourcedId:
    """The sourcedId of a person: of a plain ``user_id``, where the tenant's platforms need no more to name her."""
    return _sourced_id("user", tenant, person)


def class_sourced_id(tenant: str, context: ContextKey) -> SourcedId:
    """The sourcedId of the class that a context is."""
    return _sourced_id("class", tenant, context)


def course_sourced_id(tenant: str, context: ContextKey) -> SourcedId:
    """The sourcedId of the course supplied for a context: LTI knows no courses apart from their sections."""
    return _sourced_id("course", tenant, context)


def enrollment_sourced_id(tenant: str, context: ContextKey, person: LtiUserId | PersonKey) -> SourcedId:
    """The sourcedId of a person's one enrollment in a class: it stays when her role changes."""
    return _sourced_id("enrollment", tenant, context, person)


def org_sourced_id(tenant: str) -> SourcedId:
    """The sourcedId of the school that is supplied for a tenant."""
    return _sourced_id("org", tenant)


def session_sourced_id(tenant: str, session_type: str, title: str, start_date: str) -> SourcedId:
    """The sourcedId of an academic session that is supplied for a tenant."""
    return _sourced_id("academicSession", tenant, session_type, title, start_date)


@lru_cache(maxsize=4096)
def _sourced_id(*parts: str) -> SourcedId:
    # UUIDv5 (RFC 9562 section 5.5), without uuid's objects: this runs several times for every member of every roster.
    digest = bytearray(hashlib.sha1(_NAMESPACE.bytes + _canonical(parts).encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    name = digest.hex()
    return SourcedId(f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}")


def _canonical(parts: Sequence[str]) -> str:
    """The parts as a compact JSON array."""
    return f"[{','.join(map(encode_basestring, parts))}]"
