"""What a member's facts become: users, enrollments, and the flags on them."""

import json
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.nrps.schemas import load_member
from bridge.roster.identity import LtiUserId, class_sourced_id, enrollment_sourced_id, org_sourced_id, user_sourced_id
from bridge.roster.memberships import Context
from bridge.roster.ports import Derivation, Fact, FactKind, Stated
from bridge.roster.roles import RoleTable
from bridge.roster.vocabulary import VOCABULARY
from tests.roster.derivation_world import (
    ELSEWHERE,
    HERE,
    enrollment_of,
    fact,
    make_derivation,
    make_origin,
    make_reading,
    make_surroundings,
    of_member,
    user_of,
)
from tests.roster.oneroster_schema import OFFICIAL, official_violations, stamped, violations

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
LEAD = [f"{MEMBERSHIP}/Instructor#PrimaryInstructor", f"{MEMBERSHIP}#Instructor"]
SITE_ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
USER_ID = LtiUserId("27")


def roles_of(user):
    return [role["role"] for role in user["roles"]]


def supplied_of(record):
    return record["metadata"]["bridge.supplied"].split(",")


def context_fact(**context):
    return Fact(FactKind.CONTEXT, HERE, "", json.dumps(context).encode())


# -- the user


@pytest.mark.parametrize(
    ("length", "served"), [pytest.param(2048, True, id="a link"), pytest.param(2049, False, id="an image")]
)
def test_picture_is_served_while_it_is_as_short_as_a_link(length, served):
    picture = "data:".ljust(length, "x")

    assert user_of(fact(name="Ada Lovelace", picture=picture))["metadata"].get("lti.picture") == (
        picture if served else None
    )


def test_user_holds_what_was_said():
    user = user_of(
        fact(
            given_name="Ada",
            family_name="Lovelace",
            middle_name="King",
            email="ada@example.org",
            lis_person_sourcedid="SIS-1",
            picture="https://lms.example.org/ada.png",
        )
    )

    org = make_surroundings().school
    assert user == {
        "sourcedId": user_sourced_id("school", USER_ID),
        "status": "active",
        "userIds": [{"type": "LTI", "identifier": "27"}],
        "enabledUser": "true",
        "givenName": "Ada",
        "familyName": "Lovelace",
        "middleName": "King",
        "identifier": "SIS-1",
        "email": "ada@example.org",
        "roles": [{"roleType": "primary", "role": "student", "org": org}],
        "primaryOrg": org,
        "metadata": {
            "lti.userId": "27",
            "lti.issuer": "https://lms.example.org",
            "lti.picture": "https://lms.example.org/ada.png",
            "lti.personSourcedId": "SIS-1",
            "bridge.supplied": "enabledUser,primaryOrg",
        },
    }


@pytest.mark.parametrize(
    "value", [pytest.param("", id="empty"), pytest.param(" ", id="blank"), pytest.param(None, id="null")]
)
@pytest.mark.parametrize(
    ("said", "field"),
    [
        pytest.param("email", "email", id="email"),
        pytest.param("lis_person_sourcedid", "identifier", id="sis-number"),
        pytest.param("middle_name", "middleName", id="middle-name"),
    ],
)
def test_blank_is_missing(said, field, value):
    assert field not in user_of(fact(given_name="Ada", family_name="Lovelace", **{said: value}))


def test_supplied_names_are_flagged():
    assert supplied_of(user_of(fact(given_name="Plato", family_name=" "))) == [
        "familyName",
        "enabledUser",
        "primaryOrg",
    ]


def test_name_that_was_split_is_flagged_and_kept_whole():
    user = user_of(fact(name="Ada Lovelace"))

    assert (user["givenName"], user["familyName"], user["metadata"]["lti.name"]) == ("Ada", "Lovelace", "Ada Lovelace")
    assert supplied_of(user)[:2] == ["givenName", "familyName"]


