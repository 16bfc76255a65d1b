"""People whom a launch names as mentored by whoever launched (LTI Core 1.3, ``role_scope_mentor``)."""

import json

import pytest

from bridge.people import erase_person, export_person
from bridge.registry.mentored import CLAIM
from bridge.roster.identity import LtiUserId, user_sourced_id
from bridge.upkeep import purge
from tests.feeders.test_erasing_launched import bytes_of
from tests.feeders.test_handing_in import claims_of

HERS = "zora-4711"
ID = user_sourced_id("school", LtiUserId(HERS))


@pytest.fixture
def hand_in(vendor, lms):
    """Hands in a launch of a mentor's, as plain claims."""

    def hand_in(*mentored, **more):
        return vendor.hand_in(claims_of(vendor, lms, "42", **{CLAIM: list(mentored), **more}))

    return hand_in


def named(bridge):
    rows = bridge.wiring.registry.db.execute("SELECT claims FROM launches").fetchall()
    return [json.loads(claims)[CLAIM] for (claims,) in rows]


def test_mentored_person_is_shown_and_erased_from_launches(bridge, hand_in):
    assert hand_in(HERS, "43").status_code == 201

    shown = export_person(bridge.wiring, ID)
    erase_person(bridge.wiring, ID)

    assert len(shown["mentoredIn"]) == 1
    assert '"42"' not in json.dumps(shown["mentoredIn"])
    assert named(bridge) == [["43"]]
    assert HERS.encode() not in bytes_of(bridge)


def test_later_launch_names_her_no_more(bridge, hand_in):
    hand_in(HERS)
    erase_person(bridge.wiring, ID)

    assert hand_in(HERS, "44", locale="de").status_code == 201

    assert sorted(named(bridge)) == [[], ["44"]]
    assert HERS.encode() not in bytes_of(bridge)


def test_claim_goes_with_its_launch_after_a_day(bridge, hand_in):
    hand_in(HERS)
    bridge.wiring.registry.db.execute("UPDATE launches SET expires = '2026-01-01T00:00:00.000Z'")

    purge(bridge.wiring)

    assert named(bridge) == []


def test_claim_that_is_no_list_is_kept_as_it_came(bridge, hand_in):
    assert hand_in(HERS, **{CLAIM: "nonsense"}).status_code == 201
    assert named(bridge) == ["nonsense"]
