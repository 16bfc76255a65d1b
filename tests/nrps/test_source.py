import json

import pytest

from bridge.errors import SourceUnavailable
from bridge.nrps.schemas import load_context, load_member
from bridge.nrps.source import NrpsSnapshot, RosterAddress
from bridge.roster.identity import context_key
from bridge.roster.ports import FactKind, Gone, Listed, PageRead, Rejected, Snapshot, Stated


@pytest.fixture
def make_snapshot(client, lms):
    def make(**options):
        address = RosterAddress(
            platform=lms.platform,
            url=lms.url,
            source="school",
            context=context_key("2"),
            context_id="2",
            person_scope=options.pop("person_scope", None),
        )
        return NrpsSnapshot(client, address, **{"complete": True} | options)

    return make


@pytest.fixture
def snapshot(make_snapshot):
    return make_snapshot()


def one_by_one(snapshot):
    """What it says, with what it lists looked into."""
    for said in snapshot:
        if isinstance(said, Listed):
            yield from said
        else:
            yield said


def stated_context(snapshot):
    return next(each for each in one_by_one(snapshot) if isinstance(each, Stated) and each.kind is FactKind.CONTEXT)


def test_snapshot_names_source_and_context(make_snapshot):
    snapshot: Snapshot = make_snapshot()

    assert (snapshot.source, snapshot.context, snapshot.complete) == ("school", '["2"]', True)


def test_context_comes_first_and_once_then_every_member(snapshot, lms, page):
    lms.says("/members", page("ada", context="2", following="?p=2"))
    lms.says("/members?p=2", page("ben", context="2"))

    assert [(each.kind, each.subject) for each in one_by_one(snapshot) if isinstance(each, Stated)] == [
        (FactKind.CONTEXT, ""),
        (FactKind.MEMBER, "ada"),
        (FactKind.MEMBER, "ben"),
    ]


def test_every_further_page_is_told_though_it_says_nothing(snapshot, lms, page):
    lms.says("/members", page("ada", following="?p=2"))
    lms.says("/members?p=2", page(following="?p=3"))
    lms.says("/members?p=3", page("ben"))

    assert [type(each) for each in one_by_one(snapshot)] == [Stated, Stated, PageRead, PageRead, Stated]


def test_raw_text_is_kept(snapshot, lms, page):
    lms.says("/members", page({"user_id": 7, "ext": {"x": "\u00e9"}}, context={"id": "2", "title": "\u00fc"}))

    context, member = one_by_one(snapshot)

    assert context.raw == b'{"id": "2", "title": "\\u00fc"}'
    assert (member.subject, member.raw) == ("7", b'{"user_id": 7, "ext": {"x": "\\u00e9"}}')


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(None, id="absent"),
        pytest.param({"label": "MIX101"}, id="without-id"),
        pytest.param([], id="no-object"),
    ],
)
def test_registered_context_is_stated_where_the_platform_gives_none(snapshot, lms, page, context):
    lms.says("/members", page(context=context))

    assert stated_context(snapshot).raw == b'{"id":"2"}'


def test_empty_roster_states_its_context_still(snapshot, lms, page):
    lms.says("/members", page(context="2"))

    assert [each.kind for each in one_by_one(snapshot)] == [FactKind.CONTEXT]


def test_unreadable_members_are_rejected_and_the_rest_goes_on(snapshot, lms, page):
    broken = page("ada", {"name": "Nobody"}, {"user_id": True}, following="?p=2")
    lms.says("/members", broken)
    last = page("ben", {"user_id": "cyd", "name": "?"})
    last.data = last.data.replace(b'"?"', b'"\xff"')
    lms.says("/members?p=2", last)

    _context, *members = (each for each in one_by_one(snapshot) if not isinstance(each, PageRead))

    assert [(type(each), each.subject) for each in members] == [
        (Stated, "ada"),
        (Rejected, None),
        (Rejected, None),
        (Stated, "ben"),
        (Rejected, "cyd"),
    ]
    assert [each.position for each in members if isinstance(each, Rejected)] == [1, 2, 4]


def test_members_that_fail_on_other_grounds_are_still_stated(snapshot, lms, page):
    lms.says("/members", page({"user_id": "ada", "status": "Odd"}, {"user_id": "x" * 300}))

    assert [each.subject for each in one_by_one(snapshot)] == ["", "ada", "x" * 300]


@pytest.mark.parametrize(
    ("options", "complete"),
    [
        pytest.param({}, True, id="everybody"),
        pytest.param({"limit": 50}, True, id="in-pages"),
        pytest.param({"role": "Learner"}, False, id="one-role"),
        pytest.param({"rlid": "5"}, False, id="one-resource-link"),
        pytest.param({"complete": False}, False, id="a-platform-that-shows-some"),
    ],
)
def test_filtered_reading_is_never_complete(make_snapshot, options, complete):
    assert make_snapshot(**options).complete is complete


