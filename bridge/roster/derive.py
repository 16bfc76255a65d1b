"""Facts to documents, for what LTI platforms say.

A pure function of the facts, the role table and the settings: no order, no clock, no storage. A member becomes a user
and, where the role mapping gives her a OneRoster role, one enrollment in the context's class; the context becomes a
class with a course; the tenant gets a school and a calendar (:mod:`bridge.roster.supplied`).

What OneRoster cannot say is kept in ``metadata``, as texts: ``lti.roles`` (the original array as compact JSON),
``lti.launchRoles`` (the same of a launch whose roles were joined to it), ``lti.status`` (absent stays absent),
``lti.userId``, ``lti.contextId``, ``lti.issuer``, ``lti.deploymentId``, ``lti.rolesMapVersion``; ``lti.name``,
``lti.picture`` and ``lti.personSourcedId`` of a user. The ``lti.status`` of an enrollment that is over is ``Deleted``.

Of people of whom only LTI tools have handed in launches, the same is made of these, marked in ``bridge.source`` with
the name of the feeder, and in ``bridge.signed`` if the platform has signed it. A roster outranks them: where a person
is a member by a roster, of whichever context, her user record says nothing that was fed.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from bridge.roster.fed import read_words
from bridge.roster.identity import (
    ContextKey,
    PersonKey,
    SourcedId,
    class_sourced_id,
    enrollment_sourced_id,
    user_sourced_id,
)
from bridge.roster.memberships import Context, Membership, MemberStatus
from bridge.roster.model import CLASSES, ENROLLMENTS, USERS
from bridge.roster.names import most_told, name_of
from bridge.roster.ports import Derived, Fact, FactKind, Stated
from bridge.roster.reading import Reading
from bridge.roster.roles import MappedRoles, order_user_roles
from bridge.roster.supplied import SUPPLIED, Surroundings

VERSION = "2"
"""Raised whenever the same facts would give other documents, or the same answer other facts: then every member is
looked into again, and every document derived anew."""

LONGEST_PICTURE = 2048
"""Characters of a picture's URL that are served; the fact keeps what came."""

_UNMARKED: Mapping[str, str] = {}
# Whoever was inactive and has left must not look as if she were inactive still: that too is a tombstone.
_OVER: Mapping[str, str] = {"lti.status": MemberStatus.DELETED}


