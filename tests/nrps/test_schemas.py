import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.nrps.schemas import InvalidMember, load_context, load_member, merge_members
from bridge.roster.memberships import Context, Membership, MemberStatus

ABSENT = object()


def load(**fields):
    return load_member(json.dumps({"user_id": "7"} | fields).encode())


def merge(earlier, later):
    merged = merge_members(
        json.dumps({"user_id": "7"} | earlier).encode(), json.dumps({"user_id": "7"} | later).encode()
    )
    return json.loads(merged)


@pytest.mark.clause('NRPS 2.0 "Membership container media type"')
def test_full_member_is_read():
    raw = b"""{
        "status": "Active", "name": "Jane Q. Public", "picture": "https://lms.example.org/jane.jpg",
        "given_name": "Jane", "family_name": "Public", "middle_name": "Q", "email": "jane@example.org",
        "user_id": "0ae836b9", "lis_person_sourcedid": "59254-6782", "lti11_legacy_user_id": "x",
        "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor", "Mentor"]
    }"""

    assert load_member(raw) == Membership(
        user_id="0ae836b9",
        roles=("http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor", "Mentor"),
        status=MemberStatus.ACTIVE,
        name="Jane Q. Public",
        given_name="Jane",
        family_name="Public",
        middle_name="Q",
        email="jane@example.org",
        picture="https://lms.example.org/jane.jpg",
        person_sourced_id="59254-6782",
    )


texts = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["", " ", "\u2003", "\n"])
odd = st.none() | st.integers() | st.lists(texts, max_size=3) | st.booleans()


@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "given_name", "family_name", "middle_name", "email", "picture", "lis_person_sourcedid"]
        ),
        texts | odd,
    ),
    texts | odd,
    texts | odd,
    texts | odd | st.sampled_from(["Active", "Inactive", "Deleted", "active"]),
)
def test_usual_members_are_read_as_the_unusual_ones(details, user_id, roles, status):
    raw = json.dumps(details | {"user_id": user_id, "roles": roles, "status": status}).encode()

    def outcome(text):
        try:
            return load_member(text)
        except InvalidMember as error:
            return str(error)

    # One that is long is not read the short way.
    assert outcome(raw) == outcome(raw + b" " * 5000)


def test_user_id_alone_is_a_member():
    assert load() == Membership(user_id="7")


def test_numbers_stand_for_their_digits():
    assert (load(user_id=42).user_id, load(lis_person_sourcedid=7).person_sourced_id) == ("42", "7")


@pytest.mark.parametrize("blank", ["", " ", "\u00a0\t", None], ids=["empty", "space", "other-spaces", "null"])
def test_blank_is_absent(blank):
    assert load(name=blank, given_name=blank, email=blank, lis_person_sourcedid=blank, status=blank) == Membership(
        user_id="7"
    )


@pytest.mark.parametrize(
    ("stated", "roles"),
    [
        pytest.param(["Learner", "Learner", "urn:x"], ("Learner", "Learner", "urn:x"), id="kept-as-listed"),
        pytest.param("Learner", ("Learner",), id="one-as-text"),
        pytest.param([], (), id="none"),
        pytest.param(None, (), id="null"),
        pytest.param(["", None, "Learner"], ("Learner",), id="blanks-among-them"),
    ],
)
def test_roles_are_read(stated, roles):
    assert load(roles=stated).roles == roles


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        pytest.param("Active", MemberStatus.ACTIVE, id="active"),
        pytest.param("inactive", MemberStatus.INACTIVE, id="lower-case"),
        pytest.param("DELETED", MemberStatus.DELETED, id="upper-case"),
        pytest.param("liss:Active", MemberStatus.ACTIVE, id="prefixed"),
        pytest.param("http://purl.imsglobal.org/vocab/lis/v2/status#Inactive", MemberStatus.INACTIVE, id="uri"),
    ],
)
def test_status_is_read_in_its_known_forms(stated, status):
    assert load(status=stated).status is status


@pytest.mark.parametrize(
    "message",
    [
        pytest.param([{"https://purl.imsglobal.org/spec/lti/claim/message_type": "LtiResourceLinkRequest"}], id="list"),
        pytest.param({"custom": {}}, id="object"),
        pytest.param([], id="empty"),
    ],
)
def test_message_is_left_alone(message):
    assert load(message=message, group_enrollments=[{"group_id": "1"}]) == Membership(user_id="7")