@pytest.mark.parametrize(
    ("escaped", "written", "served"),
    [
        pytest.param(True, "Niamh &amp; ", "Niamh &", id="moodle"),
        pytest.param(True, "A &amp;amp; B", "A &amp; B", id="once-only"),
        pytest.param(True, "O&#039;Brien", "O'Brien", id="number"),
        pytest.param(True, "&nbsp;", "-", id="nothing-but-a-blank"),
        pytest.param(False, "Niamh &amp; Co", "Niamh &amp; Co", id="other-platforms"),
    ],
)
def test_names_are_unescaped_once_where_the_platform_escapes_them(escaped, written, served):
    user = user_of(fact(given_name="Ada", family_name=written), reading=make_reading(escaped_names=escaped))

    assert user["familyName"] == served


@pytest.mark.parametrize("field", ["name", "given_name", "family_name", "middle_name"])
def test_every_part_of_a_name_is_unescaped(field):
    names = {"given_name": "Ada", "family_name": "King"} if field == "middle_name" else {}
    user = user_of(fact(**names | {field: "A&amp;B C&amp;D"}), reading=make_reading(escaped_names=True))

    assert "&amp;" not in json.dumps(user)


def test_user_of_several_contexts_has_the_roles_of_all_teacher_first():
    user = user_of(fact(roles=["Learner"]), fact(ELSEWHERE, roles=["Instructor"]))

    assert [(role["roleType"], role["role"]) for role in user["roles"]] == [
        ("primary", "teacher"),
        ("secondary", "student"),
    ]


def test_user_does_not_depend_on_the_order_of_her_facts():
    facts = [
        fact(name="Ada L.", email="ada@example.org", roles=["Learner"]),
        fact(ELSEWHERE, given_name="Ada", family_name="Lovelace", email="ada@example.org", roles=["Instructor"]),
        fact('["4"]', given_name="Augusta", family_name="King", email="king@example.org", roles=[SITE_ADMIN]),
    ]

    users = [json.dumps(user_of(*order)) for order in permutations(facts)]

    assert len(set(users)) == 1


def test_each_fact_is_read_as_its_own_platform_is_read():
    trusting, careful = make_reading(trust_admin_roles=True, escaped_names=True), make_reading()
    facts = [fact(roles=["Learner"]), fact(ELSEWHERE, given_name="A", family_name="B &amp; C", roles=[SITE_ADMIN])]

    user, _ = of_member(make_derivation(trusting, elsewhere=careful), facts)
    other, _ = of_member(make_derivation(careful, elsewhere=trusting), facts)

    assert (roles_of(user), user["familyName"]) == (["student", "ext:administrator"], "B &amp; C")
    assert (roles_of(other), other["familyName"]) == (["siteAdministrator", "student"], "B & C")


@pytest.mark.parametrize(
    ("trusted", "role"),
    [pytest.param(False, "ext:administrator", id="not"), pytest.param(True, "siteAdministrator", id="trusted")],
)
def test_administrators_are_believed_from_trusted_platforms_only(trusted, role):
    assert roles_of(user_of(fact(roles=[SITE_ADMIN]), reading=make_reading(trust_admin_roles=trusted))) == [role]


@pytest.mark.parametrize(
    "member",
    [
        pytest.param({"roles": ["Learner", TEST_USER]}, id="test-user"),
        pytest.param({"status": "Deleted"}, id="deleted"),
    ],
)
def test_who_is_no_member_is_neither_user_nor_enrolled(member):
    assert of_member(make_derivation(), [fact(**member)]) == (None, None)


def test_who_is_deleted_here_is_still_a_user_elsewhere():
    user, enrollment = of_member(make_derivation(), [fact(status="Deleted"), fact(ELSEWHERE, roles=["Instructor"])])

    assert (roles_of(user), enrollment) == (["teacher"], None)


def test_who_is_gone_from_everywhere_is_nobody():
    assert of_member(make_derivation(), []) == (None, None)


