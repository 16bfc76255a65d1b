"""LTI roles to OneRoster roles and back: docs/decisions/0001-role-mapping.md."""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.roster.roles import MappedRoles, RoleMapping, RoleTable, lti_roles_for, order_user_roles
from bridge.roster.vocabulary import VOCABULARY, parse_role

COMPAT = RoleMapping.COMPAT
EXT = RoleMapping.EXT
VOCAB = "http://purl.imsglobal.org/vocab/lis/v2/"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

TEACHER = f"{VOCAB}membership#Instructor"
PRIMARY = f"{VOCAB}membership/Instructor#PrimaryInstructor"
ASSISTANT = f"{VOCAB}membership/Instructor#TeachingAssistant"
GRADER = f"{VOCAB}membership/Instructor#Grader"
STUDENT = f"{VOCAB}membership#Learner"
OBSERVING = f"{VOCAB}membership/Learner#NonCreditLearner"
ADMINISTRATOR = f"{VOCAB}membership#Administrator"
DESIGNER = f"{VOCAB}membership#ContentDeveloper"
MENTOR = f"{VOCAB}membership#Mentor"
MEMBER = f"{VOCAB}membership#Member"
FACULTY = f"{VOCAB}institution/person#Faculty"
AT_SCHOOL_STUDENT = f"{VOCAB}institution/person#Student"
STAFF = f"{VOCAB}institution/person#Staff"
SCHOOL_ADMINISTRATOR = f"{VOCAB}institution/person#Administrator"
SYSTEM_ADMINISTRATOR = f"{VOCAB}system/person#SysAdmin"