def test_picture_may_be_of_any_length():
    assert load(picture="data:" + "x" * 10_000).picture == "data:" + "x" * 10_000


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"user_id": None}, "user_id is missing", id="user-id-null"),
        pytest.param({"user_id": " "}, "user_id is blank", id="user-id-blank"),
        pytest.param({"user_id": True}, "user_id is not text", id="user-id-boolean"),
        pytest.param({"user_id": "x" * 256}, "user_id is longer than 255 characters", id="user-id-too-long"),
        pytest.param({"name": "x" * 1_000_000}, "name is longer than 4096 characters", id="name-too-long"),
        pytest.param({"email": ["ada@example.org"]}, "email is not text", id="email-a-list"),
        pytest.param({"given_name": False}, "given_name is not text", id="name-boolean"),
        pytest.param({"lis_person_sourcedid": {}}, "lis_person_sourcedid is not text", id="sourced-id-an-object"),
        pytest.param({"roles": {"x": 1}}, "roles is not a list of texts", id="roles-an-object"),
        pytest.param({"roles": ["Learner", 1]}, "roles is not a list of texts", id="role-a-number"),
        pytest.param({"roles": ["x" * 5000]}, "roles holds a role longer than 4096 characters", id="role-too-long"),
        pytest.param({"roles": ["Learner"] * 101}, "roles are more than 100", id="roles-too-many"),
        pytest.param({"picture": "x" * 4_194_304}, "is longer than 4194304 bytes", id="all-too-long"),
        pytest.param({"status": "Suspended"}, "status is none of Active, Inactive and Deleted", id="status-unknown"),
        pytest.param({"status": 1}, "status is none of Active, Inactive and Deleted", id="status-a-number"),
    ],
)
def test_member_that_cannot_be_used_is_invalid(fields, reason):
    with pytest.raises(InvalidMember) as raised:
        load(**fields)
    assert str(raised.value) == reason


def test_every_reason_is_given():
    with pytest.raises(InvalidMember) as raised:
        load(email=[], status="?")
    assert set(str(raised.value).split("; ")) == {
        "email is not text",
        "status is none of Active, Inactive and Deleted",
    }


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'{"name": "Ada"}', id="without-user-id"),
        pytest.param(b'{"user_id": "7", "name": "\xff"}', id="not-utf-8"),
        pytest.param(b'{"user_id": ' + b"[" * 100_000, id="nested-without-end"),
    ],
)
def test_text_that_is_no_member_is_invalid(raw):
    with pytest.raises(InvalidMember):
        load_member(raw)


@pytest.mark.parametrize(
    ("raw", "context"),
    [
        pytest.param(
            b'{"id":"c1","label":"MIX101","title":"Mixed"}',
            Context(context_id="c1", label="MIX101", title="Mixed"),
            id="full",
        ),
        pytest.param(b'{"id":2,"label":"","title":null}', Context(context_id="2"), id="number-and-blanks"),
        pytest.param(b'{"label":"MIX101"}', None, id="without-id"),
        pytest.param(b'{"id":""}', None, id="blank-id"),
        pytest.param(b'"c1"', None, id="no-object"),
    ],
)
def test_context_is_read(raw, context):
    assert load_context(raw) == context


def test_merged_roles_are_those_of_both_in_order():
    merged = merge({"roles": ["Learner", "Mentor"]}, {"roles": ["Instructor", "Learner"]})

    assert merged["roles"] == ["Learner", "Mentor", "Instructor"]


@pytest.mark.parametrize(
    "roles",
    [
        pytest.param([f"Role{number}" for number in range(101)], id="too-many"),
        pytest.param(["Learner", {"x": 1}], id="not-texts"),
    ],
)
def test_roles_that_cannot_be_used_are_not_merged(roles):
    with pytest.raises(InvalidMember, match=r"^roles "):
        merge({"roles": roles}, {"roles": ["Mentor"]})


def test_one_role_as_text_is_merged_too():
    assert merge({"roles": "Learner"}, {"roles": ["Mentor"]})["roles"] == ["Learner", "Mentor"]


def test_roles_stated_once_are_kept():
    assert merge({"roles": ["Learner"]}, {})["roles"] == ["Learner"]


def test_later_text_counts_unless_it_is_blank():
    merged = merge({"name": "A", "email": "a@example.org", "x": 1}, {"name": "B", "email": " ", "y": 2})

    assert merged == {"user_id": "7", "name": "B", "email": "a@example.org", "x": 1, "y": 2}


@pytest.mark.parametrize(
    ("earlier", "later", "status"),
    [
        pytest.param("Active", "Inactive", "Active", id="active-first"),
        pytest.param("Inactive", "active", "Active", id="active-last"),
        pytest.param(ABSENT, "Inactive", "Active", id="unstated-is-active"),
        pytest.param("Inactive", "", "Active", id="blank-is-active"),
        pytest.param("Inactive", "Inactive", "Inactive", id="both-inactive"),
        pytest.param("Inactive", "Odd", "Odd", id="unknown-is-left-to-validation"),
    ],
)
def test_active_beats_inactive(earlier, later, status):
    stated = [{} if each is ABSENT else {"status": each} for each in (earlier, later)]

    assert merge(*stated)["status"] == status
