"""The bridge as an NRPS 2.0 platform, as a tool meets it."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from joserfc.jwk import RSAKey

from bridge.auth.bearer import authenticate_tool
from bridge.auth.rate_limit import RateLimit
from bridge.mirror.erasing import People
from bridge.nrps.provider import NrpsProvider, NrpsProviderSettings
from bridge.nrps.schemas import MEMBERSHIP_CONTAINER
from bridge.roster.identity import LtiUserId, class_sourced_id, user_sourced_id
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, MENTOR, PRIMARY, PUBLIC_URL, Course
from tests.nrps.serving import Serving, link_of, members_of, path_of


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def serving(tmp_path, key):
    opened = Serving(tmp_path, key)
    yield opened
    opened.close()


@pytest.fixture
def course(serving):
    """A teacher, a mentor, who is not enrolled, and three students."""
    course = Course("biology", "Biology")
    course.enrol("tea", PRIMARY, INSTRUCTOR, name="Tea Tamm", email="tea@example.org")
    course.enrol("men", MENTOR)
    for name in ("ann", "ben", "cem"):
        course.enrol(
            name,
            name=f"{name} Abara",
            given_name=name,
            family_name="Abara",
            middle_name="M",
            email=f"{name}@example.org",
            picture=f"https://pictures.example.org/{name}",
            lis_person_sourcedid=f"sis-{name}",
            status="Active",
        )
    serving.school.reconcile(course)
    return course


@pytest.fixture
def tool(serving):
    return serving.tool()


class TestContainer:
    def test_is_of_the_standards_media_type_exactly(self, tool, course):
        assert tool.get(course).headers["Content-Type"] == MEMBERSHIP_CONTAINER

    def test_names_itself_and_its_context(self, tool, course):
        container = json.loads(tool.get(course).get_data())

        assert container["id"] == PUBLIC_URL + path_of(course)
        assert container["context"] == {"id": "biology", "label": "biology", "title": "Biology"}

    def test_gives_every_member_back_as_the_lms_said(self, tool, course):
        said = [json.loads(stated.raw) for stated in course.members.values()]

        assert sorted(members_of(tool.get(course)), key=lambda m: m["user_id"]) == sorted(
            said, key=lambda m: m["user_id"]
        )

    @pytest.mark.parametrize(
        ("share", "properties"),
        [
            ("names", {"name", "given_name", "family_name", "middle_name"}),
            ("email", {"email"}),
            ("picture", {"picture"}),
            ("sourcedid", {"lis_person_sourcedid"}),
        ],
    )
    def test_tells_what_is_shared_and_leaves_the_rest_out(self, serving, course, share, properties):
        (ann,) = (m for m in members_of(serving.tool(shares=[share]).get(course)) if m["user_id"] == "ann")

        assert ann.keys() == {"user_id", "roles", "status"} | properties

    def test_tells_nothing_of_people_where_nothing_is_shared(self, serving, course):
        members = members_of(serving.tool(shares=[]).get(course))

        assert set().union(*members) == {"user_id", "roles", "status"}

    def test_tells_sourced_ids_where_these_are_asked_for(self, serving, course):
        ids = serving.tool(user_ids="sourcedid").ids(course)

        assert set(ids) == {user_sourced_id("north", LtiUserId(name)) for name in ("tea", "men", "ann", "ben", "cem")}

    def test_head_is_answered_as_get(self, tool, course):
        head, get = tool.get(course, method="HEAD"), tool.get(course)

        assert (head.status_code, head.get_data()) == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
        assert link_of(head, "differences") is not None

    def test_unchanged_answer_is_not_sent_again(self, serving, tool, course):
        tag = tool.get(course).headers["ETag"]
        again = tool.get(course, headers={"If-None-Match": tag})
        course.enrol("new")
        serving.school.reconcile(course)

        assert (again.status_code, again.get_data()) == (304, b"")
        assert tool.get(course, headers={"If-None-Match": tag}).status_code == 200

    def test_answer_that_names_somebody_erased_is_unchanged_no_more(self, serving, tool, course):
        course.enrol("gone", name="Gwendolyn Goneaway")
        serving.school.reconcile(course)
        tag = tool.get(course).headers["ETag"]
        people = People(serving.school.mirror, serving.school.clock)
        people.erase(people.find(user_sourced_id(course.source, LtiUserId("gone"))))
        again = tool.get(course, headers={"If-None-Match": tag})

        assert again.status_code == 200
        assert "Goneaway" not in again.get_data(as_text=True)
        assert tool.get(course, headers={"If-None-Match": again.headers["ETag"]}).status_code == 304

    def test_differences_are_over_when_somebody_was_erased_whom_nothing_names(self, serving, tool, course):
        course.enrol("gone", name="Gwendolyn Goneaway")
        serving.school.reconcile(course)
        url = link_of(tool.get(course), "differences")
        before = tool.get(url).status_code
        people = People(serving.school.mirror, serving.school.clock)
        people.erase(people.find(user_sourced_id(course.source, LtiUserId("gone"))))
        after = tool.get(url)

        assert before == 200
        assert after.status_code >= 400
        assert "read the whole roster" in after.get_data(as_text=True)


class TestAccept:
    @pytest.mark.parametrize(
        "accept",
        [
            MEMBERSHIP_CONTAINER,
            "application/json",
            "*/*",
            "application/*",
            None,
            "",
            f"text/html;q=0.3, {MEMBERSHIP_CONTAINER};q=0.1",
        ],
    )
    def test_whoever_takes_the_media_type_or_json_is_answered(self, tool, course, accept):
        answer = tool.get(course, headers={"Accept": accept})

        assert (answer.status_code, answer.headers["Content-Type"]) == (200, MEMBERSHIP_CONTAINER)

    @pytest.mark.parametrize(
        "accept", ["text/html", "application/vnd.ims.lis.v2.membershipcontainer+json", "application/json;q=0, text/*"]
    )
    def test_whoever_takes_neither_is_told_what_there_is(self, tool, course, accept):
        answer = tool.get(course, headers={"Accept": accept})

        assert answer.status_code == 406
        assert MEMBERSHIP_CONTAINER in answer.get_json()["detail"]


class TestWhoMayRead:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_other_methods_are_refused_with_those_allowed(self, tool, course, method):
        answer = tool.get(course, method=method)

        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}

    def test_no_token(self, tool, course):
        answer = tool.get(course, headers={"Authorization": None})

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="bridge"'

    def test_unknown_token(self, tool, course):
        answer = tool.get(course, headers={"Authorization": "Bearer unknown"})

        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    def test_expired_token(self, serving, tool, course):
        tool.get(course)
        serving.school.clock.turn(hours=1)

        assert tool.get(course).status_code == 401

    def test_token_of_a_oneroster_consumer(self, serving, tool, course):
        client, secret = serving.registry.clients.add("consumer", scopes=["x"])
        http = serving.app.test_client()
        asked = http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client.client_id, secret))

        answer = tool.get(course, headers={"Authorization": f"Bearer {asked.get_json()['access_token']}"})

        assert answer.status_code == 401

    def test_revoked_tool(self, serving, tool, course):
        tool.get(course)
        serving.registry.tools.revoke(tool.registered.client_id)

        assert tool.get(course).status_code == 401

    def test_token_without_the_scope(self, serving, tool, course):
        tool.get(course)
        serving.registry.db.execute("UPDATE tool_tokens SET scopes = '[]'")

        answer = tool.get(course)

        assert answer.status_code == 403
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]

    def test_context_of_an_unseen_source_and_no_context_are_alike(self, serving, course):
        tool = serving.tool(sources=["south"])
        unseen, unknown = tool.get(course), tool.get("00000000-0000-5000-8000-000000000000")

        assert unseen.status_code == unknown.status_code == 404
        assert unseen.get_data() == unknown.get_data()

    def test_token_for_one_context_opens_no_other(self, serving, course):
        other = Course("chemistry")
        serving.school.reconcile(other)
        tool = serving.tool(classes=[class_sourced_id(course.source, course.key)])

        assert tool.get(course).status_code == 200
        assert tool.get(other).status_code == 404

    @pytest.mark.parametrize("rlid", ["some-link", "", "1"])
    def test_link_that_is_not_the_tools_is_refused(self, tool, course, rlid):
        answer = tool.get(course, rlid=rlid)

        assert answer.status_code == 400
        assert "rlid" in answer.get_json()["detail"]


class TestRole:
    @pytest.mark.parametrize(
        ("role", "found"),
        [
            ("Learner", {"ann", "ben", "cem"}),
            (LEARNER, {"ann", "ben", "cem"}),
            ("Instructor", {"tea"}),
            (INSTRUCTOR, {"tea"}),
            (PRIMARY, {"tea"}),
            ("http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#Grader", set()),
            ("Mentor", {"men"}),
            ("Teacher", set()),
            ("http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor", set()),
            ("", {"tea", "men", "ann", "ben", "cem"}),
        ],
        ids=[
            *("short", "URI", "short principal", "principal", "sub-role", "other sub-role", "not enrolled", "unknown"),
            *("institution", "empty"),
        ],
    )
    def test_lists_who_has_it(self, tool, course, role, found):
        assert set(tool.ids(course, role=role)) == found

    def test_repeated_lists_who_has_any_of_them(self, tool, course):
        assert set(tool.ids(course, role=["Mentor", "Instructor"])) == {"men", "tea"}

    def test_more_than_anybody_needs_are_refused(self, tool, course):
        assert tool.get(course, role=["Mentor"] * 101).status_code == 200  # all are one
        assert tool.get(course, role=[f"role-{number}" for number in range(101)]).status_code == 400

    def test_stays_with_the_links(self, tool, course):
        pages = list(tool.pages(course, role="Learner", limit=1))

        assert [len(members_of(page)) for page in pages] == [1, 1, 1]
        assert {member["roles"][0] for page in pages for member in members_of(page)} == {LEARNER}


class TestPages:
    @pytest.mark.parametrize("limit", ["0", "-1", "abc", "", "1_0", "٣", "99999999999999999999"])
    def test_limit_that_cannot_be_honoured_is_passed_over_or_cut(self, tool, course, limit):
        assert len(tool.ids(course, limit=limit)) == 5

    def test_no_page_is_larger_than_the_setting(self, tmp_path, key):
        serving = Serving(tmp_path / "small", key, max_page=2)
        course = Course("biology")
        for number in range(5):
            course.enrol(f"u{number}")
        serving.school.reconcile(course)
        pages = list(serving.tool().pages(course, limit=100))
        serving.close()

        assert [len(members_of(page)) for page in pages] == [2, 2, 1]

    def test_next_leads_to_the_last_member_and_repeats_nobody(self, tool, course):
        listed = [member["user_id"] for page in tool.pages(course, limit=2) for member in members_of(page)]

        assert sorted(listed) == ["ann", "ben", "cem", "men", "tea"]

    def test_next_and_differences_stand_on_one_line_next_first(self, tool, course):
        (line,) = tool.get(course, limit=4).headers.getlist("Link")

        assert line.index('rel="next"') < line.index('rel="differences"')
        assert line.startswith(f"<{PUBLIC_URL}/")

    def test_last_page_has_no_next_and_later_ones_no_differences(self, tool, course):
        first, last = tool.pages(course, limit=3)

        assert (link_of(last, "next"), link_of(last, "differences")) == (None, None)
        assert link_of(first, "differences") is not None

    @pytest.mark.parametrize("rel", ["next", "differences"])
    def test_links_survive_lower_casing(self, serving, tool, rel):
        course = Course("Biology-A")
        course.enrol("ann")
        course.enrol("ben")
        serving.school.reconcile(course)
        url = link_of(tool.get(course, limit=1), rel)

        assert tool.get(url.lower()).get_data() == tool.get(url).get_data()

    def test_other_parameters_beside_a_cursor_change_nothing(self, tool, course):
        url = link_of(tool.get(course, limit=2), "next")

        assert tool.get(f"{url}&limit=1&role=Mentor").get_data() == tool.get(url).get_data()

    def test_tampered_cursor_is_refused(self, tool, course):
        url = link_of(tool.get(course, limit=2), "next")
        other = "b" if url[-20] == "a" else "a"

        answer = tool.get(url[:-20] + other + url[-19:])

        assert (answer.status_code, "cursor" in answer.get_json()["detail"]) == (400, True)

    @pytest.mark.parametrize("cursor", ["", "0", "é", "a" * 5000])
    def test_nonsense_for_a_cursor_is_refused(self, tool, course, cursor):
        assert tool.get(course, cursor=cursor).status_code == 400

    def test_cursor_of_another_tool_is_refused(self, serving, tool, course):
        assert serving.tool().get(link_of(tool.get(course, limit=2), "next")).status_code == 400

    def test_cursor_of_another_context_is_refused(self, serving, tool, course):
        other = Course("chemistry")
        serving.school.reconcile(other)
        url = link_of(tool.get(course, limit=2), "next").replace(path_of(course), path_of(other))

        assert tool.get(url).status_code == 400

    def test_expired_next_is_gone_and_never_the_first_page(self, serving, course):
        tool = serving.tool()
        url = link_of(tool.get(course, limit=2), "next")
        serving.school.clock.turn(days=1, seconds=1)

        assert serving_again(tool).get(url).status_code == 410

    def test_change_between_pages_loses_and_repeats_nobody(self, serving, tool, course):
        pages = tool.pages(course, limit=2)
        first = next(pages)
        seen = {member["user_id"] for member in members_of(first)}
        course.leave(sorted(seen)[0])
        course.enrol("aaa")
        serving.school.reconcile(course)
        rest = [member["user_id"] for page in pages for member in members_of(page)]

        assert sorted(rest) == sorted({"tea", "men", "ann", "ben", "cem", "aaa"} - seen)
        assert tool.differences(link_of(first, "differences")) == {sorted(seen)[0]: "Deleted", "aaa": None}


class TestClassOfASis:
    """With the ids that real SISs give."""

    @pytest.fixture(params=["Algebra-A", "a/b", "7 b;c,d", "é%2F", "/a", "//", "a/"])
    def class_id(self, serving, request):
        users = [{"sourcedId": f"U{n}", "status": "active", "enabledUser": "true"} for n in range(3)]
        enrollments = [
            {
                "sourcedId": f"E{n}",
                "status": "active",
                "role": "student",
                "user": {"sourcedId": f"U{n}"},
                "class": {"sourcedId": request.param},
            }
            for n in range(3)
        ]
        serving.put(
            classes=[{"sourcedId": request.param, "status": "active", "title": "Algebra"}],
            users=users,
            enrollments=enrollments,
        )
        return request.param

    def test_is_read_page_by_page(self, tool, class_id):
        ids = [member["user_id"] for page in tool.pages(class_id, limit=2) for member in members_of(page)]

        assert ids == ["U0", "U1", "U2"]

    @pytest.mark.parametrize("rel", ["next", "differences"])
    def test_links_survive_lower_casing(self, tool, class_id, rel):
        url = link_of(tool.get(class_id, limit=2), rel)

        assert tool.get(url.lower()).get_data() == tool.get(url).get_data()
        assert members_of(tool.get(url.lower())) or rel == "differences"

    def test_what_changed_is_told(self, serving, tool, class_id):
        since = link_of(tool.get(class_id), "differences")
        serving.put(users=[{"sourcedId": "U1", "status": "tobedeleted", "enabledUser": "true"}])

        assert tool.differences(since) == {"U1": "Deleted"}

    def test_tells_the_sourced_id_whichever_ids_are_asked_for(self, serving, class_id):
        assert serving.tool(user_ids="sourcedid").ids(class_id) == serving.tool().ids(class_id)


def test_tool_that_asks_too_fast_is_told_to_wait(tmp_path, key):
    serving = Serving(tmp_path / "slow", key, requests_per_second=1)
    tool = serving.tool()
    statuses = [tool.get("no-such-class").status_code for _ in range(2)]
    serving.close()

    assert statuses == [404, 429]


def serving_again(tool):
    """The tool with a new token: its old one has expired too."""
    tool._token = None
    return tool


class TestDifferences:
    @pytest.fixture
    def since(self, tool, course):
        return link_of(tool.get(course), "differences")

    def test_nothing_has_changed(self, tool, since):
        assert tool.differences(since) == {}

    def test_who_was_added(self, serving, tool, course, since):
        course.enrol("new")
        serving.school.reconcile(course)

        assert tool.differences(since) == {"new": None}

    @pytest.mark.parametrize("change", [{"name": "Other"}, {"status": "Inactive"}], ids=["name", "status"])
    def test_who_was_changed(self, serving, tool, course, since, change):
        course.enrol("men", MENTOR, **change)
        serving.school.reconcile(course)

        assert tool.differences(since) == {"men": change.get("status")}

    def test_who_was_removed(self, serving, tool, course, since):
        course.leave("ann")
        serving.school.reconcile(course)

        (ann,) = members_of(tool.get(since))
        assert ann == {"user_id": "ann", "roles": [LEARNER], "status": "Deleted"}

    def test_who_was_removed_and_added_again(self, serving, tool, course, since):
        ann = course.members["ann"]
        course.leave("ann")
        serving.school.reconcile(course)
        course.members["ann"] = ann
        serving.school.reconcile(course)

        assert tool.differences(since) == {"ann": "Active"}

    def test_are_net_and_can_be_asked_again(self, serving, tool, course, since):
        course.enrol("new")
        serving.school.reconcile(course)
        tool.get(since)
        course.enrol("newer")
        serving.school.reconcile(course)

        assert tool.differences(since).keys() == {"new", "newer"}

    def test_go_on_from_their_own_link(self, serving, tool, course, since):
        course.enrol("new")
        serving.school.reconcile(course)
        following = link_of(tool.get(since), "differences")
        course.enrol("newer")
        serving.school.reconcile(course)

        assert tool.differences(following).keys() == {"newer"}

    def test_come_in_pages(self, serving, tool, course):
        since = link_of(tool.get(course, limit=2), "differences")
        for number in range(5):
            course.enrol(f"n{number}")
        serving.school.reconcile(course)

        pages = list(tool.pages(since))

        assert [len(members_of(page)) for page in pages] == [2, 2, 1]

    def test_of_another_class_do_not_show(self, serving, tool, since):
        other = Course("chemistry")
        other.enrol("new")
        serving.school.reconcile(other)

        assert tool.differences(since) == {}

    @pytest.mark.parametrize("days", [88, 89])
    def test_are_gone_when_who_has_left_is_not_remembered(self, serving, tool, since, days):
        serving.school.clock.turn(days=days)

        assert serving_again(tool).get(since).status_code == (200 if days < 89 else 410)

    @pytest.mark.parametrize(
        "change",
        [{"shares": ["names"]}, {"user_ids": "sourcedid"}, {"sources": ["north"]}],
        ids=["privacy", "user ids", "visibility"],
    )
    @pytest.mark.parametrize("rel", ["next", "differences"])
    def test_are_gone_when_what_the_tool_may_see_has_changed(self, serving, tool, course, rel, change):
        url = link_of(tool.get(course, limit=2), rel)
        serving.registry.tools.set(tool.registered.client_id, **change)

        assert tool.get(url).status_code == 410

    def test_stay_when_the_tool_is_called_otherwise(self, serving, tool, since):
        serving.registry.tools.set(tool.registered.client_id, name="Other")

        assert tool.get(since).status_code == 200

    @pytest.mark.parametrize("rel", ["next", "differences"])
    def test_are_gone_after_a_restore(self, serving, tool, course, rel):
        url = link_of(tool.get(course, limit=2), rel)
        serving.school.mirror.db.execute("UPDATE meta SET value = 'other' WHERE key = 'epoch'")

        assert tool.get(url).status_code == 410


def test_tool_with_too_many_requests_in_hand_is_told_to_wait(serving, tool, course):
    wiring = serving.app.extensions["bridge"]
    provider = NrpsProvider(
        NrpsProviderSettings(public_url=PUBLIC_URL, max_page=10, at_once=0, remembered=timedelta(days=1)),
        authenticate=lambda header: authenticate_tool(header, wiring.registry),
        rate_limit=RateLimit(0),
        pages=lambda: wiring.pages,
        memberships=lambda: wiring.memberships,
        seals=lambda: wiring.membership_seals,
        clock=wiring.clock,
    )
    app = Flask("memberships alone")
    app.register_blueprint(provider.blueprint())

    answer = app.test_client().get(path_of(course), headers={"Authorization": f"Bearer {tool.token}"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