# LTI role, alone; enrollment in compat; enrollment in ext; user role in compat, of a platform that is not trusted
EXPECTED = """
membership/Instructor#PrimaryInstructor                   teacher+primary teacher+primary        teacher
membership/Instructor#Lecturer                            teacher         teacher                teacher
membership/Instructor#SecondaryInstructor                 teacher         teacher                teacher
membership/Instructor#GuestInstructor                     teacher         teacher                teacher
membership/Instructor#ExternalInstructor                  teacher         teacher                teacher
membership/Instructor#TeachingAssistant                   teacher         ext:teachingAssistant  aide
membership/Instructor#TeachingAssistantGroup              teacher         ext:teachingAssistant  aide
membership/Instructor#TeachingAssistantOffering           teacher         ext:teachingAssistant  aide
membership/Instructor#TeachingAssistantSection            teacher         ext:teachingAssistant  aide
membership/Instructor#TeachingAssistantSectionAssociation teacher         ext:teachingAssistant  aide
membership/Instructor#TeachingAssistantTemplate           teacher         ext:teachingAssistant  aide
membership/Instructor#Grader                              teacher         ext:grader             aide
membership#Instructor                                     teacher         teacher                teacher
membership#Administrator                                  administrator   administrator          ext:courseAdministrator
membership/Administrator#Administrator                    administrator   administrator          ext:courseAdministrator
membership/Administrator#Developer                        administrator   administrator          ext:courseAdministrator
membership/Administrator#ExternalDeveloper                administrator   administrator          ext:courseAdministrator
membership/Administrator#ExternalSupport                  administrator   administrator          ext:courseAdministrator
membership/Administrator#ExternalSystemAdministrator      administrator   administrator          ext:courseAdministrator
membership/Administrator#Support                          administrator   administrator          ext:courseAdministrator
membership/Administrator#SystemAdministrator              administrator   administrator          ext:courseAdministrator
membership#Manager                                        administrator   administrator          ext:courseAdministrator
membership/Manager#Manager                                administrator   administrator          ext:courseAdministrator
membership/Manager#AreaManager                            administrator   administrator          ext:courseAdministrator
membership/Manager#CourseCoordinator                      administrator   administrator          ext:courseAdministrator
membership#ContentDeveloper                               -               ext:contentDeveloper   ext:contentDeveloper
membership/ContentDeveloper#ContentDeveloper              -               ext:contentDeveloper   ext:contentDeveloper
membership/ContentDeveloper#ContentExpert                 -               ext:contentDeveloper   ext:contentDeveloper
membership/ContentDeveloper#ExternalContentExpert         -               ext:contentDeveloper   ext:contentDeveloper
membership/ContentDeveloper#Librarian                     -               ext:librarian          ext:librarian
membership#Learner                                        student         student                student
membership/Learner#ExternalLearner                        student         student                student
membership/Learner#GuestLearner                           student         student                student
membership/Learner#Instructor                             student         student                student
membership/Learner#Learner                                student         student                student
membership/Learner#NonCreditLearner                       student         student                student
membership#Mentor                                         -               ext:mentor             ext:mentor
membership/Mentor#Mentor                                  -               ext:mentor             ext:mentor
membership/Mentor#ExternalMentor                          -               ext:mentor             ext:mentor
membership/Mentor#Auditor                                 -               ext:mentor             ext:mentor
membership/Mentor#ExternalAuditor                         -               ext:mentor             ext:mentor
membership/Mentor#Reviewer                                -               ext:mentor             ext:mentor
membership/Mentor#ExternalReviewer                        -               ext:mentor             ext:mentor
membership/Mentor#Advisor                                 -               ext:mentor             counselor
membership/Mentor#ExternalAdvisor                         -               ext:mentor             counselor
membership/Mentor#Tutor                                   -               ext:mentor             aide
membership/Mentor#ExternalTutor                           -               ext:mentor             aide
membership/Mentor#LearningFacilitator                     -               ext:mentor             aide
membership/Mentor#ExternalLearningFacilitator             -               ext:mentor             aide
membership/Manager#Observer                               -               ext:observer           ext:observer
membership/Manager#ExternalObserver                       -               ext:observer           ext:observer
membership#Officer                                        -               ext:officer            ext:officer
membership/Officer#Chair                                  -               ext:officer            ext:officer
membership/Officer#Communications                         -               ext:officer            ext:officer
membership/Officer#Secretary                              -               ext:officer            ext:officer
membership/Officer#Treasurer                              -               ext:officer            ext:officer
membership/Officer#Vice-Chair                             -               ext:officer            ext:officer
membership#Member                                         -               ext:member             ext:member
membership/Member#Member                                  -               ext:member             ext:member
institution/person#Instructor                             teacher         teacher                teacher
institution/person#Faculty                                teacher         teacher                teacher
institution/person#Student                                student         student                student
institution/person#Learner                                student         student                student
institution/person#ProspectiveStudent                     -               ext:member             student
institution/person#Staff                                  -               ext:member             aide
institution/person#Administrator                          -               ext:member             ext:administrator
institution/person#Mentor                                 -               ext:member             ext:mentor
institution/person#Observer                               -               ext:member             ext:observer
institution/person#Guest                                  -               ext:member             ext:guest
institution/person#Alumni                                 -               ext:member             ext:alumni
institution/person#Member                                 -               ext:member             ext:member
institution/person#Other                                  -               ext:member             ext:other
institution/person#None                                   -               ext:member             ext:unknown
system/person#Administrator                               -               ext:member             ext:systemAdministrator
system/person#SysAdmin                                    -               ext:member             ext:systemAdministrator
system/person#AccountAdmin                                -               ext:member             ext:systemAdministrator
system/person#SysSupport                                  -               ext:member             ext:systemAdministrator
system/person#Creator                                     -               ext:member             ext:unknown
system/person#User                                        -               ext:member             ext:unknown
system/person#None                                        -               ext:member             ext:unknown
"""


def map_roles(*roles: str, mapping: RoleMapping = COMPAT, **options: bool) -> MappedRoles:
    return RoleTable.default().map_roles(roles, mapping=mapping, **options)


def enrollment(mapped: MappedRoles) -> str:
    return (mapped.enrollment or "-") + ("+primary" if mapped.primary_claim else "")


@pytest.mark.parametrize("line", EXPECTED.split("\n")[1:-1], ids=lambda line: line.split()[0])
def test_each_role_of_the_vocabulary_alone(line):
    role, in_compat, in_ext, user_role = line.split()

    compat = map_roles(VOCAB + role)
    ext = map_roles(VOCAB + role, mapping=EXT)

    assert (enrollment(compat), enrollment(ext), compat.user_roles) == (in_compat, in_ext, (user_role,))


def test_the_expectations_cover_the_vocabulary():
    assert sorted(VOCAB + line.split()[0] for line in EXPECTED.strip().split("\n")) == sorted(
        role.uri for role in VOCABULARY
    )


