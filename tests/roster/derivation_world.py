"""Facts, and the derivation of one context, as short to write as a test needs them."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from bridge.nrps.schemas import load_context, load_member
from bridge.roster.calendar import school_year_of
from bridge.roster.derive import MembershipDerivation, Origin
from bridge.roster.identity import ContextKey, context_key
from bridge.roster.memberships import Context
from bridge.roster.ports import Derived, Fact, FactKind
from bridge.roster.reading import Reading
from bridge.roster.references import References
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.supplied import Surroundings

HERE, ELSEWHERE = context_key("2"), context_key("3")


def make_reading(mapping: str = "compat", **options: Any) -> Reading:
    return Reading(**{"table": RoleTable.default(), "mapping": RoleMapping(mapping)} | options)


def make_surroundings(**options: Any) -> Surroundings:
    return Surroundings(
        **{
            "tenant": "school",
            "school_name": "Hillside",
            "school_identifier": "4711",
            "school_year": school_year_of(date(2026, 11, 20), (8, 1)),
            "references": References("https://bridge.example.org"),
        }
        | options
    )


def make_derivation(
    reading: Reading | None = None, *, elsewhere: Reading | None = None, **options: Any
) -> MembershipDerivation:
    """The derivation of context 2 of the tenant ``school``.

    :param elsewhere: how all other contexts are read; like this one unless given.
    """
    reading = reading or make_reading()
    return MembershipDerivation(
        **{
            "tenant": "school",
            "tenant_issuer": "https://lms.example.org",
            "origin": make_origin(),
            "surroundings": make_surroundings(),
            "reading": reading,
            "reading_elsewhere": lambda _: elsewhere or reading,
            "load_member": load_member,
            "load_context": load_context,
        }
        | options
    )


def make_origin(**options: Any) -> Origin:
    return Origin(
        **{
            "key": HERE,
            "issuer": "https://lms.example.org",
            "deployment_id": "7",
            "context": Context(context_id="2", label="MIX101", title="Mixed roles"),
        }
        | options
    )


def fact(context: ContextKey = HERE, **member: Any) -> Fact:
    """What a platform says of the member 27."""
    raw = json.dumps({"user_id": "27", "roles": ["Learner"]} | member).encode()
    return Fact(FactKind.MEMBER, context, "27", raw)


def of_member(
    derivation: MembershipDerivation, facts: Iterable[Fact], *, sole_lead: bool = True
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The user and the enrollment in context 2."""
    user, enrollment = derivation.of_member("27", HERE, list(facts), sole_lead=sole_lead)
    assert [user.collection, enrollment.collection] == ["users", "enrollments"]
    return _body(user), _body(enrollment)


def user_of(*facts: Fact, reading: Reading | None = None) -> dict[str, Any]:
    user, _ = of_member(make_derivation(reading), facts)
    assert user is not None
    return user


def enrollment_of(*facts: Fact, reading: Reading | None = None, sole_lead: bool = True) -> dict[str, Any]:
    _, enrollment = of_member(make_derivation(reading), facts, sole_lead=sole_lead)
    assert enrollment is not None
    return enrollment


def _body(derived: Derived) -> dict[str, Any] | None:
    return None if derived.body is None else dict(derived.body)
