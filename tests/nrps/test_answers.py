"""A member who is written once for every privacy level is the one that is written for each."""

import json
from itertools import pairwise

import pytest

from bridge.nrps.answers import dump_container, dump_told, tell
from bridge.nrps.schemas import load_member
from bridge.roster.memberships import Context, Member
from bridge.roster.reading import unescape_names
from bridge.roster.sharing import PrivacyLevel, Share
from bridge.roster.told import PARTS

URL = "https://b.example.org/"
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
CONTEXT = Context(context_id="7", label="BIO", title="Biologie é")
MEMBERS = [
    {"user_id": "1", "roles": [ROLE], "status": "Active", "name": "Q &amp; R", "email": "q&amp;r@example.org"},
    {"user_id": "2", "roles": [], "given_name": " ", "family_name": "", "picture": "\u2003", "name": "\u00e9"},
    {"user_id": "3", "roles": [ROLE, ROLE, "Odd"], "lis_person_sourcedid": "17", "message": [{"custom": {}}], "x": 1},
    {
        "user_id": 'q"\\\u2028',
        "roles": ['"]', "\U0001f600"],
        "name": 'N"}',
        "email": "e",
        "picture": "p",
        "status": "Inactive",
    },
    {"user_id": 7, "roles": ROLE, "status": "active"},
]
LEVELS = [frozenset(), *(frozenset({share}) for share in Share), frozenset(Share)]


def loaded(escaped=False):
    members = [load_member(json.dumps(member).encode()) for member in MEMBERS]
    return [unescape_names(member) if escaped else member for member in members]


def container(members, shares):
    placed = [Member(place, "", member) for place, member in enumerate(members)]
    return dump_container(URL, CONTEXT, placed, PrivacyLevel(shares), lambda member: member.membership.user_id)


def parts(told):
    ends = [0, *told.ends]
    return {part: told.text[begin:end] for part, (begin, end) in zip(PARTS, pairwise(ends), strict=True)}


@pytest.mark.parametrize("escaped", [False, True], ids=["plain", "escaped"])
@pytest.mark.parametrize("shares", LEVELS, ids=lambda shares: "+".join(sorted(shares)) or "nothing")
def test_parts_that_are_shared_make_the_member_of_that_level(shares, escaped):
    texts = []
    for member in loaded(escaped):
        found = parts(tell(member))
        texts.append(b"".join(text for part, text in found.items() if part not in set(Share) - shares) + b"}")

    assert dump_told(URL, CONTEXT, b",".join(texts)) == container(loaded(escaped), shares)


def test_whole_text_is_the_member_who_is_told_everything():
    texts = [tell(member).text for member in loaded()]

    assert dump_told(URL, CONTEXT, b",".join(texts)) == container(loaded(), frozenset(Share))


def test_nobody_is_written_as_nobody():
    assert dump_told(URL, CONTEXT, b"") == container([], frozenset(Share))