@pytest.mark.parametrize(
    ("roles", "in_compat", "in_ext"),
    [
        ([TEACHER, ASSISTANT], "teacher", "ext:teachingAssistant"),
        ([TEACHER, PRIMARY], "teacher+primary", "teacher+primary"),
        ([PRIMARY, ASSISTANT], "teacher+primary", "teacher+primary"),
        ([GRADER, ASSISTANT], "teacher", "ext:grader"),
        ([TEACHER, ADMINISTRATOR], "teacher", "teacher"),
        ([ASSISTANT, ADMINISTRATOR], "teacher", "ext:teachingAssistant"),
        ([TEACHER, STUDENT], "teacher", "teacher"),
        ([ADMINISTRATOR, STUDENT], "administrator", "administrator"),
        ([STUDENT, MENTOR], "student", "student"),
        ([STUDENT, MEMBER], "student", "student"),
        ([STUDENT, f"{VOCAB}membership/Learner#Instructor"], "student", "student"),
        ([MENTOR, f"{VOCAB}membership/Mentor#Tutor"], "-", "ext:mentor"),
        ([STUDENT, DESIGNER], "student", "ext:contentDeveloper"),
        ([STUDENT, FACULTY], "student", "student"),
        ([MEMBER, FACULTY], "-", "ext:member"),
        ([STUDENT, SCHOOL_ADMINISTRATOR], "student", "student"),
        ([FACULTY, AT_SCHOOL_STUDENT], "teacher", "teacher"),
        ([STAFF, AT_SCHOOL_STUDENT], "student", "student"),
        ([SYSTEM_ADMINISTRATOR, AT_SCHOOL_STUDENT], "student", "student"),
        (["urn:example:wizard", STUDENT], "student", "student"),
        (["urn:example:wizard", FACULTY], "teacher", "teacher"),
    ],
    ids=lambda value: " ".join(role.rpartition("/")[2] for role in value) if isinstance(value, list) else "",
)
def test_one_of_several_roles_decides_the_enrollment(roles, in_compat, in_ext):
    assert enrollment(map_roles(*roles)) == in_compat
    assert enrollment(map_roles(*roles, mapping=EXT)) == in_ext


@pytest.mark.parametrize(
    "mentor",
    [[MENTOR], [f"{VOCAB}membership/Mentor#Mentor"], [MENTOR, STUDENT]],
    ids=["bare", "sub-role", "principals"],
)
def test_a_non_credit_learner_who_is_a_mentor_observes(mentor):
    mapped = map_roles(OBSERVING, *mentor, mapping=EXT)

    assert (mapped.enrollment, mapped.user_roles) == ("ext:mentor", ("ext:mentor",))


@pytest.mark.parametrize(
    ("roles", "expected"),
    [([OBSERVING], "student"), ([OBSERVING, MENTOR, TEACHER], "teacher"), ([OBSERVING, MENTOR, MEMBER], "student")],
    ids=["no mentor", "a teacher too", "a member too"],
)
def test_a_non_credit_learner_with_other_roles_is_a_learner_like_any_other(roles, expected):
    assert map_roles(*roles).enrollment == expected


@pytest.mark.parametrize(
    ("roles", "user_roles"),
    [
        ([TEACHER, STUDENT], ("teacher", "student")),
        ([TEACHER, ASSISTANT], ("aide",)),
        ([TEACHER, SCHOOL_ADMINISTRATOR], ("teacher", "ext:administrator")),
        ([TEACHER, ADMINISTRATOR], ("teacher", "ext:courseAdministrator")),
        ([STUDENT, FACULTY], ("teacher", "student")),
        ([f"{VOCAB}membership/Mentor#Advisor", ASSISTANT, STUDENT], ("counselor", "aide", "student")),
        ([STUDENT, SYSTEM_ADMINISTRATOR], ("student", "ext:systemAdministrator")),
        ([STUDENT, AT_SCHOOL_STUDENT], ("student",)),
        ([STUDENT, f"{VOCAB}institution/person#None"], ("student",)),
    ],
    ids=lambda value: " ".join(role.rpartition("/")[2] for role in value) if isinstance(value, list) else "",
)
def test_every_role_counts_at_the_school_and_the_best_is_primary(roles, user_roles):
    assert map_roles(*roles).user_roles == user_roles