def test_test_users_are_kept_and_marked_on_request():
    user, enrollment = of_member(
        make_derivation(make_reading(keep_test_users=True)), [fact(roles=["Learner", TEST_USER])]
    )

    assert [each["metadata"]["lti.testUser"] for each in (user, enrollment)] == ["true", "true"]


def test_user_names_the_tenants_issuer_and_no_one_registration():
    derivation = make_derivation(origin=make_origin(issuer="https://other.example.org", deployment_id="9"))
    user, _ = of_member(derivation, [fact()])

    assert user["metadata"]["lti.issuer"] == "https://lms.example.org"
    assert not user["metadata"].keys() & {"lti.deploymentId", "lti.contextId"}


# -- the enrollment


def test_enrollment_joins_user_class_and_school_and_keeps_what_was_said():
    roles = [f"{MEMBERSHIP}#Learner", "Ärztin", f"{MEMBERSHIP}#Learner"]
    enrollment = enrollment_of(fact(roles=roles, status="Active"))

    assert enrollment["sourcedId"] == enrollment_sourced_id("school", HERE, USER_ID)
    assert [enrollment[field]["sourcedId"] for field in ("user", "class", "school")] == [
        user_sourced_id("school", USER_ID),
        class_sourced_id("school", HERE),
        org_sourced_id("school"),
    ]
    assert (enrollment["role"], enrollment["status"], "primary" in enrollment) == ("student", "active", False)
    assert enrollment["metadata"] == {
        "lti.roles": f'["{MEMBERSHIP}#Learner","Ärztin","{MEMBERSHIP}#Learner"]',
        "lti.status": "Active",
        "lti.userId": "27",
        "lti.contextId": "2",
        "lti.issuer": "https://lms.example.org",
        "lti.deploymentId": "7",
        "lti.rolesMapVersion": RoleTable.default().fingerprint,
    }


def test_absent_status_stays_absent():
    assert "lti.status" not in enrollment_of(fact())["metadata"]


def test_absent_deployment_stays_absent():
    _, enrollment = of_member(make_derivation(origin=make_origin(deployment_id=None)), [fact()])

    assert "lti.deploymentId" not in enrollment["metadata"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(None, "active", id="absent"),
        pytest.param("Active", "active", id="active"),
        pytest.param("Inactive", "tobedeleted", id="inactive"),
    ],
)
def test_status_of_an_enrollment(status, expected):
    assert enrollment_of(fact(status=status))["status"] == expected


def test_inactive_member_stays_a_user():
    assert user_of(fact(status="Inactive"))["status"] == "active"


def test_role_change_changes_no_sourced_id():
    before, after = enrollment_of(fact(roles=["Learner"])), enrollment_of(fact(roles=["Instructor"]))

    assert (before["sourcedId"], before["role"]) != (after["sourcedId"], after["role"])
    assert before["sourcedId"] == after["sourcedId"]


@pytest.mark.parametrize(
    ("mapping", "role"), [pytest.param("compat", None, id="compat"), pytest.param("ext", "ext:mentor", id="ext")]
)
def test_extension_roles_are_for_the_ext_mapping(mapping, role):
    user, enrollment = of_member(make_derivation(make_reading(mapping)), [fact(roles=["Mentor"])])

    assert (enrollment and enrollment["role"]) == role
    assert roles_of(user) == ["ext:mentor"]


def test_one_claim_to_the_lead_makes_a_primary_teacher():
    assert enrollment_of(fact(roles=LEAD), sole_lead=True)["primary"] == "true"


def test_several_claims_make_none_and_are_flagged():
    enrollment = enrollment_of(fact(roles=LEAD), sole_lead=False)

    assert (enrollment["primary"], enrollment["metadata"]["bridge.primary"]) == ("false", "claimed by several")


