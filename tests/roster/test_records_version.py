"""Documents of a SIS's records do not change behind the fingerprint's back: see ``test_derive_version.py``."""

import hashlib
import json

from bridge.roster.model import COLLECTIONS, OBJECTS, VOCABULARIES
from bridge.roster.ports import Fact, FactKind
from bridge.roster.records import WHOLE_SOURCE, RecordDerivation
from bridge.roster.references import References

WRITTEN = (
    "760c00ac66b174ea9a79791b70b85c6b37274f2e952c719a5d75f4475c54c090",
    "67e50c0c0edc61e44371d097611d6bccf6183457ad69957892b593a4b2f011b8",
)
"""The fingerprint of a fixed derivation, and the hash of the documents that it makes of the records below."""

RECORDS = {
    "orgs": [{"type": "Charter School"}, {"name": "N", "type": "departments", "identifier": 7, "children": []}],
    "academicSessions": [{"startDate": "2026-08-01T00:00:00Z", "endDate": "2027-07-01", "type": "term"}],
    "courses": [{"title": "Algebra", "schoolYear": "year", "resources": [{"sourcedId": "r"}], "grades": "9,10"}],
    "classes": [{"course": "c", "school": {"href": "https://sis.example.org/orgs/s"}, "terms": ["t"], "periods": [1]}],
    "users": [
        {"role": "administrator", "orgs": ["s"], "enabledUser": True, "password": "x", "identifier": 5},
        {"roles": [{"role": "teacher"}, {"role": "chef"}], "primaryOrg": "s", "givenName": "Ada", "agents": ["a"]},
    ],
    "enrollments": [{"user": "u", "class": "c", "school": "s", "role": "aide", "primary": False, "endDate": "soon"}],
    "demographics": [{"birthdate": "2010-02-03", "sex": "F", "white": True, "metadata": {"a": None}}],
}


def test_documents_are_those_that_the_fingerprint_stands_for():
    derivation = RecordDerivation(references=References("https://bridge.example.org"), prefix="p-")
    made = []
    for collection in COLLECTIONS:
        for number, record in enumerate(RECORDS[collection]):
            subject = f"{collection}/p-{number}"
            fact = Fact(FactKind.RECORD, WHOLE_SOURCE, subject, json.dumps(record).encode())
            made += derivation.of_member(subject, WHOLE_SOURCE, [fact], sole_lead=False)

    assert all(one.body for one in made)
    text = json.dumps([(one.collection, one.sourced_id, one.body) for one in made], ensure_ascii=False)
    assert (derivation.fingerprint, hashlib.sha256(text.encode()).hexdigest()) == WRITTEN, (
        "the documents differ: raise VERSION in bridge/roster/records.py, then write both hashes here"
    )


KNOWN = "f5f26d533175a3fe9e0f35108ea711bcfad9b89db8b1b9b78a74d01e22f2b7e4"
"""The hash of the fields that records are made of."""


def test_fields_are_those_that_the_fingerprint_stands_for():
    fields = {name: [repr(field) for field in collection.members] for name, collection in COLLECTIONS.items()}
    text = json.dumps([fields, *(repr(sorted(table.items())) for table in (OBJECTS, VOCABULARIES))])

    assert hashlib.sha256(text.encode()).hexdigest() == KNOWN, (
        "records that are held lack what is new: raise VERSION in bridge/roster/records.py, then write the hash here"
    )
