"""From an LMS to OneRoster, through a second bridge, and back to a membership: what the LMS said comes back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.roster.enrolled import Enrolled
from bridge.roster.model import COLLECTIONS
from bridge.roster.ports import Fact, FactKind, Stated
from bridge.roster.records import WHOLE_SOURCE, RecordDerivation, state
from bridge.roster.references import References
from bridge.roster.roles import RoleTable
from bridge.roster.vocabulary import VOCABULARY
from tests.roster.derivation_world import fact, make_derivation, make_reading, of_member

FIRST, SECOND = "https://bridge.example.org", "https://second.example.org"
SECOND_BRIDGE = RecordDerivation(references=References(SECOND))
BACK = Enrolled(RoleTable.default())
URIS = [role.uri for role in VOCABULARY]


def served(mapping, **member):
    """The user and the enrollment as the first bridge serves them; each may be missing."""
    user, enrollment = of_member(make_derivation(make_reading(mapping)), [fact(**member)])
    return {"users": user, "enrollments": enrollment}


def mirrored(collection, record):
    """A record as the second bridge serves it, having read it from the first."""
    stated, *_ = state(COLLECTIONS[collection], {**record, "dateLastModified": "2026-11-20T08:00:00.000Z"}, 0)
    assert isinstance(stated, Stated)
    assert SECOND_BRIDGE.reject(stated) is None
    held = Fact(stated.kind, WHOLE_SOURCE, stated.subject, stated.raw)
    (derived,) = SECOND_BRIDGE.of_member(stated.subject, WHOLE_SOURCE, [held], sole_lead=False)
    assert derived.sourced_id == record["sourcedId"]
    return derived.body


def there_and_back(mapping, **member):
    """The membership that the second bridge gives; ``None`` if there is none."""
    first = served(mapping, **member)
    if first["enrollments"] is None:
        return None
    second = {collection: mirrored(collection, record) for collection, record in first.items()}
    for collection, record in first.items():
        assert second[collection] == json.loads(json.dumps(record).replace(FIRST, SECOND))
    return BACK.membership_of(second["users"], [second["enrollments"]], "2026-11-20")


@pytest.mark.parametrize("mapping", ["compat", "ext"])
@pytest.mark.parametrize("uri", URIS, ids=lambda uri: uri.rpartition("/")[2])
def test_every_role_comes_back_as_it_was_said(uri, mapping):
    member = there_and_back(mapping, roles=[uri])

    if member is not None:
        assert (member.user_id, member.roles) == ("27", (uri,))
    else:
        assert mapping == "compat"
        assert served(mapping, roles=[uri])["enrollments"] is None


members = st.fixed_dictionaries(
    {"roles": st.lists(st.sampled_from([*URIS, "Instructor", "Learner", "urn:lti:role:ims/lis/Learner"]), max_size=4)},
    optional={
        "status": st.sampled_from(["Active", "Inactive"]),
        "given_name": st.text(max_size=20),
        "family_name": st.text(max_size=20),
        "name": st.text(max_size=20),
        "email": st.sampled_from(["ada@example.org", ""]),
        "picture": st.sampled_from(["https://lms.example.org/ada.png", ""]),
        "lis_person_sourcedid": st.text(max_size=10),
    },
)


@pytest.mark.parametrize("mapping", ["compat", "ext"])
@given(said=members)
@settings(max_examples=150, deadline=None)
def test_roles_status_and_identity_of_any_member_come_back(mapping, said):
    member = there_and_back(mapping, **said)

    assert member is not None or mapping == "compat"
    if member is not None:
        assert member.user_id == "27"
        assert list(member.roles) == said["roles"]
        assert member.status == said.get("status")


def test_whoever_is_suspended_is_so_at_the_second_bridge_from_its_first_reading():
    record = served("ext", roles=["Learner"], status="Inactive")["enrollments"]
    assert record is not None

    stated, *_ = state(COLLECTIONS["enrollments"], record, 0)

    assert isinstance(stated, Stated)
    assert stated.kind is FactKind.TOMBSTONE
    member = there_and_back("ext", roles=["Learner"], status="Inactive")
    assert member is not None
    assert member.status == "Inactive"
