"""What the classes and fields of the served document mean, in the bridge's own words.

By class and field; the empty name is the class itself. A field without an entry is what it is called.
"""

_LOCAL_CODES = "Codes of the school's own; the standard prescribes none."
_RESOURCES = "Teaching materials that belong to it."
_FIRST_DAY = "The first day."
_END = "The day after the last one: end dates are exclusive."
_FLAG = '"true" or "false", as text.'

MEANINGS: dict[str, dict[str, str]] = {
    "record": {
        "sourcedId": "Names the record, for as long as it exists. It says nothing about a person.",
        "status": "active; or tobedeleted: the record has ended, is still served for a while, and may come back.",
        "dateLastModified": "When the record last changed here, in UTC. Every change moves it, and nothing else does.",
        "metadata": "What OneRoster has no field for. Names that begin with lti. are an LMS's own words;"
        " bridge.supplied lists the fields that no source said.",
    },
    "reference": {
        "": "Points to another record.",
        "href": "Where the other record can be read.",
        "sourcedId": "The other record's sourcedId.",
        "type": "The other record's class.",
    },
    "counters": {
        "totalCount": "Records that match, on all pages; the same as X-Total-Count.",
        "pageCount": "Pages of this size that they make.",
        "pageNumber": "Which of them this is, from 1.",
        "offset": "Records before this page.",
        "limit": "The page size in force, which may be less than what was asked for.",
    },
    "status": {
        "": "Why a request could not be answered as asked.",
        "imsx_description": "For a person: what is wrong, and what would be right.",
    },
    "academicSession": {
        "": "A span of time in which a school teaches: a school year, a term, a grading period.",
        "startDate": _FIRST_DAY,
        "endDate": _END,
        "children": "The sessions that it consists of.",
        "schoolYear": "The year in which the school year ends, in four digits.",
    },
    "class": {
        "": "A group that is taught: a course, held by somebody, in some terms.",
        "classCode": "A short name that people use for it.",
        "location": "Where it meets.",
        "grades": _LOCAL_CODES,
        "subjects": "Names of what is taught.",
        "subjectCodes": "The codes of the subjects, in the same order.",
        "terms": "The sessions in which it is held.",
        "periods": "When in the day it meets, in the school's own names.",
        "resources": _RESOURCES,
    },
    "course": {
        "": "What is taught, apart from any group that is taught it.",
        "courseCode": "A short name that people use for it.",
        "grades": _LOCAL_CODES,
        "subjects": "Names of what is taught.",
        "subjectCodes": "The codes of the subjects, in the same order.",
        "resources": _RESOURCES,
    },
    "demographics": {
        "": "What is recorded about a person for statistics. Its sourcedId is that of the user.",
        **dict.fromkeys(
            (
                "americanIndianOrAlaskaNative",
                "asian",
                "blackOrAfricanAmerican",
                "nativeHawaiianOrOtherPacificIslander",
                "white",
                "demographicRaceTwoOrMoreRaces",
                "hispanicOrLatinoEthnicity",
            ),
            _FLAG,
        ),
    },
    "enrollment": {
        "": "A person's place in a class.",
        "role": "What she is in this class.",
        "primary": f"Whether she is the one teacher who answers for the class. {_FLAG}",
        "beginDate": _FIRST_DAY,
        "endDate": _END,
    },
    "org": {
        "": "A school, or what schools belong to.",
        "identifier": "Its official number.",
        "children": "The orgs that belong to it.",
    },
    "user": {
        "": "A person.",
        "userMasterIdentifier": "Names the person across systems.",
        "username": "A login name; userProfiles say more.",
        "userIds": "What other systems call the person: of type LTI is the LMS's own id.",
        "enabledUser": f"Whether she may use the systems; a record can be active although she may not. {_FLAG}",
        "roles": "What she is at which school; at each, one role is the primary one.",
        "userProfiles": "Her accounts.",
        "identifier": "Her number in the school's own records.",
        "sms": "A number for text messages.",
        "agents": "Who acts for her, as a parent does.",
        "grades": _LOCAL_CODES,
        "password": "Never served.",
        "resources": _RESOURCES,
    },
    "role": {
        "": "What a person is at a school.",
        "userProfile": "The profileId of the account that she uses in this role.",
        "beginDate": _FIRST_DAY,
        "endDate": _END,
    },
    "userProfile": {
        "": "An account.",
        "profileId": "Names the account among the person's own.",
        "applicationId": "What it is for; default stands for all applications of the vendor.",
        "credentials": "Never served.",
    },
    "userId": {
        "": "What another system calls a person.",
        "type": "Which kind of id it is.",
    },
    "credential": {
        "": "A means to sign in. Never served.",
        "password": "Never served.",
    },
}
