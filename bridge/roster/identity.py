"""SourcedIds for what an LMS knows by other names.

An LMS names a person by ``sub`` and a course by a context id; OneRoster wants one stable ``sourcedId`` that
carries no personal data. It is computed, not stored: UUIDv5 over the tenant (a short name fixed when a platform
is first registered) and the LMS's own key. So it outlives the registration, is the same in every bridge that
uses the same tenant name, and can be told before anything was mirrored. E-mail addresses, logins and SIS
numbers never enter it.

The recipe is a promise: changing it would give every person of every installation a new id.
"""

import json
from typing import NewType
from uuid import UUID, uuid5

SourcedId = NewType("SourcedId", str)
"""A OneRoster identifier."""

LtiUserId = NewType("LtiUserId", str)
"""A platform's identifier of a person: ``sub`` in a launch, ``user_id`` in NRPS."""

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


def user_sourced_id(tenant: str, user_id: LtiUserId) -> SourcedId:
    """The sourcedId of the person whom the tenant's platforms call ``user_id``."""
    return _sourced_id("user", tenant, user_id)


def class_sourced_id(tenant: str, context: ContextKey) -> SourcedId:
    """The sourcedId of the class that a context is."""
    return _sourced_id("class", tenant, context)


def course_sourced_id(tenant: str, context: ContextKey) -> SourcedId:
    """The sourcedId of the course supplied for a context: LTI knows no courses apart from their sections."""
    return _sourced_id("course", tenant, context)


def enrollment_sourced_id(tenant: str, context: ContextKey, user_id: LtiUserId) -> SourcedId:
    """The sourcedId of a person's one enrollment in a class: it stays when her role changes."""
    return _sourced_id("enrollment", tenant, context, user_id)


def org_sourced_id(tenant: str) -> SourcedId:
    """The sourcedId of the school that is supplied for a tenant."""
    return _sourced_id("org", tenant)


def session_sourced_id(tenant: str, session_type: str, title: str, start_date: str) -> SourcedId:
    """The sourcedId of an academic session that is supplied for a tenant."""
    return _sourced_id("academicSession", tenant, session_type, title, start_date)


def _sourced_id(*parts: str) -> SourcedId:
    return SourcedId(str(uuid5(_NAMESPACE, _canonical(list(parts)))))


def _canonical(parts: list[str]) -> str:
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