def test_filters_are_sent(make_snapshot, lms, page):
    lms.says("/members?role=Learner&limit=9&rlid=5", page("ada"))

    list(make_snapshot(role="Learner", rlid="5", limit=9))

    assert lms.asked == ["/members?role=Learner&limit=9&rlid=5"]


def test_failure_midway_is_raised_while_iterating(snapshot, lms, page):
    lms.says("/members", page("ada", following="?p=2"))
    lms.says("/members?p=2", page(status=503))

    with pytest.raises(SourceUnavailable):
        list(one_by_one(snapshot))


def test_person_on_two_pages_can_be_merged(snapshot, lms, page):
    lms.says("/members", page({"user_id": "ada", "roles": ["Learner"]}, following="?p=2"))
    lms.says("/members?p=2", page({"user_id": "ada", "roles": ["Instructor"]}))

    _context, first, _page, second = one_by_one(snapshot)

    assert json.loads(snapshot.merge(first.raw, second.raw))["roles"] == ["Learner", "Instructor"]


def test_recorded_moodle_course_is_read_whole(snapshot, lms, recorded):
    lms.says("/members", recorded("mix-all"))

    context, *members = one_by_one(snapshot)

    assert load_context(context.raw).label == "MIX101"
    assert len(members) == 33
    assert all(load_member(member.raw).user_id == member.subject for member in members)
    blank = next(member for member in (load_member(each.raw) for each in members) if member.user_id == "27")
    assert (blank.name, blank.given_name, blank.person_sourced_id) == (None, None, "SIS-U-STU_NONAMES")


def test_member_of_more_than_four_megabytes_is_rejected_before_it_is_staged(snapshot, lms, page):
    lms.says("/members", page({"user_id": "ada", "picture": "x" * 4_194_304}, "ben"))

    _context, first, second = one_by_one(snapshot)

    assert first == Rejected(0, "ada", "is longer than 4194304 bytes")
    assert second.subject == "ben"


@pytest.mark.parametrize(
    "status",
    [
        pytest.param("Deleted", id="as-NRPS-writes-it"),
        pytest.param("deleted", id="lower-case"),
        pytest.param("http://purl.imsglobal.org/vocab/lis/v2/status#Deleted", id="uri"),
    ],
)
def test_members_listed_as_deleted_are_gone(snapshot, lms, page, status):
    lms.says("/members", page("ada", {"user_id": "ben", "roles": [], "status": status}))

    assert list(one_by_one(snapshot))[2] == Gone("ben")


def test_a_status_that_cannot_be_read_is_nobodys_departure(snapshot, lms, page):
    lms.says("/members", page({"user_id": "ben", "status": 7}, {"user_id": "cyd", "status": "Inactive"}))

    assert [type(each) for each in one_by_one(snapshot)] == [Stated, Stated, Stated]


def test_members_of_one_customer_among_many_are_named_by_the_deployment_too(make_snapshot, lms, page):
    lms.says("/members", page("ada", {"user_id": "ben", "status": "Deleted"}))

    assert [each.subject for each in one_by_one(make_snapshot(person_scope="7"))] == ["", '["ada","7"]', '["ben","7"]']


def test_only_those_with_the_role_are_stated(make_snapshot, lms, page):
    lms.says(
        "/members?role=Mentor", page("ada", {"user_id": "ben", "roles": ["Mentor"]}, {"user_id": "cyd", "roles": 5})
    )

    assert [each.subject for each in one_by_one(make_snapshot(role="Mentor"))] == ["", "ben", "cyd"]


@pytest.mark.parametrize(
    ("options", "target", "remembered"),
    [
        pytest.param({}, "/members", True, id="everybody"),
        pytest.param({"role": "Learner"}, "/members?role=Learner", False, id="one-role"),
        pytest.param({"rlid": "5"}, "/members?rlid=5", False, id="one-resource-link"),
        pytest.param({"differences": False}, "/members", False, id="switched-off"),
    ],
)
def test_where_changes_are_told_is_remembered_of_whole_rosters_only(
    make_snapshot, lms, page, options, target, remembered
):
    lms.says(target, page("ada", headers=[("Link", "</since?t=1>; rel=differences")]))
    snapshot = make_snapshot(**options)
    list(one_by_one(snapshot))

    assert (snapshot.bookmark is not None) is remembered


def test_changes_are_asked_for_at_that_url_undecorated(make_snapshot, lms, page):
    lms.says("/members?limit=9", page("ada", headers=[("Link", "</since?t=A;B,C>; rel=differences")]))
    lms.says("/since?t=A;B,C", page({"user_id": "ben", "status": "Deleted"}, context=None))
    snapshot = make_snapshot(limit=9)
    list(one_by_one(snapshot))
    changes = snapshot.since(snapshot.bookmark)

    assert (list(one_by_one(changes)), changes.complete, changes.bookmark) == ([Gone("ben")], False, snapshot.bookmark)
