"""Records that OneRoster allows and that break what is built carelessly: odd sourcedIds, every optional field, words of
one's own, tombstones.

Every sourcedId of the list names one record of each class, and all records of one sourcedId belong together.
"""

from typing import Any

from bridge.roster.model import COLLECTIONS
from tests.conformance.world import World, ref

IDS = (
    "plain",
    "a/students",
    "a/classes/b",
    "a//b",
    "trailing/",
    "100%",
    "%2F",
    "a+b",
    "two words",
    "a,b",
    "O'Brien",
    "q?limit=1&offset=2",
    "hash#tag",
    'say "x"',
    "back\\slash",
    "semi;colon",
    "<tag>",
    "ключ",
    "日本語",
    "e\u0301",
    "😀",
    "x" * 255,
)
"""Also those that a URL cannot carry as a segment, ``.`` and ``..``, are sourcedIds: see :data:`DOTS`."""

DOTS = (".", "..")
"""Many clients cannot ask for these in a path: RFC 3986 section 5.2.4 takes them out, percent-encoded or not."""

AWKWARD_TEXTS = (
    "Ω — “quoted” 'single' \"double\"",
    "عربي ← עברית",
    "tab\tand\nnewline \u0007",
    "👩‍🏫 e\u0301",
    "</script>",
)

_BASE = "https://sis.example.org"


def fill(world: World) -> None:
    """Everything awkward, of the source ``north``; a little of ``south``; some of it retired."""
    for index, sourced_id in enumerate((*IDS, *DOTS)):
        family = records_named(sourced_id, AWKWARD_TEXTS[index % len(AWKWARD_TEXTS)])
        world.put([(collection, body, sourced_id_of(body)) for collection, body in family])
    world.put(
        [(collection, body, sourced_id_of(body)) for collection, body in records_named("south", "s")], source="south"
    )
    for collection in COLLECTIONS:
        world.put([(collection, _renamed(collection, "gone"), "gone")])
        world.retire(collection, "gone")


def sourced_id_of(body: dict[str, Any]) -> str:
    return str(body["sourcedId"])


def records_named(sourced_id: str, text: str) -> list[tuple[str, dict[str, Any]]]:
    """A school with its calendar, a course, a class in it, a teacher, a student and their enrollments: all but two of
    them have this sourcedId."""
    teacher = f"{sourced_id[:247]}~teacher"
    period, year = f"{sourced_id[:248]}~period", f"{sourced_id[:250]}~year"
    common: dict[str, Any] = {"sourcedId": sourced_id, "status": "active"}
    metadata = {"metadata": {"bridge.note": text, "números": 3, "nested": {"list": [1, None, "a"]}, "yes": True}}
    school = ref("orgs", sourced_id)
    session = {"startDate": "2026-08-01", "endDate": "2027-08-01", "schoolYear": "2027", "title": text}
    user = {
        **common,
        "userMasterIdentifier": f"master:{sourced_id[:50]}",
        "username": text,
        "userIds": [{"type": "LTI", "identifier": sourced_id}, {"type": "LDAP", "identifier": text}],
        "enabledUser": "true",
        "givenName": text,
        "familyName": sourced_id,
        "middleName": text,
        "preferredFirstName": text,
        "preferredMiddleName": text,
        "preferredLastName": text,
        "pronouns": "they/them",
        "roles": [
            {
                "roleType": "primary",
                "role": "student",
                "org": school,
                "userProfile": f"{_BASE}/profiles/1",
                "beginDate": "2026-08-01",
                "endDate": "2027-08-01",
            },
            {"roleType": "secondary", "role": "ext:clubLeader-1.0_b", "org": school},
        ],
        "userProfiles": [
            {
                "profileId": f"{_BASE}/profiles/1",
                "profileType": "learning",
                "vendorId": "sis",
                "applicationId": "default",
                "description": text,
            }
        ],
        "primaryOrg": school,
        "identifier": text,
        "email": "student@example.org",
        "sms": "+41 00 000 00 00",
        "phone": "+41 00 000 00 00",
        "agents": [ref("users", teacher)],
        "grades": ["01", text],
        "resources": [ref("resources", "r1")],
        **metadata,
    }
    class_ = {
        **common,
        "title": text,
        "classCode": sourced_id,
        "classType": "ext:club",
        "location": text,
        "grades": ["01", "a,b"],
        "subjects": [text],
        "course": ref("courses", sourced_id),
        "school": school,
        "terms": [ref("academicSessions", sourced_id)],
        "subjectCodes": ["1"],
        "periods": ["1", "2"],
        "resources": [],
        **metadata,
    }
    enrollment = {
        **common,
        "user": ref("users", sourced_id),
        "class": ref("classes", sourced_id),
        "school": school,
        "role": "student",
        "beginDate": "2026-08-01",
        "endDate": "2027-08-01",
        **metadata,
    }
    return [
        (
            "orgs",
            {
                **common,
                "name": text,
                "type": "school",
                "identifier": sourced_id,
                "parent": ref("orgs", "district"),
                "children": [],
                **metadata,
            },
        ),
        (
            "academicSessions",
            {
                **common,
                **session,
                "type": "term",
                "parent": ref("academicSessions", year),
                "children": [ref("academicSessions", period)],
                **metadata,
            },
        ),
        (
            "academicSessions",
            {
                **common,
                **session,
                "sourcedId": period,
                "type": "gradingPeriod",
                "parent": ref("academicSessions", sourced_id),
            },
        ),
        ("academicSessions", {**common, **session, "sourcedId": year, "type": "schoolYear"}),
        (
            "courses",
            {
                **common,
                "title": text,
                "schoolYear": ref("academicSessions", year),
                "courseCode": sourced_id,
                "grades": [],
                "subjects": [text],
                "org": school,
                "subjectCodes": ["1"],
                "resources": [ref("resources", "r1")],
                **metadata,
            },
        ),
        ("classes", class_),
        ("users", user),
        (
            "users",
            {
                **common,
                "sourcedId": teacher,
                "enabledUser": "false",
                "givenName": "-",
                "familyName": text,
                "roles": [{"roleType": "primary", "role": "teacher", "org": school}],
            },
        ),
        ("enrollments", enrollment),
        (
            "enrollments",
            {
                **enrollment,
                "sourcedId": teacher,
                "user": ref("users", teacher),
                "role": "teacher",
                "primary": "true",
            },
        ),
        (
            "demographics",
            {
                **common,
                "birthDate": "2012-02-29",
                "sex": "ext:not-said",
                "asian": "true",
                "white": "false",
                "countryOfBirthCode": "CH",
                "cityOfBirth": text,
                "publicSchoolResidenceStatus": "1",
            },
        ),
    ]


def _renamed(collection: str, sourced_id: str) -> dict[str, Any]:
    return next(body for name, body in records_named(sourced_id, "gone") if name == collection)