@pytest.mark.parametrize("sole_lead", [True, False])
@pytest.mark.parametrize(
    "member",
    [
        pytest.param({"roles": ["Instructor"]}, id="without-claim"),
        pytest.param({"roles": LEAD, "status": "Inactive"}, id="inactive"),
    ],
)
def test_who_claims_no_lead_is_not_primary(member, sole_lead):
    enrollment = enrollment_of(fact(**member), sole_lead=sole_lead)

    assert (enrollment["primary"], "bridge.primary" in enrollment["metadata"]) == ("false", False)


@pytest.mark.parametrize(
    ("member", "claims"),
    [
        pytest.param({"roles": LEAD}, True, id="lead"),
        pytest.param({"roles": LEAD, "status": "Inactive"}, False, id="inactive-lead"),
        pytest.param({"roles": [*LEAD, TEST_USER]}, False, id="test-user"),
        pytest.param({"roles": ["Instructor"]}, False, id="instructor"),
    ],
)
def test_claims_lead(member, claims):
    assert make_derivation().claims_lead(fact(**member)) is claims


# -- class and course


def class_of(derivation, context):
    _, class_ = derivation.of_context(context, HERE)
    return class_.body


def test_what_nrps_says_of_the_context_goes_before_what_the_launch_said():
    class_ = class_of(make_derivation(), context_fact(id="2", label="NEW", title="New title"))

    assert (class_["classCode"], class_["title"]) == ("NEW", "New title")


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(None, id="no-fact"),
        pytest.param(context_fact(id="2"), id="id-alone"),
        pytest.param(context_fact(id="2", label=" ", title=""), id="blanks"),
        pytest.param(context_fact(label="NEW"), id="unreadable"),
    ],
)
def test_what_the_launch_said_stands_in(context):
    class_ = class_of(make_derivation(), context)

    assert (class_["classCode"], class_["title"]) == ("MIX101", "Mixed roles")


def test_context_called_otherwise_in_nrps_is_the_same_class():
    class_ = class_of(make_derivation(), context_fact(id="course-v1:elsewhere", title="T"))

    assert class_["sourcedId"] == class_sourced_id("school", HERE)
    assert class_["metadata"]["lti.contextId"] == "2"


# -- what can be used, and when it is derived anew


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b'{"user_id": "27"}', None, id="good"),
        pytest.param(b'{"user_id": "27", "roles": {}}', "roles is not a list of texts", id="bad-roles"),
        pytest.param(b'{"user_id": "27", "email": ["a@example.org"]}', "email is not text", id="bad-email"),
        pytest.param(b'["27"]', "is not a JSON object", id="no-object"),
    ],
)
def test_reason_for_refusing_a_member_names_no_value(raw, reason):
    assert make_derivation().reject(Stated(FactKind.MEMBER, "27", raw)) == reason


def test_any_context_will_do():
    assert make_derivation().reject(Stated(FactKind.CONTEXT, "", b"[]")) is None


_OTHER_TABLE = RoleTable.load('[context]\n"Mentor" = { rank = 5, enrollment = "proctor" }')


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(make_derivation(make_reading("ext")), id="mapping"),
        pytest.param(make_derivation(make_reading(table=_OTHER_TABLE)), id="table"),
        pytest.param(make_derivation(make_reading(trust_admin_roles=True)), id="trust"),
        pytest.param(make_derivation(make_reading(keep_test_users=True)), id="test-users"),
        pytest.param(make_derivation(make_reading(escaped_names=True)), id="escaped-names"),
        pytest.param(make_derivation(origin=make_origin(deployment_id="8")), id="deployment"),
        pytest.param(make_derivation(origin=make_origin(issuer="https://new.example.org")), id="issuer"),
        pytest.param(make_derivation(tenant_issuer="https://new.example.org"), id="tenant-issuer"),
        pytest.param(make_derivation(tenant="other"), id="tenant"),
    ],
)
def test_fingerprint_names_whatever_members_documents_depend_on(other):
    assert other.fingerprint != make_derivation().fingerprint


