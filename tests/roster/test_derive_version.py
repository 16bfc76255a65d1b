"""Documents do not change behind the fingerprint's back: what is stored under one is what would be derived under it."""

import hashlib
import json

from bridge.roster.derive import VERSION
from bridge.roster.ports import Fact, FactKind
from tests.roster.derivation_world import ELSEWHERE, HERE, fact, make_derivation, make_reading

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTRUCTOR = f"{MEMBERSHIP}#Instructor"
PRIMARY = f"{MEMBERSHIP}/Instructor#PrimaryInstructor"
ASSISTANT = f"{MEMBERSHIP}/Instructor#TeachingAssistant"
SITE_ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

WRITTEN = {
    "compat": (
        "55542896ba36a6c3d5a2155d3a0cfbd1144cd6b29d2cd1ad9fe751d00e310f8b",
        "fbc33ccea4e6c05bed540a1fda611a2db0ab2e61a50c8d5275c0a3cefccaaa7e",
    ),
    "ext": (
        "6028818c3dfbeccf5ebe603274c484c08b215ff6821a78afec3b8d4563a70eb4",
        "0fac4e1c460bf7447aa00271d58d281b84f74c4f6bed78b1d685681cf4510f27",
    ),
}
"""The fingerprint of a fixed derivation, and the hash of the documents that it makes of the facts below."""

ALL_SAID = {
    "name": "Ada King Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "middle_name": "King",
    "email": "ada@example.org",
    "lis_person_sourcedid": "SIS-1",
    "picture": "https://lms.example.org/ada.png",
}

PEOPLE = {
    "nothing but an id": [fact()],
    "everything": [fact(**ALL_SAID, status="Active", roles=[INSTRUCTOR, PRIMARY])],
    "one name": [fact(name="Ada Lovelace")],
    "escaped name": [fact(given_name="D&#039;Arcy", family_name="&amp; Sons")],
    "inactive": [fact(status="Inactive")],
    "deleted": [fact(status="Deleted")],
    "assistant": [fact(roles=[INSTRUCTOR, ASSISTANT])],
    "administrator": [fact(roles=[SITE_ADMIN, INSTRUCTOR])],
    "test user": [fact(roles=["Learner", TEST_USER])],
    "no role": [fact(roles=[])],
    "elsewhere only": [fact(ELSEWHERE, **ALL_SAID)],
    "in two contexts": [fact(given_name="Ada"), fact(ELSEWHERE, **ALL_SAID, roles=[INSTRUCTOR])],
    "launched as teacher": [fact(), Fact(FactKind.LAUNCH, HERE, "27", json.dumps({"roles": [INSTRUCTOR]}).encode())],
    "gone": [],
}


def documents(derivation):
    made = [*derivation.of_source(), *derivation.of_context(None, HERE)]
    told = Fact(FactKind.CONTEXT, HERE, "", b'{"id": "2", "label": "L", "title": "T"}')
    made += derivation.of_context(told, HERE)
    for facts in PEOPLE.values():
        for sole_lead in (True, False):
            made += derivation.of_member("27", HERE, facts, sole_lead=sole_lead)
    return json.dumps([(one.collection, one.sourced_id, one.body) for one in made])


def test_documents_change_with_the_fingerprint_only():
    found = {}
    for mapping in WRITTEN:
        derivation = make_derivation(make_reading(mapping, keep_test_users=mapping == "ext"))
        found[mapping] = (
            derivation.fingerprint,
            hashlib.sha256(documents(derivation).encode()).hexdigest(),
        )
    unnoticed = [
        mapping
        for mapping, (fingerprint, hashed) in found.items()
        if fingerprint == WRITTEN[mapping][0] and hashed != WRITTEN[mapping][1]
    ]

    assert not unnoticed, (
        f"the same facts give other documents under the same fingerprint ({', '.join(unnoticed)}): those that are in a"
        f" mirror already would keep their old form. Raise VERSION in bridge/roster/derive.py from {VERSION!r}, then"
        " write down what this test finds"
    )
    assert found == WRITTEN, (
        "the fingerprint has moved, as it must when VERSION or the role table does: every mirror"
        f" derives its documents anew. Write it down here: WRITTEN = {found!r}"
    )