def test_staff_of_the_institution_have_a_token_of_their_own_in_ext():
    assert map_roles(STAFF, mapping=EXT).user_roles == ("ext:staff",)


def test_administrators_of_a_trusted_platform_are_administrators():
    mapped = map_roles(STUDENT, SCHOOL_ADMINISTRATOR, SYSTEM_ADMINISTRATOR, trust_admin_roles=True)

    assert mapped.enrollment == "student"
    assert mapped.user_roles == ("siteAdministrator", "systemAdministrator", "student")


def test_trust_makes_no_administrator_of_a_courses_administrator():
    assert map_roles(ADMINISTRATOR, trust_admin_roles=True).user_roles == ("ext:courseAdministrator",)


@pytest.mark.parametrize(
    "roles", [[TEST_USER], [STUDENT, TEST_USER], [TEST_USER, TEACHER]], ids=["alone", "student", "teacher"]
)
def test_a_test_user_is_left_out(roles):
    mapped = map_roles(*roles)

    assert (mapped.left_out, mapped.test_user, mapped.enrollment, mapped.user_roles) == (True, True, None, ())


def test_a_test_user_can_be_kept():
    mapped = map_roles(STUDENT, TEST_USER, keep_test_users=True)

    assert (mapped.left_out, mapped.test_user) == (False, True)
    assert (mapped.enrollment, mapped.user_roles) == ("student", ("student",))


@pytest.mark.parametrize(
    "roles", [[], ["urn:example:wizard"], ["", "Instructors"]], ids=["empty", "foreign", "misspelt"]
)
def test_unknown_roles_grant_nothing(roles):
    mapped = map_roles(*roles)

    assert (mapped.enrollment, mapped.user_roles) == (None, ("ext:unknown",))
    assert mapped.unknown == tuple(sorted(roles))


@pytest.mark.parametrize("roles", [[], ["urn:example:wizard"]], ids=["empty", "foreign"])
def test_whoever_is_listed_is_a_mere_member_in_ext(roles):
    mapped = map_roles(*roles, mapping=EXT)

    assert (mapped.enrollment, mapped.user_roles) == ("ext:member", ("ext:unknown",))


def test_operators_row_without_an_enrollment_gives_none_in_ext_either():
    table = RoleTable.load('[context]\n"Officer" = { rank = 94, user_role = "ext:officer" }')

    assert table.map_roles(["Officer"], mapping=EXT).enrollment is None


def test_several_spellings_of_one_role_are_one_role():
    assert map_roles("Learner", STUDENT, "urn:lti:role:ims/lis/Learner", "learner ") == map_roles(STUDENT)


@pytest.mark.parametrize("mapping", RoleMapping)
def test_the_order_of_roles_means_nothing(mapping):
    roles = [TEACHER, ASSISTANT, GRADER, FACULTY, "urn:example:wizard"]

    assert len({map_roles(*order, mapping=mapping) for order in itertools.permutations(roles)}) == 1


SOME_ROLES = st.lists(
    st.sampled_from([role.uri for role in VOCABULARY]) | st.sampled_from([TEST_USER, "Learner", "Faculty"]) | st.text()
)
OPTIONS = st.fixed_dictionaries({"keep_test_users": st.booleans(), "mapping": st.sampled_from(RoleMapping)})


@given(SOME_ROLES, OPTIONS, st.randoms(use_true_random=False), st.booleans())
def test_shuffling_and_repeating_change_nothing(roles, options, random, trusted):
    again = [*roles, *random.choices(roles, k=len(roles))] if roles else []
    random.shuffle(again)

    assert map_roles(*again, **options, trust_admin_roles=trusted) == map_roles(
        *roles, **options, trust_admin_roles=trusted
    )


@given(SOME_ROLES, OPTIONS)
@example([f"{VOCAB}membership/Learner#Instructor"], {"mapping": EXT, "keep_test_users": True})
def test_nobody_is_given_more_than_was_said(roles, options):
    mapped = map_roles(*roles, **options)

    principals = {role.principal for role in map(parse_role, roles) if role}
    granted = {mapped.enrollment, *mapped.user_roles}
    assert "teacher" not in granted or principals & {"Instructor", "Faculty"}
    assert not granted & {"siteAdministrator", "systemAdministrator", "districtAdministrator", "guardian", "parent"}