def test_fingerprint_is_the_same_in_every_process():
    origin = make_origin(context=Context(context_id="2", label="renamed", title="renamed"))

    assert make_derivation(origin=origin).fingerprint == make_derivation().fingerprint


# -- all of it is OneRoster

_at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"familyName": None}, id="null"),
        pytest.param({"enabledUser": True}, id="boolean"),
        pytest.param({"roles": []}, id="no-role"),
        pytest.param({"role": "student"}, id="field-of-1.1"),
        pytest.param({"primaryOrg": {"sourcedId": "a", "type": "org"}}, id="reference-without-href"),
        pytest.param({"roles": [{"roleType": "primary", "role": "administrator", "org": {}}]}, id="enrollment-role"),
        pytest.param({"status": "inactive"}, id="status-of-1.0"),
    ],
)
@pytest.mark.parametrize(
    "check",
    [
        pytest.param(violations, id="by-hand"),
        pytest.param(
            official_violations,
            id="official",
            marks=pytest.mark.skipif(not OFFICIAL.exists(), reason="the official document is not beside the checkout"),
        ),
    ],
)
def test_checks_of_validity_find_what_is_wrong(check, changes):
    user = stamped(user_of(fact()))

    assert check("users", user) == []
    assert check("users", user | changes) != []


_texts = (
    st.none()
    | st.sampled_from(["", " ", "Ada", "O'Brien &amp; ", "محمد", "👩🏽‍🏫", 'Robert"); DROP TABLE Students;--'])
    | st.text(max_size=20)
)
_roles = st.lists(
    st.sampled_from([role.uri for role in VOCABULARY] + ["Instructor", "nonsense", "", *LEAD, TEST_USER]), max_size=4
)
_nrps = st.fixed_dictionaries(
    {"user_id": st.just("27")},
    optional={
        "roles": _roles,
        "status": st.sampled_from(["Active", "Inactive", "Deleted", None, ""]),
        **dict.fromkeys(("name", "given_name", "family_name", "middle_name", "email", "lis_person_sourcedid"), _texts),
        "picture": st.none() | st.just("https://lms.example.org/p.png"),
    },
)
_readings = st.builds(
    make_reading,
    st.sampled_from(["compat", "ext"]),
    trust_admin_roles=st.booleans(),
    keep_test_users=st.booleans(),
    escaped_names=st.booleans(),
)
_contexts = st.fixed_dictionaries({"id": st.just("2")}, optional={"label": _texts, "title": _texts})


@st.composite
def _documents(draw):
    reading = draw(_readings)
    derivation: Derivation = make_derivation(reading, elsewhere=draw(_readings))
    facts = [Fact(FactKind.MEMBER, key, "27", json.dumps(draw(_nrps)).encode()) for key in (HERE, ELSEWHERE, '["4"]')]
    facts = facts[: draw(st.integers(0, 3))]
    derived = [
        *derivation.of_source(),
        *derivation.of_context(context_fact(**draw(_contexts)), HERE),
        *derivation.of_member("27", HERE, facts, sole_lead=draw(st.booleans())),
    ]
    return [(each.collection, each.body) for each in derived if each.body is not None]


@_at_leisure
@given(_documents())
def test_every_document_is_valid_oneroster(documents):
    assert [violations(collection, stamped(body)) for collection, body in documents] == [[]] * len(documents)


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the official OpenAPI document is not beside the checkout")
@_at_leisure
@given(_documents())
def test_every_document_is_valid_by_the_official_document(documents):
    assert [official_violations(collection, stamped(body)) for collection, body in documents] == [[]] * len(documents)


@_at_leisure
@given(_nrps)
def test_original_roles_can_be_read_back(member):
    derivation = make_derivation(make_reading("ext", keep_test_users=True))
    raw = json.dumps(member).encode()

    _, enrollment = of_member(derivation, [Fact(FactKind.MEMBER, HERE, "27", raw)])

    assert enrollment is None or tuple(json.loads(enrollment["metadata"]["lti.roles"])) == load_member(raw).roles