class _Known(NamedTuple):
    """One membership of a person.

    :ivar launch_roles: those of her latest launch, which count beside the member's own.
    :ivar mapped: what both together make her.
    :ivar claims_lead: by the roster's word alone.
    :ivar marks: what is to be kept of a feeder's word, as metadata; nothing of a roster's.
    """

    member: Membership
    launch_roles: tuple[str, ...]
    mapped: MappedRoles
    claims_lead: bool
    marks: Mapping[str, str] = _UNMARKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a context is known from.

    :param context: how the registration or the launch described it; what NRPS says comes first.
    """

    key: ContextKey
    issuer: str
    deployment_id: str | None
    context: Context


@dataclass(frozen=True, kw_only=True)
class MembershipDerivation:
    """:class:`bridge.roster.ports.Derivation` for the memberships of one context of an LTI platform.

    :param tenant_issuer: the issuer that is written on users, who belong to the tenant and to no one registration.
    :param reading: how this context's members are read.
    :param reading_elsewhere: the same of the tenant's other contexts, which may be another registration's: what a user
        is does not depend on which of her contexts was reconciled last.
    :param load_member: reads a member's JSON; raises :class:`ValueError` with a reason free of personal data.
    :param load_context: reads the context's JSON; ``None`` if it names none.
    """

    tenant: str
    tenant_issuer: str
    origin: Origin
    surroundings: Surroundings
    reading: Reading
    reading_elsewhere: Callable[[ContextKey], Reading]
    load_member: Callable[[bytes], Membership]
    load_context: Callable[[bytes], Context | None]

    @cached_property
    def fingerprint(self) -> str:
        parts = [
            VERSION,
            self.tenant,
            self.tenant_issuer,
            self.origin.issuer,
            self.origin.deployment_id,
            self.origin.context.context_id,
            *self.reading.fingerprint,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def reject(self, stated: Stated) -> str | None:
        try:
            match stated.kind:
                case FactKind.MEMBER:
                    self.load_member(stated.raw)
                case FactKind.CONTEXT:
                    self.load_context(stated.raw)
                case FactKind.LAUNCH:
                    _load_launch(stated.raw)
                case FactKind.FED:
                    read_words(stated.raw)
        except ValueError as error:
            return str(error)
        return None

    def claims_lead(self, fact: Stated | Fact) -> bool:
        if fact.kind is not FactKind.MEMBER:
            return False
        member = self.load_member(fact.raw)
        return _claims_lead(member, self.reading.map_roles(member.roles))

    def same_standing(self, held: Fact, stated: Stated) -> bool:
        return self._standing(held.raw) == self._standing(stated.raw)

    def _standing(self, raw: bytes) -> tuple[object, ...]:
        # By what the roles mean: a platform that only spells them differently changes nobody's.
        member = self.load_member(raw)
        mapped = self.reading.map_roles(member.roles)
        return mapped.enrollment, mapped.user_roles, mapped.left_out, member.status or MemberStatus.ACTIVE

    def mentions(self, stated: Stated) -> Sequence[tuple[str, SourcedId]]:
        return ()  # the sourcedIds are the bridge's own

    def roster_of(self, fact: Stated | Fact) -> SourcedId | None:
        return None  # the context is one roster

    def of_source(self) -> Sequence[Derived]:
        return self.surroundings.records()

    def of_context(self, fact: Fact | None, context: ContextKey) -> Sequence[Derived]:
        known = self.origin.context
        told = self.load_context(fact.raw) if fact is not None else None
        described = Context(
            # Identity comes from the registration: some platforms name the context differently in NRPS.
            context_id=known.context_id,
            label=(told.label if told else None) or known.label,
            title=(told.title if told else None) or known.title,
        )
        return self.surroundings.class_of(context, described, self._context_metadata())

    def of_member(
        self, subject: str, context: ContextKey, facts: Sequence[Fact], *, sole_lead: bool
    ) -> Sequence[Derived]:
        launches = {fact.context: _load_launch(fact.raw) for fact in facts if fact.kind is FactKind.LAUNCH}
        known = {
            fact.context: self._known(fact, launches.get(fact.context, ()))
            for fact in facts
            if fact.kind is FactKind.MEMBER
        }
        fed = {fact.context: self._fed(fact) for fact in facts if fact.kind is FactKind.FED}
        listed = {key: one for key, one in known.items() if _counts(one)}
        told = {key: one for key, one in fed.items() if _counts(one) and key not in known}
        person = PersonKey(subject)
        here = listed.get(context) or told.get(context)
        enrollment = self._enrollment(person, context, here, sole_lead=sole_lead) if here else None
        # Of somebody who is in a roster, feeders' words say nothing: neither names that it hides nor further roles.
        described = list((listed or told).values())
        return [
            Derived(USERS.name, user_sourced_id(self.tenant, person), self._user(person, described)),
            Derived(ENROLLMENTS.name, enrollment_sourced_id(self.tenant, context, person), enrollment, _OVER),
        ]

    def _known(self, fact: Fact, launch_roles: tuple[str, ...]) -> _Known:
        reading = self.reading if fact.context == self.origin.key else self.reading_elsewhere(fact.context)
        member = self.load_member(fact.raw)
        return _Known(
            reading.unescape(member),
            launch_roles,
            reading.map_roles(member.roles + launch_roles),
            _claims_lead(member, reading.map_roles(member.roles)),
        )

    def _fed(self, fact: Fact) -> _Known:
        reading = self.reading if fact.context == self.origin.key else self.reading_elsewhere(fact.context)
        fed = read_words(fact.raw)
        marks = {"bridge.source": f"feeder:{fed.feeder}"} | ({"bridge.signed": "true"} if fed.signed else {})
        return _Known(fed.member, (), reading.map_roles(fed.member.roles), claims_lead=False, marks=marks)

    def _user(self, person: PersonKey, known: Sequence[_Known]) -> dict[str, Any] | None:
        if not known:
            return None
        members = [one.member for one in known]
        mapped = [one.mapped for one in known]
        user_id = members[0].user_id  # the same in all: it is part of what names her
        sourced_id = user_sourced_id(self.tenant, person)
        name = name_of(members, sourced_id)
        person_sourced_id = most_told(member.person_sourced_id for member in members)
        body: dict[str, Any] = {
            "sourcedId": sourced_id,
            "status": "active",
            "userIds": [{"type": "LTI", "identifier": user_id}],
            "enabledUser": "true",
            "givenName": name.given,
            "familyName": name.family,
        }
        optional = {
            "middleName": name.middle,
            "identifier": person_sourced_id,
            "email": most_told(member.email for member in members),
        }
        body |= {field: value for field, value in optional.items() if value}
        body["roles"] = [
            {"roleType": "secondary" if index else "primary", "role": role, "org": self.surroundings.school}
            for index, role in enumerate(order_user_roles(role for roles in mapped for role in roles.user_roles))
        ]
        body["primaryOrg"] = self.surroundings.school
        metadata = {
            "lti.userId": user_id,
            "lti.issuer": self.tenant_issuer,
            "lti.name": name.split_from,
            "lti.picture": most_told(member.picture for member in members if _is_link(member.picture)),
            "lti.personSourcedId": person_sourced_id,
            "lti.testUser": "true" if any(roles.test_user for roles in mapped) else None,
            # Several feeders may have told of her: the first by name, whatever the order.
            **dict(min(sorted(one.marks.items()) for one in known)),
            SUPPLIED: ",".join((*name.supplied, "enabledUser", "primaryOrg")),
        }
        body["metadata"] = {key: value for key, value in metadata.items() if value}
        return body

    def _enrollment(
        self, person: PersonKey, context: ContextKey, known: _Known, *, sole_lead: bool
    ) -> dict[str, Any] | None:
        member, mapped = known.member, known.mapped
        if mapped.enrollment is None:
            return None
        references = self.surroundings.references
        body: dict[str, Any] = {
            "sourcedId": enrollment_sourced_id(self.tenant, context, person),
            "status": "active" if _is_active(member) else "tobedeleted",
            "user": references.to(USERS, user_sourced_id(self.tenant, person)),
            "class": references.to(CLASSES, class_sourced_id(self.tenant, context)),
            "school": self.surroundings.school,
            "role": mapped.enrollment,
        }
        metadata = {
            "lti.roles": _compact(member.roles),
            "lti.launchRoles": _compact(known.launch_roles) if known.launch_roles else None,
            "lti.status": member.status,
            "lti.userId": member.user_id,
            **self._context_metadata(),
            "lti.rolesMapVersion": self.reading.table.fingerprint,
            "lti.testUser": "true" if mapped.test_user else None,
            **known.marks,
        }
        if mapped.enrollment == "teacher":
            body["primary"] = "true" if known.claims_lead and sole_lead else "false"
            if known.claims_lead and not sole_lead:
                metadata["bridge.primary"] = "claimed by several"
        body["metadata"] = {key: value for key, value in metadata.items() if value is not None}
        return body

    def _context_metadata(self) -> dict[str, str]:
        metadata = {"lti.contextId": self.origin.context.context_id, "lti.issuer": self.origin.issuer}
        if self.origin.deployment_id is not None:
            metadata["lti.deploymentId"] = self.origin.deployment_id
        return metadata


def _load_launch(raw: bytes) -> tuple[str, ...]:
    return tuple(json.loads(raw)["roles"])


def _is_link(picture: str | None) -> bool:
    """Whether a picture is small enough to be handed on with every record: some are ``data:`` URLs of megabytes."""
    return picture is not None and len(picture) <= LONGEST_PICTURE


def _compact(roles: Sequence[str]) -> str:
    return json.dumps(roles, ensure_ascii=False, separators=(",", ":"))


def _claims_lead(member: Membership, mapped: MappedRoles) -> bool:
    return mapped.primary_claim and _is_active(member)


def _counts(known: _Known) -> bool:
    # Somebody listed as deleted is as good as missing from the list.
    return not known.mapped.left_out and known.member.status is not MemberStatus.DELETED


def _is_active(member: Membership) -> bool:
    # NRPS 2.0: a member without a status is active. OneRoster 1.2 reads an inactive record as tobedeleted.
    return member.status in (None, MemberStatus.ACTIVE)