@given(SOME_ROLES, OPTIONS, st.booleans())
def test_every_answer_is_valid_in_oneroster(roles, options, trusted):
    mapped = map_roles(*roles, **options, trust_admin_roles=trusted)

    enumerated = {None, "administrator", "proctor", "student", "teacher"}
    assert mapped.enrollment in enumerated or (
        options["mapping"] is EXT and re.fullmatch(r"ext:[a-zA-Z0-9.\-_]+", mapped.enrollment)
    )
    assert mapped.left_out == (mapped.user_roles == ())
    assert len(set(mapped.user_roles)) == len(mapped.user_roles)
    assert mapped.enrollment == "teacher" or not mapped.primary_claim


def test_roles_of_several_classes_are_ordered_as_those_of_one():
    assert order_user_roles(["ext:unknown", "student", "ext:mentor", "teacher", "student"]) == (
        "teacher",
        "student",
        "ext:mentor",
    )


def test_somebody_of_whom_nothing_is_known_anywhere_stays_unknown():
    assert order_user_roles(["ext:unknown", "ext:unknown"]) == ("ext:unknown",)


def test_an_operators_row_replaces_the_default_row():
    table = RoleTable.load(
        """
        [context]
        "Instructor#TeachingAssistant" = { rank = 30, enrollment = "proctor", user_role = "proctor" }
        """
    )

    mapped = table.map_roles([TEACHER, ASSISTANT], mapping=EXT)
    assert (mapped.enrollment, mapped.user_roles) == ("proctor", ("proctor",))
    assert table.map_roles([GRADER], mapping=EXT) == map_roles(GRADER, mapping=EXT)


def test_an_operators_pattern_covers_every_role_that_begins_so():
    table = RoleTable.load('context."Instructor#*" = { rank = 30, enrollment = "proctor" }')

    assert table.map_roles([PRIMARY], mapping=COMPAT).enrollment == "proctor"
    assert table.map_roles([GRADER], mapping=COMPAT).enrollment == "proctor"
    assert table.map_roles([TEACHER], mapping=COMPAT).enrollment == "teacher"


def test_the_more_specific_of_two_patterns_wins():
    table = RoleTable.load(
        """
        [context]
        "Instructor#Grader" = { rank = 30, enrollment = "teacher" }
        "Instructor#*" = { rank = 30, enrollment = "proctor" }
        """
    )

    assert table.map_roles([GRADER], mapping=COMPAT).enrollment == "teacher"


def test_a_platforms_own_role_text_can_be_given_a_row():
    table = RoleTable.load(
        """
        [extra]
        "urn:example:Classroom-Assistant" = { rank = 30, enrollment = "teacher", user_role = "aide" }
        """
    )

    mapped = table.map_roles([" URN:example:classroom-assistant", AT_SCHOOL_STUDENT], mapping=COMPAT)

    assert (mapped.enrollment, mapped.user_roles, mapped.unknown) == ("teacher", ("aide", "student"), ())


def test_tables_stack():
    installation = RoleTable.load('institution.Staff = { rank = 45, enrollment = "administrator" }')
    platform = RoleTable.load('institution.Guest = { rank = 80, enrollment = "student" }', base=installation)

    assert platform.map_roles([STAFF], mapping=COMPAT).enrollment == "administrator"
    assert platform.map_roles([f"{VOCAB}institution/person#Guest"], mapping=COMPAT).enrollment == "student"
    assert installation.map_roles([f"{VOCAB}institution/person#Guest"], mapping=COMPAT).enrollment is None


def test_a_table_is_read_from_a_file(tmp_path):
    path = tmp_path / "roles.toml"
    path.write_text('institution.Staff = { user_role = "proctor" }')

    assert RoleTable.load(path).map_roles([STAFF], mapping=COMPAT).user_roles == ("proctor",)


def test_the_fingerprint_names_the_meaning_and_not_the_text():
    default = RoleTable.default().fingerprint
    changed = RoleTable.load('institution.Staff = { user_role = "proctor" }').fingerprint

    assert RoleTable.load("").fingerprint == default
    assert (
        RoleTable.load('institution.Staff = { user_role = "aide", ext_user_role = "ext:staff" }').fingerprint == default
    )
    assert changed != default
    assert RoleTable.load('# a comment\n[institution.Staff]\nuser_role = "proctor"').fingerprint == changed


