"""LTI Core 1.3, appendix A "Role vocabularies", and the spellings of it that platforms send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.roster.vocabulary import TEST_USER, VOCABULARY, Role, Scope, parse_role

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person"
TEST_USER_URI = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


def context(principal: str, sub: str | None = None) -> Role:
    return Role(Scope.CONTEXT, principal, sub)


def institution(name: str) -> Role:
    return Role(Scope.INSTITUTION, name)


def system(name: str) -> Role:
    return Role(Scope.SYSTEM, name)


def test_the_vocabulary_has_eighty_roles():
    assert len(set(VOCABULARY)) == 80


@pytest.mark.parametrize("role", [*VOCABULARY, TEST_USER], ids=lambda role: f"{role.scope} {role.name}")
def test_the_uri_of_a_role_is_read_as_that_role(role):
    assert parse_role(role.uri) == role


@pytest.mark.parametrize(
    ("role", "uri"),
    [
        (context("Instructor"), f"{MEMBERSHIP}#Instructor"),
        (context("Instructor", "TeachingAssistant"), f"{MEMBERSHIP}/Instructor#TeachingAssistant"),
        (context("Officer", "Vice-Chair"), f"{MEMBERSHIP}/Officer#Vice-Chair"),
        (institution("Faculty"), f"{INSTITUTION}#Faculty"),
        (system("SysAdmin"), f"{SYSTEM}#SysAdmin"),
        (TEST_USER, TEST_USER_URI),
    ],
    ids=["context", "context sub-role", "sub-role with a hyphen", "institution", "system", "test user"],
)
def test_the_uri_is_the_specifications(role, uri):
    assert role.uri == uri


@pytest.mark.parametrize(
    ("text", "role"),
    [
        # simple names
        ("Instructor", context("Instructor")),
        ("Learner", context("Learner")),
        ("Administrator", context("Administrator")),
        ("Mentor", context("Mentor")),
        ("Student", institution("Student")),
        ("Faculty", institution("Faculty")),
        ("SysAdmin", system("SysAdmin")),
        ("None", institution("None")),
        ("learner", context("Learner")),
        ("Instructor#TeachingAssistant", context("Instructor", "TeachingAssistant")),
        ("Learner/NonCreditLearner", context("Learner", "NonCreditLearner")),
        ("#Instructor", context("Instructor")),
        ("lism:Learner", context("Learner")),
        # Sakai
        (f"{MEMBERSHIP}#Instructor#TeachingAssistant", context("Instructor", "TeachingAssistant")),
        ("TeachingAssistant", context("Instructor", "TeachingAssistant")),
        (f"{MEMBERSHIP}#TeachingAssistant", context("Instructor", "TeachingAssistant")),
        # Canvas, formerly
        (f"{MEMBERSHIP}/instructor#TeachingAssistant", context("Instructor", "TeachingAssistant")),
        # Moodle, code.org
        (
            "http://purl.imsglobal.org/vocab/lis/v2/system/institution/person#Administrator",
            institution("Administrator"),
        ),
        ("http://purl.imsglobal.org/vocab/lis/v1/institution/person#Instructor", institution("Instructor")),
        # other separators, other paths
        (f"{MEMBERSHIP}#Instructor/TeachingAssistant", context("Instructor", "TeachingAssistant")),
        (f"{MEMBERSHIP}/Instructor/TeachingAssistant", context("Instructor", "TeachingAssistant")),
        (f"{MEMBERSHIP}/Instructor", context("Instructor")),
        ("http://purl.imsglobal.org/vocab/lis/v2/mm#Instructor", context("Instructor")),
        # the deprecated mixed vocabulary
        ("http://purl.imsglobal.org/vocab/lis/v2/person#Student", institution("Student")),
        ("http://purl.imsglobal.org/vocab/lis/v2/person#SysAdmin", system("SysAdmin")),
        ("http://purl.imsglobal.org/vocab/lis/v2/person#Administrator", institution("Administrator")),
        ("http://purl.imsglobal.org/vocab/lis/v2/person#None", institution("None")),
        # LTI 1.1
        ("urn:lti:role:ims/lis/Learner", context("Learner")),
        ("urn:lti:role:ims/lis/Instructor/Lecturer", context("Instructor", "Lecturer")),
        ("urn:lti:role:ims/lis/TeachingAssistant", context("Instructor", "TeachingAssistant")),
        ("urn:lti:role:ims/lis/TeachingAssistant/Grader", context("Instructor", "Grader")),
        (
            "urn:lti:role:ims/lis/TeachingAssistant/TeachingAssistantSection",
            context("Instructor", "TeachingAssistantSection"),
        ),
        ("urn:lti:instrole:ims/lis/Student", institution("Student")),
        ("urn:lti:sysrole:ims/lis/SysAdmin", system("SysAdmin")),
        ("URN:LTI:ROLE:IMS/LIS/LEARNER", context("Learner")),
        # around and about
        (f"https{MEMBERSHIP[4:]}#Learner", context("Learner")),
        (f"  {MEMBERSHIP}#Learner \r\n", context("Learner")),
        (f'"{MEMBERSHIP}#Learner"', context("Learner")),
        ("\u00a0Learner ", context("Learner")),
        (f"{MEMBERSHIP}#LEARNER", context("Learner")),
        (TEST_USER_URI.replace("http", "https"), TEST_USER),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_spelling_met_in_the_wild_is_read(text, role):
    assert parse_role(text) == role


@pytest.mark.parametrize(
    ("text", "principal"),
    [
        (f"{MEMBERSHIP}/Instructor#Wizard", "Instructor"),
        (f"{MEMBERSHIP}/Learner#Lecturer", "Learner"),
        ("urn:lti:role:ims/lis/Mentor/Uncle", "Mentor"),
    ],
)
def test_an_unknown_sub_role_is_read_as_its_principal(text, principal):
    assert parse_role(text) == context(principal)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "#",
        "Instructr",
        "SuperInstructor",
        "Instructors",
        "Grader",
        "Instructor Learner",
        "Instructor,Learner",
        "Instructor#TeachingAssistant#Section",
        MEMBERSHIP,
        f"{MEMBERSHIP}#",
        f"{MEMBERSHIP}#Student",
        f"{INSTITUTION}#Instructor#TeachingAssistant",
        f"{INSTITUTION}#SysAdmin",
        f"{SYSTEM}#Faculty",
        f"{SYSTEM}#TestUser",
        "https://lms.example.org/roles#Instructor",
        f"https://lms.example.org/?{MEMBERSHIP}#Instructor",
        "urn:lti:role:ims/lis/",
        "liss:Active",
        "TestUser",
        "Lecturer\x00",
        "\ud800",
    ],
    ids=repr,
)
def test_what_is_no_role_is_not_guessed_at(text):
    assert parse_role(text) is None


@pytest.mark.parametrize(
    ("text", "standard"),
    [
        (f"{MEMBERSHIP}#Learner", True),
        (f"{MEMBERSHIP}/Instructor#Grader", True),
        (f"{INSTITUTION}#Student", True),
        (TEST_USER_URI, True),
        ("Learner", True),
        ("Student", False),
        ("learner", False),
        (" Learner", False),
        ("Instructor#Grader", False),
        ("urn:lti:role:ims/lis/Learner", False),
        (f"{MEMBERSHIP}/Instructor#Wizard", False),
        (f"https{MEMBERSHIP[4:]}#Learner", False),
    ],
)
def test_a_spelling_outside_the_specification_is_flagged(text, standard):
    role = parse_role(text)
    assert role is not None
    assert role.standard is standard


@given(st.text())
def test_reading_any_text_gives_a_role_of_the_vocabulary_or_none(text):
    assert parse_role(text) in {*VOCABULARY, TEST_USER, None}
