"""A container written from texts is the one that is written member by member."""

import json

import pytest

from bridge.nrps.answers import dump_container, dump_stated
from bridge.nrps.schemas import load_member
from bridge.roster.memberships import Context, Member, StatedMembers
from bridge.roster.reading import unescape_names
from bridge.roster.sharing import PrivacyLevel, Share

ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
CONTEXT = Context(context_id="7", label="BIO", title="Biologie é")
USUAL = [
    {"user_id": "1", "roles": [ROLE], "status": "Active", "name": "Q &amp; R", "email": "q&amp;r@example.org"},
    {"user_id": "2", "roles": [], "given_name": " ", "family_name": "", "picture": "\u2003", "name": "\u00e9"},
    {"user_id": "3", "roles": [ROLE, ROLE, "Odd"], "lis_person_sourcedid": "17", "message": [{"custom": {}}], "x": 1},
]
LEVELS = [frozenset(), *(frozenset({share}) for share in Share), frozenset(Share)]


def by_member(members, privacy, escaped):
    loaded = [load_member(json.dumps(member).encode()) for member in members]
    if escaped:
        loaded = [unescape_names(member) for member in loaded]
    return dump_container(
        "https://b.example.org/",
        CONTEXT,
        [Member(place, "", member) for place, member in enumerate(loaded)],
        privacy,
        lambda member: member.membership.user_id,
    )


def by_text(members, privacy, escaped):
    stated = StatedMembers(",".join(json.dumps(member) for member in members), 0, more=False, names_escaped=escaped)
    return dump_stated("https://b.example.org/", CONTEXT, stated, privacy)


@pytest.mark.parametrize("escaped", [False, True], ids=["plain", "escaped"])
@pytest.mark.parametrize("shares", LEVELS, ids=lambda shares: "+".join(sorted(shares)) or "nothing")
def test_both_ways_write_the_same(shares, escaped):
    privacy = PrivacyLevel(shares)

    assert by_text(USUAL, privacy, escaped) == by_member(USUAL, privacy, escaped)


def test_nobody_is_written_as_nobody():
    assert json.loads(by_text([], PrivacyLevel.everything(), False))["members"] == []


@pytest.mark.parametrize(
    "unusual",
    [{"user_id": 7}, {"roles": ROLE}, {"roles": None}, {"roles": [" "]}, {"status": "active"}, {"name": 7}],
    ids=repr,
)
def test_unusual_member_is_left_to_the_patient_way(unusual):
    assert by_text([*USUAL, {**USUAL[0], **unusual}], PrivacyLevel.everything(), False) is None


def test_what_is_not_told_need_not_be_usual():
    assert by_text([{**USUAL[0], "email": 7}], PrivacyLevel(frozenset({Share.NAMES})), False) is not None