def test_every_problem_of_a_table_is_listed_at_once():
    with pytest.raises(ConfigError) as refusal:
        RoleTable.load(
            """
            version = 2
            [contxt]
            [context]
            "Instructor#Gradr" = { rank = 30, enrollment = "teacher" }
            "Member" = { rank = 95, enrollment = "ext:member" }
            "Mentor" = { enrollment = "student" }
            "Officer" = { rank = "first", user_role = "siteAdministrator" }
            "Learner" = "student"
            "Manager" = { rank = 55, primary = true, enrollment = "administrator", ext_enrollment = "ext:é" }
            [institution]
            "Staff" = { usr_role = "aide" }
            [system]
            "User" = { rank = 1, enrollment = "student" }
            [extra]
            "Faculty" = {}
            """
        )

    problems = refusal.value.problems
    for wanted in [
        "role table: version: belongs in a section",
        "[contxt]: unknown section; did you mean context?",
        '"Instructor#Gradr": no such context role; did you mean Instructor#Grader?',
        '"Member": enrollment must be one of administrator, proctor, student, teacher',
        '"Mentor": an enrollment needs a rank',
        '"Officer": rank must be a number',
        '"Officer": user_role must not be siteAdministrator',
        '"Learner": must be a table',
        '"Manager": primary needs enrollment = "teacher"',
        '"Manager": ext_enrollment must be one of',
        '"Staff": unknown key usr_role; did you mean user_role?',
        '"User": a system role decides no enrollment',
        '"Faculty": is in the vocabulary; write it as [institution] "Faculty"',
    ]:
        assert sum(wanted in problem for problem in problems) == 1, wanted
    assert len(problems) == 13


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"[context]\nLearner = ,\n", "line 2"), (b"\xff\xfe", "UTF-8")],
    ids=["broken TOML", "not text"],
)
def test_an_unreadable_table_is_named_in_the_refusal(tmp_path, content, problem):
    path = tmp_path / "roles.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=problem) as refusal:
        RoleTable.load(path)
    assert str(path) in str(refusal.value)


def test_a_missing_table_is_named_in_the_refusal(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        RoleTable.load(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("role", "primary", "user_role", "lti_roles"),
    [
        ("teacher", True, "teacher", (PRIMARY, TEACHER)),
        ("teacher", False, "teacher", (TEACHER,)),
        ("teacher", None, None, (TEACHER,)),
        ("teacher", False, "aide", (ASSISTANT, TEACHER)),
        ("student", None, "aide", (STUDENT,)),
        ("student", True, "student", (STUDENT,)),
        ("administrator", None, None, (ADMINISTRATOR,)),
        ("proctor", None, "proctor", (MENTOR,)),
        ("ext:teachingAssistant", None, "aide", (ASSISTANT, TEACHER)),
        ("ext:grader", None, "aide", (GRADER, TEACHER)),
        ("ext:contentDeveloper", None, None, (DESIGNER,)),
        ("ext:librarian", None, None, (f"{VOCAB}membership/ContentDeveloper#Librarian", DESIGNER)),
        ("ext:mentor", None, None, (MENTOR,)),
        ("ext:observer", None, None, (f"{VOCAB}membership/Manager#Observer", f"{VOCAB}membership#Manager")),
        ("ext:officer", None, None, (f"{VOCAB}membership#Officer",)),
        ("ext:member", None, None, (MEMBER,)),
        ("ext:juggler", None, None, (MEMBER,)),
        ("guardian", None, None, (MEMBER,)),
    ],
)
def test_the_way_back_to_lti(role, primary, user_role, lti_roles):
    assert lti_roles_for(role, primary, user_role) == lti_roles


@pytest.mark.parametrize(
    ("role", "primary"),
    [
        ("teacher", True),
        ("teacher", False),
        ("student", False),
        ("administrator", False),
        ("ext:teachingAssistant", False),
        ("ext:grader", False),
        ("ext:contentDeveloper", False),
        ("ext:librarian", False),
        ("ext:mentor", False),
        ("ext:observer", False),
        ("ext:officer", False),
        ("ext:member", False),
    ],
)
def test_there_and_back_gives_the_same_enrollment(role, primary):
    mapped = map_roles(*lti_roles_for(role, primary, None), mapping=EXT)

    assert (mapped.enrollment, mapped.primary_claim) == (role, primary)
